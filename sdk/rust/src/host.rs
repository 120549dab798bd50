//! The interface between the SDK and a host: the component's imports on wasm32, the test kit's fake elsewhere. A small
//! object-safe trait with the functions of `handoff:connector@1.1.0-rc`; no behaviour.

use crate::{Delivery, HttpError, NewEvent, OutboxError, OutboxRequest, Request, Response, StateError, Timestamp};

/// The interface that this SDK is built against; the component contains it in the section `handoff:interface`.
pub const INTERFACE: &str = "handoff:connector@1.1.0-rc";

/// Severity of a log message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For developers.
    Debug,
    /// Normal events.
    Info,
    /// Something to look at.
    Warn,
    /// An error.
    Error,
}

/// One page of a scan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Keys and values, ascending by the bytes of the key.
    pub entries: Vec<(String, Vec<u8>)>,
    /// True if more keys follow the last entry.
    pub more: bool,
}

/// What the host provides to a connector during one call. The functions have the meaning and limits of the contract's
/// functions with the same names.
pub trait Host {
    fn config(&self) -> String;
    fn delivery(&self) -> Delivery;
    fn offset_at(&self, time: Timestamp) -> i32;
    fn random(&self, count: u32) -> Vec<u8>;

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError>;
    fn set(&self, key: &str, value: &[u8]) -> Result<(), StateError>;
    fn delete(&self, key: &str) -> Result<(), StateError>;
    fn scan(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Page, StateError>;

    fn emit(&self, event: NewEvent) -> Result<(), OutboxError>;
    fn schedule(&self, key: &str, at: Timestamp, event: NewEvent) -> Result<(), OutboxError>;
    fn cancel(&self, key: &str) -> Result<(), OutboxError>;
    fn send(&self, send: OutboxRequest) -> Result<(), OutboxError>;

    fn fetch(&self, request: Request) -> Result<Response, HttpError>;

    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]);

    fn counter(&self, name: &str, add: u64, labels: &[(&str, &str)]);
    fn gauge(&self, name: &str, value: f64, labels: &[(&str, &str)]);
    fn histogram(&self, name: &str, value: f64, labels: &[(&str, &str)]);
}
