//! Data folders of every released schema: each later build opens them, finds in them what was there, and goes on. The
//! folders are in `tests/fixtures`; `make fixture` records the one of the current schema, once, when it is released.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use handoff_model::time::{Clock as _, SystemClock};
use handoff_tests::harness::{TestHost, bdc_list_at, component, eventually, identity, restamped, web_leads};
use handoff_tests::leads::Lead;
use serde_json::{Value, json};
use toml::Table;

/// A CRM that is down: requests wait. Port 9, "discard", is not served anywhere.
const CRM_PORT: u16 = 9;
/// More than the journal keeps beside an event.
const LARGE_BYTES: usize = 300 << 10;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The archives of data folders, each with what it must hold.
fn recorded() -> Vec<(PathBuf, Value)> {
    let files = fs::read_dir(fixtures()).expect("tests/fixtures");
    let mut archives: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
    archives.retain(|path| path.to_string_lossy().ends_with(".tar.gz"));
    archives.sort();
    let contents = |archive: PathBuf| {
        let text = fs::read_to_string(archive.with_extension("").with_extension("json")).expect("its contents");
        (archive, serde_json::from_str(&text).expect("JSON"))
    };
    archives.into_iter().map(contents).collect()
}

fn tar(arguments: &[&str]) {
    let done = Command::new("tar").args(arguments).status().expect("tar is installed");
    assert!(done.success(), "tar {arguments:?}");
}

/// Some fields of each element of a list.
fn picked(list: &Value, fields: &[&str]) -> Value {
    let pick = |one: &Value| fields.iter().map(|field| one[*field].clone()).collect::<Value>();
    list.as_array().into_iter().flatten().map(pick).collect()
}

/// What people see of a host. Only fields that no later build may lose; lists may gain fields.
async fn contents(host: &TestHost) -> Value {
    let list = host.cli_json(&["list"]).await;
    let mut generations = Vec::new();
    for installation in list["installations"].as_array().into_iter().flatten() {
        let name = installation["name"].as_str().expect("a name");
        let shown = host.cli_json(&["show", name]).await;
        let fields = ["generation", "version", "digest", "by", "kind", "restores", "reason", "quarantined"];
        generations.push(json!([name, picked(&shown["generations"], &fields)]));
    }
    let events = host.cli_json(&["events", "--limit", "1000"]).await;
    let mut data = Vec::new();
    for event in events["events"].as_array().into_iter().flatten() {
        let position = event["position"].as_u64().expect("a position");
        data.push(json!([position, event["id"], event["type"], host.event_data(position).await.to_string().len()]));
    }
    let outbox = host.cli_json(&["outbox"]).await;
    let audit = host.cli_json(&["audit"]).await;
    let verified = host.cli_json(&["audit", "verify"]).await;
    json!({
        "installations": picked(&list["installations"], &["name", "rooftop", "package", "version", "generation"]),
        "generations": generations,
        "events": data,
        "deadLetters": picked(&host.dead_letters().await.into(), &["id", "code", "message"]),
        "outbox": picked(&outbox["requests"], &["id", "key", "generation", "method", "url"]),
        "audit": [picked(&audit["entries"], &["number", "by", "action", "subject", "hash"]), verified["sound"]],
    })
}

/// Waits until every event is delivered. Requests wait all the time.
async fn delivered(host: &TestHost) {
    eventually("every event is delivered", async || {
        let counts = host.counts().await;
        (counts["waiting"] == 0 && counts["inFlight"] == 0).then_some(())
    })
    .await;
}

/// The same on a clock that stands: it moves a second at a time, so that a delivery that a busy machine ended is retried
/// and no timer becomes due.
async fn delivered_on_a_standing_clock(host: &TestHost) {
    eventually("every event is delivered", async || {
        let counts = host.counts().await;
        if counts["waiting"] == 0 && counts["inFlight"] == 0 {
            return Some(());
        }
        host.cli(&["clock", "+1s"]).await.ok();
        None
    })
    .await;
}

/// The example settings without the folder, whose path is another one in each test.
fn hooks_only(host: &TestHost) -> Table {
    let mut settings = web_leads(&host.inbox());
    settings.remove("folders");
    settings
}

