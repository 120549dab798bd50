//! The types of events in the SDKs for JavaScript and Python hold every example of the published schemas.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::guest::scratch;
use crate::language::{JAVASCRIPT, PYTHON, root, tools};

/// Reads the data of each example as its class, writes it again, and compares. Absent values may be written as null.
const ROUND_TRIP: &str = r#"
import json, pathlib, sys
from handoff_sdk import _json, events

count = 0
for path in pathlib.Path(sys.argv[1]).iterdir():
    # The host writes milliseconds that are zero, the SDK does not.
    schema = json.loads(path.read_text().replace(".000Z", "Z"))
    data = schema.get("properties", {}).get("data", {})
    for example in schema.get("examples", []) if "$ref" in data else []:
        kind = getattr(events, data["$ref"].split("/")[-1])
        read = _json.load(json.dumps(example["data"]), kind)
        given = {name: value for name, value in example["data"].items() if value is not None}
        written = json.loads(_json.dump(read))
        assert written == given, (path.name, written, given)
        newer = _json.load(json.dumps({**example["data"], "fieldOfANewerSender": 1}), kind)
        assert newer == read
        count += 1
assert events.LEAD_RECEIVED == "com.handoff.lead.received.v1"
assert count >= 15, count
"#;

#[test]
fn the_types_of_events_in_python_hold_every_example() {
    let Some(tools) = tools(&PYTHON, &scratch().join("..")) else { return };
    let mut command = Command::new(tools.join("bin/python"));
    command.args(["-B", "-c", ROUND_TRIP]).arg(root().join("sdk/schemas/events"));
    let output = command.env("PYTHONPATH", root().join("sdk/python/src")).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_types_of_events_in_typescript_hold_every_example() {
    let Some(tools) = tools(&JAVASCRIPT, &scratch().join("..")) else { return };
    let mut program = "import * as events from \"./events\";\n".to_owned();
    let mut count = 0;
    for file in fs::read_dir(root().join("sdk/schemas/events")).expect("the schemas").flatten() {
        let schema: Value = serde_json::from_str(&fs::read_to_string(file.path()).expect("text")).expect("JSON");
        let Some(reference) = schema["properties"]["data"]["$ref"].as_str() else { continue };
        let name = reference.rsplit('/').next().unwrap_or_default();
        for example in schema["examples"].as_array().into_iter().flatten() {
            // A literal may have no field that its type does not name.
            program.push_str(&format!("export const example{count}: events.{name} = {};\n", example["data"]));
            count += 1;
        }
    }
    assert!(count >= 15, "only {count} examples");
    program.push_str("export const known: \"com.handoff.lead.received.v1\" = events.LEAD_RECEIVED;\n");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("main.ts"), program).expect("written");
    fs::copy(root().join("sdk/js/events.d.ts"), folder.path().join("events.d.ts")).expect("the types");
    let mut command = Command::new("node");
    command.arg(tools.join("node_modules/typescript/bin/tsc"));
    command.args(["--strict", "--noEmit", "--module", "esnext", "--moduleResolution", "bundler", "main.ts"]);
    let output = command.current_dir(folder.path()).output().expect("the compiler runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
