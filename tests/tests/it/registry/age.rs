//! A registry that withholds updates: its index becomes old, which the host can be configured to report.

use std::time::{SystemTime, UNIX_EPOCH};

use handoff_package::reference::RegistryRef;
use handoff_package::trust::{SigningKey, TrustList};
use handoff_registry_client::{Author, Options, Registry, Submission};
use handoff_tests::harness::{TestHost, component, eventually};

use super::server::folder_registry;
use super::{host_with, install, new_publisher, trust, warnings};

const DAY_MS: u64 = 86_400_000;

/// Publishes `identity` as if that many days ago.
async fn published_days_ago(host: &TestHost, folder: &str, days: u64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    let at_ms = u64::try_from(now).expect("a time") - days * DAY_MS;
    let registry = Registry::open(&RegistryRef::Folder(folder.into()), &Options::default()).expect("a registry");
    let pem = std::fs::read_to_string(host.folder().join("key.pem")).expect("a key");
    let key = SigningKey::from_pem(&pem).expect("a key");
    let component = std::fs::read(component("identity")).expect("the package").into();
    let author = Author { key: &key, trust: &TrustList::default(), seen: None, at_ms };
    let submission = Submission { component, readme: None, changes: None };
    registry.publish(&submission, author).await.expect("published");
}

#[tokio::test]
async fn the_host_warns_of_an_old_index_until_it_is_renewed() {
    let registry = folder_registry();
    let host = host_with(&registry, "list-max-age-days = 30\n").await;
    new_publisher(&host).await;
    trust(&host).await;
    published_days_ago(&host, registry.url(), 40).await;
    host.cli(&["info", "handoff/identity"]).await.ok().says(&["signed 40 days ago"]);
    // It is a reason for a warning, not for a refusal.
    install(&host, &["handoff/identity"]).await.ok().says(&["list-max-age-days", "may be withheld"]);
    let told = warnings(&host, "identity").await;
    assert_eq!((told.len(), &told[0]["kind"]), (1, &"list-old".into()), "{told:#?}");
    for command in [&["list"][..], &["show", "identity"], &["status"]] {
        host.cli(command).await.ok().says(&["signed on", "handoff renew handoff/identity"]);
    }

    let renewed = host.cli_json(&["renew", "handoff/identity", "--key", "key.pem"]).await;
    assert_eq!(renewed["sequence"], 2, "{renewed:#}");
    let silent = eventually("the host sees the new signature", || async {
        warnings(&host, "identity").await.is_empty().then_some(())
    });
    silent.await;
    host.cli(&["info", "handoff/identity"]).await.ok().says(&["list 2, signed"]);
}

#[tokio::test]
async fn the_age_of_an_index_is_ignored_by_default() {
    let registry = folder_registry();
    let host = host_with(&registry, "").await;
    new_publisher(&host).await;
    trust(&host).await;
    published_days_ago(&host, registry.url(), 4_000).await;
    let installed = install(&host, &["handoff/identity"]).await.ok();
    assert!(!installed.stdout.contains("withheld"), "{}", installed.stdout);
    assert!(warnings(&host, "identity").await.is_empty());
}
