//! What is remembered of each lead, so that a repeated lead is an update and never a duplicate.
//!
//! A record contains no plain personal data: hashes, a revision and a day. Nothing here parses ADF.
//!
//! Retention: a record is deleted `remember-days` after the lead was last received. Records are indexed by day, and a
//! daily timer deletes expired days. One timer for all leads keeps the number of timers small; the index by day means
//! that the sweep reads only what it deletes, and never a key that a concurrent delivery writes.

use handoff_sdk::{Context, Failure, NewEvent, State, StateError, Timestamp};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::dates;
use crate::lead::{Lead, Status};
use crate::lead_id::{by_content, hash, people};
use crate::read::Prospect;
use crate::warnings::{Warning, Warnings};

/// The timer's event, which this connector sends only to itself.
pub const SWEEP_EVENT: &str = "com.handoff.adf-leads.sweep-due.v1";
/// Key of the timer and of its record.
const SWEEP_KEY: &str = "sweep";
/// Leads to delete in one sweep; each takes two of the thousand writes of a delivery.
const SWEEP_BATCH: usize = 300;

/// Earlier contents to remember besides the last one.
const OLDER_MAX: usize = 4;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const NEXT_BATCH_MINUTES: u64 = 1;

/// The value of `lead/{leadId}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The last revision emitted.
    pub revision: u32,
    /// Hash of the last emitted content.
    pub content: String,
    /// Short hashes of earlier emitted contents, at most 4, newest last: distinguish a late copy from an update.
    #[serde(default)]
    pub older: Vec<String>,
    /// Hashes of name, phones and e-mail addresses, at most 6: distinguish a reused id from an update.
    pub people: Vec<String>,
    /// Day since 1970 on which the lead was last received.
    pub day: u64,
    /// Request date of the last emitted content, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<u64>,
    /// The last emitted content was marked as resent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resent: bool,
}

/// The value of `sweep`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Sweep {
    /// All days up to this one have been deleted.
    swept_through: u64,
    /// When the timer is due.
    due: Timestamp,
}

/// The result of comparing a lead with its record.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Emit it, with status and revision set.
    Emit(Box<Lead>),
    /// Nothing new.
    Duplicate,
    /// Older than what was emitted before: it would undo a correction.
    Late,
}

/// Compares a lead with its record and updates the record.
pub fn enter(cx: &Context<'_, Config>, prospect: Prospect) -> Result<Verdict, Failure> {
    let state = cx.state();
    let today = day_of(cx.now());
    let Prospect { mut lead, is_resend, path } = prospect;
    let people = people(&lead);
    let mut before: Option<Record> = state.get(&key(&lead.lead_id))?;
    if before.as_ref().is_some_and(|record| !is_resend && are_strangers(record, &people)) {
        rename_reused(&mut lead, &path);
        before = state.get(&key(&lead.lead_id))?;
    }
    let content = content_hash(&lead, is_resend);
    // A copy that arrives late by a slower channel, such as mail, must not undo later corrections.
    let is_known = |record: &&Record| {
        record.content == content || (!is_resend && record.older.iter().any(|older| *older == short(&content)))
    };
    if let Some(record) = before.as_ref().filter(is_known) {
        if record.day != today {
            remember(&state, &lead.lead_id, Some(record), Record { day: today, ..record.clone() })?;
        }
        return Ok(Verdict::Duplicate);
    }
    let requested = lead.requested_at.as_deref().and_then(dates::instant).map(Timestamp::as_millis);
    if let Some(record) = before.as_ref().filter(|record| is_older(record, requested, is_resend)) {
        remember(&state, &lead.lead_id, Some(record), Record { day: today, ..record.clone() })?;
        return Ok(Verdict::Late);
    }
    lead.revision = before.as_ref().map_or(1, |record| record.revision.saturating_add(1));
    lead.status = if lead.revision > 1 { Status::Resend } else { Status::New };
    if is_resend && lead.status == Status::New {
        // Consumers update on `resend`; an update of a lead that they never saw would be lost.
        let message = "marked as resent but unknown; emitted as new";
        push_warning(&mut lead, "resend-of-unknown-lead", format!("{path}@status"), message);
    }
    let older = before.as_ref().map(older).unwrap_or_default();
    let record = Record { revision: lead.revision, content, older, people, day: today, requested, resent: is_resend };
    remember(&state, &lead.lead_id, before.as_ref(), record)?;
    Ok(Verdict::Emit(Box::new(lead)))
}

/// Schedules the daily sweep; call it once in a delivery that remembers a lead.
pub fn keep_sweeping(cx: &Context<'_, Config>) -> Result<(), Failure> {
    let now = cx.now();
    let sweep: Option<Sweep> = cx.state().get(SWEEP_KEY)?;
    match sweep {
        // A timer that is two days late was lost, for instance when older state was restored.
        Some(sweep) if sweep.due.as_millis().saturating_add(2 * DAY_MS) > now.as_millis() => Ok(()),
        Some(sweep) => plan(cx, sweep.swept_through, now.plus_millis(DAY_MS)),
        None => plan(cx, day_of(now).saturating_sub(1), now.plus_millis(DAY_MS)),
    }
}

