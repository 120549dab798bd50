//! Routes about the test clock, if there is one.

use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;

use super::routes::Routes;
use super::{Answer, Shared, ok, read};
use crate::body;
use handoff_app::shard::Shard;
use handoff_control::host::clock::{MOVE, MoveClockRequest, SHOW};

pub(super) fn add(routes: &mut Routes, shard: &Shard) {
    if shard.process().test_clock().is_some() {
        routes.add(&SHOW, show);
        routes.add(&MOVE, move_to);
    }
}

async fn show(State(shard): Shared) -> Answer {
    read(&shard, Shard::show_clock).await
}

async fn move_to(State(shard): Shared, headers: HeaderMap, body: Body) -> Answer {
    let request: MoveClockRequest = body::json(&headers, body).await?;
    ok(shard.move_clock(request))
}
