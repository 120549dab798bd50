//! What is remembered of each lead, so that the same lead sent again updates and never doubles.
//!
//! A record holds no personal data in the clear: hashes, a revision and a day. Nothing here reads ADF.
//!
//! Retention: a record is dropped `remember-days` after the lead was last heard of. Records carry their day and are
//! listed by day, and one timer a day drops the days that are over. One timer for all leads instead of one each keeps
//! the host's timers few; listing by day means that dropping reads only what is dropped, and never a place where a
//! delivery that runs at the same time writes.

use handoff_sdk::{Context, Failure, NewEvent, State, StateError, Timestamp};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::lead::{Lead, Status};
use crate::lead_id::{by_content, hash, people};
use crate::read::Prospect;
use crate::warnings::{Warning, Warnings};

/// The timer's event, which only this connector sends to itself.
pub const SWEEP_EVENT: &str = "com.handoff.adf-leads.sweep-due.v1";
/// Key of the timer and of the record about it.
const SWEEP_KEY: &str = "sweep";
/// Leads dropped in one sweep; each is two writes of the thousand that a delivery may make.
const SWEEP_BATCH: usize = 300;

/// Contents remembered besides the last one.
const OLDER_MAX: usize = 4;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const NEXT_BATCH_MINUTES: u64 = 1;

/// What is kept under `lead/{leadId}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The last revision emitted.
    pub revision: u32,
    /// Hash of what was emitted last.
    pub content: String,
    /// Hashes of contents emitted before that one, shortened, at most 4, newest last: tell a late copy from an update.
    #[serde(default)]
    pub older: Vec<String>,
    /// Hashes of the phones, e-mail addresses and name, at most 6: tells a reused id from an update.
    pub people: Vec<String>,
    /// Day since 1970 on which the lead was last heard of.
    pub day: u64,
}

/// What is kept under `sweep`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Sweep {
    /// All days up to this one are dropped.
    swept_through: u64,
    /// When the timer is due.
    due: Timestamp,
}

/// What a lead is to this dealer.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// To be emitted, with status and revision set.
    Emit(Box<Lead>),
    /// Nothing new.
    Duplicate,
}

/// Compares a lead with what is remembered, and remembers it.
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
    // A copy that comes late by a slower way, the mail for instance, must not bring back what was corrected since.
    let is_known = |record: &&Record| {
        record.content == content || (!is_resend && record.older.iter().any(|older| *older == short(&content)))
    };
    if let Some(record) = before.as_ref().filter(is_known) {
        if record.day != today {
            remember(&state, &lead.lead_id, Some(record), Record { day: today, ..record.clone() })?;
        }
        return Ok(Verdict::Duplicate);
    }
    lead.revision = before.as_ref().map_or(1, |record| record.revision.saturating_add(1));
    lead.status = if lead.revision > 1 { Status::Resend } else { Status::New };
    if is_resend && lead.status == Status::New {
        // Consumers update on `resend`; an update of something they never saw would be lost.
        let message = "marked as sent again, but not known here; passed on as new";
        push_warning(&mut lead, "resend-of-unknown-lead", format!("{path}@status"), message);
    }
    let older = before.as_ref().map(older).unwrap_or_default();
    let record = Record { revision: lead.revision, content, older, people, day: today };
    remember(&state, &lead.lead_id, before.as_ref(), record)?;
    Ok(Verdict::Emit(Box::new(lead)))
}

/// Makes sure that the daily sweep is on its way; call once in a delivery that remembers something.
pub fn keep_sweeping(cx: &Context<'_, Config>) -> Result<(), Failure> {
    let now = cx.now();
    let sweep: Option<Sweep> = cx.state().get(SWEEP_KEY)?;
    match sweep {
        // A timer two days late was lost, for instance in a restore of older state.
        Some(sweep) if sweep.due.as_millis().saturating_add(2 * DAY_MS) > now.as_millis() => Ok(()),
        Some(sweep) => plan(cx, sweep.swept_through, now.plus_millis(DAY_MS)),
        None => plan(cx, day_of(now).saturating_sub(1), now.plus_millis(DAY_MS)),
    }
}

/// Drops the leads that were last heard of more than `remember-days` ago; at most a batch, then again in a minute.
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

/// Whether nothing at all is shared: not the name, no phone, no e-mail address.
fn are_strangers(record: &Record, people: &[String]) -> bool {
    !record.people.is_empty() && !people.is_empty() && !people.iter().any(|hash| record.people.contains(hash))
}

/// A sender that gives every lead the same id would have each new person overwrite the one before.
fn rename_reused(lead: &mut Lead, path: &str) {
    let own = by_content(lead, path, &mut Warnings::default());
    lead.lead_id = hash(&["reused", &lead.lead_id, &own]);
    let message =
        "the id was used before for somebody else (no name, phone or e-mail in common); taken as a lead of its own";
    push_warning(lead, "id-reused", format!("{path}.id"), message);
}

fn push_warning(lead: &mut Lead, code: &'static str, field: String, message: &str) {
    lead.warnings.push(Warning { code, field, message: message.to_owned() });
}

/// What makes two sendings the same: all that the lead says, but not how it was wrapped or what was odd about it.
fn content_hash(lead: &Lead, is_resend: bool) -> String {
    // `requestedAt` is left out: without an offset it depends on the rooftop's, which daylight saving changes.
    let bare = Lead { warnings: Vec::new(), requested_at: None, revision: 0, status: Status::New, ..lead.clone() };
    let json = serde_json::to_string(&bare).unwrap_or_default();
    hash(&["lead", if is_resend { "resend" } else { "new" }, &json])
}

/// Contents that are older once the record's own is.
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
