//! Why a delivery did not commit, in the contract's terms plus the host's own reasons.

use serde::{Deserialize, Serialize};

/// A failed delivery. Its effects are discarded; this is kept.
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
    /// Retry, not before the given number of milliseconds if the connector set it; after the last attempt a dead
    /// letter.
    Retry {
        /// Earliest next attempt, counted from the failure.
        after_ms: Option<u64>,
    },
    /// Create a dead letter at once.
    Reject,
    /// Pause the installation; the event waits.
    Misconfigured,
}

/// Codes that the host sets when the guest did not return. All count as retry, then dead letter.
pub mod host_codes {
    /// The guest trapped: `unreachable`, out-of-bounds access, integer fault, a panic.
    pub const TRAP: &str = "trap";
    /// The guest broke a rule of the component model: text that is not UTF-8, a list outside its memory, an unknown
    /// variant, or a call of an import where none is allowed.
    pub const CONTRACT: &str = "contract-broken";
    /// The guest's stack overflowed.
    pub const STACK_OVERFLOW: &str = "stack-overflow";
    /// The call did not return in time.
    pub const DEADLINE: &str = "deadline-exceeded";
    /// The guest exceeded its memory limit.
    pub const MEMORY: &str = "memory-limit";
    /// The guest exceeded its table limit.
    pub const TABLE: &str = "table-limit";
    /// The guest called imports too often.
    pub const HOST_CALLS: &str = "host-call-limit";
    /// One call between guest and host transferred too many bytes.
    pub const HOST_CALL_BYTES: &str = "host-call-bytes-limit";
    /// The guest requested more random bytes than a delivery gets.
    pub const RANDOM: &str = "random-limit";
    /// An emitted event does not fit into the queue of a subscriber.
    pub const QUEUE_FULL: &str = "queue-full";
    /// The installation has set too many timers.
    pub const TIMERS: &str = "timer-limit";
    /// Too many outbox requests of the installation are waiting for an answer.
    pub const OUTBOX: &str = "outbox-limit";
    /// Not a failure but the field `code` of a log line: new metrics of the installation were dropped.
    pub const METRICS: &str = "metric-limit";
    /// The component does not start or lacks the contract's exports.
    pub const INSTANTIATION: &str = "instantiation-failed";
    /// The event or its body could not be read: the host's fault. After its file is restored it can be redriven.
    pub const EVENT_READ: &str = "event-unreadable";
    /// The host itself panicked during the call.
    pub const HOST_PANIC: &str = "host-panic";
    /// The store could not be read: the host's fault, not the connector's.
    pub const STATE_READ: &str = "state-unreadable";

    const CRASHES: [&str; 10] =
        [TRAP, CONTRACT, STACK_OVERFLOW, DEADLINE, MEMORY, TABLE, HOST_CALLS, HOST_CALL_BYTES, RANDOM, INSTANTIATION];
    const HOSTS_OWN: [&str; 6] = [QUEUE_FULL, TIMERS, OUTBOX, EVENT_READ, HOST_PANIC, STATE_READ];

    /// Whether a code says that the guest did not return: it trapped, exceeded a limit or did not end in time.
    #[must_use]
    pub fn is_crash(code: &str) -> bool {
        CRASHES.contains(&code)
    }

    /// Whether the host caused a failure with this code, so that it says nothing about any version.
    #[must_use]
    pub fn is_hosts_own(code: &str) -> bool {
        HOSTS_OWN.contains(&code)
    }
}

impl Failure {
    /// Whether the host caused it, so that it says nothing about any version.
    #[must_use]
    pub fn is_hosts_own(&self) -> bool {
        host_codes::is_hosts_own(&self.code)
    }

    /// Whether the guest did not return: it trapped, exceeded a limit or did not end in time.
    #[must_use]
    pub fn is_crash(&self) -> bool {
        host_codes::is_crash(&self.code)
    }

    /// A failure to retry.
    #[must_use]
    pub fn retry(code: &str, message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Retry { after_ms: None }, code: code.to_owned(), message: message.into() }
    }

    /// A permanent failure.
    #[must_use]
    pub fn reject(code: &str, message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Reject, code: code.to_owned(), message: message.into() }
    }
}
