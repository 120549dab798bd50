//! Installations: list and show them, install, upgrade, reconfigure, roll back, pause, uninstall, export a lock file and apply it.

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
pub(crate) mod select;
mod settings;
mod shares;
mod show;
pub(crate) mod soundness;
mod template;
mod uninstall;
mod upgrade;
mod upgrade_many;
pub(crate) mod warnings;
