//! Shadow runs and replays. A run is answered line by line: progress first, then the end.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};

use super::{ANSWER_BYTES_MAX, Client, ClientError, INSTALL_TIMEOUT};
use crate::problem::Problem;
use crate::shadow::{ReplayRequest, ReplayView, ShadowLine, ShadowRequest, ShadowView};
use handoff_model::names::{InstallationName, Position};

/// Time for a shadow run: compiling, and what the host gives a run at most.
const SHADOW_TIMEOUT: Duration = Duration::from_secs(300 + 3_600);

impl Client {
    /// `POST /v1/installations/{name}/shadow`; `progress` hears of the deliveries that are done, and of how many there are.
    pub async fn shadow(
        &self,
        name: &InstallationName,
        request: &ShadowRequest,
        progress: impl FnMut(u64, u64),
    ) -> Result<ShadowView, ClientError> {
        let sent = self.request(Method::POST, &["installations", name.as_str(), "shadow"])?.json(request);
        shadow(self, sent, SHADOW_TIMEOUT, progress).await
    }

    /// `POST /v1/events/{position}/replay`
    pub async fn replay(&self, position: Position, request: &ReplayRequest) -> Result<ReplayView, ClientError> {
        self.post(&["events", &position.to_string(), "replay"], request, INSTALL_TIMEOUT).await
    }
}

/// Reads the lines of a shadow run.
async fn shadow(
    client: &Client,
    request: RequestBuilder,
    timeout: Duration,
    mut progress: impl FnMut(u64, u64),
) -> Result<ShadowView, ClientError> {
    let mut response =
        request.timeout(timeout).send().await.map_err(|error| client.transport(&error, timeout).of_a_look())?;
    if !response.status().is_success() {
        return Err(client.refusal(response, timeout).await);
    }
    let mut buffer = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| client.transport(&error, timeout).of_a_look())? {
        if buffer.len().saturating_add(chunk.len()) > ANSWER_BYTES_MAX {
            return Err(client.unexpected(&format!("a line of more than {ANSWER_BYTES_MAX} bytes")));
        }
        buffer.extend_from_slice(&chunk);
        while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            let line: ShadowLine =
                serde_json::from_slice(&line).map_err(|error| client.unexpected(&error.to_string()))?;
            match line {
                ShadowLine::Progress { done, total } => progress(done, total),
                ShadowLine::Report(view) => return Ok(*view),
                ShadowLine::Problem(problem) => {
                    let problem: Problem =
                        serde_json::from_value(problem).map_err(|error| client.unexpected(&error.to_string()))?;
                    return Err(ClientError::Problem(Box::new(problem)));
                }
            }
        }
    }
    Err(client.unexpected("the run broke off"))
}
