//! Every limit on what one call of a connector may do, with its default and the reason for it.
//!
//! `tests/guests/README.md` lists the guest that exceeds each limit and the failure it gets; a test there requires a
//! guest for every field.

use serde::{Deserialize, Serialize};

macro_rules! limits {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$fdoc:meta])* $field:ident: $ty:ty = $default:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
        pub struct $name { $($(#[$fdoc])* pub $field: $ty,)* }
        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
}

limits! {
    /// Limits of one call. The contract documents the defaults; the operator may change them in `[limits.call]`.
    pub struct CallLimits {
        /// Wall time of `handle`. Long enough for a slow look-up, short enough to free a pool slot.
        deadline_ms: u64 = 5_000,
        /// How long guest code computes before it yields to other tasks. With all slots looping, a request or a
        /// rollback command waits a few times this long.
        yield_after_ms: u64 = 2,
        /// Linear memory. A lead or a repair order needs a few MiB.
        memory_bytes: usize = 64 << 20,
        /// Elements of a table. Rust guests have a few hundred functions.
        table_elements: usize = 20_000,
        /// Wasm stack. Stops deep recursion before the host's stack overflows.
        stack_bytes: usize = 512 << 10,
        /// Bytes that one host call may copy in from the guest's strings and lists.
        host_call_bytes: usize = 16 << 20,
        /// Host calls in one delivery.
        host_calls: u32 = 100_000,
        /// Longest state key.
        state_key_bytes: usize = 256,
        /// Largest state value.
        state_value_bytes: usize = 64 << 10,
        /// Keys that a delivery writes.
        state_writes: usize = 1_000,
        /// Bytes that a delivery writes.
        state_write_bytes: usize = 1 << 20,
        /// Keys that a delivery reads.
        state_reads: usize = 10_000,
        /// Bytes that a delivery reads.
        state_read_bytes: usize = 16 << 20,
        /// Events that a delivery emits.
        emitted_events: usize = 1_000,
        /// Data of one emitted event.
        emitted_event_bytes: usize = 1 << 20,
        /// Timers that a delivery sets.
        timers: usize = 100,
        /// Requests that a delivery puts into the outbox.
        outbox_requests: usize = 100,
        /// Emitted events, timers and requests together.
        effect_bytes: usize = 4 << 20,
        /// Look-ups of a delivery.
        look_ups: usize = 50,
        /// Bytes of all responses to a delivery's look-ups: they are recorded.
        look_up_bytes: usize = 32 << 20,
        /// Metric updates in one delivery.
        metric_updates: usize = 1_000,
        /// Fields of a request.
        request_headers: usize = 64,
        /// Bytes of a request's fields.
        request_header_bytes: usize = 16 << 10,
        /// Body of a request.
        request_body_bytes: usize = 1 << 20,
        /// Body of a response.
        response_body_bytes: usize = 4 << 20,
        /// Default time limit of one HTTP exchange.
        http_timeout_ms: u32 = 10_000,
        /// Messages that a delivery logs.
        log_messages: usize = 1_000,
        /// One message with its fields.
        log_message_bytes: usize = 8 << 10,
        /// Random bytes of one delivery.
        random_bytes: u32 = 64 << 10,
        /// Deliveries between an event and the event from outside: ends loops.
        hops: u32 = 32,
    }
}

limits! {
    /// Limits of one call of `migrate`, in `[limits.migration]`; for all others, `[limits.call]` applies. It processes
    /// the whole state of an installation once, while the installation's events wait.
    pub struct MigrationLimits {
        /// Wall time. The installation's events wait this long.
        deadline_ms: u64 = 60_000,
        /// Host calls.
        host_calls: u32 = 2_000_000,
        /// Bytes that one host call may copy in from the guest's strings and lists.
        host_call_bytes: usize = 64 << 20,
        /// Keys that it writes: all are one commit.
        state_writes: usize = 100_000,
        /// Bytes that it writes: all are one frame of the journal, which holds 64 MiB.
        state_write_bytes: usize = 16 << 20,
        /// Keys that it reads.
        state_reads: usize = 200_000,
        /// Bytes that it reads.
        state_read_bytes: usize = 256 << 20,
    }
}

impl MigrationLimits {
    /// The limits of the whole call. A migration cannot make look-ups: the installation would wait for a vendor.
    #[must_use]
    pub fn over(self, call: CallLimits) -> CallLimits {
        CallLimits {
            deadline_ms: self.deadline_ms,
            host_calls: self.host_calls,
            host_call_bytes: self.host_call_bytes,
            state_writes: self.state_writes,
            state_write_bytes: self.state_write_bytes,
            state_reads: self.state_reads,
            state_read_bytes: self.state_read_bytes,
            look_ups: 0,
            ..call
        }
    }
}

limits! {
    /// Limits of the whole runtime, in `[limits.runtime]`.
    pub struct RuntimeLimits {
        /// Concurrent instances of all installations. Each reserves address space and, while it runs, memory.
        instances: u32 = 64,
        /// As `instances`, for guests with more than one memory or more than 4 MiB of it to start: JavaScript and Python.
        /// They have slots of their own, so that they take none from the small ones.
        large_instances: u32 = 32,
        /// Size of a component that may be compiled.
        component_bytes: usize = 32 << 20,
        /// Memory of the compiling child process.
        compile_memory_bytes: u64 = 4 << 30,
        /// Time of the compiling child process.
        compile_time_ms: u64 = 120_000,
        /// Compiled code of one component: the host holds it in memory, and 32 MiB of hostile component could compile
        /// to a gigabyte. Ten times what the largest guests of other languages need.
        code_bytes: u64 = 256 << 20,
        /// Compiled code on disk; the least recently used is evicted first.
        code_cache_bytes: u64 = 2 << 30,
    }
}

limits! {
    /// Sizes of the store's parts, in `[limits.store]`.
    pub struct StoreLimits {
        /// A segment of the journal is closed at this size. Retention drops whole segments, and `[retention] bytes` is at
        /// least four of them.
        segment_bytes: u32 = 64 << 20,
        /// Changes to buffer in memory before a checkpoint writes them to the index; a start replays about as many.
        buffer_bytes: usize = 64 << 20,
        /// Larger event data is stored in a file of its own.
        inline_body_bytes: usize = 256 << 10,
    }
}

limits! {
    /// Limits of the engine and of incoming events, in `[limits.engine]`.
    pub struct EngineLimits {
        /// Attempts of a delivery before it becomes a dead letter. With the default back-off they span some minutes:
        /// long enough for a target's restart, short enough that a person hears of it within the hour.
        max_attempts: u32 = 8,
        /// First delay between attempts; it doubles, with full jitter.
        retry_base_ms: u64 = 500,
        /// Longest delay between attempts.
        retry_cap_ms: u64 = 300_000,
        /// Concurrent deliveries of one installation. Keys run in parallel, but one slow installation must not take all
        /// instances. Deliveries that have run and wait for the disk do not count.
        concurrency_per_installation: usize = 16,
        /// Deliveries that may wait over all installations. Each rooftop has an equal share of it, so that one rooftop's
        /// backlog does not stop another's events. Beyond its share, ingress answers 503 for that rooftop before memory
        /// grows.
        queue_entries_max: u64 = 1_000_000,
        /// Deliveries that may wait for one installation. Beyond it, ingress answers 429 for that installation, and a
        /// delivery that emits to it fails and is retried.
        installation_queue_entries_max: u64 = 250_000,
        /// Data of one event from outside. Large enough for a nightly inventory file in pieces, small enough that every
        /// running instance can hold one.
        event_bytes: usize = 8 << 20,
        /// Timers of one installation: a month of a dealership's leads, each with a few timers. Each timer is a stored
        /// event, so a connector that only adds timers must hit a limit.
        installation_timers_max: u64 = 100_000,
        /// Unanswered outbox requests of one installation. It bridges a vendor's weekend outage; a connector that sends
        /// more than its target accepts hits the limit.
        installation_outbox_pending_max: u64 = 100_000,
        /// Metrics (combinations of a name and its labels) of one installation. New ones beyond it are dropped and
        /// logged: every metric is kept forever and exported in every scrape.
        installation_metrics_max: u64 = 10_000,
        /// Events of one batch from outside: a batch is one durable write.
        batch_events: usize = 1_000,
        /// How long a stopping host waits for running deliveries before it aborts them; they are delivered again.
        drain_ms: u64 = 10_000,
        /// Outbox requests to send concurrently over all installations.
        outbox_concurrency: usize = 64,
        /// Attempts of an outbox request before it fails permanently. With the default back-off they span about half a
        /// day, to bridge a vendor's night.
        outbox_max_attempts: u32 = 20,
        /// First delay between attempts of an outbox request; it doubles, with full jitter.
        outbox_retry_base_ms: u64 = 1_000,
        /// Longest delay between attempts of an outbox request.
        outbox_retry_cap_ms: u64 = 3_600_000,
    }
}

/// When the host rolls back an upgrade by itself, in `[probation]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbationLimits {
    /// Whether new generations are on probation.
    pub enabled: bool,
    /// Shortest duration in business days of the rooftop. A dealership sees its whole traffic in two of them.
    pub business_days: u32,
    /// Longest duration in business days. A generation that had too few deliveries by then was not judged.
    pub business_days_max: u32,
    /// Which days are business days.
    pub weekdays: Weekdays,
    /// Deliveries of the new generation without which it does not pass: fewer say little about rare failures.
    pub min_deliveries: u64,
    /// Deliveries of the previous generation without which the new one does not pass. Gross failures are found with
    /// fewer.
    pub min_baseline: u64,
    /// Factor by which a share of bad deliveries may grow.
    pub error_factor: u64,
    /// A share of failed first attempts up to this is always acceptable, in percent. The same holds for deliveries without
    /// an expected effect, with more effects than usual, and for refused requests.
    pub error_floor_percent: u64,
    /// A share of crashed first attempts up to this is always acceptable, in deliveries of a thousand.
    pub crash_floor_permille: u64,
    /// Factor by which the 95th percentile of durations may grow. A delivery that runs longer counts before it ends.
    pub latency_factor: u64,
    /// A 95th percentile below this is always acceptable.
    pub latency_floor_ms: u64,
}

impl Default for ProbationLimits {
    fn default() -> Self {
        Self {
            enabled: true,
            business_days: 2,
            business_days_max: 12,
            weekdays: Weekdays::default(),
            min_deliveries: 200,
            min_baseline: 50,
            error_factor: 3,
            error_floor_percent: 10,
            crash_floor_permille: 5,
            latency_factor: 4,
            latency_floor_ms: 500,
        }
    }
}

/// Days of the week; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Weekdays(u8);

impl Weekdays {
    /// All seven.
    #[must_use]
    pub fn all() -> Self {
        Self(0b111_1111)
    }

    /// Each day alone, with its name in settings.
    pub const NAMED: [(&'static str, Self); 7] = [
        ("monday", Self(1)),
        ("tuesday", Self(1 << 1)),
        ("wednesday", Self(1 << 2)),
        ("thursday", Self(1 << 3)),
        ("friday", Self(1 << 4)),
        ("saturday", Self(1 << 5)),
        ("sunday", Self(1 << 6)),
    ];

    /// All of these days; none if there are none.
    #[must_use]
    pub fn union(days: &[Self]) -> Option<Self> {
        let bits = days.iter().fold(0, |bits, day| bits | day.0);
        (bits != 0).then_some(Self(bits))
    }

    /// Whether a day is one of them.
    #[must_use]
    pub fn contains(self, day: chrono::Weekday) -> bool {
        self.0 & (1 << day.num_days_from_monday()) != 0
    }
}

/// Monday to Saturday.
impl Default for Weekdays {
    fn default() -> Self {
        Self(0b011_1111)
    }
}
