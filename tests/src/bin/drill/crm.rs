//! The CRM of the drill: the recorder, on its own thread so that arrival times are exact, and a list of the wrong
//! requests with their times. It judges nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bad_release::MARK;
use handoff_tests::simulators::recorder::Recorder;
use serde_json::Value;
use tokio::runtime::Runtime;

/// Milliseconds since 1970, with fractions.
pub(crate) fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1_000.0
}

/// A running CRM.
pub(crate) struct Crm {
    pub(crate) recorder: Recorder,
    wrong: Arc<Mutex<Vec<f64>>>,
    // Kept alive, because the recorder runs in it. Shut down without waiting, as required inside another runtime.
    runtime: Option<Runtime>,
}

impl Crm {
    pub(crate) async fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a thread for the CRM");
        let wrong = Arc::new(Mutex::new(Vec::new()));
        let noted = wrong.clone();
        let arrivals = move |_: &str, body: &Value| {
            if is_wrong(body) {
                noted.lock().unwrap_or_else(PoisonError::into_inner).push(now_ms());
            }
        };
        let recorder = Recorder::watched(0, Box::new(|_, _| ()), Box::new(arrivals));
        let recorder = runtime.spawn(recorder).await.expect("a recorder");
        Self { recorder, wrong, runtime: Some(runtime) }
    }

    /// Arrival times of wrong requests.
    pub(crate) fn wrong(&self) -> Vec<f64> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Crm {
    fn drop(&mut self) {
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

fn is_wrong(body: &Value) -> bool {
    let comments = body["customer"]["comments"].as_str().unwrap_or_default();
    comments.contains(MARK) || body["queue"] == "nobody" || body["level"] == 9
}
