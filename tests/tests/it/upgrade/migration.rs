//! Migration of state with an older schema: atomically with the swap while events wait, or not at all.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use handoff_package::Manifest;
use handoff_package::package::stamp;
use handoff_tests::harness::{TestHost, eventually};
use serde_json::{Value, json};
use toml::Table;

use crate::guest::probe;

const TOLD: &str = "com.example.told.v1";

/// The probe as a version with a state schema.
pub(crate) fn keeper(folder: &Path, version: &str, schema: u32) -> String {
    let manifest = format!(
        "[package]\nname = \"example/keeper\"\nversion = \"{version}\"\ntitle = \"Keeper\"\nsummary = \"Does what it is told.\"\n\
         license = \"MIT\"\n[events]\naccepts = [\"{TOLD}\"]\n[state]\nschema = {schema}\n"
    );
    let manifest = Manifest::from_toml(&manifest).expect("a manifest");
    let stamped = stamp(&probe().component, &manifest, "handoff:connector@1.0.0").expect("a package");
    let path = folder.join(format!("keeper-{version}.wasm"));
    fs::write(&path, stamped).expect("written");
    path.display().to_string()
}

pub(crate) async fn with_keeper() -> TestHost {
    let host = TestHost::new().start().await;
    let settings: Table = "rooftop = \"main-street\"".parse().expect("settings");
    let package = keeper(host.folder(), "1.0.0", 1);
    host.install("keeper", package.as_ref(), &settings).await.ok();
    host
}

pub(crate) async fn tell(host: &TestHost, id: &str, script: &str) -> u64 {
    let event = json!({
        "specversion": "1.0", "id": id, "source": "https://told.example", "type": TOLD,
        "datacontenttype": "text/plain", "data": script,
    });
    host.post_event(&event).await.expect(202).position()
}

/// The value of a key, as the guest reports it.
pub(crate) async fn value(host: &TestHost, id: &str, key: &str) -> String {
    let position = tell(host, id, &format!("get {key}")).await;
    eventually("the guest's answer", async || {
        let logs = host.cli(&["logs", "keeper", "--limit", "1000", "--json"]).await.ok();
        let mut lines = logs.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let own = lines.find(|line| line["position"] == position)?;
        Some(own["message"].as_str()?.split_once(" = ")?.1.to_owned())
    })
    .await
}

async fn shown(host: &TestHost) -> Value {
    host.cli_json(&["show", "keeper"]).await
}

/// Makes the guest set keys until `done`; returns their number.
async fn traffic(host: &TestHost, name: &str, done: &Cell<bool>) -> u64 {
    let mut count = 0;
    while !done.get() {
        tell(host, &format!("{name}-{count}"), &format!("set {name}-{count} x")).await;
        count += 1;
        tokio::task::yield_now().await;
    }
    count
}

#[tokio::test]
async fn a_migration_is_atomic_with_the_swap_and_loses_no_event() {
    let host = with_keeper().await;
    tell(&host, "script", "set migration work+200000000;set-many+300;delete+old;emit+com.example.x.v1+no").await;
    tell(&host, "old", "set old x").await;
    host.quiet().await;
    let newer = keeper(host.folder(), "2.0.0", 2);
    let plan = host.cli_json(&["upgrade", "keeper", &newer, "--dry-run"]).await;
    assert_eq!(plan["state"], json!({"does": "migrate", "from": 1, "to": 2}), "{plan:#}");
    assert_eq!(plan["needsApproval"], json!([]));

    let done = Cell::new(false);
    let upgrade = async {
        let report = host.cli_json(&["upgrade", "keeper", &newer]).await;
        done.set(true);
        report
    };
    let (told, report) = tokio::join!(traffic(&host, "during", &done), upgrade);
    assert_eq!((&report["applied"], &report["keysMigrated"]), (&true.into(), &302.into()), "{report:#}");
    host.quiet().await;
    assert!(told > 0 && host.dead_letters().await.is_empty());
    let deliveries = shown(&host).await["deliveries"].clone();
    assert_eq!(
        (&deliveries["committed"], &deliveries["failedAttempts"]),
        (&(told + 2).into(), &0.into()),
        "{deliveries:#}"
    );
    assert_eq!(
        value(&host, "a", "schema").await,
        "Ok(Some(\"1\"))",
        "the migration must receive the old schema version"
    );
    assert_eq!(value(&host, "b", "many-00299").await, "Ok(Some(\"v\"))");
    assert_eq!(value(&host, "c", "old").await, "Ok(None)");
    assert_eq!(value(&host, "d", &format!("during-{}", told - 1)).await, "Ok(Some(\"x\"))");
    let audit = host.cli_json(&["audit", "--installation", "keeper"]).await;
    let last = audit["entries"].as_array().and_then(|entries| entries.last()).cloned().expect("an entry");
    assert_eq!(last["detail"]["changes"]["state"], json!({"does": "migrate", "from": 1, "to": 2}), "{last:#}");
}

