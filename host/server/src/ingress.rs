//! HTTP routes for incoming events: `POST /rooftops/{rooftop}/events` accepts CloudEvents, `POST /hooks/{installation}`
//! accepts signed webhooks. `POST /events` means the rooftop of the sender's token, or the only one. Bounds and rates are
//! checked here; `ingress` and the application interpret the bytes.

mod hooks;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use self::hooks::ClientAddress;
use super::body::{BodyLimit, ByteBudget};
use super::{HEADER_BYTES_MAX, HEADERS_MAX, bearer, no_method, no_route};
use crate::reply::{Refusal, View, busy, too_large, unavailable};
use handoff_app::Appended;
use handoff_app::shard::Shard;
use handoff_control::host::status::HostState;
use handoff_ingress::cloudevents;
use handoff_ingress::cloudevents::{CloudEventLimits, IngressError};
use handoff_ingress::rate::{Rate, RateLimiter};
use handoff_ingress::sink::{Addressee, Incoming};
use handoff_listen::{TrustedProxies, sender};
use handoff_model::names::{InstallationName, Position};

/// Clients and hooks that have their own bucket at the same time.
const BUCKETS_MAX: usize = 10_000;

/// The result of posting events: all of them are durable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TakenView {
    /// Events that are new.
    pub accepted: u64,
    /// Events whose source and id were in the log already.
    pub duplicates: u64,
    /// The position of each event, in the order given; for a duplicate, the position of the first.
    pub positions: Vec<Position>,
}

impl TakenView {
    fn of(appended: &[Appended]) -> Self {
        let mut taken = Self::default();
        for event in appended {
            let (counter, position) = match event {
                Appended::Accepted { position, .. } => (&mut taken.accepted, *position),
                Appended::Duplicate { position } => (&mut taken.duplicates, *position),
            };
            *counter += 1;
            taken.positions.push(position);
        }
        taken
    }
}

/// What the routes share.
struct Ingress {
    shard: Arc<Shard>,
    // Locks without await: each protects a few sums.
    clients: Mutex<RateLimiter<IpAddr>>,
    hooks: Mutex<RateLimiter<InstallationName>>,
    unverified: ByteBudget,
    proxies: TrustedProxies,
}

type Shared = State<Arc<Ingress>>;

/// All routes.
pub fn router(shard: Arc<Shard>) -> Router {
    let process = shard.process();
    let config = &process.config().ingress;
    let rate = config.rate;
    let now = process.clock().now();
    let client = Rate { per_second: rate.client_per_second, burst: rate.client_burst };
    let hook = Rate { per_second: rate.hook_per_second, burst: rate.hook_burst };
    let ingress = Arc::new(Ingress {
        unverified: ByteBudget::new(config.events_body_bytes.max(config.hook_body_bytes)),
        proxies: TrustedProxies::new(config.trusted_proxies.clone()),
        shard: shard.clone(),
        clients: Mutex::new(RateLimiter::new(client, BUCKETS_MAX, now)),
        hooks: Mutex::new(RateLimiter::new(hook, BUCKETS_MAX, now)),
    });
    let bounded = Router::new()
        .route("/events", post(events_of_sender))
        .route("/rooftops/{rooftop}/events", post(events_of_rooftop))
        .route("/hooks/{installation}", post(hooks::post))
        .method_not_allowed_fallback(no_method)
        .layer(middleware::from_fn_with_state(ingress.clone(), admit));
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .method_not_allowed_fallback(no_method)
        .merge(bounded)
        .fallback(no_route)
        .with_state(ingress)
}

/// Checks the bounds that apply before anything of a request is read.
async fn admit(
    State(ingress): Shared,
    ClientAddress(address): ClientAddress,
    request: Request,
    next: Next,
) -> Response {
    let Err((reason, refusal)) = check_bounds(&ingress, address, request.headers()) else {
        return next.run(request).await;
    };
    hooks::note_early(&ingress, request.uri().path(), address, request.headers(), (reason, &refusal));
    let mut response = refusal.into_response();
    if response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        response.headers_mut().insert(http::header::ACCEPT_ENCODING, http::HeaderValue::from_static("identity"));
    }
    response
}