/// Deletes leads that were last received more than `remember-days` ago; at most one batch, the next one in a minute.
pub fn sweep(cx: &Context<'_, Config>) -> Result<(), Failure> {
    let state = cx.state();
    let now = cx.now();
    let today = day_of(now);
    let last_to_drop = today.saturating_sub(u64::from(cx.config().remember_days) + 1);
    let mut swept_through = state.get::<Sweep>(SWEEP_KEY)?.map_or(last_to_drop, |sweep| sweep.swept_through);
    let mut dropped = 0;
    while swept_through < last_to_drop {
        let day = swept_through + 1;
        let prefix = day_prefix(day);
        let entries: Vec<String> = state
            .scan(&prefix)
            .take(SWEEP_BATCH - dropped + 1)
            .map(|entry| Ok(entry?.0))
            .collect::<Result<_, StateError>>()?;
        let is_whole_day = entries.len() <= SWEEP_BATCH - dropped;
        for entry in entries.iter().take(SWEEP_BATCH - dropped) {
            state.delete(entry)?;
            state.delete(&key(entry.strip_prefix(&prefix).unwrap_or_default()))?;
        }
        dropped += entries.len().min(SWEEP_BATCH - dropped);
        if !is_whole_day {
            count_forgotten(cx, dropped);
            return plan(cx, swept_through, now.plus_minutes(NEXT_BATCH_MINUTES));
        }
        swept_through = day;
    }
    count_forgotten(cx, dropped);
    plan(cx, swept_through, now.plus_millis(DAY_MS))
}

fn count_forgotten(cx: &Context<'_, Config>, dropped: usize) {
    cx.counter("leads-forgotten", u64::try_from(dropped).unwrap_or(u64::MAX), &[]);
}

fn plan(cx: &Context<'_, Config>, swept_through: u64, due: Timestamp) -> Result<(), Failure> {
    cx.schedule(SWEEP_KEY, due, NewEvent::json(SWEEP_EVENT, &serde_json::json!({}))?)?;
    cx.state().set(SWEEP_KEY, &Sweep { swept_through, due })?;
    Ok(())
}

fn remember(state: &State<'_>, lead_id: &str, before: Option<&Record>, record: Record) -> Result<(), StateError> {
    if let Some(before) = before.filter(|before| before.day != record.day) {
        state.delete(&format!("{}{lead_id}", day_prefix(before.day)))?;
    }
    if before.is_none_or(|before| before.day != record.day) {
        state.set_bytes(&format!("{}{lead_id}", day_prefix(record.day)), &[])?;
    }
    state.set(&key(lead_id), &record)
}

/// Whether a document with this request date is older than the last one. Corrections usually keep the first date, so of
/// equal dates the document that its sender marked as resent is the newer one.
fn is_older(record: &Record, requested: Option<u64>, is_resend: bool) -> bool {
    match (requested, record.requested) {
        (Some(this), Some(last)) if this != last => this < last,
        _ => record.resent && !is_resend,
    }
}

/// Whether the two share nothing: no name, no phone, no e-mail address.
fn are_strangers(record: &Record, people: &[String]) -> bool {
    !record.people.is_empty() && !people.is_empty() && !people.iter().any(|hash| record.people.contains(hash))
}

/// If a sender gives every lead the same id, each new person would overwrite the previous one.
fn rename_reused(lead: &mut Lead, path: &str) {
    let own = by_content(lead, path, &mut Warnings::default());
    lead.lead_id = hash(&["reused", &lead.lead_id, &own]);
    let message =
        "the id was used before for another person (no name, phone or e-mail in common); treated as a separate lead";
    push_warning(lead, "id-reused", format!("{path}.id"), message);
}

fn push_warning(lead: &mut Lead, code: &'static str, field: String, message: &str) {
    lead.warnings.push(Warning { code, field, message: message.to_owned() });
}

/// Two copies are equal if they have the same content, whatever their packaging and warnings.
fn content_hash(lead: &Lead, is_resend: bool) -> String {
    // `requestedAt` is omitted: without an offset it depends on the rooftop's zone, which an operator may correct.
    let bare = Lead { warnings: Vec::new(), requested_at: None, revision: 0, status: Status::New, ..lead.clone() };
    let json = serde_json::to_string(&bare).unwrap_or_default();
    hash(&["lead", if is_resend { "resend" } else { "new" }, &json])
}

/// The earlier contents after the current one becomes an earlier one.
fn older(record: &Record) -> Vec<String> {
    let mut older = record.older.clone();
    older.push(short(&record.content).to_owned());
    older.drain(..older.len().saturating_sub(OLDER_MAX));
    older
}

fn short(content: &str) -> &str {
    content.get(..16).unwrap_or(content)
}

fn key(lead_id: &str) -> String {
    format!("lead/{lead_id}")
}

fn day_prefix(day: u64) -> String {
    format!("seen/{day:06}/")
}

fn day_of(time: Timestamp) -> u64 {
    time.as_millis() / DAY_MS
}
