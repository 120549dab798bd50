//! The commands, one module per noun. A command runs an operation of the control API and passes the response to `show`.

pub(super) mod backup;
pub(super) mod build;
pub(super) mod check;
pub(super) mod clock;
pub(super) mod dead_letters;
pub(super) mod dev;
pub(super) mod doctor;
pub(super) mod events;
pub(super) mod failure_counts;
pub(super) mod find;
pub(super) mod gates;
pub(super) mod help;
pub(super) mod history;
pub(super) mod hooks;
pub(super) mod incidents;
pub(super) mod init;
pub(super) mod install;
pub(super) mod installations;
pub(super) mod keys;
pub(super) mod lock;
pub(super) mod logs;
pub(super) mod man;
pub(super) mod many;
pub(super) mod mask;
pub(super) mod new;
pub(super) mod outbox;
pub(super) mod pack;
pub(super) mod packages;
pub(super) mod pause;
pub(super) mod publish;
pub(super) mod registry_server;
pub(super) mod repair;
pub(super) mod restore;
pub(super) mod retry_now;
pub(super) mod rollback;
pub(super) mod send;
pub(super) mod serve;
pub(super) mod shadow;
pub(super) mod status;
pub(super) mod test;
pub(super) mod timers;
pub(super) mod trust;
pub(super) mod uninstall;
pub(super) mod upgrade;
mod watch;

use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};

use crate::exit::CliError;

/// A random number of the system.
fn random() -> u64 {
    StdRng::from_os_rng().next_u64()
}

/// The absolute path of a folder that the host writes: the host has another current folder.
fn absolute(folder: &Path) -> Result<String, CliError> {
    let absolute =
        std::path::absolute(folder).map_err(|error| CliError::invalid(format!("{}: {error}", folder.display())))?;
    absolute.into_os_string().into_string().map_err(|folder| {
        CliError::invalid(format!("the path {} is not UTF-8: choose another folder", folder.display()))
    })
}
