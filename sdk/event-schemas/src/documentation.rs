//! The page of the documentation on the events of the host: a table of attributes and one of data, and an example each.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::schema::{Document, Named, Node};

const HEAD: &str = "\
# Events of the host

Generated from the [schemas](../schemas/events); do not edit. Only the host emits these types, each addressed to one installation;
`connector.toml` lists under `accepts` which of them a connector takes. [Events](events.md) explains what all events have in common.
";

pub(crate) fn host_events(documents: &[Document]) -> String {
    let mut text = HEAD.to_owned();
    for document in documents.iter().filter(|document| document.emitter == "host") {
        let title = if document.has_type() { document.title.as_str() } else { "Timers" };
        let _ = write!(text, "\n## {title}\n\n{}\n\n| attribute | is |\n|---|---|\n", document.description);
        // Constants are in the example.
        let shown = document.properties.0.iter().filter(|(name, node)| name != "data" && node.constant.is_none());
        shown.for_each(|(name, node)| row(&mut text, name, "", node));
        let data = document.properties.get("data");
        let defined = data.and_then(|data| data.reference.as_deref()?.strip_prefix("#/$defs/"));
        match defined.and_then(|name| document.definitions.get(name)) {
            Some(Node { properties: Some(Named(fields)), required, .. }) => {
                for (name, node) in fields {
                    let optional = if required.contains(name) { "" } else { ", optional" };
                    row(&mut text, &format!("data.{name}"), optional, node);
                }
            }
            _ => row(&mut text, "data", "", data.unwrap_or(&Node::default())),
        }
        if let Some(example) = document.examples.first() {
            let _ = write!(text, "\n```json\n{}\n```\n", pretty(example));
        }
    }
    text
}

fn row(text: &mut String, name: &str, note: &str, node: &Node) {
    let _ = writeln!(text, "| `{name}`{note} | {} |", node.description.as_deref().unwrap_or_default());
}

/// An event with one attribute on a line, in the order of people: CloudEvents has `type` before `time`.
fn pretty(example: &Value) -> String {
    const ORDER: [&str; 7] = ["specversion", "id", "source", "type", "subject", "time", "datacontenttype"];
    let empty = Map::new();
    let members = example.as_object().unwrap_or(&empty);
    let known = ORDER.iter().filter_map(|name| members.get_key_value(*name));
    let others = members.iter().filter(|(name, _)| !ORDER.contains(&name.as_str()) && *name != "data");
    let all = known.chain(others).chain(members.get_key_value("data"));
    let lines: Vec<String> = all.map(|(name, value)| format!("  \"{name}\": {value}")).collect();
    format!("{{\n{}\n}}", lines.join(",\n"))
}
