//! Lists: tags and catalog page by page, referrers by type.

use crate::harness::{IMAGE_MANIFEST, Registry};
use handoff_package::Digest;
use serde_json::{Value, json};

/// Follows `Link` from `path` and returns every page.
async fn pages(registry: &Registry, path: &str, field: &str) -> Vec<Value> {
    let (mut found, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let page = registry.get(&path).await.expect(200);
        found.push(page.json()[field].clone());
        next = page.headers.get("link").map(|link| {
            let link = link.to_str().unwrap();
            link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned()
        });
        assert!(found.len() < 20, "the pages do not end");
    }
    found
}

#[tokio::test]
async fn tags_and_repositories_are_listed_in_order_page_by_page() {
    let registry = Registry::start().await;
    for tag in ["1.0.0", "b", "1.10.0", "A", "1.9.0"] {
        registry.publish("acme/x", tag, b"layer").await;
    }
    registry.publish("acme/x-y", "z", b"layer").await;
    registry.publish("acme", "z", b"layer").await;
    let all = registry.get("/v2/acme/x/tags/list").await.expect(200).json();
    assert_eq!(all, json!({ "name": "acme/x", "tags": ["1.0.0", "1.10.0", "1.9.0", "A", "b"] }));
    let paged = pages(&registry, "/v2/acme/x/tags/list?n=2", "tags").await;
    assert_eq!(json!(paged), json!([["1.0.0", "1.10.0"], ["1.9.0", "A"], ["b"]]));
    assert_eq!(json!(pages(&registry, "/v2/acme/x/tags/list?n=5", "tags").await).as_array().unwrap().len(), 1);
    assert_eq!(registry.get("/v2/acme/x/tags/list?n=0").await.json()["tags"], json!([]));
    assert_eq!(registry.get("/v2/acme/x/tags/list?last=1.2.0").await.json()["tags"], json!(["1.9.0", "A", "b"]));
    assert_eq!(
        json!(pages(&registry, "/v2/_catalog?n=2", "repositories").await),
        json!([["acme", "acme/x"], ["acme/x-y"]])
    );
}

#[tokio::test]
async fn referrers_are_listed_by_type_even_before_their_subject() {
    let registry = Registry::start().await;
    let subject = Digest::of(registry.artifact("acme/x", b"layer").await.to_string().as_bytes());
    let path = format!("/v2/acme/x/referrers/{subject}");
    assert_eq!(registry.get(&path).await.expect(200).json()["manifests"], json!([]));
    let mut kinds = Vec::new();
    for kind in ["test/one", "test/two", "test/two+more"] {
        let (digest, answer) = registry.refer("acme/x", &subject, kind, ("text/plain", kind.as_bytes())).await;
        assert_eq!(answer.expect(201).header("oci-subject"), subject.to_string());
        kinds.push((kind, digest));
    }
    let all = registry.get(&path).await.expect(200);
    assert_eq!(all.header("content-type"), "application/vnd.oci.image.index.v1+json");
    assert!(!all.headers.contains_key("oci-filters-applied"));
    let listed = all.json()["manifests"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 3);
    for (kind, digest) in &kinds {
        let entry = listed.iter().find(|entry| entry["digest"] == digest.to_string()).unwrap();
        assert_eq!((&entry["artifactType"], &entry["annotations"]["note"]), (&json!(kind), &json!(kind)));
        assert_eq!(entry["mediaType"], IMAGE_MANIFEST);
        let served = registry.get(&format!("/v2/acme/x/manifests/{digest}")).await.expect(200);
        assert_eq!(entry["size"], served.bytes.len());
    }
    let two = registry.get(&format!("{path}?artifactType=test%2Ftwo%2Bmore")).await.expect(200);
    assert_eq!(two.header("oci-filters-applied"), "artifactType");
    assert_eq!(two.json()["manifests"].as_array().unwrap().len(), 1);
    // A deleted manifest is no longer listed.
    crate::harness::send(registry.request("DELETE", &format!("/v2/acme/x/manifests/{}", kinds[0].1))).await.expect(202);
    assert_eq!(registry.get(&path).await.json()["manifests"].as_array().unwrap().len(), 2);
    registry.get("/v2/acme/x/referrers/nothing").await.refused(400, "DIGEST_INVALID");
}
