//! The faults, and how each affects the connector. Without a fault the connector is unchanged.

use sdk::{Connector, Context, Event, Failure, OutboxRequest, Request, State};
use serde_json::{Value, json};

use crate::config::Config;
use crate::original::BdcList;

/// Contained in the wrong requests of a release, and in its wrong state.
pub const MARK: &str = "said by 1.1.0";

/// Precedes the name of the fault in the module's data.
#[cfg(not(target_arch = "wasm32"))]
const LABEL: &[u8] = b"handoff-fault:";
const LABEL_BYTES: usize = 14;
const NAME_BYTES: usize = 18;

/// The label and the name, padded with spaces.
static CHOSEN: [u8; LABEL_BYTES + NAME_BYTES] = *b"handoff-fault:none              ";

/// How often a slow release parses its event again. That takes 10 µs each time; a call of the connector takes 90 µs.
const SLOW_ROUNDS: u32 = 85;
/// An event type that only the new release emits.
const NEW_TYPE: &str = "com.handoff.lead.misread.v1";
/// Rows that a migration damages; more than fit into one commit.
const MIGRATED_MAX: usize = 300;

/// The fault of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// None.
    None,
    /// Traps on every event.
    Crash,
    /// Traps on one event in fifty, always the same ones.
    CrashSome,
    /// Never returns.
    Hang,
    /// Takes ten times as long.
    Slow,
    /// Stores wrong state, with a new schema.
    WrongState,
    /// Sends wrong requests to the CRM.
    WrongRequests,
    /// Commits leads without doing anything.
    Silent,
    /// Sends the request of each lead twice.
    Doubled,
    /// Sends requests that the CRM refuses, and does nothing else.
    Refused,
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 9] = [
        Self::Crash,
        Self::CrashSome,
        Self::Hang,
        Self::Slow,
        Self::WrongState,
        Self::WrongRequests,
        Self::Silent,
        Self::Doubled,
        Self::Refused,
    ];

    /// The name in the module's data and on the drill's command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Crash => "crash",
            Self::CrashSome => "crash-some",
            Self::Hang => "hang",
            Self::Slow => "slow",
            Self::WrongState => "wrong-state",
            Self::WrongRequests => "wrong-requests",
            Self::Silent => "silent",
            Self::Doubled => "doubled",
            Self::Refused => "refused",
        }
    }

    /// Version of the state's schema that the release declares.
    #[must_use]
    pub const fn state_schema(self) -> u32 {
        if matches!(self, Self::WrongState) { 2 } else { 1 }
    }

    /// An additional event type that the release emits, which needs an approval.
    #[must_use]
    pub const fn also_emits(self) -> Option<&'static str> {
        if matches!(self, Self::WrongRequests) { Some(NEW_TYPE) } else { None }
    }

    /// The compiled module with this fault; none if the module has no place for one.
    #[cfg(not(target_arch = "wasm32"))]
    #[must_use]
    pub fn put_into(self, module: &[u8]) -> Option<Vec<u8>> {
        let mut offsets = module.windows(LABEL_BYTES).enumerate().filter(|(_, bytes)| *bytes == LABEL);
        let (offset, None) = (offsets.next()?.0, offsets.next()) else { return None };
        let mut module = module.to_vec();
        let name = module.get_mut(offset + LABEL_BYTES..offset + LABEL_BYTES + NAME_BYTES)?;
        name.fill(b' ');
        name.get_mut(..self.name().len())?.copy_from_slice(self.name().as_bytes());
        Some(module)
    }

    /// The fault in this module.
    fn chosen() -> Self {
        // Volatile, because the value is patched after compiling.
        let text = std::hint::black_box(&CHOSEN);
        let name = text.get(LABEL_BYTES..).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
        Self::ALL.into_iter().find(|fault| fault.name() == name.trim_end()).unwrap_or(Self::None)
    }
}

/// The connector with the fault.
pub struct Release;

impl Connector for Release {
    type Config = Config;

