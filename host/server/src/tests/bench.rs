//! A host in a temporary folder, and requests to it without a network.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use semver::Version;
use tower::ServiceExt as _;

use crate::caller::Caller;
use handoff_app::process::Process;
use handoff_app::shard::Shard;
use handoff_config::Config;
use handoff_model::actor::Identity;
use handoff_model::failure::Failure;
use handoff_model::grants::Grants;
use handoff_model::installation::{GenerationContent, GenerationReason, NewDetails};
use handoff_model::names::{Generation, Position};
use handoff_model::time::{Clock, Timestamp};
use handoff_store::{Attempt, FailureAction, NewGeneration, Store, StoreOptions};

/// 2026-03-30T15:30:20Z.
pub(super) const NOW: Timestamp = Timestamp(1_774_884_620_000);

/// A clock that stands still.
pub(super) struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        NOW
    }
}

pub(super) struct Bench {
    pub(super) shard: Arc<Shard>,
    pub(super) folder: tempfile::TempDir,
}

impl Bench {
    /// A host with `toml` in its configuration and an installation `web-leads` that accepts `com.example.lead`.
    pub(super) async fn new(toml: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let token = folder.path().join("token");
        std::fs::write(&token, "open-sesame").expect("a token file");
        std::fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("its mode");
        let text = format!(
            "[rooftops.main-street]\ntime-zone = \"America/Chicago\"\n[secrets.door]\nfile = \"token\"\n{toml}"
        );
        let file = folder.path().join("handoff.toml");
        std::fs::write(&file, &text).expect("a configuration");
        let mut config = Config::parse(&text, &file.display().to_string()).expect("a sound configuration");
        // Its package does not exist: the tests end deliveries and requests themselves.
        config.engine_limits.concurrency_per_installation = 0;
        config.engine_limits.outbox_concurrency = 0;
        let mut options = StoreOptions::in_small_steps(folder.path().join("data"));
        options.groups = config.members();
        let store = Store::open(options).expect("a store");
        let hook = r#"{"hook":{"verify":"none","idHeader":"x-id"}}"#;
        store.put_generation(generation("web-leads", "main-street", hook)).await.expect("an installation");
        let clock: Arc<dyn Clock> = Arc::new(Stopped);
        let process = Process::start(config, clock).expect("a process");
        let shard = Shard::over(store, process, 1).expect("a shard");
        Self { shard, folder }
    }

    /// Makes the delivery of an event fail for good.
    pub(super) async fn dead_letter(&self, position: Position) {
        self.dead_letter_of(position, Failure::reject("bad-vin", "the VIN has 16 characters")).await;
    }

    /// Makes the delivery of an event fail for good, for a reason.
    pub(super) async fn dead_letter_of(&self, position: Position, failure: Failure) {
        let store = self.shard.store();
        let installation = store.installations().first().expect("an installation").clone();
        let ready = store.ready(installation.id, None, 1_000).expect("a queue");
        let entry = ready.iter().find(|ready| ready.position == position).expect("the event waits");
        let attempt = Attempt {
            installation: installation.id,
            position,
            queue_key: entry.queue_key,
            scope: "main-street".parse().expect("a name"),
            generation: Generation(1),
            input: Default::default(),
            number: 1,
            time: NOW,
            finished_at: NOW,
        };
        store
            .fail(attempt, store.snapshot(), failure, FailureAction::DeadLetter, Default::default())
            .await
            .expect("a verdict");
    }
}

/// The first generation of an installation.
pub(super) fn generation(name: &str, scope: &str, ingress_json: &str) -> NewGeneration {
    let content = GenerationContent {
        package: "handoff/adf-leads".to_owned(),
        version: Version::new(1, 0, 0),
        digest: "sha256:00".to_owned(),
        state_schema: 1,
        config_json: "{}".to_owned(),
        grants: Grants { accepts: ["com.example.lead".to_owned()].into(), ..Grants::default() },
        ingress_json: ingress_json.to_owned(),
    };
    NewGeneration {
        name: name.parse().expect("a name"),
        scope: scope.parse().expect("a scope"),
        content,
        by: handoff_model::actor::Actor::user("test"),
        reason: GenerationReason::Install,
        note: None,
        at: NOW,
        expected: None,
        details: NewDetails::default(),
        migration: None,
        changes_json: None,
        leave: None,
    }
}

/// A complete answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Status, problem type and field, which programs depend on. Fails unless the problem is complete.
    pub(super) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert!(!problem["title"].as_str().expect("a title").is_empty());
        assert!(!problem["detail"].as_str().expect("a detail").is_empty());
        let word = problem["type"].as_str().and_then(|uri| uri.strip_prefix("urn:handoff:problem:")).expect("a type");
        format!("{} {word} {}", self.status.as_u16(), problem["field"].as_str().unwrap_or("-"))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

pub(super) async fn send(
    router: &Router,
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Answer {
    let kim = Caller(Identity::User("kim".to_owned()));
    let mut request = Request::builder().method(method).uri(uri).extension(kim);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router.clone().oneshot(request.body(body.into()).expect("a request")).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    Answer { status: parts.status, headers: parts.headers, text }
}

pub(super) async fn get(router: &Router, uri: &str) -> Answer {
    send(router, "GET", uri, &[], Body::empty()).await
}

pub(super) async fn post_json(router: &Router, uri: &str, body: serde_json::Value) -> Answer {
    send(router, "POST", uri, &[("content-type", "application/json")], body.to_string()).await
}
