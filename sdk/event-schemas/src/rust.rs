//! Rust: the module `events` of the SDK. One file for each event, as rustfmt would write it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::Generated;
use crate::names::{camel, constant, module, pascal, snake, wrapped};
use crate::types::{Defined, Field, Model, Module, Shape, Type};

const FOLDER: &str = "sdk/rust/src/events";
const LINE_CHARS_MAX: usize = 120;
const HEAD: &str = "\
//! The events of the host and of the reference connectors: their types and the shapes of their data. Generated from
//! `sdk/schemas/events`; do not edit.
//!
//! A newer sender may add fields and values: unknown fields are ignored, and an unknown value of an enum is `Other`. Absent
//! fields are `None` or an empty list.
//!
//! ```
//! use handoff_sdk::events::{LEAD_RECEIVED, Lead};
//! use handoff_sdk::{Event, Failure};
//!
//! fn make(event: &Event) -> Result<Option<String>, Failure> {
//!     if event.type_name != LEAD_RECEIVED {
//!         return Ok(None);
//!     }
//!     let lead: Lead = event.json()?;
//!     Ok(lead.vehicles.into_iter().next().and_then(|vehicle| vehicle.make))
//! }
//! ```
";

pub(crate) fn files(model: &Model) -> Vec<Generated> {
    let mut text = format!("{HEAD}\n");
    let mut line = |line: String| text.push_str(&line);
    let mut modules: Vec<&Module> = model.modules.iter().collect();
    modules.sort_by_key(|one| module(&one.title));
    modules.iter().for_each(|one| line(format!("mod {};\n", module(&one.title))));
    line("\n".to_owned());
    modules.iter().for_each(|one| line(exports(one)));
    for event in &model.events {
        let data = match &event.data {
            Some(data) => format!(" Data: [`{data}`]."),
            None => " Data: bytes.".to_owned(),
        };
        line(format!("\n{}", wrapped(&format!("{}{data}", event.description), "/// ", LINE_CHARS_MAX - 4)));
        line(format!("pub const {}: &str = \"{}\";\n", constant(&event.type_name), event.type_name));
    }
    let mut files = vec![Generated { path: format!("{FOLDER}.rs"), text }];
    files.extend(
        modules
            .iter()
            .map(|one| Generated { path: format!("{FOLDER}/{}.rs", module(&one.title)), text: types(one, model) }),
    );
    files
}

fn exports(one: &Module) -> String {
    let mut names: Vec<&str> = one.types.iter().map(|defined| defined.name.as_str()).collect();
    names.sort_unstable();
    let module = module(&one.title);
    let line = match names.as_slice() {
        [name] => format!("pub use {module}::{name};\n"),
        names => format!("pub use {module}::{{{}}};\n", names.join(", ")),
    };
    if line.chars().count() <= LINE_CHARS_MAX + 1 {
        return line;
    }
    let names = wrapped(&format!("{},", names.join(", ")), "    ", LINE_CHARS_MAX);
    format!("pub use {module}::{{\n{names}}};\n")
}

fn types(one: &Module, model: &Model) -> String {
    let own: BTreeSet<&str> = one.types.iter().map(|defined| defined.name.as_str()).collect();
    let fields = || one.types.iter().flat_map(Defined::fields);
    let others: BTreeSet<&str> =
        fields().filter_map(|field| field.holds.named()).filter(|name| !own.contains(name)).collect();
    let mut text = format!("//! Types of `{}`. Generated from `sdk/schemas/events`; do not edit.\n\n", one.title);
    // In the order of rustfmt.
    let others: Vec<&str> = others.into_iter().collect();
    match others.as_slice() {
        [] => {}
        [one] => text.push_str(&format!("use super::{one};\n")),
        several => text.push_str(&format!("use super::{{{}}};\n", several.join(", "))),
    }
    if fields().any(|field| contains_time(&field.holds)) {
        text.push_str("use crate::Timestamp;\n");
    }
    text.push_str("use serde::{Deserialize, Serialize};\n");
    for defined in &one.types {
        let _ = write!(text, "\n{}", wrapped(&defined.description, "/// ", LINE_CHARS_MAX - 4));
        match &defined.shape {
            Shape::Struct(fields) => text.push_str(&structure(defined, fields, model)),
            Shape::Enum(values) => text.push_str(&enumeration(defined, values)),
        }
    }
    text
}

fn structure(defined: &Defined, fields: &[Field], model: &Model) -> String {
    let default = if fields.iter().all(|field| has_default(field, model)) { "Default, " } else { "" };
    let mut text = format!("#[derive(Clone, Debug, {default}Deserialize, PartialEq, Serialize)]\n");
    text.push_str("#[serde(rename_all = \"camelCase\")]\n");
    let _ = writeln!(text, "pub struct {} {{", defined.name);
    for field in fields {
        text.push_str(&wrapped(&field.description, "    /// ", LINE_CHARS_MAX));
        let (name, mut holds) = (snake(&field.name), rust(&field.holds));
        let mut attributes = Vec::new();
        if camel(&name) != field.name {
            attributes.push(format!("rename = \"{}\"", field.name));
        }
        if !field.is_required && field.holds.is_list() {
            attributes.push("default".to_owned());
            attributes.push("skip_serializing_if = \"Vec::is_empty\"".to_owned());
        } else if !field.is_required {
            attributes.push("skip_serializing_if = \"Option::is_none\"".to_owned());
            if !holds.starts_with("Option<") {
                holds = format!("Option<{holds}>");
            }
        }
        if !attributes.is_empty() {
            let _ = writeln!(text, "    #[serde({})]", attributes.join(", "));
        }
        let _ = writeln!(text, "    pub {name}: {holds},");
    }
    text.push_str("}\n");
    text
}

fn enumeration(defined: &Defined, values: &[String]) -> String {
    let mut text =
        "#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]\n#[serde(rename_all = \"kebab-case\")]\n"
            .to_owned();
    let _ = writeln!(text, "pub enum {} {{", defined.name);
    for value in values {
        let _ = writeln!(text, "    {},", pascal(value));
    }
    text.push_str("    /// A value of a newer sender.\n    #[serde(untagged)]\n    Other(String),\n}\n");
    text
}

fn rust(holds: &Type) -> String {
    match holds {
        Type::Text => "String".to_owned(),
        Type::Time => "Timestamp".to_owned(),
        Type::Boolean => "bool".to_owned(),
        Type::Number => "f64".to_owned(),
        Type::Integer(bits) => format!("u{bits}"),
        Type::Pair => "(String, String)".to_owned(),
        Type::List(inner) => format!("Vec<{}>", rust(inner)),
        Type::Named(name) => name.clone(),
        Type::Nullable(inner) => format!("Option<{}>", rust(inner)),
    }
}

fn contains_time(holds: &Type) -> bool {
    match holds {
        Type::Time => true,
        Type::List(inner) | Type::Nullable(inner) => contains_time(inner),
        _ => false,
    }
}

/// Whether Rust can derive `Default`: no enum without which the struct would not be complete.
fn has_default(field: &Field, model: &Model) -> bool {
    match &field.holds {
        _ if !field.is_required => true,
        Type::Named(name) => {
            model.types().find(|defined| defined.name == *name).is_some_and(|defined| match &defined.shape {
                Shape::Struct(fields) => fields.iter().all(|field| has_default(field, model)),
                Shape::Enum(_) => false,
            })
        }
        _ => true,
    }
}
