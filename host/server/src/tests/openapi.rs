//! Tests of the API's document: the served document equals the committed one, and each of its operations has a route.

use expect_test::expect_file;
use serde_json::Value;

use super::bench::{Bench, get, send};
use crate::control;

#[tokio::test]
async fn the_document_is_served_and_kept() {
    let bench = Bench::new("").await;
    let answer = get(&control::router(bench.shard.clone()), "/openapi.json").await;
    let mut document: Value = serde_json::from_str(&answer.text).expect("JSON");
    // A new version number alone does not change the API.
    document["info"]["version"] = "".into();
    let text = serde_json::to_string_pretty(&document).expect("JSON") + "\n";
    expect_file!["../../../control/openapi.json"].assert_eq(&text);
}

#[tokio::test]
async fn every_operation_of_the_document_has_a_route() {
    let bench = Bench::new("").await;
    let router = control::router(bench.shard.clone());
    let document: Value = serde_json::from_str(&get(&router, "/openapi.json").await.text).expect("JSON");
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("operations").keys() {
            let path = path.replace("{position}", "7").replace(['{', '}'], "");
            let answer = send(&router, &method.to_uppercase(), &path, &[], "").await;
            assert_ne!(answer.status, 405, "{method} {path}");
            assert!(!answer.text.contains("no-such-path"), "{method} {path}: {}", answer.text);
            operations += 1;
        }
    }
    assert!(operations > 30, "{operations} operations");
}

#[tokio::test]
async fn every_reference_of_the_document_leads_to_a_type() {
    let bench = Bench::new("").await;
    let text = get(&control::router(bench.shard.clone()), "/openapi.json").await.text;
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let schemas = document["components"]["schemas"].as_object().expect("types");
    let references = text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next());
    let missing: Vec<&str> = references.filter(|name| !schemas.contains_key(*name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
