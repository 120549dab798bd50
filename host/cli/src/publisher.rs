//! Files of a publisher on this machine, readable only by their owner: the key, logins, and the sequence numbers of
//! seen version lists. Contains nothing of the host.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use handoff_files::{PRIVATE_FILE, PRIVATE_FOLDER};
use handoff_package::index::Seen;
use handoff_package::manifest::PackageName;
use handoff_package::trust::{PublicKey, SigningKey, TrustList};
use handoff_registry_client::Logins;
use zeroize::Zeroizing;

use super::args::KeyArgs;
use super::exit::CliError;

/// Maximum size of a key file. A key has a few hundred bytes.
const KEY_BYTES_MAX: u64 = 16 << 10;

/// The folder of these files, according to the XDG Base Directory Specification 0.8.
pub(super) fn folder() -> Result<PathBuf, CliError> {
    let base = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = base.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")));
    let base = base.ok_or_else(|| {
        CliError::failed("there is no home folder to keep a key in").hint("set HOME, or name the file with --key")
    })?;
    Ok(base.join("handoff"))
}

/// The path of the selected key file.
pub(super) fn key_path(given: Option<&Path>) -> Result<PathBuf, CliError> {
    match given {
        Some(path) => Ok(path.to_owned()),
        None => Ok(folder()?.join("key.pem")),
    }
}

/// Creates a key in a new file.
pub(super) fn new_key(path: &Path) -> Result<SigningKey, CliError> {
    let key = SigningKey::generate().map_err(|error| CliError::failed(error.to_string()))?;
    make_folder(path)?;
    let fail = |error: std::io::Error| {
        let error_text = format!("cannot make the key file {}: {error}", path.display());
        let exists = error.kind() == std::io::ErrorKind::AlreadyExists;
        let hint = if exists {
            "a key is never replaced: name another file with --key"
        } else {
            "name another file with --key"
        };
        CliError::failed(error_text).hint(hint)
    };
    // Sets the mode when the file is created, before the first byte.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(fail)?;
    file.write_all(key.to_pem().as_bytes()).and_then(|()| file.sync_all()).map_err(fail)?;
    Ok(key)
}

/// Reads the private key. Refuses a file that others can read, because its key is no longer secret.
pub(super) fn key(path: &Path) -> Result<SigningKey, CliError> {
    let mode = fs::metadata(path).map_err(|error| unreadable(path, &error))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(CliError::invalid(format!(
            "others can read the key file {} (mode {:o})",
            path.display(),
            mode & 0o777
        ))
        .hint("chmod 600 it; if anyone may have read it, make a new key and have the old one revoked"));
    }
    let text = Zeroizing::new(read(path)?);
    SigningKey::from_pem(&text).map_err(|error| CliError::invalid(format!("{}: {error}", path.display())))
}

/// Reads a public key, or the public half of a private one.
pub(super) fn public_key(path: &Path) -> Result<PublicKey, CliError> {
    let text = Zeroizing::new(read(path)?);
    let private = SigningKey::from_pem(&text).map(|key| key.public());
    private.or_else(|_| text.parse()).map_err(|error| CliError::invalid(format!("{}: {error}", path.display())))
}

/// The earlier keys of a package's publisher, as a trust list for verification.
pub(super) fn earlier_keys(args: &KeyArgs, package: &PackageName, at_ms: u64) -> Result<TrustList, CliError> {
    let mut list = TrustList::default();
    let publisher = package.publisher().parse().map_err(CliError::invalid)?;
    for path in &args.earlier_key {
        list.add(&publisher, public_key(path)?, at_ms).map_err(|error| CliError::invalid(error.to_string()))?;
    }
    Ok(list)
}

/// The logins of this user: those of `handoff login`, and those of other programs.
pub(super) fn logins() -> Result<Logins, CliError> {
    let others = Logins::of_other_programs(|name| std::env::var(name).ok());
    Logins::read_all(&logins_path()?, &others).map_err(|error| CliError::invalid(error.to_string()))
}

/// The file in which `handoff login` stores logins.
pub(super) fn logins_path() -> Result<PathBuf, CliError> {
    Ok(folder()?.join("auth.json"))
}

/// The last seen sequence number of a package's version list in a registry, so that nothing is based on an older list.
pub(super) fn seen(registry: &str, package: &PackageName) -> Result<Option<Seen>, CliError> {
    Ok(all_seen(&folder()?.join("seen.json"))?.remove(&format!("{registry} {package}")))
}

/// Stores the sequence number. A failure only causes a warning, because the package is already published.
pub(super) fn keep_seen(registry: &str, package: &PackageName, seen: &Seen) -> Result<(), CliError> {
    let path = folder()?.join("seen.json");
    let mut all = all_seen(&path)?;
    all.insert(format!("{registry} {package}"), seen.clone());
    let json = serde_json::to_vec(&all).map_err(|error| CliError::failed(format!("{}: {error}", path.display())))?;
    let written = handoff_files::replace(&path, &json, PRIVATE_FILE, PRIVATE_FOLDER);
    written.map_err(|error| CliError::failed(format!("{}: {error}", path.display())))
}

fn all_seen(path: &Path) -> Result<BTreeMap<String, Seen>, CliError> {
    match fs::read(path) {
        Ok(json) => serde_json::from_slice(&json).map_err(|error| {
            CliError::invalid(format!("{}: {error}", path.display()))
                .hint("it keeps how far lists of versions were seen; remove it only if you know why it is broken")
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn make_folder(file: &Path) -> Result<(), CliError> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| CliError::failed(format!("cannot make the folder {}: {error}", folder.display())))
}

fn read(path: &Path) -> Result<String, CliError> {
    let size = fs::metadata(path).map_err(|error| unreadable(path, &error))?.len();
    if size > KEY_BYTES_MAX {
        return Err(CliError::invalid(format!("{} is no key file: it has {size} bytes", path.display())));
    }
    fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> CliError {
    let text = CliError::invalid(format!("cannot read {}: {error}", path.display()));
    if error.kind() == std::io::ErrorKind::NotFound { text.hint("`handoff keys new` makes a key") } else { text }
}
