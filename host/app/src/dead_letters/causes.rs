//! Groups dead letters by what they failed of, so that a person decides once about many.

use std::collections::BTreeMap;

use super::list::each;
use crate::error::AppError;
use crate::page::find_id;
use crate::shard::Shard;
use handoff_control::dead_letters::{CauseList, CauseQuery, CauseView, MessageView};
use handoff_model::names::{InstallationId, Position};
use handoff_model::scope::Scope;
use handoff_model::time::Timestamp;
use handoff_store::DeadLetter;

/// Maximum number of dead letters that are looked at.
const LOOKED_AT_MAX: u64 = 100_000;
/// Maximum number of causes.
const CAUSES_MAX: usize = 1_000;
/// Maximum number of patterns per cause in the answer, and while counting.
const PATTERNS_SHOWN: usize = 5;
const PATTERNS_MAX: usize = 100;
/// Longest pattern, in characters.
const PATTERN_CHARS_MAX: usize = 200;

struct Cause {
    count: u64,
    first: Timestamp,
    last: (Timestamp, Position),
    patterns: BTreeMap<String, u64>,
}

impl Shard {
    /// Groups dead letters by installation and failure code, the most frequent first.
    pub fn list_dead_letter_causes(&self, query: &CauseQuery) -> Result<CauseList, AppError> {
        let installation = find_id(&self.store, query.installation.as_ref())?;
        let mut causes = BTreeMap::<(InstallationId, String), Cause>::new();
        let mut list = CauseList::default();
        let mut looked_at = 0;
        each(&self.store, installation, None, None, |letter| {
            if looked_at == LOOKED_AT_MAX {
                list.at_least = true;
                return Ok(false);
            }
            looked_at += 1;
            if self.is_of(letter, query.rooftop.as_ref())? {
                let key = (letter.installation, letter.failure.code.clone());
                if causes.len() < CAUSES_MAX || causes.contains_key(&key) {
                    causes.entry(key).or_insert_with(|| Cause::new(letter)).add(letter);
                } else {
                    list.at_least = true;
                }
            }
            Ok(true)
        })?;
        let view = |((id, code), cause): ((InstallationId, String), Cause)| {
            let installation = self.store.installation_by_id(id)?;
            Some(cause.view(installation.name.clone(), code))
        };
        list.causes = causes.into_iter().filter_map(view).collect();
        // Stable: equal numbers stay in the order of installation and code.
        list.causes.sort_by_key(|cause| std::cmp::Reverse(cause.count));
        Ok(list)
    }

    /// Whether a dead letter was handled for a scope. Only a group's installation handles events of several.
    fn is_of(&self, letter: &DeadLetter, wanted: Option<&Scope>) -> Result<bool, AppError> {
        let Some(wanted) = wanted else { return Ok(true) };
        let Some(installation) = self.store.installation_by_id(letter.installation) else { return Ok(false) };
        if let Scope::Rooftop(_) = installation.scope {
            return Ok(installation.scope == *wanted);
        }
        let head = self.store.event_head(letter.position)?;
        Ok(head.is_some_and(|stored| self.store.handled_scope(&installation, &stored.scope) == *wanted))
    }
}

impl Cause {
    fn new(letter: &DeadLetter) -> Self {
        Self { count: 0, first: letter.at, last: (letter.at, letter.position), patterns: BTreeMap::new() }
    }

    fn add(&mut self, letter: &DeadLetter) {
        self.count += 1;
        self.first = self.first.min(letter.at);
        self.last = self.last.max((letter.at, letter.position));
        let pattern = pattern(&letter.failure.message);
        if self.patterns.len() < PATTERNS_MAX || self.patterns.contains_key(&pattern) {
            *self.patterns.entry(pattern).or_default() += 1;
        }
    }

    fn view(self, installation: handoff_model::names::InstallationName, code: String) -> CauseView {
        let mut messages: Vec<MessageView> =
            self.patterns.into_iter().map(|(pattern, count)| MessageView { pattern, count }).collect();
        messages.sort_by_key(|message| std::cmp::Reverse(message.count));
        messages.truncate(PATTERNS_SHOWN);
        let (last, example) = self.last;
        let (count, first_at) = (self.count, self.first.into());
        CauseView { installation, code, count, first_at, last_at: last.into(), messages, example }
    }
}

/// A message without its numbers, which differ where the cause is the same.
fn pattern(message: &str) -> String {
    let mut text = String::new();
    let mut in_number = false;
    for c in message.chars().take(PATTERN_CHARS_MAX) {
        match (c.is_ascii_digit(), in_number) {
            (true, false) => text.push('#'),
            (true, true) => {}
            (false, _) => text.push(c),
        }
        in_number = c.is_ascii_digit();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_leaves_out_numbers_and_ends() {
        assert_eq!(pattern("lead 1042 of 2026-11-30: no VIN"), "lead # of #-#-#: no VIN");
        assert_eq!(pattern(&"x".repeat(500)).len(), PATTERN_CHARS_MAX);
    }
}
