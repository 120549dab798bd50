//! Files that are not connectors are not installed, and the refusal says why and what to do.

use handoff_tests::harness::{TestHost, component, identity, web_leads};

#[tokio::test]
async fn a_file_that_is_not_a_connector_is_refused_with_a_reason() {
    let host = TestHost::new().start().await;
    let good = std::fs::read(component("identity")).expect("the package");
    let truncated = &good[..good.len() / 2];
    // The smallest core module, and the smallest component.
    let module = b"\0asm\x01\0\0\0";
    let empty_component = b"\0asm\x0d\0\x01\0";
    let cases: [(&str, &[u8], &[&str]); 5] = [
        ("module.wasm", module, &["module"]),
        ("truncated.wasm", truncated, &[]),
        ("bare.wasm", empty_component, &["handoff"]),
        ("text.wasm", b"hello", &[]),
        ("empty.wasm", b"", &[]),
    ];
    for (name, bytes, words) in cases {
        let path = host.folder().join(name);
        std::fs::write(&path, bytes).expect("written");
        let refused = host.install("identity", &path, &identity()).await.exits(6);
        refused.says(words);
        assert!(refused.stderr.len() > 40, "the message must explain the problem: {refused}");
    }
    assert_eq!(host.cli_json(&["list"]).await["installations"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn a_component_with_a_foreign_import_is_refused() {
    let host = TestHost::new().start().await;
    let good = std::fs::read(component("identity")).expect("the package");
    // A foreign import of the same length: a component made with other tools may have any.
    let (ours, foreign) = (b"handoff:connector/state@1.0.0", b"foreign:connector/state@1.0.0");
    let mut bytes = good.clone();
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(ours.len()).position(|window| window == ours) {
        bytes[at + found..at + found + ours.len()].copy_from_slice(foreign);
        at += found + ours.len();
    }
    assert_ne!(bytes, good, "the component must contain the import");
    let path = host.folder().join("foreign.wasm");
    std::fs::write(&path, bytes).expect("written");
    let refused = host.install("identity", &path, &identity()).await.exits(6);
    refused.says(&["foreign:connector/state"]);
}

#[tokio::test]
async fn invalid_settings_are_refused_before_anything_changes() {
    let host = TestHost::new().start().await;
    let mut settings = web_leads(&host.inbox());
    settings["config"].as_table_mut().expect("a table").insert("acepted-vendor-ids".to_owned(), "x".into());
    let refused = host.install("web-leads", &component("adf-leads"), &settings).await;
    assert_ne!(refused.code, 0, "{refused}");
    refused.says(&["acepted-vendor-ids"]);
    let mut settings = web_leads(&host.inbox());
    settings["rooftop"] = "elm-street".into();
    host.install("web-leads", &component("adf-leads"), &settings).await.exits(6).says(&["elm-street"]);
    // Without a terminal nobody can approve; the report shows what needs approval.
    let file = host.write_settings("identity", &identity());
    let package = component("identity").display().to_string();
    let asked = host.cli(&["install", "identity", &package, "-s", &file]).await.exits(5);
    asked.says(&["--yes", "com.handoff.lead.received.v1"]);
    let dry = host.cli(&["install", "identity", &package, "-s", &file, "--yes", "--dry-run"]).await.ok();
    dry.says(&["identity"]);
    assert_eq!(host.cli_json(&["list"]).await["installations"].as_array().map(Vec::len), Some(0));
}
