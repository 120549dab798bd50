//! A host under test: its folder, its process, and its interfaces.

mod build;
mod process;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::Method;
use serde_json::{Value, json};
use toml::Table;

use super::cli::{self, CliOutput};
use super::config::HostConfig;
use super::http::{Answer, body_hmac, standard_webhook};
use super::wait::eventually;
use super::{CRM_HOOK_SECRET, LEADS_SECRET};
use process::Process;

pub use build::Builder;

/// A real host on this machine. Killed when dropped; its folder is removed.
#[derive(Debug)]
pub struct TestHost {
    folder: PathBuf,
    config: HostConfig,
    client: reqwest::Client,
    process: Process,
    // Last, so that the process ends before its folder is removed.
    temporary: tempfile::TempDir,
}

impl TestHost {
    /// A host without connectors.
    #[expect(clippy::new_ret_no_self, reason = "a host is created through its builder")]
    pub fn new() -> Builder {
        Builder::default()
    }

    /// The folder of its configuration and data.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps the folder for inspection.
    pub fn keep(&mut self) -> &Path {
        self.temporary.disable_cleanup(true);
        &self.folder
    }

    /// The folder that `web-leads` watches.
    pub fn inbox(&self) -> PathBuf {
        self.folder.join("inbox")
    }

    /// The archive of the inbox: files that were taken or refused.
    pub fn archive(&self) -> PathBuf {
        self.folder.join("data/folders/web-leads/inbox")
    }

