//! Runs every document in `tests/cases` through the connector and compares the leads or the refusal with the expected
//! ones. `UPDATE_EXPECT=1` writes the actual result; check it before you commit it.
//!
//! `input.xml|txt|html|eml|mbox|form|bin` is the document; its extension determines the content type, unless a file
//! `content-type` does. `config.json` is the installation's config. `expected.json` contains the leads,
//! `expected-error` the code and, on further lines, texts that the message must contain.

#[path = "support/published.rs"]
mod published;

use std::fs;
use std::path::{Path, PathBuf};

use adf_leads::AdfLeads;
use handoff_sdk::testkit::{Bench, event};
use serde_json::{Value, json};

const LEAST_CASES: usize = 60;

#[test]
fn every_document_gives_the_expected_leads_or_refusal() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases: Vec<PathBuf> =
        fs::read_dir(&folder).expect("the cases are there").map(|entry| entry.expect("readable").path()).collect();
    cases.sort();
    assert!(cases.len() >= LEAST_CASES, "only {} cases", cases.len());
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(wrong.is_empty(), "{} of {} cases differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn check(case: &Path) -> Result<(), String> {
    let name = case.file_name().and_then(|name| name.to_str()).expect("a name");
    let (actual, file, other) = match deliver(case) {
        Ok(leads) => {
            let text = serde_json::to_string_pretty(&leads).expect("JSON") + "\n";
            (text, "expected.json", "expected-error")
        }
        Err((code, message)) => (format!("{code}\n{message}\n"), "expected-error", "expected.json"),
    };
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let _ = fs::remove_file(case.join(other));
        fs::write(case.join(file), &actual).expect("writable");
        return Ok(());
    }
    let expected = fs::read_to_string(case.join(file)).map_err(|_| format!("{name}: no {file}; actual:\n{actual}"))?;
    if actual == expected { Ok(()) } else { Err(format!("{name}: expected\n{expected}\nactual\n{actual}")) }
}

fn deliver(case: &Path) -> Result<Vec<Value>, (String, String)> {
    let input = fs::read_dir(case)
        .expect("a folder")
        .map(|entry| entry.expect("readable").path())
        .find(|path| path.file_stem().is_some_and(|stem| stem == "input"))
        .expect("an input");
    let by_ending = match input.extension().and_then(|ending| ending.to_str()) {
        Some("xml") => "application/xml",
        Some("eml") => "message/rfc822",
        Some("mbox") => "application/mbox",
        Some("html") => "text/html",
        Some("form") => "application/x-www-form-urlencoded",
        Some("txt") => "text/plain",
        _ => "application/octet-stream",
    };
    let content_type = fs::read_to_string(case.join("content-type")).unwrap_or_else(|_| by_ending.to_owned());
    let config = fs::read_to_string(case.join("config.json"))
        .map_or(json!({}), |text| serde_json::from_str(&text).expect("JSON"));
    let hook = event("com.handoff.hook.received.v1")
        .source("/hooks/test")
        .id("one")
        .bytes(content_type.trim(), fs::read(&input).expect("readable"))
        .build();
    let mut bench = Bench::<AdfLeads>::new(config);
    bench.validate().expect("a usable config");
    let delivered = bench.deliver(&hook);
    if let Err(failure) = &delivered.result {
        assert!(delivered.emitted.is_empty());
        return Err((failure.code().to_owned(), failure.message().to_owned()));
    }
    delivered.expect_ok();
    published::assert_published(&delivered);
    for emitted in &delivered.emitted {
        let lead: Value = serde_json::from_slice(&emitted.data).expect("JSON");
        assert_eq!(emitted.subject.as_deref(), lead["leadId"].as_str());
        assert_eq!(emitted.partition_key, emitted.subject);
    }
    Ok(delivered.emitted_json("com.handoff.lead.received.v1"))
}
