//! Finds the host: from options, or from where the configuration says its socket is. Reads no more of the configuration
//! than that, so that a mistake elsewhere in it never keeps anyone from a rollback.

use std::path::{Path, PathBuf};

use super::args::GlobalArgs;
use super::exit::CliError;
use handoff_control::client::{Client, Target, Token};

/// Largest configuration or token file that is read.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// The data folder and the socket of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    /// Where the store lies.
    pub(super) data: PathBuf,
    /// Where the host listens.
    pub(super) socket: PathBuf,
}

/// A client for the host that the options mean.
pub(super) fn client(global: &GlobalArgs) -> Result<Client, CliError> {
    Ok(Client::new(target(global)?)?)
}

/// Where the host that the options mean listens.
pub(super) fn target(global: &GlobalArgs) -> Result<Target, CliError> {
    if let Some(url) = &global.url {
        let path = global.token_file.as_deref().ok_or_else(|| CliError::usage("--url needs --token-file"))?;
        let token = read(path, "the token file")?;
        if token.trim().is_empty() || token.trim().contains(char::is_whitespace) {
            return Err(CliError::invalid(format!("{}: expected one token, nothing else", path.display())));
        }
        return Ok(Target::Tcp { url: url.clone(), token: Token::new(&token) });
    }
    if let Some(socket) = &global.socket {
        return Ok(Target::Socket(socket.clone()));
    }
    Ok(Target::Socket(places(&global.config)?.socket))
}

/// The data folder and the socket that a configuration means. Relative paths count from the file's folder, as in the
/// host; a missing file means the defaults.
pub(super) fn places(config: &Path) -> Result<Places, CliError> {
    let folder = config.parent().unwrap_or(Path::new(""));
    let table: toml::Table = if config.exists() {
        let text = read(config, "the configuration")?;
        text.parse().map_err(|error: toml::de::Error| {
            CliError::invalid(format!("{}: {}", config.display(), error.message()))
                .hint("`handoff check` shows the place; --socket PATH works without a configuration")
        })?
    } else {
        toml::Table::new()
    };
    let path = |section: &str, key: &str| {
        table
            .get(section)
            .and_then(|section| section.get(key))
            .and_then(toml::Value::as_str)
            .map(|text| folder.join(text))
    };
    let data = path("host", "data").unwrap_or_else(|| folder.join("data"));
    let socket = path("control", "socket").unwrap_or_else(|| data.join("control.sock"));
    Ok(Places { data, socket })
}

/// Reads a text file of bounded size.
pub(super) fn read(path: &Path, what: &str) -> Result<String, CliError> {
    let fail =
        |reason: &dyn std::fmt::Display| CliError::invalid(format!("cannot read {what} {}: {reason}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| fail(&error))?.len();
    if size > FILE_BYTES_MAX {
        return Err(fail(&format!("{size} bytes; expected at most {FILE_BYTES_MAX}")));
    }
    std::fs::read_to_string(path).map_err(|error| fail(&error))
}
