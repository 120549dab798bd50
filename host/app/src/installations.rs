//! Installations: list and show them, install, upgrade, reconfigure, roll back, pause, export a lock file and apply it.

mod apply;
pub(crate) mod approval;
mod config_diff;
mod grant_changes;
mod history;
mod install;
mod list;
mod lock;
pub mod lock_file;
mod pause;
mod permissions;
pub(crate) mod preflight;
pub(crate) mod probation;
mod quarantine;
mod retry_now;
pub mod rollback;
mod shares;
mod show;
pub(crate) mod soundness;
mod upgrade;
pub(crate) mod warnings;
