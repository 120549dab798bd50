//! A connector for tests that counts: for each key its entries in order of arrival, with a running sum; and unordered
//! inputs as a count with an order-independent sum. It has no business rules.
//!
//! The sums are public, so that a model can compute the same ones.

use handoff_sdk::{Connector, Context, Event, Failure, NewEvent, OutboxRequest, Request};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// An entry of a key.
pub const ENTRY: &str = "com.example.tally.entry.v1";
/// A counted entry, for the next installation.
pub const PASSED: &str = "com.example.tally.passed.v1";
/// The timer of an entry.
pub const RUNG: &str = "com.example.tally.rung.v1";
/// Requests a report of all state.
pub const REPORT_WANTED: &str = "com.example.tally.report-wanted.v1";
/// The report of all state.
pub const REPORTED: &str = "com.example.tally.reported.v1";

/// Rows of every second key are this much larger, so that they span several rows of the host's index.
const PAD_BYTES: usize = 4_000;
/// Rows that count webhooks: few, so that parallel deliveries conflict.
const HOOK_ROWS: u64 = 3;

/// The data of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Its number, counted from 1 per key by the sender.
    pub number: u64,
    /// An additional action.
    pub act: Act,
    /// Makes the event large.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pad: String,
}

/// An additional action for an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// None.
    Count,
    /// Send a request to the CRM.
    Send,
    /// Set a timer.
    Ring,
    /// Reject it.
    Reject,
    /// Fail twice first.
    Retry,
    /// Panic once first.
    Trap,
}

/// The state of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chain {
    /// Number of entries.
    pub count: u64,
    /// The newest number.
    pub last: u64,
    /// Sum over all numbers, in order.
    pub sum: u64,
    /// Skipped numbers: never received, or rejected.
    pub gaps: Vec<u64>,
    /// Entries that arrived after a later one, or twice.
    pub disorder: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pad: String,
}

impl Chain {
    /// Adds the next entry.
    pub fn take(&mut self, number: u64) {
        if number <= self.last {
            self.disorder += 1;
            return;
        }
        self.gaps.extend(self.last + 1..number);
        self.last = number;
        self.count += 1;
        self.sum = fold(self.sum, number);
    }
}

/// The state of unordered inputs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pile {
    /// Number of inputs.
    pub count: u64,
    /// Order-independent sum.
    pub sum: u64,
}

impl Pile {
    /// Adds an input.
    pub fn take(&mut self, number: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(fold(0, number));
    }
}

