//! The commented examples that `handoff check --example` prints: of a `handoff.toml`, and of an installation's settings. Written
//! by hand where the words matter, made from the types where the numbers do; tests parse them, so they cannot go stale.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use handoff_model::limits::{CallLimits, EngineLimits, MigrationLimits, RuntimeLimits, StoreLimits};

/// The example of a `handoff.toml`. A line that begins with `#` and a field shows a default.
#[must_use]
pub fn example() -> String {
    let mut text = include_str!("example.toml").to_owned();
    section(&mut text, "call", "What one call of a connector may do.", &CallLimits::default());
    let migration =
        "What a call of `migrate` may do: once, over all of an installation's state, while its events wait.";
    section(&mut text, "migration", migration, &MigrationLimits::default());
    section(&mut text, "runtime", "What the whole runtime may use.", &RuntimeLimits::default());
    section(&mut text, "store", "How large the store's parts grow.", &StoreLimits::default());
    section(&mut text, "engine", "Queues, attempts and pauses.", &EngineLimits::default());
    text
}

/// The example of a settings file: its whole grammar, with the bounds.
#[must_use]
pub fn example_settings() -> &'static str {
    include_str!("example-settings.toml")
}

fn section(text: &mut String, name: &str, about: &str, limits: &impl Serialize) {
    let value = serde_json::to_value(limits).unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = write!(text, "\n# {about}\n[limits.{name}]\n");
    for (key, value) in value.as_object().into_iter().flatten().filter(|(_, value)| Value::is_number(value)) {
        let _ = writeln!(text, "#{key} = {value}");
    }
}
