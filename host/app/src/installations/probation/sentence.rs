//! Describes why a generation failed probation, in one sentence for people.

use handoff_policy::probation::{Evidence, Rule};

/// The sentence. `pause` is the message of the connector that paused its installation.
pub(super) fn of(evidence: &Evidence, pause: Option<&str>) -> String {
    let Evidence { rule, subject, bad, of, before_bad, before_of, running, before, .. } = evidence;
    let subject = subject.as_deref();
    let shares = |what: &str| format!("{bad} of {of} {what}, {before_bad} of {before_of} before");
    match rule {
        Rule::Crashes => shares("deliveries crashed"),
        Rule::Failures => shares("deliveries failed"),
        Rule::DeadLetters => shares("events became dead letters"),
        Rule::Latency => {
            let bound = evidence.bound_ms.unwrap_or_default();
            let running = if *running > 0 { format!(" ({running} had not ended by then)") } else { String::new() };
            format!(
                "{bad} of {of} deliveries took longer than {bound:.0} ms{running}; 95 of 100 took up to {:.0} ms before",
                before.p95_ms,
            )
        }
        Rule::MissingEvents => shares(&format!("deliveries emitted no {}", subject.unwrap_or("event"))),
        Rule::MissingRequests => shares(&format!("deliveries sent nothing to {}", subject.unwrap_or("any target"))),
        Rule::MoreEvents => {
            shares(&format!("deliveries emitted {} more often than usual", subject.unwrap_or("events")))
        }
        Rule::MoreRequests => {
            shares(&format!("deliveries sent more requests than usual to {}", subject.unwrap_or("their targets")))
        }
        Rule::RefusedRequests => shares(&format!("requests to {} were refused", subject.unwrap_or("new targets"))),
        Rule::Paused => format!("the connector paused itself: {}", pause.unwrap_or("it gave no reason")),
    }
}
