//! The path of every outgoing request, token requests included: pass the gate, do the exchange, report the result to
//! the gate. It knows nothing of grants and credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use handoff_model::http::{HttpError, Response};

use super::client::{Clients, Outgoing};
use super::gates::{Gates, LimitClass};

/// Clients behind gates. Cheap to clone.
#[derive(Clone)]
pub(super) struct Transport {
    pub(super) clients: Clients,
    pub(super) gates: Arc<Gates>,
    /// Where the requests to a host go instead.
    pub(super) stand_ins: Arc<BTreeMap<String, Url>>,
}

/// A response and its Retry-After.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) response: Response,
    pub(super) wait: Option<(u64, LimitClass)>,
}

impl Transport {
    /// One exchange. `Unavailable` means that nothing was sent.
    pub(super) async fn exchange(&self, mut outgoing: Outgoing) -> Result<Answer, HttpError> {
        let host = outgoing.url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = outgoing.url.port_or_known_default().unwrap_or_default();
        let permit = self.gates.enter(&host, port, outgoing.credential.as_deref()).map_err(HttpError::Unavailable)?;
        if let Some(stand_in) = self.stand_ins.get(&host) {
            redirect(&mut outgoing, stand_in);
        }
        match self.clients.exchange(outgoing).await {
            Ok(response) => {
                let fields = response.headers.iter().filter(|(name, _)| name == "retry-after");
                let asked: Vec<&str> = fields.map(|(_, value)| value.as_str()).collect();
                let wait = permit.answered(response.status, &asked);
                Ok(Answer { response, wait })
            }
            Err(error) => {
                match error {
                    HttpError::Unreachable(_) | HttpError::Interrupted(_) | HttpError::Timeout(_) => permit.failed(),
                    // The target answered, with too many bytes.
                    HttpError::ResponseTooLarge(_) => drop(permit.answered(200, &[])),
                    // A refusal by the host says nothing about the target.
                    _ => drop(permit),
                }
                Err(error)
            }
        }
    }
}

/// Keeps path and query. The stand-in is the developer's own, so it may be on this machine.
fn redirect(outgoing: &mut Outgoing, stand_in: &Url) {
    let mut url = stand_in.clone();
    url.set_path(outgoing.url.path());
    url.set_query(outgoing.url.query());
    outgoing.url = url;
    outgoing.private_addresses = true;
}
