//! The seam between the SDK and whatever plays the host: the component's imports on wasm32, the test kit's fake elsewhere.
//! One small object-safe trait with the functions of `handoff:connector@1.0.0`; no behaviour.

use crate::{Delivery, HttpError, NewEvent, OutboxError, Request, Response, Send, StateError, Timestamp};

/// The interface that this SDK is built against; the component carries it in the section `handoff:interface`.
pub const INTERFACE: &str = "handoff:connector@1.0.0";

/// How much a log message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For developers.
    Debug,
    /// What normally happens.
    Info,
    /// Somebody should look at it when there is time.
    Warn,
    /// Somebody must look at it.
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

/// What the host does for a connector during one call. Each function's meaning and limits are those of the function of
/// the same name in the contract.
pub trait Host {
    fn config(&self) -> String;
    fn delivery(&self) -> Delivery;
    fn random(&self, count: u32) -> Vec<u8>;

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError>;
    fn set(&self, key: &str, value: &[u8]) -> Result<(), StateError>;
    fn delete(&self, key: &str) -> Result<(), StateError>;
    fn scan(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Page, StateError>;

    fn emit(&self, event: NewEvent) -> Result<(), OutboxError>;
    fn schedule(&self, key: &str, at: Timestamp, event: NewEvent) -> Result<(), OutboxError>;
    fn cancel(&self, key: &str) -> Result<(), OutboxError>;
    fn send(&self, send: Send) -> Result<(), OutboxError>;

    fn fetch(&self, request: Request) -> Result<Response, HttpError>;

    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]);

    fn counter(&self, name: &str, add: u64, labels: &[(&str, &str)]);
    fn gauge(&self, name: &str, value: f64, labels: &[(&str, &str)]);
    fn histogram(&self, name: &str, value: f64, labels: &[(&str, &str)]);
}
