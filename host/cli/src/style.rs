//! The style of text: colours, times and sizes for people. Pure: callers pass time and zone.
//!
//! Text from events, connectors and other systems may contain terminal control sequences: [`clean`] it before it is
//! shown.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::{DateTime, Local, TimeZone, Utc};

use handoff_control::Time;
use handoff_model::time::Timestamp;

/// All that rendering depends on besides the view.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// Whether to use colour.
    pub colour: bool,
    /// Width of tables in columns; none means no limit.
    pub width: Option<usize>,
    /// The current time.
    pub now: Timestamp,
    /// The time zone of shown times.
    pub zone: Zone,
}

/// The time zone of shown times.
#[derive(Clone, Copy, Debug)]
pub(super) enum Zone {
    /// The time zone of the system.
    Local,
    /// A fixed time zone.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests fix the zone"))]
    Named(chrono_tz::Tz),
}

/// The meaning of a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Faint,
    Good,
    Careful,
    Bad,
    Name,
}

impl Style {
    /// The text in its colour. The text must be free of control characters.
    pub(super) fn paint<'t>(&self, tone: Tone, text: &'t str) -> Cow<'t, str> {
        let code = match tone {
            Tone::Plain => return Cow::Borrowed(text),
            Tone::Strong => "1",
            Tone::Faint => "2",
            Tone::Good => "32",
            Tone::Careful => "33",
            Tone::Bad => "31",
            Tone::Name => "36",
        };
        if self.colour && !text.is_empty() {
            Cow::Owned(format!("\x1b[{code}m{text}\x1b[0m"))
        } else {
            Cow::Borrowed(text)
        }
    }

    /// A time for people: without the date if it is today, else with the date.
    pub(super) fn time(&self, time: Time) -> String {
        match self.zone {
            Zone::Local => clock(&Local, time.0, self.now),
            Zone::Named(zone) => clock(&zone, time.0, self.now),
        }
    }

    /// The time until or since, for example `3 min ago`.
    pub(super) fn ago(&self, time: Time) -> String {
        let (past, future) = (self.now.since_ms(time.0), time.0.since_ms(self.now));
        match (past, future) {
            (0..1000, 0) => "now".to_owned(),
            (_, 0) => format!("{} ago", span(past)),
            _ => format!("in {}", span(future)),
        }
    }
}

/// A duration in its largest unit, for example `3 min`.
pub(super) fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A duration of a call, for example `4.2 ms`.
pub(super) fn duration(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 1000.0 => format!("{ms:.0} ms"),
        _ => format!("{:.1} s", ms / 1000.0),
    }
}

/// A size in bytes, for example `12 KiB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u32); 4] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    for (unit, shift) in UNITS {
        let whole = bytes >> shift;
        if whole >= 10 {
            return format!("{whole} {unit}");
        }
        if whole >= 1 {
            let tenths = (u128::from(bytes) * 10) >> shift;
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} B")
}

/// A number with its noun, for example `1 event`, `2 events`.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Escapes control characters, so that text cannot move the cursor or change colours. Line ends and bidirectional
/// controls count too, so that a message stays on its line and in its order.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let unsafe_char = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(unsafe_char) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => cleaned.push(' '),
            c if unsafe_char(c) => {
                // Writing to a string cannot fail.
                let _ = write!(cleaned, "{}", c.escape_unicode());
            }
            c => cleaned.push(c),
        }
    }
    Cow::Owned(cleaned)
}

/// At most `width` characters. If text is cut off, the last one is an ellipsis.
pub(super) fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if text.chars().count() <= width {
        return Cow::Borrowed(text);
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    Cow::Owned(short)
}

/// At most `width` characters. If text is cut off, an ellipsis stands for its middle: beginnings and ends tell values
/// apart.
pub(super) fn cut_middle(text: &str, width: usize) -> Cow<'_, str> {
    let length = text.chars().count();
    if length <= width {
        return Cow::Borrowed(text);
    }
    let shown = width.saturating_sub(1);
    let tail = shown / 2;
    let mut short: String = text.chars().take(shown - tail).collect();
    short.push('…');
    short.extend(text.chars().skip(length - tail));
    Cow::Owned(short)
}

fn clock<Z: TimeZone>(zone: &Z, time: Timestamp, now: Timestamp) -> String
where
    Z::Offset: std::fmt::Display,
{
    let local = |at: Timestamp| -> DateTime<Z> { DateTime::<Utc>::with_timezone(&at.to_utc(), zone) };
    let (time, now) = (local(time), local(now));
    let pattern = if time.date_naive() == now.date_naive() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
    time.format(pattern).to_string()
}
