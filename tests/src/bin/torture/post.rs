//! One sender's way to the host: posts until there is an answer, whatever happens to the host meanwhile. Knows no connector.

use std::time::Duration;

use handoff_tests::harness::{LEADS_SECRET, body_hmac};

/// Pause before an attempt is repeated: a host is back within milliseconds.
const AGAIN: Duration = Duration::from_millis(4);
/// Longest wait for one answer. Longer than any pause of the process.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where events and webhooks go.
#[derive(Clone)]
pub(crate) struct Door {
    client: reqwest::Client,
    base: String,
}

/// One request.
#[derive(Clone)]
pub(crate) struct Letter {
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// 202.
    Taken,
    /// Another status.
    Status(u16),
    /// The connection broke: it may have been taken, or not, and will not be from now on.
    Broken,
    /// There was no connection.
    Absent,
}

impl Letter {
    /// One event or a batch of them.
    pub(crate) fn events(events: &serde_json::Value) -> Self {
        let kind = if events.is_array() { "cloudevents-batch+json" } else { "cloudevents+json" };
        let headers = vec![("content-type", format!("application/{kind}"))];
        Self { path: "/events".to_owned(), headers, body: events.to_string() }
    }

    /// A signed webhook.
    pub(crate) fn hook(installation: &str, media_type: &str, body: String) -> Self {
        let headers =
            vec![("content-type", media_type.to_owned()), ("x-signature", body_hmac(LEADS_SECRET, body.as_bytes()))];
        Self { path: format!("/hooks/{installation}"), headers, body }
    }
}

impl Door {
    /// A sender of its own connections.
    pub(crate) fn new(base: String) -> Self {
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        Self { client, base }
    }

    /// One attempt.
    pub(crate) async fn try_post(&self, letter: &Letter) -> Answer {
        let mut request = self.client.post(format!("{}{}", self.base, letter.path)).body(letter.body.clone());
        for (name, value) in &letter.headers {
            request = request.header(*name, value);
        }
        match request.send().await {
            Ok(answer) if answer.status().as_u16() == 202 => Answer::Taken,
            Ok(answer) => Answer::Status(answer.status().as_u16()),
            Err(error) if error.is_connect() => Answer::Absent,
            // It may still come, behind whatever is sent next.
            Err(error) if error.is_timeout() => panic!("no answer within {PATIENCE:?}: {error}"),
            Err(_) => Answer::Broken,
        }
    }

    /// Attempts until it is taken. `gives_up` is asked after each attempt whose outcome is unknown; true ends it. Says
    /// whether it was taken.
    pub(crate) async fn post(&self, letter: &Letter, mut gives_up: impl FnMut() -> bool) -> bool {
        loop {
            match self.try_post(letter).await {
                Answer::Taken => return true,
                Answer::Broken if gives_up() => return false,
                Answer::Broken | Answer::Absent | Answer::Status(429 | 503) => tokio::time::sleep(AGAIN).await,
                Answer::Status(status) => panic!("status {status} for {} {}", letter.path, letter.body),
            }
        }
    }
}
