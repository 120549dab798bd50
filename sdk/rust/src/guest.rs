//! The component's side of the contract: generated bindings, the host behind them, and the calls that `export!` makes.
//! Only for wasm32. No behaviour except conversion and the panic hook.

use crate::connector::{self, Connector};
use crate::host::{Host, Level, Page};
use crate::{
    Delivery, Event, Failure, HttpError, NewEvent, OutboxError, OutboxRequest, Request, Response, StateError, Timestamp,
};
use bindings::handoff::connector1_0_0 as imports;
use std::sync::Once;

/// Generated from the contract. Not part of the public interface.
#[allow(
    missing_docs,
    unsafe_code,
    unused_qualifications,
    unreachable_pub,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated code: the canonical ABI is raw memory and foreign functions"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["wit/handoff-connector-1.0.0", "wit/handoff-connector-1.1.0-rc"],
        world: "handoff:connector/connector@1.1.0-rc",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_connector",
        default_bindings_module: "handoff_sdk::__private::bindings",
    });
}

/// Implements `handler.handle`.
pub fn handle<T: Connector>(event: imports::types::Event) -> Result<(), imports::types::Failure> {
    report_panics();
    connector::handle::<T>(&Imports, &event.into()).map_err(Into::into)
}

/// Implements `lifecycle.validate`.
pub fn validate<T: Connector>() -> Result<(), imports::types::Failure> {
    report_panics();
    connector::validate::<T>(&Imports).map_err(Into::into)
}

/// Implements `lifecycle.migrate`.
pub fn migrate<T: Connector>(from_schema: u32) -> Result<(), imports::types::Failure> {
    report_panics();
    connector::migrate::<T>(&Imports, from_schema).map_err(Into::into)
}

/// Logs a panic's message and location. The trap that follows contains neither.
fn report_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            let message = panic.payload_as_str().unwrap_or("a panic without a message");
            let location = panic.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
            Imports.log(Level::Error, &format!("panicked at {location}: {message}"), &[("panic-at", &location)]);
        }));
    });
}

/// The host, through the component's imports.
struct Imports;

impl Host for Imports {
    fn config(&self) -> String {
        imports::context::config()
    }

    fn delivery(&self) -> Delivery {
        let info = imports::context::delivery();
        Delivery {
            installation: info.installation,
            generation: info.generation,
            attempt: info.attempt,
            time: Timestamp::from_millis(info.time),
            rooftop: info.rooftop,
            time_zone: info.time_zone,
            utc_offset_seconds: info.utc_offset_seconds,
            dry_run: info.dry_run,
        }
    }

    fn offset_at(&self, time: Timestamp) -> i32 {
        bindings::handoff::connector1_1_0_rc::context::offset_at(time.as_millis())
    }

    fn random(&self, count: u32) -> Vec<u8> {
        imports::context::random(count)
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        Ok(imports::state::get(key)?)
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), StateError> {
        Ok(imports::state::set(key, value)?)
    }

    fn delete(&self, key: &str) -> Result<(), StateError> {
        Ok(imports::state::delete(key)?)
    }

    fn scan(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Page, StateError> {
        let page = imports::state::scan(prefix, after, limit)?;
        Ok(Page { entries: page.entries.into_iter().map(|entry| (entry.key, entry.value)).collect(), more: page.more })
    }

    fn emit(&self, event: NewEvent) -> Result<(), OutboxError> {
        Ok(imports::outbox::emit(&event.into())?)
    }

    fn schedule(&self, key: &str, at: Timestamp, event: NewEvent) -> Result<(), OutboxError> {
        Ok(imports::outbox::schedule(&event.into(), at.as_millis(), key)?)
    }

    fn cancel(&self, key: &str) -> Result<(), OutboxError> {
        Ok(imports::outbox::cancel(key)?)
    }

    fn send(&self, send: OutboxRequest) -> Result<(), OutboxError> {
        let OutboxRequest { key, request, answer, partition_key } = send;
        Ok(imports::outbox::send(&request.into(), &key, answer, partition_key.as_deref())?)
    }

    fn fetch(&self, request: Request) -> Result<Response, HttpError> {
        let response = imports::http::fetch(&request.into())?;
        Ok(Response { status: response.status, headers: response.headers, body: response.body })
    }

    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let level = match level {
            Level::Debug => imports::log::Level::Debug,
            Level::Info => imports::log::Level::Info,
            Level::Warn => imports::log::Level::Warn,
            Level::Error => imports::log::Level::Error,
        };
        imports::log::write(level, message, &owned(fields));
    }

