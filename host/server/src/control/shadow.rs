//! Shadow runs and replays. A run streams its answer as lines of JSON; closing the connection ends it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;
use tokio::sync::mpsc;

use super::extract::{At, Name};
use super::routes::Routes;
use super::{Answer, Shared, lines, ok};
use crate::body;
use crate::reply::Refusal;
use handoff_app::shadow::PreparedShadow;
use handoff_app::shard::Shard;
use handoff_control::shadow::{REPLAY, RUN, ShadowLine, ShadowRequest};

/// Lines that wait for a slow reader. Beyond that, progress is dropped, but the end is not.
const LINES: usize = 16;

pub(super) fn add(routes: &mut Routes) {
    routes.add(&RUN, shadow);
    routes.add(&REPLAY, replay);
}

/// Checks and compiles first, so that an error has its own status; then runs.
async fn shadow(State(shard): Shared, Name(name): Name, headers: HeaderMap, body: Body) -> Answer {
    let request: ShadowRequest = body::json(&headers, body).await?;
    let prepared = shard.prepare_shadow(&name, &request).await?;
    let (lines, heard) = mpsc::channel(LINES);
    let background = shard.process().background().clone();
    background.spawn(run(shard, prepared, lines));
    Ok(lines::answer(heard))
}

async fn run(shard: Arc<Shard>, prepared: PreparedShadow, lines: mpsc::Sender<ShadowLine>) {
    let mut last = None;
    let mut progress = |done: u64, total: u64| {
        // Once for each percent.
        let percent = done.saturating_mul(100).checked_div(total);
        if last.replace(percent) != Some(percent) {
            // A slow reader skips this line and gets the next one.
            let _ = lines.try_send(ShadowLine::Progress { done, total });
        }
    };
    let done = tokio::select! {
        biased;
        done = shard.run_shadow(prepared, &mut progress) => done,
        () = lines.closed() => return,
    };
    let line = match done {
        Ok(view) => ShadowLine::Report(Box::new(view)),
        Err(error) => {
            let problem = Refusal::from(error).into_problem();
            ShadowLine::Problem(serde_json::to_value(&problem).unwrap_or_default())
        }
    };
    // The receiver is gone only if the run was cancelled.
    let _ = lines.send(line).await;
}

async fn replay(State(shard): Shared, At(position): At, headers: HeaderMap, body: Body) -> Answer {
    ok(shard.replay(position, body::json(&headers, body).await?).await)
}
