//! The receiver of events that ingress creates. The application implements it over the engine.

use std::future::Future;
use std::pin::Pin;

use handoff_model::event::Event;
use handoff_model::names::{InstallationName, RooftopName};

/// A future in a box, so that the trait can be an object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An event and its addressee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Its addressee. The host knows it from where the event arrived; nothing in the event chooses it.
    pub to: Addressee,
    /// The event.
    pub event: Event,
}

/// Whom an event is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addressee {
    /// Every installation of a rooftop that accepts its type.
    Rooftop(RooftopName),
    /// One installation.
    Installation(InstallationName),
}

/// Why events were refused. None of the batch was accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// Too many events are waiting: retry later and keep the source.
    #[error("too many events are waiting: {0}")]
    Busy(String),
    /// These events will never be accepted, for example because the installation was removed.
    #[error("refused: {0}")]
    Refused(String),
    /// The store failed.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// Accepts events durably.
pub trait Sink: Send + Sync {
    /// After it returns `Ok`, the events survive a power cut, or are already known by `source` and `id`.
    fn accept(&self, events: Vec<Incoming>) -> BoxFuture<'_, Result<(), SinkError>>;
}
