//! Automatic rollbacks of a host, from its incidents and its log. It judges nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use handoff_model::time::Timestamp;
use handoff_tests::harness::TestHost;
use serde_json::Value;

/// The log message after the rollback is durable, and the field that follows.
const ROLLED_BACK: &str = "rolled back";
const GENERATION: &str = "generation=";

/// An incident is raised when the rollback job is done.
const TOLD_WITHIN: Duration = Duration::from_secs(10);
/// Interval between two queries of the incidents.
const LOOK: Duration = Duration::from_millis(20);

/// One automatic rollback.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    /// The bound that was exceeded.
    pub(crate) rule: String,
    /// Deliveries of the bad release that were bad by then.
    pub(crate) bad: f64,
    /// When the bound was exceeded, in milliseconds since 1970.
    pub(crate) at: f64,
}

/// All automatic rollbacks of a running host, by the generation that was left. Waits for the expected number, because
/// an incident is raised a little later.
pub(crate) async fn of(host: &TestHost, expected: usize) -> BTreeMap<u64, Act> {
    let deadline = Instant::now() + TOLD_WITHIN;
    loop {
        let list = host.control("/v1/incidents").await.unwrap_or_default();
        let acts: BTreeMap<u64, Act> = list["incidents"].as_array().into_iter().flatten().filter_map(act).collect();
        if acts.len() >= expected || Instant::now() >= deadline {
            return acts;
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn act(incident: &Value) -> Option<(u64, Act)> {
    let evidence = &incident["evidence"]["evidence"];
    let act = Act {
        rule: evidence["rule"].as_str()?.to_owned(),
        bad: evidence["bad"].as_f64()?,
        at: milliseconds(incident["at"].as_str()?)?,
    };
    Some((incident["evidence"]["generation"].as_u64()?, act))
}

/// When the generation of each rollback became durable, in milliseconds since 1970.
pub(crate) fn pinned(log: &str) -> BTreeMap<u64, f64> {
    let lines = log.lines().filter(|line| line.contains(ROLLED_BACK));
    let pinned = lines.filter_map(|line| {
        let at = milliseconds(line.split_whitespace().next()?)?;
        let (_, rest) = line.split_once(GENERATION)?;
        let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Some((number.parse().ok()?, at))
    });
    pinned.collect()
}

/// An RFC 3339 time in UTC, with its microseconds.
fn milliseconds(text: &str) -> Option<f64> {
    let whole = Timestamp::parse_rfc3339(text).ok()?.0;
    let fraction = text.trim_end_matches('Z').split_once('.').map_or("", |(_, digits)| digits);
    let micros: u64 = fraction.get(3..6).and_then(|digits| digits.parse().ok()).unwrap_or_default();
    Some(Duration::from_micros(whole * 1_000 + micros).as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_tells_when_a_pin_was_durable() {
        let line = "1970-01-01T00:00:01.002003Z  WARN handoff_app::installations::rollback: rolled back installation=bdc-list from=1.1.0 to=1.0.0 generation=12 by=\"handoff\"";
        let pinned = pinned(&format!("1970-01-01T00:00:01.000000Z  INFO other: generation=3\n{line}\n"));
        assert_eq!(pinned.keys().copied().collect::<Vec<_>>(), [12]);
        assert!((pinned[&12] - 1_002.003).abs() < 0.000_5, "{pinned:?}");
    }
}
