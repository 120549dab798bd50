//! The README explains every code and every setting, and its examples work.

use std::fs;
use std::path::Path;

use adf_leads::AdfLeads;
use adf_leads::refusal::RefusalCode;
use adf_leads::warnings::WARNING_CODES;
use handoff_sdk::testkit::{Bench, event};

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_readme_explains_every_code() {
    let readme = fs::read_to_string(folder().join("README.md")).expect("a README");
    let codes = WARNING_CODES.iter().copied().chain(RefusalCode::ALL.iter().map(|code| code.as_str()));
    let missing: Vec<&str> = codes.filter(|code| !readme.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "not explained: {missing:?}");
}

#[test]
fn the_examples_are_leads() {
    for example in fs::read_dir(folder().join("examples")).expect("examples") {
        let path = example.expect("readable").path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            continue; // Settings, not a lead.
        }
        let file = event("com.handoff.file.dropped.v1")
            .source("/folders/test/leads")
            .id("one")
            .subject(path.file_name().and_then(|name| name.to_str()).expect("a name"))
            .bytes("application/octet-stream", fs::read(&path).expect("readable"))
            .build();
        let delivered = Bench::<AdfLeads>::new(serde_json::json!({})).deliver(&file);
        assert!(!delivered.expect_ok().emitted.is_empty(), "{}", path.display());
    }
}
