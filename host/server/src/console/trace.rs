//! The way of an event as a picture: stops in the order in which it reached them, and every step below one another.
//! The trace is a tree; a page reads better as a list with depths.

use super::components::{Icon, State, Tone, When};
use super::events::state;
use super::words::{Wall, count, milliseconds, size, type_words};
use handoff_control::events::trace::{
    AttemptOutcome, OutboxEffect, TraceAttempt, TraceDelivery, TraceEffects, TraceView,
};
use handoff_control::outbox::{OutboxState, OutboxView};

/// Deepest indent: the style sheet has a class for each depth up to it.
const DEPTH_SHOWN: usize = 6;
/// Most stops of the picture.
const STOPS_MAX: usize = 12;
/// Most log messages and look-ups of an attempt.
const LINES_MAX: usize = 20;

/// A stop of the picture.
pub(super) struct Stop {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) tone: Tone,
    pub(super) state: Option<State>,
}

/// The source, every installation and every target system, each once.
pub(super) fn stops(trace: &TraceView) -> Vec<Stop> {
    let mut stops = vec![Stop { kind: "from", name: trace.event.source.clone(), tone: Tone::Plain, state: None }];
    add_stops(trace, &mut stops);
    stops.truncate(STOPS_MAX);
    stops
}

fn add_stops(trace: &TraceView, stops: &mut Vec<Stop>) {
    for delivery in &trace.deliveries {
        let name = delivery.installation.to_string();
        let state = state(delivery.state);
        let tone = state.tone;
        add(stops, Stop { kind: "installation", name, tone, state: Some(state) });
        for effects in all_effects(delivery) {
            for request in &effects.outbox {
                let state = request_state(&request.request);
                let name = target(&request.request.url);
                add(stops, Stop { kind: "system", name, tone: state.tone, state: Some(state) });
            }
            for next in below(effects) {
                add_stops(next, stops);
            }
        }
        delivery.redriven.iter().for_each(|next| add_stops(next, stops));
    }
}

/// A stop that is there already keeps its place, and takes the later state.
fn add(stops: &mut Vec<Stop>, stop: Stop) {
    match stops.iter_mut().find(|one| one.kind == stop.kind && one.name == stop.name) {
        Some(known) => *known = stop,
        None => stops.push(stop),
    }
}

fn target(url: &str) -> String {
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "a target system".to_owned())
}

fn all_effects(delivery: &TraceDelivery) -> impl Iterator<Item = &TraceEffects> {
    delivery.attempts.iter().filter_map(|attempt| attempt.effects.as_ref()).chain(&delivery.effects)
}

/// The events that a commit led to.
fn below(effects: &TraceEffects) -> impl Iterator<Item = &TraceView> {
    let fired = effects.timers.iter().filter_map(|timer| timer.fired.as_deref());
    let answers = effects.outbox.iter().filter_map(|request| request.answer.as_deref());
    effects.emitted.iter().chain(fired).chain(answers)
}

/// A step below others.
pub(super) struct Step {
    pub(super) icon: Icon,
    pub(super) tone: Tone,
    pub(super) depth: String,
    pub(super) title: String,
    pub(super) href: Option<String>,
    pub(super) state: Option<State>,
    pub(super) at: Option<When>,
    pub(super) lines: Vec<Line>,
}

/// A sentence of a step.
pub(super) struct Line {
    pub(super) tone: Tone,
    pub(super) text: String,
}

impl Line {
    fn plain(text: impl Into<String>) -> Self {
        Self { tone: Tone::Plain, text: text.into() }
    }
}

/// Every step, in the order of the tree. State keys may name customers: they are part of the data.
pub(super) fn steps(trace: &TraceView, wall: &Wall, shows_data: bool) -> Vec<Step> {
    let mut walk = Walk { wall, shows_data, steps: Vec::new() };
    walk.event(trace, 0, "Came");
    walk.steps
}

struct Walk<'w> {
    wall: &'w Wall,
    shows_data: bool,
    steps: Vec<Step>,
}

