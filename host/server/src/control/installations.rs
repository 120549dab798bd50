//! Routes about installations.

use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;

use super::extract::{Fields, Name};
use super::routes::Routes;
use super::{Answer, Shared, ok, read};
use crate::body;
use crate::caller::Caller;
use handoff_app::shard::Shard;
use handoff_control::installations::history;
use handoff_control::installations::install::INSTALL;
use handoff_control::installations::lock::{APPLY, LOCK};
use handoff_control::installations::many;
use handoff_control::installations::rollback::ROLLBACK;
use handoff_control::installations::uninstall::UNINSTALL;
use handoff_control::installations::upgrade::UPGRADE;
use handoff_control::installations::{InstallationQuery, LIST, PAUSE, RESUME, RETRY_NOW, SETTINGS, SHOW};

pub(super) fn add(routes: &mut Routes) {
    routes.add(&LIST, list);
    routes.add(&INSTALL, install);
    routes.add(&SHOW, show);
    routes.add(&SETTINGS, show_settings);
    routes.add(&history::SHOW, show_history);
    routes.add(&UPGRADE, upgrade);
    routes.add(&ROLLBACK, rollback);
    routes.add(&many::UPGRADE, upgrade_many);
    routes.add(&many::ROLLBACK, rollback_many);
    routes.add(&RETRY_NOW, retry_now);
    routes.add(&PAUSE, pause);
    routes.add(&RESUME, resume);
    routes.add(&UNINSTALL, uninstall);
    routes.add(&LOCK, lock);
    routes.add(&APPLY, apply);
}

async fn list(State(shard): Shared, Fields(query): Fields<InstallationQuery>) -> Answer {
    read(&shard, move |shard| Ok(shard.list_installations(&query))).await
}

async fn show(State(shard): Shared, Name(name): Name) -> Answer {
    read(&shard, move |shard| shard.show_installation(&name)).await
}

async fn show_settings(State(shard): Shared, Name(name): Name) -> Answer {
    read(&shard, move |shard| shard.installation_settings(&name)).await
}

async fn show_history(State(shard): Shared, Name(name): Name) -> Answer {
    read(&shard, move |shard| shard.installation_history(&name)).await
}

async fn install(State(shard): Shared, Caller(caller): Caller, headers: HeaderMap, body: Body) -> Answer {
    ok(shard.install(&caller, body::json(&headers, body).await?).await)
}

async fn upgrade(
    State(shard): Shared,
    Caller(caller): Caller,
    Name(name): Name,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    ok(shard.upgrade(&caller, &name, body::json(&headers, body).await?).await)
}

async fn rollback(
    State(shard): Shared,
    Caller(caller): Caller,
    Name(name): Name,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    ok(shard.rollback(&caller, &name, body::json(&headers, body).await?).await)
}

async fn upgrade_many(State(shard): Shared, Caller(caller): Caller, headers: HeaderMap, body: Body) -> Answer {
    ok(shard.upgrade_many(&caller, body::json(&headers, body).await?).await)
}

async fn rollback_many(State(shard): Shared, Caller(caller): Caller, headers: HeaderMap, body: Body) -> Answer {
    ok(shard.rollback_many(&caller, body::json(&headers, body).await?).await)
}

async fn retry_now(
    State(shard): Shared,
    Caller(caller): Caller,
    Name(name): Name,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    ok(shard.retry_now(&caller, &name, body::json(&headers, body).await?).await)
}

async fn pause(
    State(shard): Shared,
    Caller(caller): Caller,
    Name(name): Name,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    ok(shard.pause(&caller, &name, body::json(&headers, body).await?).await)
}

async fn resume(
    State(shard): Shared,
    Caller(caller): Caller,
    Name(name): Name,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    ok(shard.resume(&caller, &name, body::json(&headers, body).await?).await)
}

async fn uninstall(
    State(shard): Shared,
    Caller(caller): Caller,
    Name(name): Name,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    ok(shard.uninstall(&caller, &name, body::json(&headers, body).await?).await)
}

async fn lock(State(shard): Shared) -> Answer {
    read(&shard, Shard::lock).await
}

async fn apply(State(shard): Shared, Caller(caller): Caller, headers: HeaderMap, body: Body) -> Answer {
    ok(shard.apply(&caller, body::json(&headers, body).await?).await)
}
