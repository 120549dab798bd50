//! Checks whether other users can change or read the host's data and secret files. Reads file modes, not contents.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Finding;
use handoff_config::Config;

const NAME: &str = "permissions";
/// Users other than owner and group may read, write or enter.
const OTHERS: u32 = 0o007;
/// Group or others may write.
const CHANGE: u32 = 0o022;

/// One finding per file or folder with too many permissions; if there is none, one that reports success.
pub(super) fn look(data: Option<&Path>, config: &Path) -> Vec<Finding> {
    let mut findings: Vec<Finding> = data.and_then(folder).into_iter().collect();
    if let Ok(config) = Config::load(config) {
        findings.extend(config.secret_files().filter_map(|(name, path)| secret(name, path)));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(NAME, "nobody else may change the data folder or read a secret's file"));
    }
    findings
}

/// State, events and bodies are customers' data. A user with write access could replace versions.
fn folder(data: &Path) -> Option<Finding> {
    let mode = mode(data).ok()?;
    let may = match (mode & CHANGE != 0, mode & OTHERS != 0) {
        (true, _) => "others may change what is in it",
        (false, true) => "every user of this machine may look into it",
        (false, false) => return None,
    };
    let found = format!("{} has mode {mode:04o}: {may}", data.display());
    Some(Finding::warn(NAME, found, format!("chmod 0700 {}", data.display())))
}

fn secret(name: &str, path: &Path) -> Option<Finding> {
    let mode = match mode(path) {
        Ok(mode) => mode,
        // It is not there, which `secrets` reports; or the current user is not the host's user and has no access, as
        // intended.
        Err(_) => return None,
    };
    let may = match (mode & OTHERS != 0, mode & CHANGE != 0) {
        (true, _) => "every user of this machine can read it",
        (false, true) => "its group may change it",
        (false, false) => return None,
    };
    let found = format!("the file of the secret `{name}`, {}, has mode {mode:04o}: {may}", path.display());
    Some(Finding::warn(
        NAME,
        found,
        format!("chmod 0600 {}; if somebody may have read it, change the secret", path.display()),
    ))
}

fn mode(path: &Path) -> io::Result<u32> {
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o7777)
}
