//! Where a command's answers come from. The only place that decides between a running host and its store.

use super::args::GlobalArgs;
use super::connection;
use super::exit::CliError;
use super::offline::Offline;
use crate::api::client::Client;
use crate::app::views::dead_letters::{DeadLetterList, DeadLetterQuery};
use crate::app::views::events::{EventList, EventQuery, EventView};
use crate::app::views::history::{AuditList, AuditQuery, AuditVerifyQuery, AuditVerifyView, HistoryView};
use crate::app::views::installations::{InstallationList, InstallationView};
use crate::app::views::lock::LockView;
use crate::app::views::logs::{LogList, LogQuery};
use crate::app::views::outbox::{HeldReport, HeldRequest, OutboxId, OutboxList, OutboxQuery, OutboxRequestView};
use crate::app::views::rollback::{RollbackReport, RollbackRequest};
use crate::app::views::status::StatusView;
use crate::app::views::trace::TraceView;
use crate::app::views::trust::{TrustReport, TrustRequest, TrustView};
use crate::model::names::{InstallationName, Position};

/// Answers the reading commands, `rollback`, and what decides on the requests that it holds.
pub(super) enum Source {
    /// A running host.
    Host(Client),
    /// The store of a stopped host.
    Store(Box<Offline>),
}

/// Asks whichever source there is.
macro_rules! ask {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        impl Source {
            $($(#[$doc])* pub(super) async fn $name(&self, $($argument: $kind),*) -> Result<$answer, CliError> {
                match self {
                    Self::Host(client) => Ok(client.$name($($argument),*).await?),
                    Self::Store(offline) => offline.$name($($argument),*).await,
                }
            })*
        }
    };
}

ask! {
    /// How the host is.
    status() -> StatusView;
    /// Every installation.
    installations() -> InstallationList;
    /// One installation.
    installation(name: &InstallationName) -> InstallationView;
    /// The generations of one installation.
    history(name: &InstallationName) -> HistoryView;
    /// A part of the audit chain.
    audit(query: &AuditQuery) -> AuditList;
    /// Whether the audit chain holds.
    verify_audit(query: &AuditVerifyQuery) -> AuditVerifyView;
    /// Events, newest first.
    events(query: &EventQuery) -> EventList;
    /// One event with its data.
    event(position: Position) -> EventView;
    /// The way of an event.
    trace(position: Position) -> TraceView;
    /// Dead letters, oldest first.
    dead_letters(query: &DeadLetterQuery) -> DeadLetterList;
    /// Log messages.
    logs(query: &LogQuery) -> LogList;
    /// Outbox requests.
    outbox(query: &OutboxQuery) -> OutboxList;
    /// One outbox request with what it holds.
    outbox_request(id: &OutboxId) -> OutboxRequestView;
    /// Whose packages the host takes.
    trust() -> TrustView;
    /// Changes whose packages the host takes.
    change_trust(request: &TrustRequest) -> TrustReport;
    /// What is installed, exactly.
    lock() -> LockView;
    /// Goes back to an older generation.
    rollback(name: &InstallationName, request: &RollbackRequest) -> RollbackReport;
    /// Sends held requests after all.
    release_held(request: &HeldRequest) -> HeldReport;
    /// Gives held requests up.
    discard_held(request: &HeldRequest) -> HeldReport;
}

impl Source {
    /// The source that the options mean: the host, or its store if the host is stopped.
    pub(super) async fn open(global: &GlobalArgs) -> Result<Self, CliError> {
        let target = connection::target(global)?;
        if let Some(offline) = Offline::open(global, &target).await? {
            return Ok(Self::Store(Box::new(offline)));
        }
        Ok(Self::Host(Client::new(target)?))
    }
}
