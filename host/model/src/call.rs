//! Input and output of a call. Data and a few traits; no behaviour.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::delivery::DeliveryInfo;
use crate::effects::{Effects, Trace};
use crate::failure::Failure;
use crate::grants::Grants;
use crate::http::{HttpError, Request, Response};

/// The inputs of a call, except the event.
#[derive(Clone)]
pub struct Call {
    /// The delivery: installation, event position, attempt and time.
    pub info: DeliveryInfo,
    /// The installation's config: a JSON object as text.
    pub config_json: Arc<str>,
    /// What it may emit and send to.
    pub grants: Arc<Grants>,
    /// Seeds the guest's random bytes. Equal seeds give equal bytes: a replay passes the recorded one.
    pub seed: [u8; 32],
    /// The event being handled; ids of new events are derived from it.
    pub cause: Cause,
    /// Committed state of the installation.
    pub state: Arc<dyn StateReader>,
    /// Answers look-ups.
    pub look_ups: Arc<dyn LookUps>,
    /// Notified when the call begins, if set.
    pub on_start: Option<Arc<dyn OnStart>>,
}

/// The event being handled: ids and hop counts of emitted events are derived from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Its source.
    pub source: String,
    /// Its id.
    pub id: String,
    /// Number of deliveries between it and the event from outside.
    pub hops: u32,
}

/// The result of a call.
#[derive(Clone, Debug)]
pub struct Called {
    /// The effects, or why there are none.
    pub outcome: Result<Effects, Failure>,
    /// What it read, looked up and logged, whatever the outcome.
    pub trace: Trace,
}

/// The store could not be read. The call ends with a failure that is retried: it is not the guest's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read connector state: {0}")]
pub struct StateReadError(pub String);

/// Committed state of one installation. The runtime overlays the writes of the running call and records reads.
///
/// Called on the async threads: an implementation answers from memory or a fast local store.
pub trait StateReader: Send + Sync {
    /// The value of a key.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateReadError>;

    /// At most `limit` entries whose key starts with `prefix` and is greater than `after`, ascending by the key's
    /// bytes. Fewer than `limit` means that no more follow.
    fn scan(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StateReadError>;
}

/// Notified when a call gets its slot in the pool and begins: its deadline and duration count from then, not from when
/// it began to wait for the slot.
pub trait OnStart: Send + Sync {
    /// Called once per call, on the async threads: it must not block.
    fn started(&self);
}

/// Answers look-ups: the network through grants and credentials, or a recording.
pub trait LookUps: Send + Sync {
    /// Sends a look-up and waits for the response. The future is dropped at the call's deadline.
    fn fetch<'a>(&'a self, grants: &'a Grants, request: &'a Request) -> BoxFuture<'a, Result<Response, HttpError>>;
}
