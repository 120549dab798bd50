//! One module for each noun. A command runs an operation of the control API and hands the answer to `show`.

pub(super) mod build;
pub(super) mod check;
pub(super) mod dead_letters;
pub(super) mod doctor;
pub(super) mod events;
pub(super) mod history;
pub(super) mod incidents;
pub(super) mod init;
pub(super) mod install;
pub(super) mod installations;
pub(super) mod keys;
pub(super) mod lock;
pub(super) mod logs;
pub(super) mod man;
pub(super) mod outbox;
pub(super) mod packages;
pub(super) mod pause;
pub(super) mod publish;
pub(super) mod registry_server;
pub(super) mod repair;
pub(super) mod rollback;
pub(super) mod serve;
pub(super) mod shadow;
pub(super) mod status;
pub(super) mod trust;
pub(super) mod upgrade;
