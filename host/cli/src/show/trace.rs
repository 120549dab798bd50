//! Formats the trace of an event as a tree: its deliveries, all attempts, and their effects.

use super::tree::Node;
use super::{failure, type_in_words};
use crate::show::event::level_tone;
use crate::style::{Style, Tone, clean, count, cut, duration, size, span};
use handoff_control::events::trace::{
    AttemptOutcome, EmittedBefore, LookUpView, OutboxEffect, TimerEffect, TraceAttempt, TraceDelivery, TraceEffects,
    TraceView,
};
use handoff_control::events::{DeliveryState, EventSummary};
use handoff_control::host::logs::LogView;
use handoff_control::outbox::OutboxState;

/// Columns of a value that is shown beside another.
const VALUE_WIDTH: usize = 40;

/// The tree, with log messages, look-ups and state keys if `verbose`.
pub(crate) fn trace(view: &TraceView, verbose: bool, style: &Style) -> String {
    let mut text = Tracer { style, verbose }.event(view, None).render(style);
    let letters = dead_letters(view);
    if !letters.is_empty() {
        text.push_str(&format!(
            "\n{} failed for good and can be delivered again: handoff redrive {}\n",
            style.paint(Tone::Bad, "✘"),
            letters.join(" ")
        ));
    }
    text
}

struct Tracer<'s> {
    style: &'s Style,
    verbose: bool,
}

