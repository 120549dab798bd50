//! Sends an event for a person, as a system of a rooftop would. It goes the way of every other event from outside.

use http::{HeaderMap, HeaderValue, header};
use serde_json::json;

use crate::error::AppError;
use crate::shard::Shard;
use handoff_control::events::send::{SendReport, SendRequest};
use handoff_ingress::cloudevents::{self, CloudEventLimits};
use handoff_ingress::sink::{Addressee, Incoming};
use handoff_model::actor::Identity;
use handoff_model::names::RooftopName;
use handoff_model::scope::Scope;
use handoff_store::{Appended, NewAudit};

impl Shard {
    /// Accepts an event in the JSON format of CloudEvents. It is durable on return.
    pub async fn send_event(&self, caller: &Identity, request: SendRequest) -> Result<SendReport, AppError> {
        let SendRequest { event, rooftop, by, reason } = request;
        let rooftop = self.rooftop_to_send_to(rooftop)?;
        let limits = &self.process.config.engine_limits;
        let limits = CloudEventLimits { event_bytes: limits.event_bytes, batch_events: 1 };
        let media_type = HeaderValue::from_static("application/cloudevents+json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, media_type)]);
        let events = cloudevents::parse(&headers, event.as_bytes(), limits);
        let events = events
            .map_err(|error| AppError::invalid(error.field().unwrap_or("event").to_owned(), error.to_string()))?;
        let about =
            events.first().map(|event| json!({ "type": event.type_name, "id": event.id, "source": event.source }));
        let to = Addressee::Rooftop(rooftop.clone());
        let mut detail = about.unwrap_or_default();
        detail["reason"] = reason.into();
        let audit = NewAudit {
            at: self.now(),
            by: caller.acting(by.as_deref()),
            action: "send-event",
            subject: rooftop.to_string(),
            detail_json: detail.to_string(),
            scopes: vec![Scope::Rooftop(rooftop)],
        };
        let incoming = events.into_iter().map(|event| Incoming { to: to.clone(), event }).collect();
        report(&self.accept_audited(incoming, Some(audit)).await?)
    }

    fn rooftop_to_send_to(&self, named: Option<RooftopName>) -> Result<RooftopName, AppError> {
        let config = &self.process.config;
        let known: Vec<String> = config.rooftops.keys().map(|name| format!("`{name}`")).collect();
        let known = known.join(", ");
        match named {
            Some(name) if config.rooftops.contains_key(&name) => Ok(name),
            Some(name) => Err(AppError::NotFound { what: format!("rooftop `{name}`; there are {known}") }),
            None => config.only_rooftop().cloned().ok_or_else(|| {
                AppError::invalid("rooftop", format!("name the rooftop of the event: this host has {known}"))
            }),
        }
    }
}

/// The report on one event.
pub(crate) fn report(appended: &[Appended]) -> Result<SendReport, AppError> {
    let first = appended.first().copied();
    match first.ok_or_else(|| AppError::Internal("the store answered nothing".to_owned()))? {
        Appended::Accepted { position, routes } => Ok(SendReport { position, duplicate: false, recipients: routes }),
        Appended::Duplicate { position } => Ok(SendReport { position, duplicate: true, recipients: 0 }),
    }
}
