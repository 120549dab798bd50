//! The interface `log`: collects messages for people. They are kept whatever the outcome of the call; the excess is cut
//! and counted.

use super::bindings::handoff::connector1_0_0::log;
use super::convert::printable;
use super::host_state::HostState;
use handoff_model::effects::{LogLevel, LogLine};
use handoff_model::limits::CallLimits;

/// Maximum number of fields of a message.
const FIELDS: usize = 32;
/// Maximum length of a field's name, in bytes.
const FIELD_NAME_BYTES: usize = 64;

/// The log of one call.
pub(super) struct Log {
    limits: CallLimits,
    lines: Vec<LogLine>,
    lines_dropped: u64,
    lines_cut: u64,
}

impl Log {
    pub(super) fn new(limits: CallLimits) -> Self {
        Self { limits, lines: Vec::new(), lines_dropped: 0, lines_cut: 0 }
    }

    /// The messages, followed by a notice if any were dropped.
    pub(super) fn finish(mut self) -> Vec<LogLine> {
        if self.lines_dropped > 0 || self.lines_cut > 0 {
            self.lines.push(LogLine {
                level: LogLevel::Warn,
                message: format!(
                    "the host dropped {} messages and shortened {}: a delivery logs at most {} messages of {} bytes",
                    self.lines_dropped, self.lines_cut, self.limits.log_messages, self.limits.log_message_bytes
                ),
                fields: Vec::new(),
            });
        }
        self.lines
    }

    /// The location of the last panic that the SDK's hook reported.
    pub(super) fn panic_location(&self) -> Option<&str> {
        let fields = &self.lines.iter().rev().find(|line| line.level == LogLevel::Error)?.fields;
        fields.iter().find(|(name, _)| name == "panic-at").map(|(_, place)| place.as_str())
    }

    pub(super) fn write(&mut self, level: LogLevel, message: &str, fields: &[(String, String)]) {
        if self.lines.len() >= self.limits.log_messages {
            self.lines_dropped = self.lines_dropped.saturating_add(1);
            return;
        }
        let mut left = self.limits.log_message_bytes;
        let mut keep = |text: &str, most: usize| {
            let kept = printable(text, most.min(left));
            left = left.saturating_sub(kept.len());
            kept
        };
        let given: usize = message.len() + fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        let message = keep(message, usize::MAX);
        let fields: Vec<(String, String)> = fields
            .iter()
            .take(FIELDS)
            .map(|(name, value)| (keep(name, FIELD_NAME_BYTES), keep(value, usize::MAX)))
            .filter(|(name, _)| !name.is_empty())
            .collect();
        if given > self.limits.log_message_bytes {
            self.lines_cut = self.lines_cut.saturating_add(1);
        }
        self.lines.push(LogLine { level, message, fields });
    }
}

impl log::Host for HostState {
    async fn write(
        &mut self,
        level: log::Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        self.meter.host_call()?;
        let level = match level {
            log::Level::Debug => LogLevel::Debug,
            log::Level::Info => LogLevel::Info,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Error => LogLevel::Error,
        };
        self.log.write(level, &message, &fields);
        Ok(())
    }
}