impl Tracer<'_> {
    /// `parent` is the event that caused this one; none at the top.
    fn event(&self, view: &TraceView, parent: Option<&EventSummary>) -> Node {
        let event = &view.event;
        let style = self.style;
        let name = type_in_words(&event.type_name);
        let position = format!("#{}", event.position);
        let mut line = format!("{} {}", style.paint(Tone::Strong, &name), style.paint(Tone::Name, &position));
        if let Some(subject) =
            event.subject.as_deref().filter(|subject| Some(*subject) != parent.and_then(|p| p.subject.as_deref()))
        {
            line.push_str(&format!(" {}", clean(subject)));
        }
        match parent {
            None => line.push_str(&format!(
                " from {}, {} ({})",
                clean(&event.source),
                style.time(event.at),
                style.ago(event.at)
            )),
            Some(parent) => {
                let later = event.at.0.since_ms(parent.at.0);
                if later >= 1000 {
                    line.push_str(&style.paint(Tone::Faint, &format!(" {} later", span(later))));
                }
            }
        }
        if self.verbose {
            let detail = format!("  {} id {}", clean(&event.type_name), clean(&event.id));
            line.push_str(&style.paint(Tone::Faint, &detail));
        }
        let mut node = Node::new(line);
        if view.deliveries.is_empty() && !view.cut {
            node.leaf(style.paint(Tone::Faint, "no connector here handles it").into_owned());
        }
        for delivery in &view.deliveries {
            node.push(self.delivery(delivery, event));
        }
        if view.cut {
            node.leaf(style.paint(Tone::Faint, "… more came of it: trace one of the events above").into_owned());
        }
        node
    }

    fn delivery(&self, delivery: &TraceDelivery, event: &EventSummary) -> Node {
        let style = self.style;
        let who = style.paint(Tone::Strong, delivery.installation.as_str());
        let last = delivery.attempts.last();
        let of = match (&delivery.scope, delivery.shared) {
            (scope, true) => format!(" (shared with {scope})"),
            (scope, false) if *scope != event.scope => format!(" ({scope})"),
            _ => String::new(),
        };
        let mut node =
            Node::new(format!("{} {who}{of}: {}", mark(style, delivery.state), self.standing(delivery, last)));
        // A single successful attempt is the usual case and needs no line.
        let interesting = |attempt: &&TraceAttempt| {
            self.verbose || attempt.outcome != AttemptOutcome::Committed || attempt.effects.is_some()
        };
        for attempt in delivery.attempts.iter().filter(interesting) {
            node.push(self.attempt(attempt, event));
        }
        if let Some(effects) = &delivery.effects {
            self.effects(effects, event, &mut node);
        }
        if let Some(again) = &delivery.redriven {
            node.push(self.event(again, Some(event)));
        }
        node
    }

    fn standing(&self, delivery: &TraceDelivery, last: Option<&TraceAttempt>) -> String {
        let style = self.style;
        let tries = count(u64::try_from(delivery.attempts.len()).unwrap_or(u64::MAX), "attempt", "attempts");
        let with =
            last.map(|attempt| format!("version {}, generation {}", clean(&attempt.version), attempt.generation));
        let next = delivery
            .next_attempt_at
            .map(|at| format!(", next {} ({})", style.time(at), style.ago(at)))
            .unwrap_or_default();
        match (delivery.state, last) {
            (DeliveryState::Committed, Some(attempt)) => {
                let took = duration(attempt.duration_ms);
                format!("done in {took} by {}", with.unwrap_or_default())
            }
            (DeliveryState::Committed, None) => "done".to_owned(),
            (DeliveryState::Waiting, _) => format!("waits{next}"),
            (DeliveryState::Retrying, _) => format!("failed so far, {tries}{next}"),
            (DeliveryState::DeadLetter, _) => format!("failed for good after {tries}"),
            (DeliveryState::Redriven, _) => {
                let again = delivery.redriven_as.map(|position| format!(" as #{position}")).unwrap_or_default();
                format!("failed for good after {tries}, then delivered again{again}")
            }
            (DeliveryState::Discarded, _) => format!("failed for good after {tries}, then given up by a person"),
            (DeliveryState::Uninstalled, _) => "not delivered: it was uninstalled before".to_owned(),
        }
    }

    fn attempt(&self, attempt: &TraceAttempt, event: &EventSummary) -> Node {
        let style = self.style;
        let outcome = match (attempt.outcome, &attempt.failure) {
            (AttemptOutcome::Committed, _) if attempt.effects.is_some() => {
                style.paint(Tone::Careful, "done, and delivered again after a rollback").into_owned()
            }
            (AttemptOutcome::Committed, _) => style.paint(Tone::Good, "done").into_owned(),
            (AttemptOutcome::Failed, Some(why)) => failure(style, why),
            (AttemptOutcome::Failed, None) => style.paint(Tone::Bad, "failed").into_owned(),
        };
        let head = format!(
            "{} attempt {} ({}, {}):",
            style.time(attempt.at),
            attempt.attempt,
            clean(&attempt.version),
            duration(attempt.duration_ms)
        );
        let mut node = Node::new(format!("{} {outcome}", style.paint(Tone::Faint, &head)));
        if self.verbose {
            for look_up in &attempt.look_ups {
                node.leaf(self.look_up(look_up));
            }
            for log in &attempt.logs {
                node.leaf(self.log(log));
            }
        }
        if let Some(effects) = &attempt.effects {
            self.effects(effects, event, &mut node);
        }
        node
    }

    fn look_up(&self, look_up: &LookUpView) -> String {
        let answer = match (look_up.status, &look_up.error) {
            (Some(status), _) => self.style.paint(status_tone(status), &status.to_string()).into_owned(),
            (None, Some(error)) => self.style.paint(Tone::Bad, &clean(error)).into_owned(),
            (None, None) => "no answer".to_owned(),
        };
        format!("asked {} {} → {answer} in {} ms", clean(&look_up.method), clean(&look_up.url), look_up.duration_ms)
    }

    fn log(&self, log: &LogView) -> String {
        let (tone, word) = level_tone(log.level);
        let fields: String =
            log.fields.iter().map(|(name, value)| format!(" {}={}", clean(name), clean(value))).collect();
        format!("{} {}{}", self.style.paint(tone, word), clean(&log.message), self.style.paint(Tone::Faint, &fields))
    }

    fn effects(&self, effects: &TraceEffects, event: &EventSummary, node: &mut Node) {
        self.state(effects, node);
        for timer in &effects.timers {
            node.push(self.timer(timer, event));
        }
        for request in &effects.outbox {
            node.push(self.request(request, event));
        }
        for key in &effects.requested_before {
            node.leaf(self.style.paint(Tone::Faint, &format!("request {} was there already", clean(key))));
        }
        for emitted in &effects.emitted {
            node.push(self.event(emitted, Some(event)));
        }
        for emitted in &effects.emitted_before {
            node.push(self.emitted_before(emitted));
        }
    }

    /// An emitted event that was not delivered, and its differences from the one in the log.
    fn emitted_before(&self, emitted: &EmittedBefore) -> Node {
        let style = self.style;
        let name = type_in_words(&emitted.type_name);
        let by = match (&emitted.version, emitted.generation) {
            (Some(version), Some(generation)) => {
                format!(", made by version {}, generation {generation}", clean(version))
            }
            _ => String::new(),
        };
        let position = format!("#{}", emitted.position);
        let line = format!("{name} was there already as {}{by}", style.paint(Tone::Name, &position));
        if !emitted.differs {
            return Node::new(line);
        }
        let words = "; this delivery made another one, which nobody got";
        let mut node = Node::new(format!("{line}{}", style.paint(Tone::Careful, words)));
        let shown = |value: &Option<String>| match value {
            Some(value) => cut(&clean(value), VALUE_WIDTH).into_owned(),
            None => "(none)".to_owned(),
        };
        for field in &emitted.fields {
            let (path, others) = (clean(&field.path), shown(&field.in_log));
            let path = if path.is_empty() { String::new() } else { format!("{path}: ") };
            node.leaf(format!("{path}others have {others}, this one had {}", shown(&field.emitted)));
        }
        if emitted.fields_left_out > 0 {
            node.leaf(format!("and {}", count(emitted.fields_left_out, "field more", "fields more")));
        }
        node
    }

    fn state(&self, effects: &TraceEffects, node: &mut Node) {
        if effects.state.is_empty() {
            return;
        }
        let number = u64::try_from(effects.state.len()).unwrap_or(u64::MAX);
        let mut records = Node::new(format!("kept {}", count(number, "record", "records")));
        if self.verbose {
            for record in &effects.state {
                records.leaf(match record.bytes {
                    Some(bytes) => format!("{} ({})", clean(&record.key), size(bytes)),
                    None => format!("{} removed", clean(&record.key)),
                });
            }
        }
        node.push(records);
    }

    fn timer(&self, timer: &TimerEffect, event: &EventSummary) -> Node {
        let style = self.style;
        let what = timer.type_name.as_deref().map(type_in_words).unwrap_or_else(|| clean(&timer.key).into_owned());
        let mut node = Node::new(match timer.at {
            Some(at) => format!("reminder for {} ({}): {what}", style.time(at), style.ago(at)),
            None => format!("reminder {} cancelled", clean(&timer.key)),
        });
        if let Some(fired) = &timer.fired {
            node.push(self.event(fired, Some(event)));
        }
        node
    }

    fn request(&self, effect: &OutboxEffect, event: &EventSummary) -> Node {
        let style = self.style;
        let request = &effect.request;
        let tries = u64::from(request.attempts);
        let standing = match (request.state, request.status) {
            (OutboxState::Answered, Some(status)) => {
                style.paint(status_tone(status), &format!("answered {status}")).into_owned()
            }
            (OutboxState::Answered, None) => style.paint(Tone::Good, "answered").into_owned(),
            (OutboxState::Pending, _) if tries == 0 => style.paint(Tone::Careful, "waits to be sent").into_owned(),
            (OutboxState::Pending, _) => style.paint(Tone::Careful, "will be sent again").into_owned(),
            (OutboxState::Failed, _) => style.paint(Tone::Bad, "failed for good").into_owned(),
            (OutboxState::Held, _) => style.paint(Tone::Careful, "held after a rollback").into_owned(),
            (OutboxState::Discarded, _) => style.paint(Tone::Faint, "discarded").into_owned(),
        };
        let after = if tries > 1 { format!(" after {}", count(tries, "attempt", "attempts")) } else { String::new() };
        let what = match request.url.as_str() {
            "" => format!("request {}", clean(&request.key)),
            url => format!("{} {}", clean(&request.method), clean(url)),
        };
        let mut node = Node::new(format!("{what} → {standing}{after}"));
        if let Some(error) = &request.error {
            node.leaf(style.paint(Tone::Bad, &clean(error)).into_owned());
        }
        if let Some(answer) = &effect.answer {
            node.push(self.event(answer, Some(event)));
        }
        node
    }
}