    fn counter(&self, name: &str, add: u64, labels: &[(&str, &str)]) {
        imports::metrics::counter(name, add, &owned(labels));
    }

    fn gauge(&self, name: &str, value: f64, labels: &[(&str, &str)]) {
        imports::metrics::gauge(name, value, &owned(labels));
    }

    fn histogram(&self, name: &str, value: f64, labels: &[(&str, &str)]) {
        imports::metrics::histogram(name, value, &owned(labels));
    }
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl From<imports::types::Event> for Event {
    fn from(event: imports::types::Event) -> Self {
        Self {
            id: event.id,
            source: event.source,
            type_name: event.type_name,
            subject: event.subject,
            time: event.time.map(Timestamp::from_millis),
            data_content_type: event.data_content_type,
            data_schema: event.data_schema,
            extensions: event.extensions,
            data: event.data,
        }
    }
}

impl From<NewEvent> for imports::types::NewEvent {
    fn from(event: NewEvent) -> Self {
        Self {
            type_name: event.type_name,
            subject: event.subject,
            time: event.time.map(Timestamp::as_millis),
            data_content_type: event.data_content_type,
            data_schema: event.data_schema,
            partition_key: event.partition_key,
            extensions: event.extensions,
            data: event.data,
        }
    }
}

impl From<Request> for imports::types::Request {
    fn from(request: Request) -> Self {
        Self {
            method: request.method,
            url: request.url,
            headers: request.headers,
            body: request.body,
            auth: request.auth,
            timeout_ms: request.timeout_ms,
        }
    }
}

impl From<Failure> for imports::types::Failure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Retry { code, message, after_ms } => {
                Self::Retry(imports::types::Retry { code, message, after_ms })
            }
            Failure::Reject { code, message } => Self::Reject(imports::types::Reject { code, message }),
            Failure::Misconfigured { message } => Self::Misconfigured(imports::types::Misconfigured { message }),
        }
    }
}

impl From<imports::state::Error> for StateError {
    fn from(error: imports::state::Error) -> Self {
        use imports::state::Error;
        match error {
            Error::InvalidKey(text) => Self::InvalidKey(text),
            Error::ValueTooLarge(text) => Self::ValueTooLarge(text),
            Error::LimitExceeded(text) => Self::LimitExceeded(text),
        }
    }
}

impl From<imports::outbox::Error> for OutboxError {
    fn from(error: imports::outbox::Error) -> Self {
        use imports::outbox::Error;
        match error {
            Error::Denied(text) => Self::Denied(text),
            Error::Invalid(text) => Self::Invalid(text),
            Error::LimitExceeded(text) => Self::LimitExceeded(text),
        }
    }
}

impl From<imports::http::Error> for HttpError {
    fn from(error: imports::http::Error) -> Self {
        use imports::http::Error;
        match error {
            Error::Denied(text) => Self::Denied(text),
            Error::Invalid(text) => Self::Invalid(text),
            Error::Unreachable(text) => Self::Unreachable(text),
            Error::Timeout(text) => Self::Timeout(text),
            Error::ResponseTooLarge(text) => Self::ResponseTooLarge(text),
            Error::Unavailable(after_ms) => Self::Unavailable(after_ms),
            Error::LimitExceeded(text) => Self::LimitExceeded(text),
        }
    }
}
