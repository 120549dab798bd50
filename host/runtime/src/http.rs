//! The interface `http`: look-ups during a delivery, counted and recorded. It opens no connection itself.

use std::sync::Arc;
use std::time::Instant;

use super::bindings::handoff::connector1_0_0::{http, types};
use super::convert::{http_error_to_guest, request_from_guest, response_to_guest};
use super::host_state::HostState;
use handoff_model::call::LookUps;
use handoff_model::grants::Grants;
use handoff_model::http::{Exchange, HttpError, Request, Response};
use handoff_model::limits::CallLimits;

/// Look-ups of one call.
pub(super) struct Http {
    look_ups: Arc<dyn LookUps>,
    grants: Arc<Grants>,
    limits: CallLimits,
    asked: usize,
    response_bytes: usize,
    exchanges: Vec<Exchange>,
    /// When the look-up began that has not ended.
    waits_since: Option<Instant>,
}

impl Http {
    pub(super) fn new(look_ups: Arc<dyn LookUps>, grants: Arc<Grants>, limits: CallLimits) -> Self {
        Self { look_ups, grants, limits, asked: 0, response_bytes: 0, exchanges: Vec::new(), waits_since: None }
    }

    /// All look-ups. One that the end of the call interrupted counts as timed out: it shows what the call waited for.
    pub(super) fn finish(mut self) -> Vec<Exchange> {
        if let (Some(since), Some(last)) = (self.waits_since, self.exchanges.last_mut()) {
            last.duration_ms = ms_since(since);
        }
        self.exchanges
    }

    async fn fetch(&mut self, request: Request) -> Result<types::Response, HttpError> {
        self.asked = self.asked.saturating_add(1);
        if self.asked > self.limits.look_ups {
            return Err(HttpError::LimitExceeded(format!(
                "a delivery makes at most {} look-ups",
                self.limits.look_ups
            )));
        }
        if self.response_bytes > self.limits.look_up_bytes {
            return Err(HttpError::LimitExceeded(format!(
                "the responses to a delivery's look-ups may have at most {} bytes in total",
                self.limits.look_up_bytes
            )));
        }
        // A decision of the grants alone is the same on a replay: it is not recorded.
        check_request(&self.grants, &request, &self.limits)?;
        let started = Instant::now();
        let unanswered = HttpError::Timeout("the call ended before there was a response".to_owned());
        self.exchanges.push(Exchange { request: request.clone(), result: Err(unanswered), duration_ms: 0 });
        self.waits_since = Some(started);
        let result = self.look_ups.fetch(&self.grants, &request).await;
        self.waits_since = None;
        self.response_bytes = self.response_bytes.saturating_add(result.as_ref().map_or(0, response_bytes));
        let reply = result.as_ref().map(response_to_guest).map_err(Clone::clone);
        if let Some(last) = self.exchanges.last_mut() {
            *last = Exchange { request, result, duration_ms: ms_since(started) };
        }
        reply
    }
}

fn ms_since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn check_request(grants: &Grants, request: &Request, limits: &CallLimits) -> Result<(), HttpError> {
    handoff_policy::request::check_request(grants, request, handoff_policy::request::Purpose::LookUp, limits)
        .map(|_| ())
}

fn response_bytes(response: &Response) -> usize {
    response.body.len() + response.headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
}

impl http::Host for HostState {
    async fn fetch(&mut self, request: types::Request) -> wasmtime::Result<Result<types::Response, http::Error>> {
        self.meter.host_call()?;
        Ok(self.http.fetch(request_from_guest(request)).await.map_err(|error| http_error_to_guest(&error)))
    }
}
