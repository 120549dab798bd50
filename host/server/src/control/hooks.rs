//! Routes about hooks.

use axum::extract::State;

use super::extract::Name;
use super::routes::Routes;
use super::{Answer, Shared, read};
use handoff_app::shard::Shard;
use handoff_control::hooks::{LIST, SHOW};

pub(super) fn add(routes: &mut Routes) {
    routes.add(&LIST, list);
    routes.add(&SHOW, show);
}

async fn list(State(shard): Shared) -> Answer {
    read(&shard, Shard::list_hooks).await
}

async fn show(State(shard): Shared, Name(name): Name) -> Answer {
    read(&shard, move |shard| shard.show_hook(&name)).await
}