impl Walk<'_> {
    fn add(&mut self, depth: usize, icon: Icon, title: String, state: Option<State>) -> &mut Step {
        let tone = state.as_ref().map_or(Tone::Plain, |state| state.tone);
        let depth = format!("d{}", depth.min(DEPTH_SHOWN));
        let at = self.steps.len();
        self.steps.push(Step { icon, tone, depth, title, href: None, state, at: None, lines: Vec::new() });
        &mut self.steps[at]
    }

    fn event(&mut self, trace: &TraceView, depth: usize, how: &str) {
        let event = &trace.event;
        let at = self.wall.when(event.at.0);
        let step = self.add(depth, Icon::Events, type_words(&event.type_name), None);
        step.at = Some(at);
        step.href = (depth > 0).then(|| format!("/events/{}", event.position));
        step.lines.push(Line::plain(format!("{how} as event {}, {}", event.position, size(event.data_bytes))));
        if trace.deliveries.is_empty() && !trace.cut {
            step.lines.push(Line::plain("No installation accepts this type."));
        }
        for delivery in &trace.deliveries {
            self.delivery(delivery, depth + 1);
        }
    }

    fn delivery(&mut self, delivery: &TraceDelivery, depth: usize) {
        let due = delivery.next_attempt_at.map(|at| self.wall.when(at.0).exact);
        let last = delivery.attempts.last().map(|attempt| self.wall.when(attempt.at.0));
        let name = delivery.installation.to_string();
        let step = self.add(depth, Icon::Installations, name.clone(), Some(state(delivery.state)));
        step.href = Some(format!("/installations/{name}"));
        step.at = last;
        if delivery.shared {
            step.lines.push(Line::plain("The event is shared from another rooftop or group."));
        }
        for attempt in &delivery.attempts {
            attempt_lines(attempt, &mut step.lines);
        }
        step.lines.extend(due.map(|due| Line::plain(format!("Next attempt: {due}"))));
        for effects in all_effects(delivery) {
            self.effects(effects, depth + 1);
        }
        if let Some(again) = &delivery.redriven {
            self.event(again, depth + 1, "Delivered again");
        }
    }

    fn effects(&mut self, effects: &TraceEffects, depth: usize) {
        if !effects.state.is_empty() {
            let keys = u64::try_from(effects.state.len()).unwrap_or(u64::MAX);
            let names: Vec<&str> = effects.state.iter().take(10).map(|state| state.key.as_str()).collect();
            let names = self.shows_data.then(|| Line::plain(names.join(", ")));
            let title = format!("Wrote {}", count(keys, "state key", "state keys"));
            self.add(depth, Icon::Check, title, None).lines.extend(names);
        }
        effects.emitted.iter().for_each(|event| self.event(event, depth, "Emitted"));
        for before in effects.emitted_before.iter().take(LINES_MAX) {
            let title = format!("{}: emitted before", type_words(&before.type_name));
            let text =
                if before.differs { "It differs from the one in the log, which others received." } else { "The same." };
            let step = self.add(depth, Icon::Events, title, None);
            step.href = Some(format!("/events/{}", before.position));
            step.lines.push(Line::plain(text));
        }
        for timer in &effects.timers {
            let (title, at) = match timer.at {
                Some(at) => (format!("Set a timer: {}", timer.key), Some(self.wall.when(at.0))),
                None => (format!("Cancelled a timer: {}", timer.key), None),
            };
            let due = at.map(|at| Line::plain(format!("Due {}", at.exact)));
            self.add(depth, Icon::Audit, title, None).lines.extend(due);
            timer.fired.iter().for_each(|event| self.event(event, depth + 1, "Emitted by the timer"));
        }
        effects.outbox.iter().for_each(|request| self.request(request, depth));
        if !effects.requested_before.is_empty() {
            let many = u64::try_from(effects.requested_before.len()).unwrap_or(u64::MAX);
            let title = format!("{} not repeated", count(many, "request is", "requests are"));
            self.add(depth, Icon::Host, title, None).lines.push(Line::plain("The outbox had them already."));
        }
    }

    fn request(&mut self, request: &OutboxEffect, depth: usize) {
        let view = &request.request;
        let at = view.ended_at.map(|at| self.wall.when(at.0));
        let due = view.next_attempt_at.map(|at| self.wall.when(at.0).exact);
        let title =
            format!("{} to {}", if view.method.is_empty() { "Request" } else { &view.method }, target(&view.url));
        let state = request_state(view);
        let step = self.add(depth, Icon::Arrow, title, Some(state));
        step.at = at;
        step.lines.push(Line::plain(view.url.clone()));
        let answer = view.status.map(|status| format!(", answered with status {status}")).unwrap_or_default();
        step.lines.push(Line::plain(format!("{}{answer}", count(view.attempts.into(), "attempt", "attempts"))));
        if let Some(error) = &view.error {
            step.lines.push(Line { tone: Tone::Bad, text: error.clone() });
        }
        step.lines.extend(due.map(|due| Line::plain(format!("Next attempt: {due}"))));
        request.answer.iter().for_each(|event| self.event(event, depth + 1, "The answer came"));
    }
}

fn attempt_lines(attempt: &TraceAttempt, lines: &mut Vec<Line>) {
    let done = match attempt.outcome {
        AttemptOutcome::Committed => "handled",
        AttemptOutcome::Failed => "failed",
    };
    let head = format!(
        "Attempt {} by version {}, {}: {done}",
        attempt.attempt,
        attempt.version,
        milliseconds(attempt.duration_ms),
    );
    lines.push(Line::plain(head));
    if let Some(failure) = &attempt.failure {
        lines.push(Line { tone: Tone::Bad, text: format!("{}: {}", failure.code, failure.message) });
    }
    for look_up in attempt.look_ups.iter().take(LINES_MAX) {
        let answer = match (look_up.status, &look_up.error) {
            (Some(status), _) => format!("status {status}"),
            (None, Some(error)) => error.clone(),
            (None, None) => "no answer".to_owned(),
        };
        lines.push(Line::plain(format!(
            "Looked up {} {}: {answer}, {} ms",
            look_up.method, look_up.url, look_up.duration_ms
        )));
    }
    lines.extend(attempt.logs.iter().take(LINES_MAX).map(|log| Line::plain(format!("Log: {}", log.message))));
}

/// The state of a request in a word.
pub(super) fn request_state(request: &OutboxView) -> State {
    match request.state {
        OutboxState::Pending => State::new(Tone::Wait, "Waiting"),
        OutboxState::Answered if request.status.is_some_and(|status| status >= 400) => {
            State::new(Tone::Bad, "Refused by the target")
        }
        OutboxState::Answered => State::new(Tone::Good, "Answered"),
        OutboxState::Failed => State::new(Tone::Bad, "Failed"),
        OutboxState::Held => State::new(Tone::Wait, "Held"),
        OutboxState::Discarded => State::new(Tone::Plain, "Discarded"),
    }
}