    /// URL for webhooks and events.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.config.ingress_port)
    }

    /// The control API over TCP.
    pub fn control_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.config.control_port)
    }

    /// An HTTP client without the host's credentials.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Posts to ingress.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
        self.try_post(path, headers, body).await.unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    /// Posts to ingress of a host that may be killed meanwhile.
    pub async fn try_post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self.client.request(Method::POST, self.url(path)).body(body.into());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Ok(Answer::of(request.send().await?).await)
    }

    /// Gets from ingress.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.client.get(self.url(path)).send().await.expect("the host answers")).await
    }

    /// Posts a signed document to `web-leads`.
    pub async fn post_lead(&self, document: &str) -> Answer {
        self.try_post_lead(document).await.unwrap_or_else(|error| panic!("the lead: {error}"))
    }

    /// Posts a signed document to `web-leads` of a host that may be killed meanwhile.
    pub async fn try_post_lead(&self, document: &str) -> Result<Answer, reqwest::Error> {
        let signature = body_hmac(LEADS_SECRET, document.as_bytes());
        let media_type = if document.starts_with("<html") { "text/html" } else { "application/xml" };
        let headers = [("x-signature", signature.as_str()), ("content-type", media_type)];
        self.try_post("/hooks/web-leads", &headers, document).await
    }

    /// Reports a first contact as the CRM does.
    pub async fn report_contact(&self, webhook_id: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map(|time| time.as_secs()).unwrap_or_default();
        let signed = standard_webhook(CRM_HOOK_SECRET, webhook_id, now, body.as_bytes());
        let mut headers: Vec<(&str, &str)> = signed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.push(("content-type", "application/json"));
        self.post("/hooks/bdc-list", &headers, body).await
    }

    /// Posts one event in structured mode.
    pub async fn post_event(&self, event: &Value) -> Answer {
        let headers = [("content-type", "application/cloudevents+json")];
        self.post("/events", &headers, event.to_string()).await
    }

    /// Posts one event with a type and data.
    pub async fn post_data(&self, type_name: &str, id: &str, data: &Value) -> Answer {
        let event = json!({
            "specversion": "1.0", "id": id, "source": "https://dms.mainstreet.example", "type": type_name,
            "datacontenttype": "application/json", "data": data,
        });
        self.post_event(&event).await.expect(202)
    }

    /// Drops a file as a mail server does: written elsewhere, then moved.
    pub fn drop_file(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let young = self.folder.join(format!(".{name}.young"));
        std::fs::write(&young, bytes).expect("a file");
        std::fs::rename(young, self.inbox().join(name)).expect("moved into the inbox");
    }

    /// Runs `handoff` with the host's configuration.
    pub async fn cli(&self, args: &[&str]) -> CliOutput {
        cli::run(&self.folder, args).await
    }

    /// Runs `handoff … --json` and parses the output.
    pub async fn cli_json(&self, args: &[&str]) -> Value {
        let args = [args, &["--json"]].concat();
        self.cli(&args).await.ok().json()
    }

    /// The status, whether or not incidents are open.
    pub async fn status(&self) -> Value {
        self.cli(&["status", "--json"]).await.json()
    }

    /// Waits for an open incident of a kind.
    pub async fn wait_incident(&self, kind: &str) -> Value {
        eventually(&format!("an incident {kind}"), async || {
            let list = self.cli_json(&["incidents"]).await;
            list["incidents"].as_array()?.iter().find(|incident| incident["kind"] == kind).cloned()
        })
        .await
    }

    /// Waits until no incident of a kind is open.
    pub async fn wait_no_incident(&self, kind: &str) {
        eventually(&format!("no incident {kind}"), async || {
            let list = self.cli_json(&["incidents"]).await;
            (!list["incidents"].as_array()?.iter().any(|incident| incident["kind"] == kind)).then_some(())
        })
        .await
    }

    /// Writes settings into its folder; returns the file's name.
    pub fn write_settings(&self, name: &str, settings: &Table) -> String {
        let file = format!("{name}.toml");
        let text = toml::to_string(settings).expect("settings are TOML");
        std::fs::write(self.folder.join(&file), text).expect("written");
        file
    }

    /// Installs a package through the command line.
    pub async fn install(&self, name: &str, package: &Path, settings: &Table) -> CliOutput {
        let file = self.write_settings(name, settings);
        self.cli(&["install", name, &package.display().to_string(), "-s", &file, "--yes"]).await
    }

    /// The trace of an event.
    pub async fn trace(&self, position: u64) -> Value {
        self.cli_json(&["trace", &position.to_string()]).await
    }

    /// The trace of an event, or of its last redrive.
    pub async fn last_trace(&self, position: u64) -> Value {
        let mut trace = self.trace(position).await;
        while let Some(next) = trace["deliveries"][0]["redrivenAs"].as_u64() {
            trace = self.trace(next).await;
        }
        trace
    }

    /// Positions of all events of a type, oldest first.
    pub async fn events(&self, type_name: &str) -> Vec<Value> {
        let list = self.cli_json(&["events", "--type", type_name, "--limit", "1000"]).await;
        let mut events = list["events"].as_array().cloned().unwrap_or_default();
        events.reverse();
        events
    }

    /// Data of an event.
    pub async fn event_data(&self, position: u64) -> Value {
        let event = self.cli_json(&["events", &position.to_string()]).await;
        serde_json::from_str(event["data"].as_str().unwrap_or_default()).unwrap_or(Value::Null)
    }

    /// Checks all events of the log against their published schemas; answers the types of those that have one.
    pub async fn check_published(&self) -> BTreeSet<String> {
        let mut types = BTreeSet::new();
        for event in self.events("*").await {
            let position = event["position"].as_u64().expect("a position").to_string();
            types.extend(super::published::check(&self.cli_json(&["events", &position]).await));
        }
        types
    }

    /// Waits for an event of a type whose data satisfies a condition; returns its position and data.
    pub async fn wait_event(&self, type_name: &str, holds: impl Fn(&Value) -> bool) -> (u64, Value) {
        eventually(&format!("an event {type_name}"), async || {
            for event in self.events(type_name).await {
                let position = event["position"].as_u64()?;
                let data = self.event_data(position).await;
                if holds(&data) {
                    return Some((position, data));
                }
            }
            None
        })
        .await
    }

    /// Numbers of pending work.
    pub async fn counts(&self) -> Value {
        self.status().await["counts"].clone()
    }

    /// Waits until no work is pending.
    pub async fn quiet(&self) {
        eventually("a host without pending work", async || {
            let counts = self.counts().await;
            let busy = ["waiting", "inFlight", "outboxPending"].iter().any(|name| counts[name] != 0);
            (!busy).then_some(())
        })
        .await;
    }

    /// Dead letters, oldest first.
    pub async fn dead_letters(&self) -> Vec<Value> {
        let list = self.cli_json(&["dead-letters", "--limit", "1000"]).await;
        list["deadLetters"].as_array().cloned().unwrap_or_default()
    }

    /// Waits for this many dead letters.
    pub async fn wait_dead_letters(&self, count: usize) -> Vec<Value> {
        eventually(&format!("{count} dead letters"), async || {
            let letters = self.dead_letters().await;
            (letters.len() >= count).then_some(letters)
        })
        .await
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Sends SIGTERM and waits for the exit.
    ///
    /// # Panics
    /// If it does not exit, or not with 0.
    pub async fn stop(&mut self) {
        self.process.stop().await;
    }

    /// Restarts the program on the same data and waits until it accepts events.
    pub async fn start_again(&mut self) {
        self.launch();
        self.ready().await;
    }

    /// Sets the disk faults of a host with a shim, in the shim's syntax; an empty text clears them.
    pub fn set_disk_faults(&self, faults: &str) {
        std::fs::write(self.folder.join("disk-faults"), faults).expect("written");
    }

    /// Restarts the program on the same data without waiting.
    pub fn launch(&mut self) {
        self.process.start(&self.folder);
    }

    /// Whether it exited or never started.
    pub fn is_dead(&mut self) -> bool {
        self.process.id().is_none() || self.process.ended().is_some()
    }

    /// Freezes or resumes the process.
    pub fn freeze(&self, frozen: bool) {
        self.process.freeze(frozen);
    }

    /// Gets JSON from the control API of a host that may be down.
    pub async fn control(&self, path: &str) -> Option<Value> {
        let request = self.client.get(self.control_url(path)).bearer_auth(super::CONTROL_TOKEN);
        let answer = Answer::of(request.send().await.ok()?).await;
        (answer.status == 200).then(|| answer.json())
    }

    /// The process id while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// The host's log.
    pub fn log(&self) -> String {
        process::log(&self.folder)
    }

    /// Waits until it accepts events.
    ///
    /// # Panics
    /// If it exits instead, or takes too long.
    pub async fn ready(&mut self) {
        let url = self.url("/readyz");
        let deadline = std::time::Instant::now() + super::SOON;
        loop {
            if let Ok(answer) = self.client.get(&url).send().await
                && answer.status().is_success()
            {
                return;
            }
            if let Some(status) = self.process.ended() {
                panic!("the host exited with {status} before it was ready:\n{}", self.log());
            }
            assert!(std::time::Instant::now() < deadline, "the host is not ready:\n{}", self.log());
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }
}

impl Drop for TestHost {
    fn drop(&mut self) {
        self.process.kill();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("The host's log ends with:\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
        }
    }
}