/// The reason for the operator, and the answer.
fn check_bounds(
    ingress: &Ingress,
    address: Option<IpAddr>,
    headers: &HeaderMap,
) -> Result<(), (&'static str, Refusal)> {
    if headers.len() > HEADERS_MAX {
        let detail = format!("{} header fields; expected at most {HEADERS_MAX}", headers.len());
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        let word = "too-many-headers";
        return Err((word, Refusal::new(status, word, "Too many header fields", detail)));
    }
    if let Some(name) = headers.iter().find(|(_, value)| value.len() > HEADER_BYTES_MAX).map(|(name, _)| name) {
        let detail = format!("the header field `{name}` has more than {HEADER_BYTES_MAX} bytes");
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        let word = "header-too-large";
        return Err((word, Refusal::new(status, word, "A header field is too large", detail)));
    }
    // Before anything of the body is read. Connectors get the bytes that were signed, and none of them unpacks bodies: an
    // accepted one would be a dead letter.
    let plain = |value: &http::HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(http::header::CONTENT_ENCODING).iter().all(plain) {
        let detail = "`content-encoding` must be `identity`: send the body uncompressed; nothing was taken";
        let (status, word) = (StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-encoding");
        return Err((word, Refusal::new(status, word, "Compressed bodies are not accepted", detail)));
    }
    // Without an address, all clients share one bucket: in a test, or on a listener that has no addresses.
    let sender = sender(address.unwrap_or(IpAddr::from([0, 0, 0, 0])));
    let taken = ingress.clients.lock().take(&sender, ingress.shard.process().clock().now());
    taken.map_err(|ms| {
        let detail = "this address makes too many requests; `Retry-After` says when the next may come";
        ("sender-rate", busy(detail, ms))
    })
}

/// The name in the path. None if it is not UTF-8: then it names nothing.
struct Named(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(Path::from_request_parts(parts, state).await.ok().map(|Path(name)| name)))
    }
}

async fn events_of_sender(State(ingress): Shared, headers: HeaderMap, body: Body) -> Result<Response, Refusal> {
    events(&ingress, None, &headers, body).await
}

async fn events_of_rooftop(
    State(ingress): Shared,
    Named(name): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    // A name that is not UTF-8 is the name of no rooftop.
    events(&ingress, Some(name.as_deref().unwrap_or_default()), &headers, body).await
}

/// The rooftop comes from the sender's token and path, never from an attribute of an event. It is known before anything
/// of the body is read.
async fn events(ingress: &Ingress, named: Option<&str>, headers: &HeaderMap, body: Body) -> Result<Response, Refusal> {
    let shard = &ingress.shard;
    let rooftop = shard.process().rooftop_of_sender(bearer(headers), named).await?.ok_or_else(|| {
        let detail = "this host has several rooftops, and nothing in an event says which one it belongs to: post to \
                      `/rooftops/NAME/events`, or with the token of one rooftop; nothing was taken";
        Refusal::new(StatusCode::NOT_FOUND, "no-rooftop", "No rooftop given", detail)
    })?;
    let config = shard.process().config();
    let most = BodyLimit::of_setting("ingress.events-body-bytes", config.ingress.events_body_bytes);
    let body = ingress.unverified.read(headers, body, most).await?;
    let limits = CloudEventLimits {
        event_bytes: config.engine_limits.event_bytes,
        batch_events: config.engine_limits.batch_events,
    };
    let events = cloudevents::parse(headers, &body.bytes, limits)?;
    let to = Addressee::Rooftop(rooftop);
    let incoming = events.into_iter().map(|event| Incoming { to: to.clone(), event }).collect::<Vec<_>>();
    let appended = if incoming.is_empty() { Vec::new() } else { shard.accept(incoming).await? };
    Ok(View(StatusCode::ACCEPTED, TakenView::of(&appended)).into_response())
}

/// Liveness: the process answers.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Readiness: the host accepts events.
async fn readyz(State(ingress): Shared) -> Response {
    match ingress.shard.state() {
        HostState::Ready => match ingress.shard.open_conditions() {
            0 => "ready\n".into_response(),
            // A number alone: strangers may ask.
            number => format!("ready; open incidents: {number}\n").into_response(),
        },
        HostState::Recovering => unavailable("the host is reading its journal").into_response(),
        HostState::Blocked => unavailable("the host's disk cannot be written").into_response(),
        HostState::Failed => {
            unavailable("the host's disk failed: it takes nothing until it is started again").into_response()
        }
        HostState::Stopping | HostState::Stopped => unavailable("the host is stopping").into_response(),
    }
}

impl From<IngressError> for Refusal {
    fn from(error: IngressError) -> Self {
        let detail = format!("{error}; nothing was taken");
        let field = match (error.index(), error.field()) {
            (Some(index), Some(field)) => Some(format!("[{index}].{field}")),
            (Some(index), None) => Some(format!("[{index}]")),
            (None, Some(field)) => Some(field.to_owned()),
            (None, None) => None,
        };
        let refusal = match &error {
            IngressError::UnsupportedMediaType { .. } => {
                let title = "Another media type is expected";
                Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error.code(), title, detail)
            }
            IngressError::TooLarge { .. } => too_large(detail),
            IngressError::Invalid { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.code(), "Not a valid event", detail)
            }
        };
        match field {
            Some(field) => refusal.at_field(field),
            None => refusal,
        }
    }
}
