//! A CRM with a call list, for the connector `bdc-list`. It records everything, reports violations that would need
//! clean-up in a real CRM (a lead listed twice, an update without a key), and can fail in many ways.

mod answer;
mod ledger;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking::Ledgers;
use tokio::sync::watch;

pub use ledger::{Entry, Ledger, Outcome, Received};

/// The header with the API key.
pub const API_KEY_HEADER: &str = "x-api-key";
/// The API key.
pub const API_KEY: &str = "main-street-crm-key-5f2c";

/// Behaviour of the CRM. It can be changed at any time; active requests finish with the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Normal.
    Healthy,
    /// Correct responses after a delay.
    Slow(Duration),
    /// Not listening; open connections break at the next byte.
    Down,
    /// Accepts connections and closes them before reading.
    Reset,
    /// Applies the request, then closes the connection before the response.
    AnswerLost,
    /// Applies the request and never answers.
    Hanging,
    /// Status 500, nothing applied.
    Failing,
    /// Status 429 with `Retry-After` in seconds, nothing applied.
    RateLimited(u64),
    /// Status 200 with text that is not JSON, nothing applied: as from a proxy in between.
    MalformedJson,
    /// Applies the request and responds with a wrong media type.
    WrongContentType,
    /// Status 200 with a body of this many bytes, nothing applied.
    HugeBody(usize),
    /// Every n-th request fails with status 500, the others are answered correctly.
    FlakyEvery(usize),
}

/// A running simulator. Stops when dropped.
#[derive(Debug)]
pub struct Crm {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    mode: watch::Sender<Mode>,
    ledger: Ledgers,
}

mod parking {
    //! The ledger behind its lock, which notifies waiters of changes.

    use super::ledger::Ledger;

    #[derive(Debug)]
    pub(super) struct Ledgers(pub(super) tokio::sync::watch::Sender<Ledger>);

    impl Ledgers {
        pub(super) fn change<T>(&self, change: impl FnOnce(&mut Ledger) -> T) -> T {
            let mut result = None;
            self.0.send_modify(|ledger| result = Some(change(ledger)));
            result.expect("send_modify always calls")
        }
    }
}

impl Crm {
    /// Starts a CRM on a free port of this machine.
    pub async fn start() -> Self {
        let (listener, address) = wire::listen(None).expect("a free port");
        let shared = Arc::new(Shared {
            mode: watch::Sender::new(Mode::Healthy),
            ledger: Ledgers(watch::Sender::new(Ledger::default())),
        });
        let listener = wire::ControlledListener::new(listener, address, shared.mode.subscribe());
        let router = answer::router(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("the simulator serves");
        });
        Self { address, shared, server }
    }

    /// Base URL, for `crm-url`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Changes its behaviour.
    pub fn set(&self, mode: Mode) {
        self.shared.mode.send_replace(mode);
    }

    /// Everything that it received so far.
    pub fn ledger(&self) -> Ledger {
        self.shared.ledger.0.borrow().clone()
    }

    /// Waits until the ledger satisfies a condition.
    ///
    /// # Panics
    /// If that takes longer than `within`; the message shows the ledger.
    pub async fn wait(&self, what: &str, within: Duration, holds: impl FnMut(&Ledger) -> bool) -> Ledger {
        self.wait_until(what, within, holds).await;
        self.ledger()
    }

    /// Waits until at least this many leads are listed. Copies nothing, for tests with thousands of leads.
    ///
    /// # Panics
    /// If that takes longer than `within`; the message shows the ledger.
    pub async fn wait_entries(&self, count: usize, within: Duration) {
        self.wait_until(&format!("{count} entries"), within, |ledger| ledger.entries.len() >= count).await;
    }

    async fn wait_until(&self, what: &str, within: Duration, holds: impl FnMut(&Ledger) -> bool) {
        let mut changes = self.shared.ledger.0.subscribe();
        let waited = tokio::time::timeout(within, changes.wait_for(holds)).await.is_ok();
        assert!(waited, "the CRM did not see {what} within {within:?}. It received:\n{}", self.ledger().summary());
    }
}

impl Drop for Crm {
    fn drop(&mut self) {
        self.server.abort();
    }
}