/// A host whose data folder holds something of every kind: events, a large body, connector state, timers, requests that
/// wait and that are held, a dead letter, undo, generations of upgrades and rollbacks, a pause, the audit log.
async fn eventful() -> TestHost {
    let host = TestHost::new().start().await;
    host.install("web-leads", &component("adf-leads"), &hooks_only(&host)).await.ok();
    host.install("identity", &component("identity"), &identity()).await.ok();
    host.install("bdc-list", &component("bdc-list"), &bdc_list_at(CRM_PORT)).await.ok();
    let post = async |number: u64| host.post_lead(&Lead::new(number).adf()).await.expect(202).position();
    for number in 1..=3 {
        post(number).await;
    }
    host.post_data("com.example.large.v1", "large", &json!({ "text": "x".repeat(LARGE_BYTES) })).await.expect(202);
    delivered(&host).await;

    let newer = restamped("bdc-list", "1.9.0", host.folder());
    host.install("bdc-list", &newer, &bdc_list_at(CRM_PORT)).await.ok();
    post(4).await;
    delivered(&host).await;
    host.cli(&["rollback", "bdc-list", "--reason", "wrong list", "--by", "for Bob"]).await.ok();

    let mut refusing = hooks_only(&host);
    refusing["config"]["accepted-vendor-ids"] = vec!["NOBODY"].into();
    host.install("web-leads", &component("adf-leads"), &refusing).await.ok();
    post(5).await;
    host.wait_dead_letters(1).await;
    host.cli(&["pause", "identity", "--reason", "inventory"]).await.ok();
    host
}

#[tokio::test]
async fn a_data_folder_of_every_schema_opens_and_goes_on() {
    if std::env::var_os("RECORD_FIXTURE").is_some() {
        record().await;
    }
    let recorded = recorded();
    assert!(!recorded.is_empty(), "there is a data folder of each released schema");
    for (archive, mut expected) in recorded {
        // The clock stands at that time, so that no timer has become due since.
        let recorded_at = expected.as_object_mut().and_then(|all| all.remove("recordedAt"));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = folder.path().join("clock");
        fs::write(&clock, recorded_at.as_ref().and_then(Value::as_str).expect("its time")).expect("the clock's file");
        let host = TestHost::new().with_data(&archive);
        let host = host.environment("HANDOFF_TEST_CLOCK", &clock.display().to_string()).start().await;
        let found = contents(&host).await;
        assert_eq!(found, expected, "{}", archive.display());

        // A version that the fixture left goes back, its dead letter is delivered, and the next lead is taken.
        let report = host.cli_json(&["rollback", "web-leads"]).await;
        assert_eq!(report["deadLettersRedriven"], 1, "{report:#}");
        host.cli(&["resume", "identity"]).await.ok();
        host.post_lead(&Lead::new(6).adf()).await.expect(202);
        host.post_lead(&Lead::new(1).adf()).await;
        delivered_on_a_standing_clock(&host).await;
        assert!(host.dead_letters().await.is_empty(), "{}", archive.display());
        assert_eq!(host.cli_json(&["audit", "verify"]).await["sound"], true, "{}", archive.display());
    }
}

/// Records the data folder of the current schema, unless there is one.
async fn record() {
    let name = fixtures().join(format!("schema-{}", handoff_store::SCHEMA_VERSION));
    let (archive, list) = (name.with_extension("tar.gz"), name.with_extension("json"));
    if archive.exists() {
        return;
    }
    fs::create_dir_all(fixtures()).expect("a folder");
    let mut host = eventful().await;
    let mut contents = contents(&host).await;
    contents["recordedAt"] = SystemClock.now().to_string().into();
    host.stop().await;
    let (archive, folder) = (archive.display().to_string(), host.folder().display().to_string());
    tar(&["--exclude=data/code", "--exclude=data/lock", "-C", &folder, "-czf", &archive, "data"]);
    let text = serde_json::to_string_pretty(&contents).expect("JSON");
    fs::write(list, text + "\n").expect("written");
}