#[tokio::test]
async fn a_failed_migration_leaves_generation_and_state_untouched() {
    let host = with_keeper().await;
    let newer = keeper(host.folder(), "2.0.0", 2);
    for (number, (script, code)) in [
        ("work+50000000;set+half+done;panic", "trap"),
        ("set+half+done;misconfigured+unreadable", "misconfigured"),
        ("set+half+done;retry+not-now+1", "not-now"),
    ]
    .into_iter()
    .enumerate()
    {
        tell(&host, &format!("script-{number}"), &format!("set migration {script}")).await;
        host.quiet().await;
        let before = shown(&host).await["deliveries"]["committed"].as_u64().expect("a count");
        let done = Cell::new(false);
        let upgrade = async {
            let refused = host.cli(&["upgrade", "keeper", &newer]).await;
            done.set(true);
            refused.exits(5)
        };
        let name = format!("during-{number}");
        let (told, refused) = tokio::join!(traffic(&host, &name, &done), upgrade);
        refused.says(&["schema 1 to 2", code, "generation 1 goes on with its state untouched"]);
        host.quiet().await;
        let view = shown(&host).await;
        assert_eq!((&view["generation"], &view["version"]), (&1.into(), &"1.0.0".into()), "{view:#}");
        assert_eq!(view["deliveries"]["committed"], before + told, "the previous generation must handle every event");
        assert_eq!(value(&host, &format!("half-{number}"), "half").await, "Ok(None)");
        host.quiet().await;
    }
    assert!(host.dead_letters().await.is_empty());
    let history = host.cli_json(&["history", "keeper"]).await;
    assert_eq!(history["generations"].as_array().map(Vec::len), Some(1), "{history:#}");
}

#[tokio::test]
async fn state_kept_by_a_rollback_is_not_migrated_twice() {
    let mut host = with_keeper().await;
    tell(&host, "script", "set migration set+migrated+yes").await;
    host.quiet().await;
    let newer = keeper(host.folder(), "2.0.0", 2);
    host.cli(&["upgrade", "keeper", &newer]).await.ok().says(&["from schema 1 to 2"]);
    let kept = host.cli(&["rollback", "keeper", "--keep-state"]).await.ok();
    kept.says(&["stay in schema 2, though this version knows schema 1"]);
    tell(&host, "gone", "delete migrated").await;
    host.quiet().await;

    let older = keeper(host.folder(), "1.1.0", 1);
    let plan = host.cli(&["upgrade", "keeper", &older, "--dry-run"]).await.ok();
    plan.says(&["stays as it is", "of schema 2, which a rollback kept; version 1.1.0 was made for schema 1"]);
    host.kill();
    host.start_again().await;
    let plan = host.cli_json(&["upgrade", "keeper", &newer, "--force", "--dry-run"]).await;
    assert_eq!(plan["state"], json!({"does": "keep"}), "the state already has schema 2: {plan:#}");
    host.cli(&["upgrade", "keeper", &newer, "--force"]).await.ok();
    assert_eq!(value(&host, "b", "migrated").await, "Ok(None)", "no second migration may run");

    // Back to the generation with state schema 2 and a version of schema 1, and from there to schema 1.
    let report = host.cli_json(&["rollback", "keeper", "--restore-state"]).await;
    assert_eq!((&report["to"]["version"], &report["state"]["schema"]), (&"1.0.0".into(), &2.into()), "{report:#}");
    let plan = host.cli_json(&["upgrade", "keeper", &newer, "--force", "--dry-run"]).await;
    assert_eq!(plan["state"], json!({"does": "keep"}), "{plan:#}");
    let report = host.cli_json(&["rollback", "keeper", "--to", "1", "--restore-state"]).await;
    assert_eq!(report["state"]["schema"], 2, "{report:#}");
    let plan = host.cli_json(&["upgrade", "keeper", &newer, "--force", "--dry-run"]).await;
    assert_eq!(plan["state"], json!({"does": "migrate", "from": 1, "to": 2}), "{plan:#}");
}
