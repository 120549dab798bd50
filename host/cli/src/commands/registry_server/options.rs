//! Reads the registry server's options from a file and the command line. Starts nothing.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use handoff_registry_server::{Access, Challenge, ServerOptions, TlsFiles, TrustedProxies};
use serde::Deserialize;

use crate::args::{AuthArg, RegistryServeArgs};
use crate::exit::CliError;

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7_450);

/// The options file. Relative paths in it start from its folder.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct File {
    listen: Option<SocketAddr>,
    data: Option<PathBuf>,
    users: Option<PathBuf>,
    auth: Option<Auth>,
    private: bool,
    open: bool,
    tls_certificate: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    public_url: Option<String>,
    plain_http: bool,
    trusted_proxies: Vec<String>,
    publisher_keys: Option<PathBuf>,
    blob_mib_max: Option<u32>,
    uploads_max: Option<u16>,
    uploads_per_address_max: Option<u16>,
    upload_idle_minutes: Option<u32>,
    gc_every_hours: Option<u32>,
    gc_grace_hours: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Auth {
    Basic,
    Token,
}

/// Combines the file and the command line.
pub(super) fn read(args: &RegistryServeArgs) -> Result<ServerOptions, CliError> {
    let file = args.options.as_deref().map(load).transpose()?.unwrap_or_default();
    let listen = args.listen.or(file.listen).unwrap_or(LISTEN);
    let data = args.data.clone().or(file.data);
    let data = data.ok_or_else(|| {
        CliError::usage("nobody says where the packages are: give --data, or `data` in the options file")
    })?;
    let mut options = ServerOptions::new(listen, data);
    let auth = args.auth.or(file.auth.map(|auth| match auth {
        Auth::Basic => AuthArg::Basic,
        Auth::Token => AuthArg::Token,
    }));
    options.access = access(
        listen,
        args.users.clone().or(file.users.filter(|_| !args.open)),
        args.open || (file.open && args.users.is_none()),
        args.private || file.private,
        auth,
    )?;
    options.tls = match (args.tls_certificate.clone().or(file.tls_certificate), args.tls_key.clone().or(file.tls_key)) {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
        (None, None) => None,
        _ => {
            return Err(CliError::usage(
                "TLS needs both the certificate and its key: give `tls-certificate` and `tls-key`",
            ));
        }
    };
    options.public_url = match (&args.public_url, file.public_url) {
        (Some(url), _) => Some(url.clone()),
        (None, Some(text)) => Some(public_url(&text)?),
        (None, None) => None,
    };
    options.plain_http = args.plain_http || file.plain_http;
    let proxies = if args.trusted_proxies.is_empty() { &file.trusted_proxies } else { &args.trusted_proxies };
    options.trusted_proxies =
        TrustedProxies::parse(proxies).map_err(|problem| CliError::invalid(format!("trusted-proxies: {problem}")))?;
    options.publisher_keys = file.publisher_keys;
    if let Some(mib) = file.blob_mib_max {
        options.blob_bytes_max = u64::from(mib) << 20;
    }
    if let Some(uploads) = file.uploads_max {
        options.uploads_max = usize::from(uploads);
    }
    if let Some(uploads) = file.uploads_per_address_max {
        options.uploads_per_address_max = usize::from(uploads);
    }
    if let Some(minutes) = file.upload_idle_minutes {
        options.upload_idle = Duration::from_secs(u64::from(minutes) * 60);
    }
    if let Some(hours) = file.gc_every_hours {
        options.gc_every = Some(hours_of(hours)).filter(|every| !every.is_zero());
    }
    if let Some(hours) = file.gc_grace_hours {
        options.gc_grace = hours_of(hours);
    }
    Ok(options)
}

fn public_url(text: &str) -> Result<url::Url, CliError> {
    text.parse().map_err(|error| CliError::invalid(format!("public-url: `{text}` is no URL: {error}")))
}

fn hours_of(hours: u32) -> Duration {
    Duration::from_secs(u64::from(hours) * 3_600)
}