/// FNV-1a, 64 bits, over the eight bytes of a number: <http://www.isthe.com/chongo/tech/comp/fnv/>.
#[must_use]
pub fn fold(sum: u64, number: u64) -> u64 {
    let start = sum ^ 0xcbf2_9ce4_8422_2325;
    number.to_le_bytes().iter().fold(start, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The row that counts a webhook's number.
#[must_use]
pub fn hook_row(number: u64) -> String {
    format!("pile/hook/{}", number % HOOK_ROWS)
}

/// Config of an installation.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Base URL of the CRM; none for an installation that sends no requests.
    crm_url: Option<String>,
    /// Distinguishes otherwise equal generations.
    #[serde(default)]
    edition: u64,
}

/// The connector.
pub struct Tally;

impl Connector for Tally {
    type Config = Config;

    fn handle(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
        match event.type_name.as_str() {
            ENTRY | PASSED => entry(cx, event),
            RUNG => {
                let entry: Entry = event.json()?;
                pile(cx, &format!("pile/rung/{}", entry.key), entry.number)
            }
            REPORT_WANTED => report(cx),
            "com.handoff.hook.received.v1" => {
                let entry: Entry = event.json()?;
                pile(cx, &hook_row(entry.number), entry.number)
            }
            "com.handoff.outbox.answered.v1" => answered(cx, event),
            other => Err(cx.unexpected_type(other)),
        }
    }
}

handoff_sdk::export!(Tally);

fn entry(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
    let entry: Entry = event.json()?;
    fail_first(cx, &entry)?;
    let row = format!("chain/{}", entry.key);
    let mut chain: Chain = cx.state().get(&row)?.unwrap_or_default();
    chain.take(entry.number);
    if entry.key.ends_with(['0', '2', '4', '6', '8']) {
        chain.pad = "p".repeat(PAD_BYTES);
    }
    cx.state().set(&row, &chain)?;
    if event.type_name == PASSED {
        return Ok(());
    }
    let passed = Entry { key: entry.key.clone(), number: chain.count, act: Act::Count, pad: String::new() };
    cx.emit(NewEvent::json(PASSED, &passed)?.partition_key(entry.key.as_str()))?;
    match (entry.act, &cx.config().crm_url) {
        (Act::Send, Some(url)) => {
            let body = json!({ "key": entry.key, "number": entry.number });
            let request = Request::post(format!("{url}/tally/{}", entry.key)).auth("crm").json(&body)?;
            let key = format!("{}/{}", entry.key, entry.number);
            cx.send(OutboxRequest::new(key, request).answer(true).partition_key(entry.key.as_str()))?;
        }
        (Act::Ring, _) => {
            let rung = NewEvent::json(RUNG, &entry)?.partition_key(entry.key.as_str());
            cx.schedule(&format!("{}/{}", entry.key, entry.number), cx.now().plus_millis(300), rung)?;
        }
        _ => {}
    }
    Ok(())
}

/// Fails the attempt if the entry asks for it.
fn fail_first(cx: &Context<'_, Config>, entry: &Entry) -> Result<(), Failure> {
    match (entry.act, cx.delivery().attempt) {
        (Act::Reject, _) => Err(Failure::reject("not-wanted", "the entry asks to be refused")),
        (Act::Retry, ..=2) => Err(Failure::retry("not-yet", "the entry asks to be tried again").after_ms(20)),
        (Act::Trap, 1) => panic!("the entry asks for it"),
        _ => Ok(()),
    }
}

fn answered(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Answered {
        key: String,
        outcome: String,
    }
    let answer: Answered = event.json()?;
    let parts = answer.key.rsplit_once('/').and_then(|(key, number)| Some((key, number.parse().ok()?)));
    let (key, number) = parts.ok_or_else(|| Failure::reject("answer-unknown", "no key of this connector"))?;
    pile(cx, &format!("pile/{}/{key}", answer.outcome), number)
}

fn pile(cx: &Context<'_, Config>, row: &str, number: u64) -> Result<(), Failure> {
    let mut pile: Pile = cx.state().get(row)?.unwrap_or_default();
    pile.take(number);
    Ok(cx.state().set(row, &pile)?)
}

fn report(cx: &Context<'_, Config>) -> Result<(), Failure> {
    let mut rows = Map::new();
    for row in cx.state().scan_json::<Value>("") {
        let (key, mut value) = row?;
        value.as_object_mut().map(|fields| fields.remove("pad"));
        rows.insert(key, value);
    }
    let (installation, edition) = (&cx.delivery().installation, cx.config().edition);
    let report = json!({ "installation": installation, "edition": edition, "rows": rows });
    Ok(cx.emit(NewEvent::json(REPORTED, &report)?)?)
}

#[cfg(test)]
mod tests {
    use handoff_sdk::testkit::{Bench, event};

    use super::*;

    #[test]
    fn a_chain_records_missing_late_and_reordered_entries() {
        let mut chain = Chain::default();
        [1, 2, 5, 4, 6].iter().for_each(|number| chain.take(*number));
        let expected = Chain { count: 4, last: 6, gaps: vec![3, 4], disorder: 1, sum: chain.sum, ..Chain::default() };
        assert_eq!(chain, expected);
        let mut other = Chain::default();
        [1, 5, 2, 6].iter().for_each(|number| other.take(*number));
        assert_ne!(chain.sum, other.sum);
    }

    #[test]
    fn an_entry_is_counted_emitted_and_sent_to_the_crm() {
        let mut bench = Bench::<Tally>::new(json!({ "crm-url": "https://crm.example" }));
        let sent = Entry { key: "k1".to_owned(), number: 1, act: Act::Send, pad: String::new() };
        let delivered = bench.deliver(&event(ENTRY).json(&sent).build());
        assert_eq!(delivered.expect_ok().sent[0].key, "k1/1");
        assert_eq!(delivered.expect_ok().emitted.len(), 1);
    }
}
