//! The commented examples that `handoff check --example` prints: a `handoff.toml`, an installation's settings, and a
//! connector's manifest. The text is written by hand, the numbers are generated from the types; tests parse them, so they
//! stay correct.

use std::fmt::Write as _;

use serde::Serialize;

use handoff_model::limits::{CallLimits, EngineLimits, MigrationLimits, RuntimeLimits, StoreLimits};
use handoff_policy::egress::{ClientOptions, HostOptions};

/// The example of a `handoff.toml`. A line that begins with `#` and a field shows a default.
#[must_use]
pub fn example() -> String {
    let text = include_str!("example.toml");
    let text = text.replace("{hosts}\n", &defaults(&HostOptions::default()));
    let mut text = text.replace("{egress}\n", &defaults(&ClientOptions::default()));
    section(&mut text, "call", "Limits of one call of a connector.", &CallLimits::default());
    let migration =
        "Limits of a call of `migrate`, which rewrites all of an installation's state once, while its events wait.";
    section(&mut text, "migration", migration, &MigrationLimits::default());
    section(&mut text, "runtime", "Limits of the whole runtime.", &RuntimeLimits::default());
    section(&mut text, "store", "Sizes of the store.", &StoreLimits::default());
    section(&mut text, "engine", "Queues, attempts and back-off.", &EngineLimits::default());
    text
}

/// The example of a settings file: every field with its limits.
#[must_use]
pub fn example_settings() -> &'static str {
    include_str!("example-settings.toml")
}

/// The example of a connector's manifest, `connector.toml`: every field with its limits.
#[must_use]
pub fn example_manifest() -> &'static str {
    include_str!("example-manifest.toml")
}

fn section(text: &mut String, name: &str, about: &str, limits: &impl Serialize) {
    // Writing to a String cannot fail.
    let _ = write!(text, "\n# {about}\n[limits.{name}]\n{}", defaults(limits));
}

/// One line `#field = default` for each field that has a default.
fn defaults(options: &impl Serialize) -> String {
    let value = serde_json::to_value(options).unwrap_or_default();
    let fields = value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null() && !value.is_object());
    fields.map(|(field, value)| format!("#{field} = {value}\n")).collect()
}
