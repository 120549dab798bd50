//! Python: the module `handoff_sdk.events`.

use std::fmt::Write as _;

use crate::names::{constant, snake, wrapped};
use crate::types::{Defined, Field, Model, Shape, Type};

const LINE_CHARS_MAX: usize = 120;
const HEAD: &str = r#""""The events of the host and of the reference connectors: their types and the shapes of their data.

Generated from sdk/schemas/events; do not edit. A newer sender may add fields and values: unknown fields are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as _field
from datetime import datetime

"#;
/// Words of Python that are names of fields, too.
const KEYWORDS: [&str; 5] = ["class", "from", "import", "is", "with"];

pub(crate) fn module(model: &Model) -> String {
    let mut text = HEAD.to_owned();
    for event in &model.events {
        let data = event.data.as_ref().map_or("bytes".to_owned(), |data| format!("`{data}`"));
        let _ = writeln!(text, "{} = \"{}\"", constant(&event.type_name), event.type_name);
        text.push_str(&documentation(&format!("{} Data: {data}.", event.description), ""));
    }
    model.types().for_each(|defined| text.push_str(&definition(defined)));
    text
}

fn definition(defined: &Defined) -> String {
    match &defined.shape {
        Shape::Enum(values) => {
            let known = values.iter().map(|value| format!("\"{value}\"")).collect::<Vec<_>>().join(", ");
            let about = format!("{} Known values: {known}.", defined.description);
            format!("\n\n{} = str\n{}", defined.name, documentation(&about, ""))
        }
        Shape::Struct(fields) => {
            let mut text = format!("\n\n@dataclass(kw_only=True)\nclass {}:\n", defined.name);
            text.push_str(&documentation(&defined.description, "    "));
            text.push('\n');
            for field in fields {
                let _ = writeln!(text, "    {}", member(field));
                text.push_str(&documentation(&field.description, "    "));
            }
            text
        }
    }
}

/// A field. One that is not required is left out of JSON if it has no value.
fn member(field: &Field) -> String {
    let mut name = snake(&field.name);
    if KEYWORDS.contains(&name.as_str()) {
        name.push('_');
    }
    let mut metadata = Vec::new();
    if name != field.name {
        metadata.push(format!("\"name\": \"{}\"", field.name));
    }
    if !field.is_required {
        metadata.push("\"optional\": True".to_owned());
    }
    let metadata = format!("metadata={{{}}}", metadata.join(", "));
    let holds = python(&field.holds);
    match (field.is_required, field.holds.is_list()) {
        (true, _) if name == field.name => format!("{name}: {holds}"),
        (true, _) => format!("{name}: {holds} = _field({metadata})"),
        (false, true) => format!("{name}: {holds} = _field(default_factory=list, {metadata})"),
        (false, false) => {
            let holds = holds.trim_end_matches(" | None");
            format!("{name}: {holds} | None = _field(default=None, {metadata})")
        }
    }
}

fn python(holds: &Type) -> String {
    match holds {
        Type::Text => "str".to_owned(),
        Type::Time => "datetime".to_owned(),
        Type::Boolean => "bool".to_owned(),
        Type::Number => "float".to_owned(),
        Type::Integer(_) => "int".to_owned(),
        Type::Pair => "list[str]".to_owned(),
        Type::List(inner) => format!("list[{}]", python(inner)),
        Type::Named(name) => name.clone(),
        Type::Nullable(inner) => format!("{} | None", python(inner)),
    }
}

fn documentation(text: &str, indent: &str) -> String {
    let line = format!("{indent}\"\"\"{text}\"\"\"\n");
    if line.chars().count() <= LINE_CHARS_MAX {
        return line;
    }
    let lines = wrapped(&format!("\"\"\"{text}"), indent, LINE_CHARS_MAX);
    format!("{lines}{indent}\"\"\"\n")
}
