//! The connector: events with ADF in, canonical leads out. It combines the other modules and makes no decisions of its
//! own.

use std::collections::BTreeMap;

use handoff_sdk::{Connector, Context, Event, Failure, NewEvent, Timestamp};

use crate::config::Config;
use crate::dates::Zone;
use crate::intake::{self, Origin};
use crate::lead::{Lead, Status};
use crate::ledger::{self, Verdict};
use crate::read::{self, Options, Prospects, RefusedProspect};
use crate::refusal::{Refusal, RefusalCode};
use crate::warnings::Warning;

/// The emitted event, one per prospect.
pub const LEAD_RECEIVED: &str = "com.handoff.lead.received.v1";
const HOOK_RECEIVED: &str = "com.handoff.hook.received.v1";
const FILE_DROPPED: &str = "com.handoff.file.dropped.v1";

/// Size limit of a lead as JSON, in bytes: an event may have 1 MiB.
const MAX_LEAD_BYTES: usize = 900 * 1024;
/// Size limit of all leads of a document as JSON, in bytes: a delivery's effects may have 4 MiB.
const MAX_LEADS_BYTES: usize = 3_500 * 1024;
/// Maximum length of a refusal's message, in characters: the contract allows 2 KiB.
const MAX_MESSAGE_CHARS: usize = 480;

/// The connector `handoff/adf-leads`.
#[derive(Debug)]
pub struct AdfLeads;

impl Connector for AdfLeads {
    type Config = Config;

    fn handle(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
        match event.type_name.as_str() {
            HOOK_RECEIVED | FILE_DROPPED => receive(cx, event),
            ledger::SWEEP_EVENT => ledger::sweep(cx),
            other => Err(cx.unexpected_type(other)),
        }
    }

    fn validate(cx: &Context<'_, Config>) -> Result<(), Failure> {
        cx.config().check().map_err(Failure::misconfigured)
    }
}

fn receive(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
    cx.config().check().map_err(Failure::misconfigured)?;
    let Prospects { good, refused } = read_event(cx, event).map_err(|refusal| reject(&refusal))?;
    if good.is_empty() {
        return Err(reject(&all_refused(&refused)));
    }
    for bad in &refused {
        let fields = [("code", bad.refusal.code.as_str()), ("field", bad.path.as_str())];
        cx.error(&format!("refused a prospect and accepted the others: {}", bad.refusal), &fields);
        cx.counter("leads-refused", 1, &[("code", bad.refusal.code.as_str())]);
    }
    let mut budget = MAX_LEADS_BYTES;
    let mut warned: BTreeMap<&'static str, u64> = BTreeMap::new();
    for prospect in good {
        cx.counter("leads-in", 1, &[]);
        let path = prospect.path.clone();
        match ledger::enter(cx, prospect)? {
            Verdict::Duplicate => cx.counter("leads-duplicate", 1, &[]),
            Verdict::Late => {
                cx.counter("leads-late", 1, &[]);
                cx.warn("dropped an older document of a lead that was corrected since", &[("field", &path)]);
            }
            Verdict::Emit(mut lead) => {
                lead.warnings.extend(refused.iter().take(5).map(refused_warning));
                for warning in &lead.warnings {
                    *warned.entry(warning.code).or_default() += 1;
                }
                emit(cx, &lead, &path, &mut budget)?;
            }
        }
    }
    for (code, count) in warned {
        cx.counter("lead-warnings", count, &[("code", code)]);
    }
    ledger::keep_sweeping(cx)
}

/// The rooftop's zone, whose rules the host knows.
struct Rooftop<'a>(&'a Context<'a, Config>);

impl Zone for Rooftop<'_> {
    fn offset_of_local(&self, local: Timestamp) -> i32 {
        self.0.offset_of_local(local)
    }
}

fn read_event(cx: &Context<'_, Config>, event: &Event) -> Result<Prospects, Refusal> {
    let file_name = (event.type_name == FILE_DROPPED).then_some(event.subject.as_deref()).flatten();
    let origin = Origin { content_type: event.data_content_type.as_deref(), file_name };
    let documents = intake::open(&event.data, origin, cx.config().max_document_bytes)?;
    let options = Options { config: cx.config(), zone: &Rooftop(cx) };
    read::read_documents(&documents, &options)
}

fn emit(cx: &Context<'_, Config>, lead: &Lead, path: &str, budget: &mut usize) -> Result<(), Failure> {
    let event = NewEvent::json(LEAD_RECEIVED, lead)?.subject(&lead.lead_id).partition_key(&lead.lead_id);
    let bytes = event.data.len();
    *budget = budget.checked_sub(bytes).filter(|_| bytes <= MAX_LEAD_BYTES).ok_or_else(|| {
        let message =
            format!("with {path}, the leads of this document exceed the size of an event; send less text per lead");
        reject(&Refusal::new(RefusalCode::TooLarge, message))
    })?;
    cx.emit(event)?;
    let name = match lead.status {
        Status::New => "leads-new",
        Status::Resend => "leads-resend",
    };
    cx.counter(name, 1, &[]);
    Ok(())
}

/// One refusal for a document without a valid prospect: the code of the first one and the path of each.
fn all_refused(refused: &[RefusedProspect]) -> Refusal {
    let messages: Vec<String> = refused.iter().take(3).map(|bad| bad.refusal.message.clone()).collect();
    let code = refused.first().map_or(RefusalCode::NoProspect, |bad| bad.refusal.code);
    Refusal::new(code, messages.join("; "))
}

fn refused_warning(bad: &RefusedProspect) -> Warning {
    let message =
        format!("another prospect of the same document was refused ({}): {}", bad.refusal.code.as_str(), bad.refusal);
    Warning { code: "prospect-refused", field: bad.path.clone(), message }
}

fn reject(refusal: &Refusal) -> Failure {
    let message: String = refusal.message.chars().take(MAX_MESSAGE_CHARS).collect();
    Failure::reject(refusal.code.as_str(), message)
}
