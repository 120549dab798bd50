//! Hostile inputs for a connector: each accepted event type with data of every wrong kind, up to the contract's bounds. A
//! delivery has to end as a commit or a failure of its own, never as a crash.

use handoff_cases::{DATA_BYTES_MAX, EventFile, Outcome, bytes::hex_text};
use serde::Serialize;
use serde_json::{Value, json};

use super::folder::Case;
use super::run::CaseRunner;
use handoff_model::failure::host_codes::is_crash;

/// Depth of nested arrays and objects: a parser that recurses without a bound has no stack left.
const DEPTH: usize = 200_000;
/// Most fields of good data that are replaced, one after the other.
const FIELDS_MAX: usize = 24;

/// A delivery that crashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Crash {
    /// The event type.
    pub event_type: String,
    /// The input, in words.
    pub input: String,
    /// The host's code, such as `trap` or `memory-limit`.
    pub code: String,
}

/// What hostile inputs did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HostileRun {
    /// Number of deliveries.
    pub deliveries: usize,
    /// Those that crashed.
    pub crashes: Vec<Crash>,
    /// Accepted event types that no case delivers: nothing was tried, because no config is known for them.
    pub untried: Vec<String>,
}

impl CaseRunner {
    /// Delivers hostile inputs with the config, grants and state of the first case that delivers the type.
    pub async fn hostile(&self, cases: &[Case]) -> HostileRun {
        let mut run = HostileRun::default();
        for event_type in self.manifest().events.accepts.iter().map(ToString::to_string) {
            let of_type = |event: &&EventFile| event.type_name.as_deref() == Some(event_type.as_str());
            let found = cases.iter().find_map(|case| Some((case, case.file.events.iter().find(of_type)?)));
            let Some((case, good)) = found else {
                run.untried.push(event_type);
                continue;
            };
            let data = good.data.as_ref().filter(|value| !handoff_cases::bytes::is_marked(value));
            for (input, bytes) in inputs(data) {
                let mut case = case.clone();
                let event = EventFile { data: Some(json!({ "$hex": hex_text(&bytes) })), ..good.clone() };
                let datacontenttype =
                    event.datacontenttype.clone().or_else(|| data.and(Some("application/json".to_owned())));
                case.file.events = vec![EventFile { at: None, datacontenttype, ..event }];
                run.deliveries += 1;
                // A case that cannot be run is told by the check of the cases.
                let Ok(done) = self.run(&case).await else { continue };
                if let Some(Outcome::Failure(failure)) = done.actual.deliveries.first()
                    && is_crash(&failure.code)
                {
                    let code = failure.code.clone();
                    run.crashes.push(Crash { event_type: event_type.clone(), input, code });
                }
            }
        }
        run
    }
}

/// Inputs with their names. `good` is JSON data that the connector takes.
fn inputs(good: Option<&Value>) -> Vec<(String, Vec<u8>)> {
    let long = "a".repeat(DATA_BYTES_MAX - 16);
    let mut inputs: Vec<(String, Vec<u8>)> = [
        ("no data", Vec::new()),
        ("one zero byte", vec![0]),
        ("not UTF-8", vec![0xff, 0xfe, 0x80]),
        ("not UTF-8 in JSON", b"{\"id\":\"\xff\xc0\"}".to_vec()),
        ("JSON that ends early", b"{\"id\": \"A-1".to_vec()),
        ("null", b"null".to_vec()),
        ("a number", b"1e308".to_vec()),
        ("a number of 1,000 digits", "9".repeat(1_000).into_bytes()),
        ("an empty object", b"{}".to_vec()),
        ("an empty array", b"[]".to_vec()),
        ("half a surrogate pair", b"{\"id\":\"\\ud800\"}".to_vec()),
        ("duplicate keys", b"{\"id\":1,\"id\":\"2\",\"id\":null}".to_vec()),
        ("deeply nested arrays", ["[".repeat(DEPTH), "]".repeat(DEPTH)].concat().into_bytes()),
        ("deeply nested objects", ["{\"a\":".repeat(DEPTH), "1".to_owned(), "}".repeat(DEPTH)].concat().into_bytes()),
        ("deeply nested elements", ["<a>".repeat(DEPTH), "</a>".repeat(DEPTH)].concat().into_bytes()),
        ("a string of 8 MiB", format!("\"{long}\"").into_bytes()),
        ("an array of 8 MiB", format!("[{}0]", "0,".repeat(DATA_BYTES_MAX / 2 - 2)).into_bytes()),
        ("a text of 8 MiB", long.into_bytes()),
    ]
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .into();
    if let Some(Value::Object(fields)) = good {
        for name in fields.keys().take(FIELDS_MAX) {
            let wrong = [
                json!(null),
                json!(-1),
                json!(1e300),
                json!(""),
                json!([[]]),
                json!({ "a": {} }),
                json!("\u{0}\u{202e}"),
            ];
            for value in wrong {
                let mut changed = fields.clone();
                let input = format!("`{name}` is {value}");
                changed.insert(name.clone(), value);
                inputs.push((input, Value::Object(changed).to_string().into_bytes()));
            }
            let mut less = fields.clone();
            less.remove(name);
            inputs.push((format!("`{name}` is missing"), Value::Object(less).to_string().into_bytes()));
            let twice = Value::Object(fields.clone()).to_string();
            let twice = format!("{{{}:null,{}", Value::from(name.as_str()), twice.trim_start_matches('{'));
            inputs.push((format!("`{name}` is there twice"), twice.into_bytes()));
        }
    }
    inputs
}