fn mark(style: &Style, state: DeliveryState) -> String {
    let (tone, sign) = match state {
        DeliveryState::Committed => (Tone::Good, "✔"),
        DeliveryState::Waiting => (Tone::Plain, "…"),
        DeliveryState::Retrying => (Tone::Careful, "↻"),
        DeliveryState::DeadLetter => (Tone::Bad, "✘"),
        DeliveryState::Redriven | DeliveryState::Discarded | DeliveryState::Uninstalled => (Tone::Faint, "✘"),
    };
    style.paint(tone, sign).into_owned()
}

fn status_tone(status: u16) -> Tone {
    match status {
        200..300 => Tone::Good,
        300..400 => Tone::Careful,
        _ => Tone::Bad,
    }
}

/// The ids of the dead letters in the tree, as arguments of `redrive`.
fn dead_letters(view: &TraceView) -> Vec<String> {
    let mut found = Vec::new();
    for delivery in &view.deliveries {
        if delivery.state == DeliveryState::DeadLetter {
            found.push(format!("{}/{}", delivery.installation, view.event.position));
        }
        found.extend(delivery.redriven.iter().flat_map(|again| dead_letters(again)));
        let earlier = delivery.attempts.iter().filter_map(|attempt| attempt.effects.as_ref());
        for effects in delivery.effects.iter().chain(earlier) {
            let fired = effects.timers.iter().filter_map(|timer| timer.fired.as_deref());
            let answers = effects.outbox.iter().filter_map(|request| request.answer.as_deref());
            found.extend(effects.emitted.iter().chain(fired).chain(answers).flat_map(dead_letters));
        }
    }
    found
}
