//! A connector of the first release on the current host: it loads, and every function of its contract behaves as
//! before.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{Method, Uri};
use handoff_tests::harness::TestHost;
use serde_json::Value;
use toml::toml;

use crate::guest;

type Heard = Arc<Mutex<Vec<String>>>;

async fn desk(State(heard): State<Heard>, method: Method, uri: Uri, body: String) -> &'static str {
    heard
        .lock()
        .expect("no thread panics while holding the lock")
        .push(format!("{method} {} {body}", uri.path()).trim().to_owned());
    "hello"
}

async fn told(host: &TestHost, what: &str) -> String {
    let told = async |event: &Value| {
        let shown = host.cli_json(&["events", &event["position"].to_string()]).await;
        shown["data"].as_str().unwrap_or_default().to_owned()
    };
    handoff_tests::harness::eventually(&format!("`{what}` is told"), async || {
        for event in host.events("com.example.first.told.v1").await {
            let text = told(&event).await;
            if let Some(rest) = text.strip_prefix(what) {
                return Some(rest.to_owned());
            }
        }
        None
    })
    .await
}

#[tokio::test]
async fn a_connector_of_the_first_release_loads_and_runs() {
    let heard = Heard::default();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let router = Router::new().fallback(desk).with_state(heard.clone());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let host = TestHost::new().start().await;
    let package = host.folder().join("first-release.wasm");
    std::fs::write(&package, guest::first_release().component).expect("written");
    let mut settings = toml! {
        rooftop = "main-street"

        [config]
        desk = ""

        [[grants.http]]
        name = "desk"
        host = "127.0.0.1"
        plaintext = true
        private-addresses = true
    };
    settings["config"]["desk"] = format!("http://127.0.0.1:{port}").into();
    let grant = settings["grants"]["http"][0].as_table_mut().expect("a grant");
    grant.insert("port".to_owned(), i64::from(port).into());
    host.install("first", &package, &settings).await.ok();

    host.post_data("com.example.first.asked.v1", "all", &"everything".into()).await;
    assert_eq!(
        told(&host, "everything: ").await,
        "com.example.first.asked.v1 all of first at main-street in America/Chicago (0), dry run false, random 16, deleted \
         true, keys [\"kept/two\"] more false, asked Ok((200, \"hello\"))"
    );
    assert_eq!(told(&host, "rung: ").await, "after a while");
    let answered: Value = serde_json::from_str(&told(&host, "answered: ").await).expect("JSON");
    assert_eq!((&answered["key"], &answered["status"]), (&"tell/all".into(), &200.into()), "{answered:#}");
    assert_eq!(
        *heard.lock().expect("no thread panics while holding the lock"),
        ["GET /desk/ask", "POST /desk/tell told"]
    );

    host.quiet().await;
    let shown = host.cli_json(&["show", "first"]).await;
    let metrics: Vec<&str> =
        shown["metrics"].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(metrics, ["level", "took", "used"], "{shown:#}");
    assert_eq!(shown["counts"]["timers"], 0, "one timer fired, the other was cancelled");
    server.abort();
}
