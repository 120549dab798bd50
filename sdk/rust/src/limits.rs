//! The limits of the contract `handoff:connector@1.0.0`, as its WIT states them: the host's defaults, which an operator
//! may change. The test kit enforces them.

/// A key of state, timers and outbox requests, in bytes; never empty.
pub const KEY_BYTES_MAX: usize = 256;
/// A value of state, in bytes.
pub const STATE_VALUE_BYTES_MAX: usize = 64 * 1024;
/// Keys that one delivery writes.
pub const STATE_WRITES_MAX: usize = 1_000;
/// Bytes that one delivery writes.
pub const STATE_WRITE_BYTES_MAX: usize = 1024 * 1024;
/// Keys that one delivery reads.
pub const STATE_READS_MAX: usize = 10_000;
/// Bytes that one delivery reads.
pub const STATE_READ_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Keys in one page of a scan.
pub const SCAN_PAGE_MAX: u32 = 1_000;
/// The config, in bytes of JSON.
pub const CONFIG_BYTES_MAX: usize = 256 * 1024;
/// Random bytes in one call.
pub const RANDOM_BYTES_MAX: usize = 64 * 1024;
/// Payload of an event that a connector receives, in bytes.
pub const EVENT_DATA_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Payload of an event that a connector emits or schedules, in bytes.
pub const NEW_EVENT_DATA_BYTES_MAX: usize = 1024 * 1024;
/// Events that one delivery emits.
pub const EMITS_MAX: usize = 1_000;
/// Timers that one delivery sets.
pub const TIMERS_MAX: usize = 100;
/// Maximum time until a timer, in milliseconds: one year of 366 days.
pub const TIMER_AHEAD_MS_MAX: u64 = 366 * 24 * 60 * 60 * 1_000;
/// Requests that one delivery sends.
pub const SENDS_MAX: usize = 100;
/// Events, timers and requests of one delivery in total, in bytes.
pub const EFFECTS_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Header fields of a request.
pub const REQUEST_HEADERS_MAX: usize = 64;
/// Header fields of a request in total, in bytes.
pub const REQUEST_HEADER_BYTES_MAX: usize = 16 * 1024;
/// Body of a request, in bytes.
pub const REQUEST_BODY_BYTES_MAX: usize = 1024 * 1024;
/// Body of a response, in bytes.
pub const RESPONSE_BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Look-ups that one delivery makes.
pub const LOOK_UPS_MAX: usize = 50;
/// A log message with its fields, in bytes.
pub const LOG_BYTES_MAX: usize = 8 * 1024;
/// Log messages of one delivery.
pub const LOGS_MAX: usize = 1_000;
/// Name of a metric, in bytes.
pub const METRIC_NAME_BYTES_MAX: usize = 64;
/// Labels of a metric.
pub const METRIC_LABELS_MAX: usize = 8;
/// Code of a failure, in bytes.
pub const FAILURE_CODE_BYTES_MAX: usize = 64;
/// Message of a failure, in bytes.
pub const FAILURE_MESSAGE_BYTES_MAX: usize = 2 * 1024;
