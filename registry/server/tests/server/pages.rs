//! Search and web pages.

use serde_json::{Value, json};

use crate::harness::{IMAGE_MANIFEST, Registry, component, index, send};
use handoff_package::Digest;
use handoff_package::index::Status;
use handoff_package::manifest::Summary;
use handoff_package::trust::SigningKey;

async fn publish(registry: &Registry, name: &str, version: &str) -> Digest {
    let mut manifest = registry.artifact(name, &component(name, version)).await;
    manifest["annotations"] = json!({ "com.handoff.changes": format!("Faster in {version}. <script>x</script>") });
    registry.put_manifest(name, version, IMAGE_MANIFEST, &manifest).await.expect(201);
    Digest::of(manifest.to_string().as_bytes())
}

async fn withdraw(registry: &Registry, name: &str, version: &str, status: fn(Summary) -> Status) {
    let mut list = index(name, 1);
    list.releases[0].version = version.parse().unwrap();
    list.releases[0].status = status("Sends leads <i>twice</i>.".parse().unwrap());
    list.releases[0].changes = Some("Broken.".parse().unwrap());
    registry.push_index(name, &list, &SigningKey::generate().unwrap()).await.expect(201);
}

#[tokio::test]
async fn search_finds_packages_by_name_title_and_summary_best_first() {
    let registry = Registry::start().await;
    for name in ["acme/web-leads", "leads/other", "zeta/leads"] {
        publish(&registry, name, "1.0.0").await;
        publish(&registry, name, "1.1.0").await;
        publish(&registry, name, "2.0.0-rc.1").await;
    }
    registry.publish("acme/no-connector", "1.0.0", b"something else").await;
    withdraw(&registry, "zeta/leads", "1.1.0", |note| Status::Yanked { note }).await;
    let found = registry.get("/v1/search?q=leads").await.expect(200).json();
    let brief = |found: &Value| -> Vec<String> {
        let packages = found["packages"].as_array().unwrap().iter();
        packages
            .map(|row| {
                format!("{} {} {}", row["name"].as_str().unwrap(), row["version"].as_str().unwrap(), row["versions"])
            })
            .collect()
    };
    assert_eq!(brief(&found), ["zeta/leads 1.0.0 3", "acme/web-leads 1.1.0 3", "leads/other 1.1.0 3"]);
    assert_eq!(found["packages"][1]["title"], "Web leads <b>");
    let page = registry.get("/v1/search?q=leads&limit=2").await.json();
    assert_eq!((brief(&page).len(), &page["next"]), (2, &json!("2")));
    let rest = registry.get("/v1/search?q=leads&limit=2&after=2").await.json();
    assert_eq!(brief(&rest), ["leads/other 1.1.0 3"]);
    assert!(rest.get("next").is_none());
    assert!(brief(&registry.get("/v1/search?q=leads+nowhere").await.json()).is_empty());
}

#[tokio::test]
async fn a_page_shows_a_package_without_scripts() {
    let registry = Registry::start().await;
    let digest = publish(&registry, "acme/web-leads", "1.0.0").await;
    publish(&registry, "acme/web-leads", "1.1.0").await;
    let readme = b"# How\n<script>alert(1)</script>\n\n[site](https://x.example) [bad](javascript:x)";
    registry.refer("acme/web-leads", &digest, "application/vnd.handoff.readme.v1", ("text/markdown", readme)).await;
    withdraw(&registry, "acme/web-leads", "1.1.0", |note| Status::Recalled { note }).await;

    let front = registry.get("/?q=hands").await.expect(200);
    let page = registry.get("/p/acme/web-leads").await.expect(200);
    let recalled = registry.get("/p/acme/web-leads?version=1.1.0").await.expect(200);
    for answer in [&front, &page, &recalled] {
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(!answer.text().contains("<script") && !answer.text().contains("<i>"), "{}", answer.text());
        assert!(answer.text().contains("<html lang=\"en\">"), "{}", answer.text());
    }
    let texts = |answer: &crate::harness::Answer, texts: &[&str]| {
        for text in texts {
            assert!(answer.text().contains(text), "`{text}` is not in {}", answer.text());
        }
    };
    // A host is told of this registry by the address that the reader uses.
    let address = format!("[registries.main]\nurl = &quot;{}&quot;", registry.url);
    texts(&front, &[&address]);
    texts(&page, &[&address]);
    texts(&front, &["Web leads &lt;b&gt;", "href=\"/p/acme/web-leads\"", "Takes leads &amp; hands them on."]);
    // The newest version that may be chosen, with everything a dealer needs to know.
    texts(
        &page,
        &[
            "handoff install acme/web-leads@=1.0.0 --settings FILE",
            "Faster in 1.0.0.",
            "crm.example",
            "POST /leads",
            "com.example.lead.v1",
        ],
    );
    texts(&page, &["<h3>How</h3>", "href=\"https://x.example\"", "recalled: Sends leads &lt;i&gt;twice&lt;/i&gt;."]);
    texts(&recalled, &["asks everybody to stop", "Broken."]);
    registry.get("/style.css").await.expect(200);
    for path in ["/p/acme/none", "/p/acme/web-leads?version=9.9.9", "/p/A%2e%2e/x", "/nothing"] {
        let missing = registry.get(path).await.expect(404);
        assert_eq!(missing.header("content-type"), "text/html; charset=utf-8");
    }
    send(registry.request("POST", "/")).await.expect(405);
}