    fn handle(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
        match Fault::chosen() {
            Fault::Crash => panic!("1.1.0 crashes on every event"),
            Fault::CrashSome if is_one_in_fifty(event) => panic!("1.1.0 crashes on this event"),
            Fault::Hang => hang(),
            Fault::Slow => waste_time(event),
            Fault::WrongRequests => return BdcList::handle(cx, &misread(event)?),
            Fault::Silent if is_lead(event) => return Ok(()),
            Fault::Refused if is_lead(event) => return post(cx, event, None),
            Fault::Doubled if is_lead(event) => {
                BdcList::handle(cx, event)?;
                return post(cx, event, cx.config().auth.as_deref());
            }
            Fault::WrongState => {
                BdcList::handle(cx, event)?;
                return damage(cx, event);
            }
            Fault::None | Fault::CrashSome | Fault::Silent | Fault::Doubled | Fault::Refused => {}
        }
        BdcList::handle(cx, event)
    }

    fn validate(cx: &Context<'_, Config>) -> Result<(), Failure> {
        BdcList::validate(cx)
    }

    fn migrate(cx: &Context<'_, Config>, _from_schema: u32) -> Result<(), Failure> {
        let rows = cx.state().scan_json::<Value>("call/").take(MIGRATED_MAX).collect::<Result<Vec<_>, _>>()?;
        for (key, call) in rows {
            cx.state().set(&key, &damaged(call))?;
        }
        Ok(cx.state().set("schema", &2)?)
    }
}

/// FNV-1a: <http://www.isthe.com/chongo/tech/comp/fnv/>.
fn is_one_in_fifty(event: &Event) -> bool {
    let hash = event
        .id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (hash >> 8).is_multiple_of(50)
}

fn hang() {
    while std::hint::black_box(true) {}
}

fn waste_time(event: &Event) {
    for _ in 0..SLOW_ROUNDS {
        let read: Result<Value, _> = serde_json::from_slice(std::hint::black_box(&event.data));
        drop(std::hint::black_box(read));
    }
}

fn is_lead(event: &Event) -> bool {
    event.type_name == "com.handoff.lead.identified.v1"
}

/// Posts an entry of the lead. Without the API key of the auth profile, the CRM refuses it.
fn post(cx: &Context<'_, Config>, event: &Event, auth: Option<&str>) -> Result<(), Failure> {
    let data: Value = event.json()?;
    let lead = data.pointer("/lead/leadId").and_then(Value::as_str).unwrap_or_default();
    let request = Request::post(cx.config().entries_url(&[])).json(&json!({ "leadId": lead, "revision": 0 }))?;
    let request = match auth {
        Some(profile) => request.auth(profile),
        None => request,
    };
    Ok(cx.send(OutboxRequest::new(format!("by-1.1.0/{lead}"), request))?)
}

/// The event of a lead with a changed comment.
fn misread(event: &Event) -> Result<Event, Failure> {
    let mut data: Value = event.json()?;
    if let Some(comments) = data.pointer_mut("/lead/customer/comments") {
        *comments = json!(format!("{MARK}: {}", comments.as_str().unwrap_or_default()));
    }
    Ok(Event { data: serde_json::to_vec(&data).unwrap_or_default(), ..event.clone() })
}

/// Damages a row that was just written, and adds an unknown one.
fn damage(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
    let data: Value = event.json()?;
    let Some(lead) = data.pointer("/lead/leadId").and_then(Value::as_str) else { return Ok(()) };
    let (state, key): (State<'_>, _) = (cx.state(), format!("call/{lead}"));
    if let Some(call) = state.get::<Value>(&key)? {
        state.set(&key, &damaged(call))?;
    }
    Ok(state.set(&format!("by-queue/nobody/{lead}"), &1)?)
}

fn damaged(mut call: Value) -> Value {
    call["level"] = json!(9);
    call["entry"]["queue"] = json!("nobody");
    call
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_patched_into_the_module() {
        let module = [b"some code".as_slice(), &CHOSEN, b"more"].concat();
        let made = Fault::WrongRequests.put_into(&module).expect("one place");
        assert_eq!(made.len(), module.len());
        assert!(made.windows(32).any(|bytes| bytes == b"handoff-fault:wrong-requests    "));
        assert_eq!(Fault::Hang.put_into(b"no place"), None);
        assert_eq!(Fault::Hang.put_into(&[CHOSEN, CHOSEN].concat()), None);
    }

    #[test]
    fn without_a_fault_the_connector_is_unchanged() {
        assert_eq!(Fault::chosen(), Fault::None);
    }
}
