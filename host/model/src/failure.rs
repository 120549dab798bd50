//! Why a delivery did not commit, in the contract's terms plus the host's own reasons.

use serde::{Deserialize, Serialize};

/// A failed delivery. Its effects are gone; this stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What the engine does about it.
    pub kind: FailureKind,
    /// Stable kebab-case word, at most 64 bytes. Metrics count by it.
    pub code: String,
    /// For people, at most 2 KiB.
    pub message: String,
}

/// What the engine does about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// Try again, not before so many milliseconds if the connector said so; after the last attempt a dead letter.
    Retry {
        /// Earliest next attempt, counted from the failure.
        after_ms: Option<u64>,
    },
    /// A dead letter at once.
    Reject,
    /// Pause the installation; the event waits.
    Misconfigured,
}

/// Codes that the host gives when the guest did not return. All count as retry, then dead letter.
pub mod host_codes {
    /// The guest trapped: `unreachable`, out-of-bounds access, integer fault, a panic.
    pub const TRAP: &str = "trap";
    /// The guest broke the rules of the component model: text that is no UTF-8, a list outside of its memory, a variant
    /// that does not exist, a call of an import where none may be.
    pub const CONTRACT: &str = "contract-broken";
    /// The guest's stack ended.
    pub const STACK_OVERFLOW: &str = "stack-overflow";
    /// The call did not return in time.
    pub const DEADLINE: &str = "deadline-exceeded";
    /// The guest asked for more memory than it may have, and gave up.
    pub const MEMORY: &str = "memory-limit";
    /// The guest asked for a larger table than it may have, and gave up.
    pub const TABLE: &str = "table-limit";
    /// Imports were called more often than they may.
    pub const HOST_CALLS: &str = "host-call-limit";
    /// One call between guest and host carried more than it may.
    pub const HOST_CALL_BYTES: &str = "host-call-bytes-limit";
    /// More random bytes were asked for than one delivery gets.
    pub const RANDOM: &str = "random-limit";
    /// What the delivery emits does not fit into the queue of a subscriber.
    pub const QUEUE_FULL: &str = "queue-full";
    /// The installation has set too many timers.
    pub const TIMERS: &str = "timer-limit";
    /// Too many outbox requests of the installation wait for an answer.
    pub const OUTBOX: &str = "outbox-limit";
    /// Not a failure but a field `code` of a log line: new business figures of the installation were dropped.
    pub const FIGURES: &str = "figure-limit";
    /// The component does not start or does not have the contract's exports.
    pub const INSTANTIATION: &str = "instantiation-failed";
    /// The event or its body could not be read back: the host's fault. Once its file is restored it can be redriven.
    pub const EVENT_READ: &str = "event-unreadable";
    /// The host itself panicked during the call.
    pub const HOST_PANIC: &str = "host-panic";
    /// The store could not be read: the host's fault, not the connector's.
    pub const STATE_READ: &str = "state-unreadable";
}

impl Failure {
    /// A failure to be tried again.
    #[must_use]
    pub fn retry(code: &str, message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Retry { after_ms: None }, code: code.to_owned(), message: message.into() }
    }

    /// A failure for good.
    #[must_use]
    pub fn reject(code: &str, message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Reject, code: code.to_owned(), message: message.into() }
    }
}
