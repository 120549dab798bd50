//! The CRM's HTTP interface: checks the API key, behaves as the mode says, and lets the ledger decide the rest.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::ledger::Reply;
use super::{API_KEY, API_KEY_HEADER, Mode, Shared};

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(answer).with_state(shared)
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mode = *shared.mode.borrow();
    if let Mode::Slow(time) = mode {
        tokio::time::sleep(time).await;
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (method, path, key) = (method.as_str(), uri.path(), text("idempotency-key"));
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let refuse = |status: u16| shared.ledger.change(|ledger| ledger.refuse(method, path, key, &body, status));
    if text(API_KEY_HEADER) != Some(API_KEY) {
        shared.ledger.change(|ledger| ledger.violations.push(format!("{method} {path} without the API key")));
        return json_reply(refuse(401));
    }
    let nth = |n: usize| shared.ledger.0.borrow().requests.len() % n.max(1) == 0;
    match mode {
        Mode::Failing => json_reply(refuse(500)),
        Mode::FlakyEvery(n) if nth(n) => json_reply(refuse(500)),
        Mode::RateLimited(seconds) => {
            let reply = refuse(429);
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())], reply.body.to_string())
                .into_response()
        }
        Mode::MalformedJson => {
            refuse(200);
            ([(header::CONTENT_TYPE, "application/json")], "{\"entryId\": <html>").into_response()
        }
        Mode::HugeBody(bytes) => {
            refuse(200);
            ([(header::CONTENT_TYPE, "application/json")], vec![b' '; bytes]).into_response()
        }
        _ => {
            let reply = shared.ledger.change(|ledger| ledger.take(method, path, key, &body));
            if mode == Mode::Hanging {
                return std::future::pending().await;
            }
            let wrong = mode == Mode::WrongContentType;
            if wrong { typed(reply, "text/html") } else { json_reply(reply) }
        }
    }
}

fn json_reply(reply: Reply) -> Response {
    typed(reply, "application/json")
}

fn typed(reply: Reply, media_type: &'static str) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = if reply.body.is_null() { json!({}) } else { reply.body };
    (status, [(header::CONTENT_TYPE, media_type)], body.to_string()).into_response()
}
