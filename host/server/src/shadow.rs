//! Shadow runs and replays. A run answers in lines of JSON while it goes on; whoever hangs up ends it.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use tokio::sync::mpsc;

use super::body;
use crate::reply::Refusal;
use handoff_app::host::Host;
use handoff_app::shadow::PreparedShadow;
use handoff_control::shadow::{ReplayView, ShadowLine, ShadowRequest};
use handoff_model::names::{InstallationName, Position};

/// Lines that wait for a slow reader. Progress beyond it is dropped, the end is not.
const LINES: usize = 16;

/// Checks and compiles first, so that what is wrong has a status of its own; then runs.
pub(super) async fn shadow(
    host: Arc<Host>,
    name: &InstallationName,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let request: ShadowRequest = body::json(headers, body).await?;
    let prepared = host.prepare_shadow(name, &request).await?;
    let (lines, heard) = mpsc::channel(LINES);
    let background = host.background.clone();
    background.spawn(run(host, prepared, lines));
    let next = |mut heard: mpsc::Receiver<ShadowLine>| async move {
        let line = heard.recv().await?;
        let mut text = serde_json::to_vec(&line).unwrap_or_default();
        text.push(b'\n');
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), heard))
    };
    let mut response = Response::new(Body::from_stream(futures_util::stream::unfold(heard, next)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn run(host: Arc<Host>, prepared: PreparedShadow, lines: mpsc::Sender<ShadowLine>) {
    let mut last = None;
    let mut progress = |done: u64, total: u64| {
        // Once for each percent.
        let percent = done.saturating_mul(100).checked_div(total);
        if last.replace(percent) != Some(percent) {
            // A reader that is behind sees the next one.
            let _ = lines.try_send(ShadowLine::Progress { done, total });
        }
    };
    let done = tokio::select! {
        biased;
        done = host.run_shadow(prepared, &mut progress) => done,
        () = lines.closed() => return,
    };
    let line = match done {
        Ok(view) => ShadowLine::Report(Box::new(view)),
        Err(error) => {
            let problem = Refusal::from(error).into_problem();
            ShadowLine::Problem(serde_json::to_value(&problem).unwrap_or_default())
        }
    };
    // Nobody listens any more only if the run was given up.
    let _ = lines.send(line).await;
}

/// Runs one delivery again.
pub(super) async fn replay(
    host: &Host,
    position: Position,
    headers: &HeaderMap,
    body: Body,
) -> Result<ReplayView, Refusal> {
    Ok(host.replay(position, body::json(headers, body).await?).await?)
}
