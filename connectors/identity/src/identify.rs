//! From facts to a customer: finds, decides, creates or merges, attaches. Shared by leads and sales; it knows neither.

use handoff_sdk::{Context, Failure};
use serde_json::{Value, json};

use crate::{
    attach::{attach, create},
    book::Book,
    config::Config,
    decide::{Rule, Verdict, decide},
    facts::Reading,
    find::{Candidate, find},
    merge::{Cause, merge},
};

/// The identified customer.
#[derive(Debug)]
pub struct Identified {
    /// The customer.
    pub customer_id: String,
    /// The profile to which the facts were added.
    pub profile_id: String,
    /// `matched`, `created` or `review`.
    pub decision: &'static str,
    /// The evidence that decided: `vin`, `phone`, `email`, `name`, `none`.
    pub rule: &'static str,
    /// Score of the best candidate, 0 without one.
    pub score: f64,
    /// The reasons, as sentences.
    pub explanation: Vec<String>,
    /// Candidates to review.
    pub candidates: Vec<Value>,
}

/// Finds or creates the customer and adds the facts. `cause` is the base of ids: for a lead its id.
///
/// # Errors
/// State limits.
pub fn identify(
    cx: &Context<'_, Config>,
    reading: &Reading,
    cause: &[&str],
    lead_id: Option<&str>,
) -> Result<Identified, Failure> {
    let book = Book::new(cx.state());
    let found = find(book, cx.config(), reading)?;
    let decision = decide(&found.candidates, cx.config());
    let mut explanation = decision.explanation;
    explanation.extend(found.notes);
    if found.shared_keys > 0 {
        cx.counter("shared-keys-ignored", found.shared_keys, &[]);
    }
    let best = found.candidates.first().map_or(0.0, |candidate| candidate.comparison.score);
    let mut identified = match decision.verdict {
        Verdict::Matched { index, rule, same } => {
            let candidate = &found.candidates[index];
            let mut customer_id = candidate.id.clone();
            let mut open = Vec::new();
            for other in same.into_iter().map(|index| &found.candidates[index]) {
                match join(cx, &customer_id, candidate, other, rule, cause)? {
                    Some(survivor) => {
                        explanation.push(format!(
                            "this lead proves that customers {} and {} are the same person: merged",
                            candidate.id, other.id
                        ));
                        customer_id = survivor;
                    }
                    None => open.push(describe(other)),
                }
            }
            cx.counter("customers-matched", 1, &[("rule", rule.word())]);
            cx.counter("duplicates-avoided", 1, &[("rule", rule.word())]);
            Identified {
                customer_id,
                profile_id: candidate.profile_id.clone(),
                decision: "matched",
                rule: rule.word(),
                score: candidate.comparison.score,
                explanation,
                candidates: open,
            }
        }
        verdict => {
            let id = create(book, cause, cx.now())?;
            cx.counter("customers-created", 1, &[]);
            let open = if let Verdict::Review { open } = &verdict { open.as_slice() } else { &[] };
            let review = matches!(verdict, Verdict::Review { .. });
            if review {
                cx.counter("reviews", 1, &[]);
            }
            Identified {
                customer_id: id.clone(),
                profile_id: id,
                decision: if review { "review" } else { "created" },
                rule: "none",
                score: if review { best } else { 0.0 },
                explanation,
                candidates: open.iter().map(|&index| describe(&found.candidates[index])).collect(),
            }
        }
    };
    let attached = attach(book, &identified.profile_id, reading, lead_id, cx.now())?;
    if attached.household_linked {
        cx.counter("households-linked", 1, &[]);
    }
    identified.explanation.extend(attached.notes);
    identified.explanation.extend(reading.notes.iter().cloned());
    Ok(identified)
}

/// Merges two customers that one lead proves to be the same person, unless that is disabled or a person separated them.
/// The older one stays.
fn join(
    cx: &Context<'_, Config>,
    current: &str,
    best: &Candidate,
    other: &Candidate,
    rule: Rule,
    cause: &[&str],
) -> Result<Option<String>, Failure> {
    let book = Book::new(cx.state());
    let (Some((left_id, left)), Some((right_id, right))) = (book.root(current)?, book.root(&other.id)?) else {
        return Ok(None);
    };
    if !cx.config().auto_merge
        || left_id == right_id
        || left.members.len() + right.members.len() > crate::record::MEMBERS_MAX
    {
        return Ok(None);
    }
    for mine in &left.members {
        for theirs in &right.members {
            if book.are_apart(mine, theirs)? {
                return Ok(None);
            }
        }
    }
    let right_is_older = (right.created_at, &right_id) < (left.created_at, &left_id);
    let (keep, merged) = if right_is_older { (right_id, left_id) } else { (left_id, right_id) };
    let reason = format!(
        "one lead has keys of both and a name compatible with both: {}; {}",
        best.comparison.reasons.join(", "),
        other.comparison.reasons.join(", ")
    );
    merge(cx, &keep, &merged, &Cause { id_parts: cause, rule: rule.word(), by: "handoff", reason: &reason })?;
    Ok(Some(keep))
}

fn describe(candidate: &Candidate) -> Value {
    json!({ "customerId": candidate.id, "score": candidate.comparison.score, "reasons": candidate.comparison.reasons })
}
