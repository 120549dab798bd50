//! The path of every outgoing request, token requests included: pass the gate, do the exchange, report the result to
//! the gate. It knows nothing of grants and credentials.

use std::sync::Arc;

use handoff_model::http::{HttpError, Response};

use super::client::{Clients, Outgoing};
use super::gates::{Gates, LimitClass};

/// Clients behind gates. Cheap to clone.
#[derive(Clone)]
pub(super) struct Transport {
    pub(super) clients: Clients,
    pub(super) gates: Arc<Gates>,
}

/// A response and its Retry-After.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) response: Response,
    pub(super) wait: Option<(u64, LimitClass)>,
}

impl Transport {
    /// One exchange. `Unavailable` means that nothing was sent.
    pub(super) async fn exchange(&self, outgoing: Outgoing) -> Result<Answer, HttpError> {
        let host = outgoing.url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = outgoing.url.port_or_known_default().unwrap_or_default();
        let permit = self.gates.enter(&host, port, outgoing.credential.as_deref()).map_err(HttpError::Unavailable)?;
        match self.clients.exchange(outgoing).await {
            Ok(response) => {
                let retry_after = response.headers.iter().find(|(name, _)| name == "retry-after");
                let wait = permit.answered(response.status, retry_after.map(|(_, value)| value.as_str()));
                Ok(Answer { response, wait })
            }
            Err(error) => {
                match error {
                    HttpError::Unreachable(_) | HttpError::Interrupted(_) | HttpError::Timeout(_) => permit.failed(),
                    // The target answered, with too many bytes.
                    HttpError::ResponseTooLarge(_) => drop(permit.answered(200, None)),
                    // A refusal by the host says nothing about the target.
                    _ => drop(permit),
                }
                Err(error)
            }
        }
    }
}
