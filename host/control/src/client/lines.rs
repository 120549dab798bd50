//! Answers that are a stream of lines: shadow runs and searches. Reads them line by line, as they arrive.

use std::ops::ControlFlow;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ANSWER_BYTES_MAX, Client, ClientError};
use crate::events::find::{FIND, FindEndView, FindLine, FindRequest, FoundView};
use crate::operation::{Nothing, Post};
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
        self.lines(&RUN, &[name.as_str()], request, |line| match line {
            ShadowLine::Progress { done, total } => {
                progress(done, total);
                Ok(ControlFlow::Continue(()))
            }
            ShadowLine::Report(view) => Ok(ControlFlow::Break(*view)),
            ShadowLine::Problem(problem) => Err(self.problem(problem)),
        })
        .await
    }

    /// Searches the log. Calls `found` with each match as it arrives.
    pub async fn find(
        &self,
        request: &FindRequest,
        mut found: impl FnMut(FoundView),
    ) -> Result<FindEndView, ClientError> {
        self.lines(&FIND, &[], request, |line| match line {
            FindLine::Found(view) => {
                found(*view);
                Ok(ControlFlow::Continue(()))
            }
            FindLine::End(view) => Ok(ControlFlow::Break(view)),
            FindLine::Problem(problem) => Err(self.problem(problem)),
        })
        .await
    }

    /// Runs an operation whose answer is lines, until `take` says that one is the last.
    async fn lines<B: Serialize, L: DeserializeOwned, T>(
        &self,
        operation: &Post<B, L>,
        path: &[&str],
        request: &B,
        mut take: impl FnMut(L) -> Result<ControlFlow<T>, ClientError>,
    ) -> Result<T, ClientError> {
        let timeout = operation.timeout;
        let sent = self.request(operation, path, &Nothing {})?.json(request).timeout(timeout).build();
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
                if let ControlFlow::Break(last) = take(line)? {
                    return Ok(last);
                }
            }
        }
        Err(self.unexpected("the answer broke off"))
    }

    fn problem(&self, problem: serde_json::Value) -> ClientError {
        match serde_json::from_value::<Problem>(problem) {
            Ok(problem) => ClientError::Problem(Box::new(problem)),
            Err(error) => self.unexpected(&error.to_string()),
        }
    }
}
