//! What a caller hands to a call and gets back. Data and two traits; no behaviour.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::delivery::DeliveryInfo;
use crate::effects::{Effects, Trace};
use crate::failure::Failure;
use crate::grants::Grants;
use crate::http::{HttpError, Request, Response};

/// Everything of a call that is not the event.
#[derive(Clone)]
pub struct Call {
    /// Who handles what, when and where.
    pub info: DeliveryInfo,
    /// The installation's config: a JSON object as text.
    pub config_json: Arc<str>,
    /// What it may emit and reach.
    pub grants: Arc<Grants>,
    /// Seeds the guest's random bytes. Equal seeds give equal bytes: a replay passes the recorded one.
    pub seed: [u8; 32],
    /// The event at work, as far as ids of new events depend on it.
    pub cause: Cause,
    /// Committed state of the installation.
    pub state: Arc<dyn StateReader>,
    /// Answers look-ups.
    pub look_ups: Arc<dyn LookUps>,
    /// Hears when the call begins, if somebody wants to know.
    pub on_start: Option<Arc<dyn OnStart>>,
}

/// The event at work: ids and hop counts of what a call emits follow from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Its source.
    pub source: String,
    /// Its id.
    pub id: String,
    /// How many deliveries lie between it and the outside.
    pub hops: u32,
}

/// What came of a call.
#[derive(Clone, Debug)]
pub struct Called {
    /// What it asks for, or why it asks for nothing.
    pub outcome: Result<Effects, Failure>,
    /// What it read, looked up and logged, whatever the outcome.
    pub trace: Trace,
}

/// The store could not be read. The call ends, as a failure to be tried again: it is not the guest's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("connector state cannot be read: {0}")]
pub struct StateReadError(pub String);

/// Committed state of one installation. The runtime lays the writes of the call at work over it and records reads.
///
/// Called on the async threads: an implementation answers from memory or a fast local store.
pub trait StateReader: Send + Sync {
    /// The value of a key.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateReadError>;

    /// At most `limit` entries whose key starts with `prefix` and is greater than `after`, ascending by the key's
    /// bytes. Fewer than `limit` means that no more follow.
    fn scan(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StateReadError>;
}

/// Hears when a call has its place in the pool and begins: its deadline and its duration count from there, not from when
/// it began to wait for the place.
pub trait OnStart: Send + Sync {
    /// Called once for each call, on the async threads: it only takes note.
    fn started(&self);
}

/// Answers look-ups: the network through grants and credentials, or a recording.
pub trait LookUps: Send + Sync {
    /// Sends a request that may be looked up and waits for the answer. The future is dropped at the call's deadline.
    fn fetch<'a>(&'a self, grants: &'a Grants, request: &'a Request) -> BoxFuture<'a, Result<Response, HttpError>>;
}
