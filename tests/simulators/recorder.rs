//! A CRM for long runs: records only what is needed to check that each request took effect once, and misbehaves on
//! demand. It accepts requests of `bdc-list` and of the test connector `tally`, and knows no host.

mod book;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;
use tokio::net::TcpListener;

use super::crm::{API_KEY, API_KEY_HEADER};
pub use book::Book;

/// How it treats requests. It can be changed at any time; active requests finish with the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Every request is answered correctly.
    Clear,
    /// One request in ten is disturbed: a failure, a refusal, no response, a lost response.
    Rough,
    /// Every request fails.
    Outage,
    /// No request is answered; half of them are applied.
    Silence,
}

/// The fate of one request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Done,
    /// Applied, with a wrong response.
    DoneButFailing,
    DoneButSilent,
    Failing,
    Refused,
    Silent,
}

/// Called for each request that took effect for the first time.
pub type Observer = Box<dyn Fn(&str, &Value) + Send + Sync>;

/// Called for each request on arrival.
pub type Arrivals = Box<dyn Fn(&str, &Value) + Send + Sync>;

struct Shared {
    weather: Mutex<(Weather, StdRng)>,
    book: Mutex<Book>,
    observer: Observer,
    arrivals: Arrivals,
}

/// A running simulator. Stops when dropped.
pub struct Recorder {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

impl Recorder {
    /// Starts a recorder on a free port of this machine. The seed determines its random choices.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn start(seed: u64, observer: Observer) -> Self {
        Self::watched(seed, observer, Box::new(|_, _| ())).await
    }

    /// The same, with a callback for each arrival.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn watched(seed: u64, observer: Observer, arrivals: Arrivals) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let weather = Mutex::new((Weather::Clear, StdRng::seed_from_u64(seed)));
        let shared = Arc::new(Shared { weather, book: Mutex::default(), observer, arrivals });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("the simulator serves");
        });
        Self { address, shared, server }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Changes the weather.
    pub fn set(&self, weather: Weather) {
        lock(&self.shared.weather).0 = weather;
    }

    /// Its records.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.shared.book)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text(API_KEY_HEADER) != Some(API_KEY) {
        lock(&shared.book).violations.push(format!("{method} {uri} without the API key"));
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    (shared.arrivals)(uri.path(), &body);
    let fate = fate(&shared);
    if !matches!(fate, Fate::Done | Fate::DoneButFailing | Fate::DoneButSilent) {
        lock(&shared.book).refused += 1;
    }
    match fate {
        Fate::Failing => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Fate::Refused => return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "0")]).into_response(),
        Fate::Silent => return silence().await,
        Fate::Done | Fate::DoneButFailing | Fate::DoneButSilent => {}
    }
    let (taken, is_first) = lock(&shared.book).take(method.as_str(), uri.path(), text("idempotency-key"), &body);
    if is_first {
        (shared.observer)(uri.path(), &body);
    }
    match fate {
        Fate::DoneButFailing => StatusCode::BAD_GATEWAY.into_response(),
        Fate::DoneButSilent => silence().await,
        _ => {
            let status = StatusCode::from_u16(taken.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, [(header::CONTENT_TYPE, "application/json")], taken.body.to_string()).into_response()
        }
    }
}

/// Longer than any timeout here.
async fn silence() -> Response {
    tokio::time::sleep(Duration::from_secs(30)).await;
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

fn fate(shared: &Shared) -> Fate {
    let (weather, random) = &mut *lock(&shared.weather);
    match (*weather, random.random_range(0..100)) {
        (Weather::Rough, 0..3) => Fate::Failing,
        (Weather::Rough, 3..5) => Fate::Refused,
        (Weather::Rough, 5..8) => Fate::DoneButFailing,
        (Weather::Rough, 8) => Fate::DoneButSilent,
        (Weather::Rough, 9) => Fate::Silent,
        (Weather::Outage, _) => Fate::Failing,
        (Weather::Silence, 0..50) => Fate::DoneButSilent,
        (Weather::Silence, _) => Fate::Silent,
        _ => Fate::Done,
    }
}
