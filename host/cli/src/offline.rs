//! The store of a stopped host, read with the same queries that a running host answers with. Opens it only if nobody
//! answers on the host's socket, and never makes one.

use std::path::Path;

use super::args::GlobalArgs;
use super::connection;
use super::exit::{CliError, Exit};
use handoff_app::error::AppError;
use handoff_app::queries;
use handoff_app::queries::Live;
use handoff_config::Config;
use handoff_control::client::Target;
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
use handoff_model::time::{Clock as _, SystemClock};
use handoff_server::reply::Refusal;
use handoff_store::{Store, StoreError, StoreOptions};

/// An open store, and what of the configuration the queries show.
pub(super) struct Offline {
    // None only while it is dropped.
    store: Option<Store>,
    config: Config,
}

impl Offline {
    /// Opens the store that the options mean. None if a host may be at work, or if there is no store: then the client
    /// says why nobody answers.
    pub(super) async fn open(global: &GlobalArgs, target: &Target) -> Result<Option<Self>, CliError> {
        let Target::Socket(socket) = target else { return Ok(None) };
        let Ok(places) = connection::places(&global.config) else { return Ok(None) };
        // Another socket than the configuration's belongs to another host, whose data folder nobody named.
        if *socket != places.socket || someone_listens(socket) || !holds_store(&places.data) {
            return Ok(None);
        }
        // A mistake in the configuration must not keep anyone from looking; only names and time zones are lost.
        let file = global.config.display().to_string();
        let config = Config::load(&global.config).or_else(|_| Config::parse("", &file));
        let config = config.map_err(|errors| CliError::invalid(errors.to_string()))?;
        let data = places.data.clone();
        let opened = tokio::task::spawn_blocking(move || Store::open(StoreOptions::new(data))).await;
        match opened.map_err(|error| CliError::failed(error.to_string()))? {
            Ok(store) => Ok(Some(Self { store: Some(store), config })),
            Err(StoreError::InUse(folder)) => Err(in_use(&folder, socket)),
            Err(error) => Err(CliError::failed(format!("the store does not open: {error}"))),
        }
    }

    fn store(&self) -> Result<&Store, CliError> {
        self.store.as_ref().ok_or_else(|| CliError::failed("the store is closed"))
    }

    fn live(&self) -> Live {
        Live { lists_since: self.config.recalls.lists_since(SystemClock.now()), ..Live::default() }
    }

    pub(super) async fn status(&self) -> Result<StatusView, CliError> {
        Ok(queries::status::status(self.store()?, &self.live(), SystemClock.now()))
    }

    pub(super) async fn installations(&self) -> Result<InstallationList, CliError> {
        Ok(queries::installations::installations(self.store()?, &self.live()))
    }

    pub(super) async fn installation(&self, name: &InstallationName) -> Result<InstallationView, CliError> {
        Ok(queries::installations::installation(self.store()?, &self.config, &self.live(), name)?)
    }

    pub(super) async fn history(&self, name: &InstallationName) -> Result<HistoryView, CliError> {
        Ok(queries::history::history(self.store()?, name)?)
    }

    pub(super) async fn audit(&self, query: &AuditQuery) -> Result<AuditList, CliError> {
        Ok(queries::history::audit(self.store()?, query)?)
    }

    pub(super) async fn verify_audit(&self, query: &AuditVerifyQuery) -> Result<AuditVerifyView, CliError> {
        Ok(queries::history::verify_audit(self.store()?, query)?)
    }

    pub(super) async fn events(&self, query: &EventQuery) -> Result<EventList, CliError> {
        Ok(queries::events::events(self.store()?, query)?)
    }

    pub(super) async fn event(&self, position: Position) -> Result<EventView, CliError> {
        Ok(queries::events::event(self.store()?, position)?)
    }

    pub(super) async fn trace(&self, position: Position) -> Result<TraceView, CliError> {
        Ok(queries::trace::trace(self.store()?, position)?)
    }

    pub(super) async fn dead_letters(&self, query: &DeadLetterQuery) -> Result<DeadLetterList, CliError> {
        Ok(queries::dead_letters::dead_letters(self.store()?, query)?)
    }

    pub(super) async fn logs(&self, query: &LogQuery) -> Result<LogList, CliError> {
        if query.wait_ms.is_some() {
            let detail = "the host is stopped: there is nothing to follow";
            return Err(CliError::new(Exit::Unreachable, "host-unreachable", "No host answers", detail)
                .hint("start it with `handoff serve`"));
        }
        Ok(queries::logs::logs(self.store()?, query)?)
    }

    pub(super) async fn outbox(&self, query: &OutboxQuery) -> Result<OutboxList, CliError> {
        Ok(queries::outbox::outbox(self.store()?, query)?)
    }

    pub(super) async fn outbox_request(&self, id: &OutboxId) -> Result<OutboxRequestView, CliError> {
        Ok(queries::outbox::request(self.store()?, id)?)
    }

    pub(super) async fn trust(&self) -> Result<TrustView, CliError> {
        Ok(handoff_app::trust::trust(self.store()?)?)
    }

    pub(super) async fn change_trust(&self, request: &TrustRequest) -> Result<TrustReport, CliError> {
        Ok(handoff_app::trust::change(self.store()?, request, SystemClock.now()).await?)
    }

    pub(super) async fn lock(&self) -> Result<LockView, CliError> {
        Ok(handoff_app::lock::lock(self.store()?)?)
    }

    pub(super) async fn rollback(
        &self,
        name: &InstallationName,
        request: &RollbackRequest,
    ) -> Result<RollbackReport, CliError> {
        Ok(handoff_app::rollback::roll_back(self.store()?, name, request.clone(), &SystemClock).await?)
    }

    pub(super) async fn release_held(&self, request: &HeldRequest) -> Result<HeldReport, CliError> {
        Ok(handoff_app::outbox::release(self.store()?, request.clone(), &SystemClock).await?)
    }

    pub(super) async fn discard_held(&self, request: &HeldRequest) -> Result<HeldReport, CliError> {
        Ok(handoff_app::outbox::discard(self.store()?, request.clone(), &SystemClock).await?)
    }
}

/// What was acknowledged is durable already; this leaves a checkpoint, so that the host starts at once.
impl Drop for Offline {
    fn drop(&mut self) {
        if let Some(store) = self.store.take() {
            store.close();
        }
    }
}

/// The application's errors as the control API would have told them.
impl From<AppError> for CliError {
    fn from(error: AppError) -> Self {
        // Here the reader is the operator: the causes are for them.
        let chain = error.chain();
        let mut problem = Refusal::from(error).into_problem();
        if problem.status == 500 {
            problem.detail = chain;
        }
        Self::from(handoff_control::client::ClientError::Problem(Box::new(problem)))
    }
}

fn someone_listens(socket: &Path) -> bool {
    use std::io::ErrorKind::{ConnectionRefused, NotFound};
    match std::os::unix::net::UnixStream::connect(socket) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), NotFound | ConnectionRefused),
    }
}

fn holds_store(data: &Path) -> bool {
    data.join("journal").is_dir()
}

fn in_use(folder: &Path, socket: &Path) -> CliError {
    let detail = format!(
        "a host is running on the data folder {}, but nobody answers on the socket {}",
        folder.display(),
        socket.display()
    );
    CliError::new(Exit::Unreachable, "host-unreachable", "No host answers", detail).hint(
        "if it has just been started, try again in a moment; else check that --config and --socket name the same host",
    )
}
