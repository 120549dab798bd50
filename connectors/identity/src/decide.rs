//! Decides whose facts these are: matched, created or review. Pure: no state, no effects.
//!
//! Order: VIN, phone, e-mail, name. A key decides only together with a compatible name. Otherwise the score decides: at
//! `match-score` it is the same person, at `review-score` a person should review it.

use crate::{config::Config, find::Candidate};

/// Maximum number of candidates in a review.
const CANDIDATES_REPORTED_MAX: usize = 5;
/// Minimum score difference between two candidates with contradicting names before the better one is chosen.
const CLEAR_LEAD: f64 = 3.0;

/// The evidence that decided, in order of priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The person's car.
    Vin,
    /// Phone number.
    Phone,
    /// E-mail address.
    Email,
    /// Name and address.
    Name,
}

impl Rule {
    /// The name in events and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Vin => "vin",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Name => "name",
        }
    }
}

/// The decision.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The person is candidate `index`; `same` are further customers that the same evidence proves to be that person.
    Matched {
        /// Index into the candidates.
        index: usize,
        /// The evidence that decided.
        rule: Rule,
        /// Further customers: indexes into the candidates.
        same: Vec<usize>,
    },
    /// No known customer.
    Created,
    /// A new customer for now; these candidates may be the same person.
    Review {
        /// Indexes into the candidates, best first.
        open: Vec<usize>,
    },
}

/// A verdict with its reasons.
#[derive(Debug)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// The reasons, as sentences.
    pub explanation: Vec<String>,
}

/// Decides over candidates, which are sorted best first.
pub fn decide(candidates: &[Candidate], config: &Config) -> Decision {
    let mut explanation = Vec::new();
    let mut strong: Vec<(Rule, usize)> = Vec::new();
    let mut open = Vec::new();
    for (index, candidate) in candidates.iter().enumerate() {
        if let Some(rule) = rule_of(candidate, config) {
            strong.push((rule, index));
        } else if let Some(reason) = kept_apart(candidate) {
            explanation.push(reason);
        } else if candidate.comparison.score >= config.review_score {
            open.push(index);
        } else if candidate.comparison.phone || candidate.comparison.email {
            explanation.push(format!(
                "same phone or e-mail as customer {}, but the names contradict: not the same person",
                candidate.id
            ));
        }
    }
    strong.sort(); // Priority first, then score: candidates are sorted by score.
    let Some(&(rule, index)) = strong.first() else {
        return without_match(candidates, open, explanation);
    };
    let best = &candidates[index];
    let rivals: Vec<usize> = strong.iter().skip(1).map(|(_, other)| *other).collect();
    let ambiguous = rivals.iter().any(|&other| {
        let other = &candidates[other];
        !are_compatible(best, other)
            && rule == rule_of(other, config).unwrap_or(Rule::Name)
            && best.comparison.score - other.comparison.score < CLEAR_LEAD
    });
    if ambiguous {
        explanation.push(
            "several customers match equally well and cannot be the same person: a person must decide".to_owned(),
        );
        return Decision {
            verdict: Verdict::Review {
                open: strong.into_iter().map(|(_, index)| index).take(CANDIDATES_REPORTED_MAX).collect(),
            },
            explanation,
        };
    }
    explanation.insert(0, format!("{} decided: {}", rule_sentence(rule), best.comparison.reasons.join(", ")));
    let key_rule = |other: usize| rule_of(&candidates[other], config).is_some_and(|rule| rule != Rule::Name);
    let same = rivals
        .into_iter()
        .filter(|&other| {
            rule != Rule::Name
                && key_rule(other)
                && best.comparison.names_known
                && candidates[other].comparison.names_known
        })
        .filter(|&other| are_compatible(best, &candidates[other]))
        .collect();
    Decision { verdict: Verdict::Matched { index, rule, same }, explanation }
}

fn without_match(candidates: &[Candidate], mut open: Vec<usize>, mut explanation: Vec<String>) -> Decision {
    open.truncate(CANDIDATES_REPORTED_MAX);
    let Some(&first) = open.first() else {
        explanation.insert(0, "no known customer matches: created".to_owned());
        return Decision { verdict: Verdict::Created, explanation };
    };
    let comparison = &candidates[first].comparison;
    explanation.insert(
        0,
        format!(
            "not sure (score {:.1}): {}; created for now, a person should decide",
            comparison.score,
            comparison.reasons.join(", ")
        ),
    );
    Decision { verdict: Verdict::Review { open }, explanation }
}

/// The evidence that makes the candidate the same person, if any.
fn rule_of(candidate: &Candidate, config: &Config) -> Option<Rule> {
    let comparison = &candidate.comparison;
    if !comparison.name_compatible {
        return None;
    }
    if candidate.vin {
        Some(Rule::Vin)
    } else if comparison.phone {
        Some(Rule::Phone)
    } else if comparison.email {
        Some(Rule::Email)
    } else {
        (comparison.names_known && comparison.score >= config.match_score).then_some(Rule::Name)
    }
}

fn rule_sentence(rule: Rule) -> &'static str {
    match rule {
        Rule::Vin => "the VIN of the person's car and a compatible name",
        Rule::Phone => "the phone number and a compatible name",
        Rule::Email => "the e-mail address and a compatible name",
        Rule::Name => "name and address",
    }
}

/// Why a candidate with something in common is certainly a different person; none if that is open.
fn kept_apart(candidate: &Candidate) -> Option<String> {
    let comparison = &candidate.comparison;
    let shares = |what: &str| format!("{what} as customer {}", candidate.id);
    if comparison.relative {
        let what = match (comparison.phone || comparison.email, comparison.address) {
            (true, _) => "same phone or e-mail and surname",
            (false, true) => "same address and surname",
            _ if candidate.vin => "same car and surname",
            _ => return None,
        };
        return Some(format!("{}, but a different given name: treated as a relative", shares(what)));
    }
    if candidate.vin && !comparison.phone && !comparison.email {
        return Some(format!("{}, but the names contradict: not the same person", shares("same car")));
    }
    if comparison.address && !comparison.name_compatible && !comparison.phone && !comparison.email {
        return Some(format!("{}, but a different name: not the same person", shares("same address")));
    }
    None
}

fn are_compatible(left: &Candidate, right: &Candidate) -> bool {
    let (left, right) = (&left.profile.facts.names, &right.profile.facts.names);
    left.is_empty() || right.is_empty() || left.iter().any(|a| right.iter().any(|b| a.is_compatible(b)))
}
