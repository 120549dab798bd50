//! Where events go that the ingress made itself. The application implements it over the engine.

use std::future::Future;
use std::pin::Pin;

use handoff_model::event::Event;
use handoff_model::names::InstallationName;

/// A future in a box, so that the trait can be an object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An event with its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The installation it is addressed to; none: to whoever subscribes to its type.
    pub to: Option<InstallationName>,
    /// The event.
    pub event: Event,
}

/// Why events were not taken. Nothing of the batch was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// Too much waits already: try again later, keep the source.
    #[error("too many events wait: {0}")]
    Busy(String),
    /// These events will never be taken, for example because the installation is gone.
    #[error("refused: {0}")]
    Refused(String),
    /// The store failed.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// Takes events durably.
pub trait Sink: Send + Sync {
    /// When it returns `Ok`, the events survive a power cut, or are known already by `source` and `id`.
    fn accept(&self, events: Vec<Incoming>) -> BoxFuture<'_, Result<(), SinkError>>;
}
