//! Where a command's answers come from. The only place that decides between a running host and its store.

use super::args::GlobalArgs;
use super::connection;
use super::exit::CliError;
use super::offline::Offline;
use handoff_control::client::Client;
use handoff_control::dead_letters::{DeadLetterList, DeadLetterQuery};
use handoff_control::events::{EventList, EventQuery, EventView};
use handoff_control::history::{AuditList, AuditQuery, AuditVerifyQuery, AuditVerifyView, HistoryView};
use handoff_control::installations::{InstallationList, InstallationView};
use handoff_control::lock::LockView;
use handoff_control::logs::{LogList, LogQuery};
use handoff_control::outbox::{HeldReport, HeldRequest, OutboxId, OutboxList, OutboxQuery, OutboxRequestView};
use handoff_control::rollback::{RollbackReport, RollbackRequest};
use handoff_control::status::StatusView;
use handoff_control::trace::TraceView;
use handoff_control::trust::{TrustReport, TrustRequest, TrustView};
use handoff_model::names::{InstallationName, Position};

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
