//! A connector that tries to escape, in the real program: the guest of `tests/guests/escape` does what an event says
//! and reports what it saw.

mod egress;
mod ingress;
mod neighbours;

use std::sync::atomic::{AtomicU64, Ordering};

use handoff_tests::harness::{TestHost, eventually};
use serde_json::{Value, json};
use toml::Table;

/// The type of the guest's report.
pub(crate) const SAW: &str = "com.example.escape.saw.v1";

/// Settings of an installation that accepts the events of `role` and may send requests to one local port.
pub(crate) fn settings(role: &str, host: &str, port: u16, profile: Option<&str>) -> Table {
    let auth = profile.map_or_else(|| "[]".to_owned(), |profile| format!("{{ granted = \"{profile}\" }}"));
    let text = format!(
        "rooftop = \"main-street\"\n[config]\nrole = \"{role}\"\nreference = \"${{secrets.crm-key}}\"\nname = \"crm-key\"\n
[grants]\naccepts = [\"com.example.escape.{role}.v1\", \"com.handoff.outbox.answered.v1\"]\n
[[grants.http]]\nname = \"target\"\nhost = \"{host}\"\nport = {port}\nplaintext = true\n\
private-addresses = {}\nauth = {auth}\n",
        host == "127.0.0.1",
    );
    text.parse().expect("settings")
}

/// Makes the guest of a role do these attempts in one delivery; returns the position of the event.
pub(crate) async fn order(host: &TestHost, role: &str, attempts: &[String]) -> (String, u64) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = format!("{role}-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let event = json!({
        "specversion": "1.0", "id": id, "source": "https://tests.example", "type": format!("com.example.escape.{role}.v1"),
        "datacontenttype": "text/plain", "data": attempts.join("\n"),
    });
    let position = host.post_event(&event).await.expect(202).position();
    (id, position)
}

/// The guest's result of each attempt.
pub(crate) async fn tried(host: &TestHost, role: &str, attempts: &[String]) -> Vec<String> {
    let (id, _) = order(host, role, attempts).await;
    let told = saw(host, &id).await;
    let lines: Vec<String> = told.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), attempts.len(), "{told}");
    lines
}

/// Attempts of a table, as words.
pub(crate) fn words(words: &[&str]) -> String {
    words.join("\t")
}

/// The guest's report for the event with this id.
pub(crate) async fn saw(host: &TestHost, id: &str) -> String {
    eventually(&format!("what the guest saw of {id}"), async || {
        let list = host.events(SAW).await;
        let told = list.iter().find(|event| event["subject"] == id)?;
        let event = host.cli_json(&["events", &told["position"].to_string()]).await;
        event["data"].as_str().map(str::to_owned)
    })
    .await
}

/// Waits for all reports that contain `text`.
pub(crate) async fn wait_told(host: &TestHost, text: &str) -> Value {
    eventually(&format!("the guest tells of {text}"), async || {
        for event in host.events(SAW).await {
            let event = host.cli_json(&["events", &event["position"].to_string()]).await;
            if event["data"].as_str().is_some_and(|data| data.contains(text)) {
                return Some(event);
            }
        }
        None
    })
    .await
}
