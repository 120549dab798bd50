//! Where secrets are stored, and reading one of them. It caches nothing and puts no secret into an error.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;

use handoff_policy::secrets::{MAX_SECRET_BYTES, Secret, SecretReader};

/// How long a copy of a file or variable is used.
const KEEP_FILE_MS: u64 = 5_000;
/// How long the output of a command is used: it may query a vault over the network.
const KEEP_COMMAND_MS: u64 = 60_000;
/// How long a command may run.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a secret is stored: one of `file`, `env` and `command` in `[secrets.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SecretSource {
    /// A file; one line break at its end is not part of the secret.
    File(PathBuf),
    /// A variable of the host's environment.
    Env(String),
    /// A program and its arguments, run without a shell; it prints the secret.
    Command(Vec<String>),
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Env(name) => write!(f, "environment variable {name}"),
            // Arguments may contain secrets.
            Self::Command(command) => write!(f, "command {}", command.first().map_or("", String::as_str)),
        }
    }
}

/// Readers of all sources. Each remembers whether it has warned.
#[must_use]
pub(crate) fn readers<'a>(
    sources: impl IntoIterator<Item = (&'a String, &'a SecretSource)>,
) -> BTreeMap<String, Arc<dyn SecretReader>> {
    let reader = |source: &SecretSource| Reader { source: source.clone(), warned: AtomicBool::new(false) };
    let entry =
        |(name, source): (&String, &SecretSource)| (name.clone(), Arc::new(reader(source)) as Arc<dyn SecretReader>);
    sources.into_iter().map(entry).collect()
}

/// A source in use.
struct Reader {
    source: SecretSource,
    /// Whether the warning about file permissions was logged: once is enough.
    warned: AtomicBool,
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl SecretReader for Reader {
    fn check(&self) -> Result<(), String> {
        match &self.source {
            SecretSource::File(path) if path.as_os_str().is_empty() => Err("empty path; expected a file".to_owned()),
            SecretSource::Env(name) if name.is_empty() || name.contains(['=', '\0']) => {
                Err("expected the name of a variable, without `=`".to_owned())
            }
            SecretSource::Command(command) if command.first().is_none_or(String::is_empty) => {
                Err("empty; expected a program and its arguments, for example [\"vault\", \"kv\", \"get\"]".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn keep_ms(&self) -> u64 {
        match &self.source {
            SecretSource::File(_) | SecretSource::Env(_) => KEEP_FILE_MS,
            SecretSource::Command(_) => KEEP_COMMAND_MS,
        }
    }

    fn least_ms(&self) -> u64 {
        match &self.source {
            SecretSource::File(_) | SecretSource::Env(_) => 0,
            SecretSource::Command(_) => KEEP_FILE_MS,
        }
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, String>> {
        async move {
            let secret = match &self.source {
                SecretSource::File(path) => read_file(name, path, &self.warned).await?,
                SecretSource::Env(variable) => read_env(variable)?,
                SecretSource::Command(command) => run(command).await?,
            };
            if secret.expose().is_empty() { Err("is empty; expected the secret".to_owned()) } else { Ok(secret) }
        }
        .boxed()
    }
}

async fn read_file(name: &str, path: &Path, warned: &AtomicBool) -> Result<Secret, String> {
    let file = tokio::fs::File::open(path).await.map_err(|error| format!("cannot be opened: {error}"))?;
    let metadata = file.metadata().await.map_err(|error| format!("cannot be examined: {error}"))?;
    if !metadata.is_file() {
        return Err("is not a regular file".to_owned());
    }
    warn_if_open_to_all(name, path, &metadata, warned);
    read_bounded(file).await
}

#[cfg(unix)]
fn warn_if_open_to_all(name: &str, path: &Path, metadata: &std::fs::Metadata, warned: &AtomicBool) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode();
    if mode & 0o007 != 0 && !warned.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            secret = name,
            path = %path.display(),
            mode = format!("{:o}", mode & 0o777),
            "every user of this machine can read a secret: set the file mode to 0600 or 0640"
        );
    }
}

#[cfg(not(unix))]
fn warn_if_open_to_all(_: &str, _: &Path, _: &std::fs::Metadata, _: &AtomicBool) {}

fn read_env(variable: &str) -> Result<Secret, String> {
    let value = std::env::var(variable).map_err(|error| match error {
        std::env::VarError::NotPresent => "is not set".to_owned(),
        std::env::VarError::NotUnicode(_) => "is not UTF-8".to_owned(),
    })?;
    if value.len() > MAX_SECRET_BYTES { Err(too_large()) } else { Ok(trimmed(value.into_bytes())) }
}

async fn run(command: &[String]) -> Result<Secret, String> {
    let Some((program, arguments)) = command.split_first() else { return Err("is empty".to_owned()) };
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // The error output of a program may contain the secret.
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let output = child.stdout.take().ok_or_else(|| "has no output".to_owned())?;
    let exchange = async {
        let secret = read_bounded(output).await?;
        let status = child.wait().await.map_err(|error| format!("cannot be waited for: {error}"))?;
        if status.success() { Ok(secret) } else { Err(format!("failed: {status}; run it by hand to see why")) }
    };
    tokio::time::timeout(COMMAND_TIMEOUT, exchange)
        .await
        .unwrap_or_else(|_| Err(format!("did not end within {} s", COMMAND_TIMEOUT.as_secs())))
}

async fn read_bounded(input: impl tokio::io::AsyncRead + Unpin) -> Result<Secret, String> {
    let bound = u64::try_from(MAX_SECRET_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    // Reserve all of it at once: a growing buffer would leave copies that are not overwritten.
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(MAX_SECRET_BYTES + 64));
    input.take(bound).read_to_end(&mut bytes).await.map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() > MAX_SECRET_BYTES { Err(too_large()) } else { Ok(trimmed(bytes.to_vec())) }
}

fn too_large() -> String {
    format!("has more than {MAX_SECRET_BYTES} bytes; expected a password, token or key")
}

/// Editors and `echo` end a file with a line break that is not part of the secret.
fn trimmed(mut bytes: Vec<u8>) -> Secret {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    Secret::new(bytes)
}

#[cfg(test)]
mod tests;
