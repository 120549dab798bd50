//! The state machine of a call: its state, the possible events, and their effects. Pure: it knows the lead, the clock
//! and the rules, and returns effects; it sends, stores and emits nothing.
//!
//! | state | lead (newer revision) | CRM's answer | contact by a person | timer |
//! |---|---|---|---|---|
//! | (none) | → listing, or closed if no contact is allowed | ignored | rejected: unknown | ignored |
//! | listing | noted, sent after the answer | → listed, or refused | → closed | escalates (event only) |
//! | listed | updates the entry, or withdraws it → closed | ignored | → closed | escalates |
//! | refused | lists again → listing | ignored | → closed | escalates (event only) |
//! | closed | updates the entry; reopens if contact is allowed again | completes the entry's id | ignored | ignored |

use handoff_sdk::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `call/<leadId>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// The current state.
    pub phase: Phase,
    /// The lead as sent to the CRM.
    pub entry: Entry,
    /// Revision of the entry in the listing request.
    pub posted_revision: u32,
    /// The listing request has no answer yet.
    #[serde(default)]
    pub in_flight: bool,
    /// A newer revision waits for the entry's id.
    #[serde(default)]
    pub update_waits: bool,
    /// The CRM's id of the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_id: Option<String>,
    /// When the response clock started.
    pub received_at: Timestamp,
    /// The rooftop's offset from UTC then, in seconds east.
    pub received_offset_seconds: i32,
    /// Number of escalations so far.
    #[serde(default)]
    pub level: u32,
}

/// The state of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Sent to the CRM, not answered yet.
    Listing,
    /// On the call list.
    Listed,
    /// The CRM refused it; the clock continues.
    Refused,
    /// A person contacted the customer.
    Contacted,
    /// No contact is allowed or possible.
    Withdrawn,
}

/// The data of a lead for the CRM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The lead id.
    pub lead_id: String,
    /// Its revision.
    pub revision: u32,
    /// The customer id.
    pub customer_id: String,
    /// The queue.
    pub queue: String,
    /// The team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Allowed and possible contact channels: `call`, `text`, `email`. If empty, it is removed from the list.
    pub contact_by: Vec<String>,
    /// Why it is not on the list: `opted-out` or `no-way-to-contact`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
    /// Further details for the caller.
    #[serde(flatten)]
    pub details: serde_json::Map<String, Value>,
}

/// The CRM's answer to a listing request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It has an id for the entry.
    Taken(String),
    /// It refused: `code`, HTTP status and reason.
    Refused(Refusal),
}

/// Why the CRM refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// `list`, `update`, `escalate`.
    pub operation: &'static str,
    /// Stable kebab-case word.
    pub code: &'static str,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
}

/// A contact reported by the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Time of the contact, not before the lead and not in the future.
    pub at: Timestamp,
    /// Made by a person, not an automatic acknowledgement.
    pub human: bool,
    /// The person.
    pub by: Option<String>,
    /// The outcome.
    pub outcome: Option<String>,
}

/// The effects of a step, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// List the entry in the CRM.
    List,
    /// Update the entry in the CRM.
    Update,
    /// Notify the CRM of escalation `level`.
    Escalate(u32),
    /// Store the entry's id and emit that the call is listed.
    Listed {
        /// Emit the event (unless the call has been closed).
        announce: bool,
    },
    /// Emit that the CRM refused.
    SayRefused(Refusal),
    /// Emit that level `level` is reached.
    SayEscalated(u32),
    /// Emit that the call is closed; a contact has response times.
    SayClosed {
        /// `first-contact`, `opted-out`, `no-way-to-contact`.
        reason: String,
        /// The contact.
        contact: Option<Contact>,
    },
    /// Set the timer of the next level, if there is one.
    SetTimer,
    /// Cancel the timer.
    CancelTimer,
    /// Count an automatic acknowledgement.
    AutoAck,
    /// Nothing to do, and the reason.
    Ignored(&'static str),
}

/// When a lead was received, and the rooftop's offset from UTC then, in seconds east.
pub type Received = (Timestamp, i32);

impl Call {
    /// A lead that is not on the list yet.
    pub fn open(entry: Entry, (received_at, received_offset_seconds): Received) -> (Self, Vec<Effect>) {
        let posted_revision = entry.revision;
        let mut call = Self {
            phase: Phase::Withdrawn,
            entry,
            posted_revision,
            in_flight: false,
            update_waits: false,
            entry_id: None,
            received_at,
            received_offset_seconds,
            level: 0,
        };
        let effects = match call.withdrawal() {
            Some(effect) => vec![effect],
            None => call.list(),
        };
        (call, effects)
    }

    /// A lead with an existing call.
    pub fn update(&mut self, entry: Entry, received: Received) -> Vec<Effect> {
        if entry.revision <= self.entry.revision {
            return vec![Effect::Ignored("this revision or a newer one is known")];
        }
        self.entry = entry;
        if let Some(withdrawal) = self.withdrawal() {
            return self.withdraw(withdrawal);
        }
        match self.phase {
            Phase::Listing => {
                self.update_waits = true;
                vec![Effect::Ignored("the CRM has not answered yet: the update waits for the entry's id")]
            }
            Phase::Refused => self.list(),
            Phase::Listed | Phase::Contacted => self.send_update(),
            Phase::Withdrawn => {
                ((self.received_at, self.received_offset_seconds), self.level) = (received, 0);
                if self.entry_id.is_none() && !self.in_flight {
                    return self.list();
                }
                self.phase = if self.in_flight { Phase::Listing } else { Phase::Listed };
                let mut effects = self.send_update();
                effects.push(Effect::SetTimer);
                effects
            }
        }
    }

    /// The CRM answered the listing of a revision.
    pub fn answer_listing(&mut self, revision: u32, reply: Reply) -> Vec<Effect> {
        if revision != self.posted_revision || !self.in_flight {
            return vec![Effect::Ignored("this answer was handled before, or belongs to an older listing")];
        }
        self.in_flight = false;
        let open = self.phase == Phase::Listing;
        match reply {
            Reply::Taken(entry_id) => {
                self.entry_id = Some(entry_id);
                let mut effects = vec![Effect::Listed { announce: open }];
                if open {
                    self.phase = Phase::Listed;
                }
                if self.update_waits {
                    effects.extend(self.send_update());
                }
                if open && self.level > 0 {
                    effects.push(Effect::Escalate(self.level));
                }
                effects
            }
            Reply::Refused(refusal) => {
                if open {
                    self.phase = Phase::Refused;
                }
                vec![Effect::SayRefused(refusal)]
            }
        }
    }

    /// The CRM reports a contact.
    pub fn contact(&mut self, contact: Contact) -> Vec<Effect> {
        match self.phase {
            Phase::Contacted | Phase::Withdrawn => vec![Effect::Ignored("the call is closed")],
            _ if !contact.human => vec![Effect::AutoAck],
            _ => {
                self.phase = Phase::Contacted;
                vec![
                    Effect::CancelTimer,
                    Effect::SayClosed { reason: "first-contact".to_owned(), contact: Some(contact) },
                ]
            }
        }
    }

    /// The timer of a level fired; `is_due` says whether its time has come with today's offset from UTC.
    pub fn due(&mut self, level: u32, is_due: bool) -> Vec<Effect> {
        match self.phase {
            Phase::Contacted | Phase::Withdrawn => vec![Effect::Ignored("the call is closed")],
            _ if level != self.level.saturating_add(1) => vec![Effect::Ignored("the timer belongs to another level")],
            _ if !is_due => vec![Effect::SetTimer],
            _ => {
                self.level = level;
                let tell = self.entry_id.is_some().then_some(Effect::Escalate(level));
                tell.into_iter().chain([Effect::SayEscalated(level), Effect::SetTimer]).collect()
            }
        }
    }

    fn list(&mut self) -> Vec<Effect> {
        self.phase = Phase::Listing;
        self.posted_revision = self.entry.revision;
        (self.in_flight, self.update_waits) = (true, false);
        vec![Effect::List, Effect::SetTimer]
    }

    fn send_update(&mut self) -> Vec<Effect> {
        self.update_waits = self.entry_id.is_none();
        if self.update_waits {
            vec![Effect::Ignored("the update waits for the entry's id")]
        } else {
            vec![Effect::Update]
        }
    }

    fn withdrawal(&self) -> Option<Effect> {
        let reason = self.entry.withdrawn.clone().filter(|_| self.entry.contact_by.is_empty())?;
        Some(Effect::SayClosed { reason, contact: None })
    }

    /// A resend removed every contact channel.
    fn withdraw(&mut self, withdrawal: Effect) -> Vec<Effect> {
        let was_open = !matches!(self.phase, Phase::Contacted | Phase::Withdrawn);
        let mut effects = if self.phase == Phase::Refused { Vec::new() } else { self.send_update() };
        if was_open {
            self.phase = Phase::Withdrawn;
            effects.extend([Effect::CancelTimer, withdrawal]);
        }
        effects
    }
}
