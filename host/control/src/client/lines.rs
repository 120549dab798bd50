//! Shadow runs: reads the response line by line, progress first, then the result.

use super::{ANSWER_BYTES_MAX, Client, ClientError};
use crate::operation::Nothing;
use crate::problem::Problem;
use crate::shadow::{RUN, ShadowLine, ShadowRequest, ShadowView};
use handoff_model::names::InstallationName;

impl Client {
    /// Runs recorded deliveries with other code. Calls `progress` with the number of finished deliveries and the total.
    pub async fn shadow(
        &self,
        name: &InstallationName,
        request: &ShadowRequest,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<ShadowView, ClientError> {
        let timeout = RUN.timeout;
        let sent = self.request(&RUN, &[name.as_str()], &Nothing {})?.json(request).timeout(timeout).build();
        let sent = sent.map_err(|error| ClientError::Setup(error.to_string()))?;
        let mut response = self.execute(sent, timeout).await.map_err(ClientError::of_a_read)?;
        let mut buffer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.transport(&error, timeout).of_a_read())? {
            if buffer.len().saturating_add(chunk.len()) > ANSWER_BYTES_MAX {
                return Err(self.unexpected(&format!("a line of more than {ANSWER_BYTES_MAX} bytes")));
            }
            buffer.extend_from_slice(&chunk);
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                let line = serde_json::from_slice(&line).map_err(|error| self.unexpected(&error.to_string()))?;
                match line {
                    ShadowLine::Progress { done, total } => progress(done, total),
                    ShadowLine::Report(view) => return Ok(*view),
                    ShadowLine::Problem(problem) => {
                        let problem: Problem =
                            serde_json::from_value(problem).map_err(|error| self.unexpected(&error.to_string()))?;
                        return Err(ClientError::Problem(Box::new(problem)));
                    }
                }
            }
        }
        Err(self.unexpected("the run broke off"))
    }
}
