//! A sender's connection to the host: posts until there is a response, whatever happens to the host meanwhile. It knows
//! no connector.

use std::time::Duration;

use handoff_tests::harness::{LEADS_SECRET, body_hmac};

/// Delay before an attempt is repeated: a host is back within milliseconds.
const AGAIN: Duration = Duration::from_millis(4);
/// Longest wait for a response. Longer than any freeze of the process.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where events and webhooks are posted.
#[derive(Clone)]
pub(crate) struct Endpoint {
    client: reqwest::Client,
    base: String,
}

/// One request.
#[derive(Clone)]
pub(crate) struct Post {
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// 202.
    Taken,
    /// Another status.
    Status(u16),
    /// The connection broke: the event may have been accepted before, but will not be now.
    Broken,
    /// No connection.
    Absent,
}

impl Post {
    /// One event or a batch.
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

impl Endpoint {
    /// A sender with its own connections.
    pub(crate) fn new(base: String) -> Self {
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        Self { client, base }
    }

    /// One attempt.
    pub(crate) async fn try_post(&self, post: &Post) -> Answer {
        let mut request = self.client.post(format!("{}{}", self.base, post.path)).body(post.body.clone());
        for (name, value) in &post.headers {
            request = request.header(*name, value);
        }
        match request.send().await {
            Ok(answer) if answer.status().as_u16() == 202 => Answer::Taken,
            Ok(answer) => Answer::Status(answer.status().as_u16()),
            Err(error) if error.is_connect() => Answer::Absent,
            // It may still arrive, after later events.
            Err(error) if error.is_timeout() => panic!("no answer within {PATIENCE:?}: {error}"),
            Err(_) => Answer::Broken,
        }
    }

    /// Repeats until it is accepted. `gives_up` is called after each attempt with an unknown outcome; true stops.
    /// Returns whether it was accepted.
    pub(crate) async fn post(&self, post: &Post, mut gives_up: impl FnMut() -> bool) -> bool {
        loop {
            match self.try_post(post).await {
                Answer::Taken => return true,
                Answer::Broken if gives_up() => return false,
                Answer::Broken | Answer::Absent | Answer::Status(429 | 503) => tokio::time::sleep(AGAIN).await,
                Answer::Status(status) => panic!("status {status} for {} {}", post.path, post.body),
            }
        }
    }
}
