//! Formats dead letters, and the result of redrive and discard.

use crate::show::type_in_words;
use crate::style::{Style, Tone, clean, count};
use crate::table::{Cell, Table};
use handoff_control::dead_letters::{DeadLetterList, DeadLetterReport, DeadLetterView};

/// A page of dead letters.
pub(crate) fn list(view: &DeadLetterList, style: &Style) -> String {
    if view.dead_letters.is_empty() {
        return "no dead letters\n".to_owned();
    }
    let mut table = Table::new(["id", "given up", "what", "tries", "code", "why"]);
    for letter in &view.dead_letters {
        table.row([
            Cell::new(Tone::Name, letter.id.to_string()),
            Cell::text(style.ago(letter.at)),
            Cell::text(type_in_words(&letter.type_name)),
            Cell::number(Tone::Plain, letter.attempts.into()),
            Cell::new(Tone::Bad, &letter.failure.code),
            Cell::text(&letter.failure.message),
        ]);
    }
    let mut text = table.render(style);
    let mut hints = vec!["one's history: handoff trace POSITION; deliver again: handoff redrive ID".to_owned()];
    if let Some(next) = &view.next {
        hints.push(format!("more: handoff dead-letters --after {next}"));
    }
    for hint in hints {
        text.push_str(&style.paint(Tone::Faint, &hint));
        text.push('\n');
    }
    text
}

/// The result for the selected dead letters; `done` is the verb.
pub(crate) fn report(view: &DeadLetterReport, done: &str, style: &Style) -> String {
    let mut text = format!("{done} {}\n", count(view.done, "dead letter", "dead letters"));
    if !view.unknown.is_empty() {
        let ids: Vec<String> = view.unknown.iter().map(ToString::to_string).collect();
        text.push_str(&format!("{} {}\n", style.paint(Tone::Careful, "no dead letters (any more):"), ids.join(" ")));
    }
    text
}

/// An event that was set aside.
pub(crate) fn set_aside(view: &DeadLetterView, style: &Style) -> String {
    let id = view.id.to_string();
    format!(
        "{} {id}, {}\n  next: handoff redrive {id}, or handoff discard {id} --reason TEXT\n",
        style.paint(Tone::Good, "set aside"),
        clean(&type_in_words(&view.type_name)),
    )
}
