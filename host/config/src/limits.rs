//! Reads `[limits.*]`: any of the `model::limits` types, field by field against its defaults. Those types define the
//! limits.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::problem::nearest;
use super::reader::{Field, Section};

/// Limits that may be zero, which means "none at all". Zero elsewhere would stop the host.
const MAY_BE_ZERO: [&str; 16] = [
    "state-writes",
    "state-write-bytes",
    "state-reads",
    "state-read-bytes",
    "emitted-events",
    "timers",
    "outbox-requests",
    "look-ups",
    "log-messages",
    "random-bytes",
    "retry-base-ms",
    "outbox-retry-base-ms",
    "drain-ms",
    "installation-timers-max",
    "installation-outbox-pending-max",
    "installation-metrics-max",
];

/// Reads a table of limits; absent fields keep their default.
pub(super) fn read<T: Default + Serialize + DeserializeOwned>(section: &Section<'_>) -> T {
    let defaults = serde_json::to_value(T::default()).ok();
    let defaults = defaults.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    let mut chosen = Map::new();
    for (key, field) in section.entries() {
        let Some(default) = defaults.get(key) else {
            let advice = match nearest(key, defaults.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "remove it, or see `handoff check --example` for every limit".to_owned(),
            };
            field.wrong_found(format!("the unknown limit `{key}`"), "one of the documented limits", advice);
            continue;
        };
        if let Some(number) = read_one::<T>(key, default, &field) {
            chosen.insert(key.to_owned(), number);
        }
    }
    serde_json::from_value(Value::Object(chosen)).unwrap_or_default()
}

fn read_one<T: DeserializeOwned>(key: &str, default: &Value, field: &Field<'_>) -> Option<Value> {
    let least = u64::from(!MAY_BE_ZERO.contains(&key));
    let number = Value::from(field.integer(least..=1_u64 << 53)?);
    // The type itself limits its numbers.
    let alone = Value::Object(Map::from_iter([(key.to_owned(), number.clone())]));
    if serde_json::from_value::<T>(alone).is_err() {
        field.wrong("a smaller number", format!("remove it to get the default, {default}"));
        return None;
    }
    Some(number)
}
