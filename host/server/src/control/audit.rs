//! Routes about the audit log.

use axum::extract::State;

use super::extract::Fields;
use super::routes::Routes;
use super::{Answer, Shared, read};
use handoff_control::audit::{AuditQuery, AuditVerifyQuery, LIST, VERIFY};

pub(super) fn add(routes: &mut Routes) {
    routes.add(&LIST, list);
    routes.add(&VERIFY, verify);
}

async fn list(State(shard): Shared, Fields(query): Fields<AuditQuery>) -> Answer {
    read(&shard, move |shard| shard.list_audit(&query)).await
}

async fn verify(State(shard): Shared, Fields(query): Fields<AuditVerifyQuery>) -> Answer {
    read(&shard, move |shard| shard.verify_audit(&query)).await
}
