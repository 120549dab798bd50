//! Forty stores at once, here three: one report, one approval, one durable write.

use handoff_tests::harness::TestHost;
use serde_json::{Value, json};

use crate::upgrade::migration::keeper;

const PACKAGE: &str = "example/keeper";
const NAMES: [&str; 3] = ["store-a", "store-b", "store-c"];

async fn with_three() -> TestHost {
    let host = TestHost::new().start().await;
    let settings: toml::Table = "rooftop = \"main-street\"\n[config]\nlevel = 1\n".parse().expect("settings");
    let package = keeper(host.folder(), "1.0.0", 1);
    for name in NAMES {
        host.install(name, package.as_ref(), &settings).await.ok();
    }
    host
}

async fn versions(host: &TestHost) -> Vec<(Value, Value)> {
    let mut all = Vec::new();
    for name in NAMES {
        let shown = host.cli_json(&["show", name]).await;
        all.push((shown["version"].clone(), shown["generation"].clone()));
    }
    all
}

fn each(version: &str, generation: u64) -> Vec<(Value, Value)> {
    vec![(version.into(), generation.into()); NAMES.len()]
}

/// Approves exactly what the plan shows.
async fn agreed(host: &TestHost, args: &[&str]) -> Value {
    let plan = host.cli_json(&[args, &["--dry-run"]].concat()).await;
    let code = plan["approvalCode"].as_str().expect("a code").to_owned();
    host.cli(args).await.exits(5).says(&["--approve", &code]);
    host.cli_json(&[args, &["--approve", &code]].concat()).await
}

#[tokio::test]
async fn all_installations_of_a_package_are_upgraded_and_rolled_back_at_once() {
    let host = with_three().await;
    let newer = keeper(host.folder(), "1.1.0", 1);
    let report = agreed(&host, &["upgrade", "--package", PACKAGE, "--to", &newer]).await;
    assert_eq!((&report["applied"], report["installations"].as_array().map(Vec::len)), (&true.into(), Some(3)));
    assert_eq!(versions(&host).await, each("1.1.0", 2));

    // One of them is at a later version: only that one runs the newest.
    host.cli(&["upgrade", "store-a", &keeper(host.folder(), "1.2.0", 1)]).await.ok();
    let report = host.cli_json(&["rollback", "--package", PACKAGE, "--reason", "bad"]).await;
    assert_eq!(
        (&report["version"], report["leftOut"].as_array().map(Vec::len)),
        (&"1.2.0".into(), Some(2)),
        "{report:#}"
    );
    assert_eq!(report["installations"][0]["to"]["version"], "1.1.0", "{report:#}");

    let plan =
        host.cli_json(&["rollback", "--package", PACKAGE, "--from", "1.1.0", "--to", "1.0.0", "--dry-run"]).await;
    assert_eq!(
        (&plan["applied"], plan["installations"].as_array().map(Vec::len)),
        (&false.into(), Some(3)),
        "{plan:#}"
    );
    let done = host.cli(&["rollback", "--package", PACKAGE, "--to", "1.0.0"]).await.ok();
    done.says(&["rolled back 3 installations of example/keeper 1.1.0", "store-b", "1.0.0"]);
    assert_eq!(
        versions(&host).await,
        vec![("1.0.0".into(), 5.into()), ("1.0.0".into(), 3.into()), ("1.0.0".into(), 3.into())]
    );
    host.cli(&["rollback", "--package", "example/unknown"]).await.exits(3).says(&["installation of example/unknown"]);
}

#[tokio::test]
async fn settings_of_all_installations_change_by_a_template() {
    let host = with_three().await;
    let template: toml::Table = "[config]\nlabel = \"{{scope}}/{{name}}\"\n".parse().expect("a template");
    let file = host.write_settings("template", &template);
    let report = agreed(&host, &["upgrade", "--package", PACKAGE, "--settings", &file]).await;
    let changes: Vec<&Value> =
        report["installations"].as_array().into_iter().flatten().map(|one| &one["config"]["changes"]).collect();
    let change = |name: &str| json!([{ "field": "label", "after": format!("main-street/{name}") }]);
    assert_eq!(changes, NAMES.map(change).iter().collect::<Vec<_>>(), "{report:#}");
    assert_eq!(versions(&host).await, each("1.0.0", 2));
    // One that does not fit stops all.
    let wrong: toml::Table = "rooftop = \"nowhere\"\n".parse().expect("a template");
    let file = host.write_settings("wrong", &wrong);
    host.cli(&["upgrade", "--package", PACKAGE, "--settings", &file]).await.exits(6).says(&["cannot be changed"]);
    host.cli(&["rollback", "--package", PACKAGE]).await.ok();
    assert_eq!(versions(&host).await, each("1.0.0", 3));
}