fn access(
    listen: SocketAddr,
    users: Option<PathBuf>,
    open: bool,
    private: bool,
    auth: Option<AuthArg>,
) -> Result<Access, CliError> {
    match (users, open) {
        (Some(_), true) => Err(CliError::usage("an open registry has no users: leave out `open`, or `users`")),
        (Some(file), false) => {
            let challenge = if auth == Some(AuthArg::Token) { Challenge::Token } else { Challenge::Basic };
            Ok(Access::Users { file, anonymous_read: !private, challenge })
        }
        (None, true) if !listen.ip().is_loopback() => Err(CliError::usage(format!(
            "an open registry on {listen} would let everybody who reaches it push: listen on 127.0.0.1, or give --users"
        ))),
        (None, _) if private => Err(CliError::usage("`private` needs users: give --users, or leave it out")),
        (None, true) => Ok(Access::Open),
        (None, false) => Ok(Access::ReadOnly),
    }
}

fn load(path: &Path) -> Result<File, CliError> {
    let invalid = |problem: String| CliError::invalid(format!("{}: {problem}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| invalid(error.to_string()))?;
    let mut file: File = toml::from_str(&text).map_err(|error| invalid(error.to_string()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let paths =
        [&mut file.data, &mut file.users, &mut file.tls_certificate, &mut file.tls_key, &mut file.publisher_keys];
    for path in paths.into_iter().flatten() {
        *path = folder.join(&path);
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command, RegistryCommand};

    fn read_line(line: &str) -> Result<ServerOptions, CliError> {
        match Cli::try_parse_from(line.split(' ')).unwrap().command {
            Command::Registry(args) => match args.command {
                RegistryCommand::Serve(args) => read(&args),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nobody_pushes_until_somebody_says_who() {
        let options = read_line("handoff registry serve --data d").unwrap();
        assert_eq!((options.access, options.listen), (Access::ReadOnly, LISTEN));
        let open = read_line("handoff registry serve --data d --open").unwrap();
        assert_eq!(open.access, Access::Open);
        for wrong in ["--open --listen 0.0.0.0:1", "--private"] {
            assert!(read_line(&format!("handoff registry serve --data d {wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_command_line_counts_before_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("registry.toml");
        fs::write(
            &path,
            "listen = '0.0.0.0:1'\ndata = 'd'\nusers = 'u'\nauth = 'token'\nprivate = true\ngc-every-hours = 0\n",
        )
        .unwrap();
        let options =
            read_line(&format!("handoff registry serve --options {} --listen 127.0.0.1:2", path.display())).unwrap();
        assert_eq!(options.listen.port(), 2);
        assert_eq!(options.data, folder.path().join("d"));
        assert_eq!(options.gc_every, None);
        let users = Access::Users { file: folder.path().join("u"), anonymous_read: false, challenge: Challenge::Token };
        assert_eq!(options.access, users);
        fs::write(
            &path,
            "data = 'd'\npublic-url = 'https://r.example'\nplain-http = true\ntrusted-proxies = ['10.0.0.5']\npublisher-keys = 'k'\nuploads-per-address-max = 3\n\
             upload-idle-minutes = 2\n",
        )
        .unwrap();
        let options = read_line(&format!("handoff registry serve --options {}", path.display())).unwrap();
        assert_eq!(options.public_url.unwrap().as_str(), "https://r.example/");
        assert_eq!(options.publisher_keys, Some(folder.path().join("k")));
        assert_eq!((options.uploads_per_address_max, options.upload_idle), (3, Duration::from_secs(120)));
        assert!(options.plain_http);
        assert!(options.trusted_proxies.contains("10.0.0.5".parse().unwrap()));
        let wide = read_line("handoff registry serve --data d --trusted-proxy 0.0.0.0/0").unwrap_err();
        assert!(wide.to_string().starts_with("trusted-proxies: `0.0.0.0/0` is neither"), "{wide}");
        fs::write(&path, "data = 'd'\nuser = 'u'\n").unwrap();
        let error = read_line(&format!("handoff registry serve --options {}", path.display())).unwrap_err();
        assert!(error.to_string().contains("user"), "{error}");
    }
}
