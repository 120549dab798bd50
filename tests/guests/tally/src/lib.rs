//! A connector for tests that counts: for each key the entries in the order in which they came, with a running sum over
//! them; and what came without an order as a count with a sum in which order does not matter. Has no business rule.
//!
//! The sums are public, so that a model computes the same ones.

use handoff_sdk::{Connector, Context, Event, Failure, NewEvent, Request, Send};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// An entry of a key.
pub const ENTRY: &str = "com.example.tally.entry.v1";
/// An entry that was counted, for the next in line.
pub const PASSED: &str = "com.example.tally.passed.v1";
/// A timer that an entry set.
pub const RUNG: &str = "com.example.tally.rung.v1";
/// Asks for everything that is kept.
pub const REPORT_WANTED: &str = "com.example.tally.report-wanted.v1";
/// Everything that is kept.
pub const REPORTED: &str = "com.example.tally.reported.v1";

/// Rows of every second key are this much larger, so that they take more than one place in the host's index.
const PAD_BYTES: usize = 4_000;
/// Rows that hooks are counted in: few, so that deliveries that run side by side get into each other's way.
const HOOK_ROWS: u64 = 3;

/// What an event asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Whose.
    pub key: String,
    /// Its number, counted from 1 for each key by whoever sends it.
    pub number: u64,
    /// What to do besides counting it.
    pub act: Act,
    /// Makes the event large.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pad: String,
}

/// What to do with an entry besides counting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Nothing.
    Count,
    /// Tell the CRM.
    Send,
    /// Set a timer.
    Ring,
    /// Refuse it for good.
    Reject,
    /// Fail twice first.
    Retry,
    /// Break off once first.
    Trap,
}

/// What is kept of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chain {
    /// Entries counted.
    pub count: u64,
    /// The newest number.
    pub last: u64,
    /// Over all numbers, in order.
    pub sum: u64,
    /// Numbers that were passed over: they never came, or they were refused.
    pub gaps: Vec<u64>,
    /// Entries that came behind a later one, or again.
    pub disorder: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pad: String,
}

impl Chain {
    /// Takes the next entry.
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

/// What is kept of things without an order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pile {
    /// How many.
    pub count: u64,
    /// Over all of them, in any order.
    pub sum: u64,
}

impl Pile {
    /// Takes one more.
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

/// The row in which a hook's number is counted.
#[must_use]
pub fn hook_row(number: u64) -> String {
    format!("pile/hook/{}", number % HOOK_ROWS)
}

/// Config of an installation.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Base URL of the CRM; none for an installation that tells nobody.
    crm_url: Option<String>,
    /// Differs between generations that are otherwise equal.
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
            cx.send(Send::new(key, request).answer(true).partition_key(entry.key.as_str()))?;
        }
        (Act::Ring, _) => {
            let rung = NewEvent::json(RUNG, &entry)?.partition_key(entry.key.as_str());
            cx.schedule(&format!("{}/{}", entry.key, entry.number), cx.now().plus_millis(300), rung)?;
        }
        _ => {}
    }
    Ok(())
}

/// Ends the attempt as the entry wishes.
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
    fn a_chain_shows_what_is_missing_what_came_late_and_in_which_order() {
        let mut chain = Chain::default();
        [1, 2, 5, 4, 6].iter().for_each(|number| chain.take(*number));
        let expected = Chain { count: 4, last: 6, gaps: vec![3, 4], disorder: 1, sum: chain.sum, ..Chain::default() };
        assert_eq!(chain, expected);
        let mut other = Chain::default();
        [1, 5, 2, 6].iter().for_each(|number| other.take(*number));
        assert_ne!(chain.sum, other.sum);
    }

    #[test]
    fn an_entry_is_counted_passed_on_and_told_to_the_crm() {
        let mut bench = Bench::<Tally>::new(json!({ "crm-url": "https://crm.example" }));
        let sent = Entry { key: "k1".to_owned(), number: 1, act: Act::Send, pad: String::new() };
        let delivered = bench.deliver(&event(ENTRY).json(&sent).build());
        assert_eq!(delivered.expect_ok().sent[0].key, "k1/1");
        assert_eq!(delivered.expect_ok().emitted.len(), 1);
    }
}
