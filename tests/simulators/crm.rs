//! A CRM with a call list: the one that the connector `bdc-list` talks to. Records everything, complains about whatever a
//! real CRM would have to clean up (a lead listed twice, an update without a key), and can be made to fail in many ways.

mod answer;
mod ledger;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking::Ledgers;
use tokio::sync::watch;

pub use ledger::{Entry, Ledger, Outcome, Received};

/// The header with the key that the CRM wants.
pub const API_KEY_HEADER: &str = "x-api-key";
/// The key that the CRM wants.
pub const API_KEY: &str = "main-street-crm-key-5f2c";

/// How the CRM behaves. It can be changed at any time; requests under way finish under the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As it should.
    Healthy,
    /// Answers rightly after a time.
    Slow(Duration),
    /// Nothing listens; open connections break at the next byte.
    Down,
    /// Takes connections and breaks them before it has read anything.
    Reset,
    /// Does what it is asked, and then the connection breaks before the answer.
    AnswerLost,
    /// Status 500, nothing done.
    Failing,
    /// Status 429 with `Retry-After` in seconds, nothing done.
    RateLimited(u64),
    /// Status 200 with text that is no JSON, nothing done: as from a proxy in between.
    MalformedJson,
    /// Does what it is asked, and says so with a wrong media type.
    WrongContentType,
    /// Status 200 with a body of so many bytes, nothing done.
    HugeBody(usize),
    /// Every n-th request fails with status 500, the others are answered rightly.
    FlakyEvery(usize),
}

/// A running simulator. Ends when dropped.
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
    //! The ledger behind its lock, with a signal for whoever waits for a change.

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
    /// Starts one on a free port of this machine.
    pub async fn start() -> Self {
        let (listener, address) = wire::listen(None).expect("a free port");
        let shared = Arc::new(Shared {
            mode: watch::Sender::new(Mode::Healthy),
            ledger: Ledgers(watch::Sender::new(Ledger::default())),
        });
        let doors = wire::Doors::new(listener, address, shared.mode.subscribe());
        let router = answer::router(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            axum::serve(doors, router).await.expect("the simulator serves");
        });
        Self { address, shared, server }
    }

    /// Base URL, as it goes into `crm-url`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Changes how it behaves.
    pub fn set(&self, mode: Mode) {
        self.shared.mode.send_replace(mode);
    }

    /// Everything that it got so far.
    pub fn ledger(&self) -> Ledger {
        self.shared.ledger.0.borrow().clone()
    }

    /// Waits until what it got satisfies a condition.
    ///
    /// # Panics
    /// When that takes longer than `within`; shows what it got.
    pub async fn wait(&self, what: &str, within: Duration, holds: impl FnMut(&Ledger) -> bool) -> Ledger {
        let mut changes = self.shared.ledger.0.subscribe();
        let waited = tokio::time::timeout(within, changes.wait_for(holds)).await;
        match waited {
            Ok(ledger) => ledger.expect("the simulator lives").clone(),
            Err(_) => panic!("the CRM did not see {what} within {within:?}. It got:\n{}", self.ledger().summary()),
        }
    }
}

impl Drop for Crm {
    fn drop(&mut self) {
        self.server.abort();
    }
}
