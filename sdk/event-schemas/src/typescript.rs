//! TypeScript and JavaScript: the module `handoff-sdk/events`.

use std::fmt::Write as _;

use crate::names::{constant, wrapped};
use crate::types::{Defined, Model, Shape, Type};

const LINE_CHARS_MAX: usize = 120;
const HEAD: &str = "// Generated from sdk/schemas/events; do not edit.\n";

/// The types.
pub(crate) fn declarations(model: &Model) -> String {
    let mut text = format!(
        "{HEAD}//\n// The events of the host and of the reference connectors: their types and the shapes of their data. A newer sender may add\n\
         // fields and values. Times are texts in the form of RFC 3339.\n"
    );
    for event in &model.events {
        let data = event.data.as_ref().map_or("bytes".to_owned(), |data| format!("`{data}`"));
        let _ = write!(text, "\n{}", comment(&format!("{} Data: {data}.", event.description), ""));
        let _ = writeln!(text, "export const {}: \"{}\";", constant(&event.type_name), event.type_name);
    }
    model.types().for_each(|defined| text.push_str(&declaration(defined)));
    text
}

/// The constants at run time.
pub(crate) fn module(model: &Model) -> String {
    let mut text = format!("{HEAD}// Types of events. The shapes of their data are in ../events.d.ts.\n\n");
    for event in &model.events {
        let _ = writeln!(text, "export const {} = \"{}\";", constant(&event.type_name), event.type_name);
    }
    text
}

fn declaration(defined: &Defined) -> String {
    let mut text = format!("\n{}", comment(&defined.description, ""));
    match &defined.shape {
        Shape::Enum(values) => {
            let values: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
            // Any text is possible, and editors still propose the known values.
            let _ = writeln!(text, "export type {} = {} | (string & {{}});", defined.name, values.join(" | "));
        }
        Shape::Struct(fields) => {
            let _ = writeln!(text, "export interface {} {{", defined.name);
            for field in fields {
                let optional = if field.is_required { "" } else { "?" };
                text.push_str(&comment(&field.description, "  "));
                let _ = writeln!(text, "  {}{optional}: {};", field.name, typescript(&field.holds));
            }
            text.push_str("}\n");
        }
    }
    text
}

fn typescript(holds: &Type) -> String {
    match holds {
        Type::Text | Type::Time => "string".to_owned(),
        Type::Boolean => "boolean".to_owned(),
        Type::Number | Type::Integer(_) => "number".to_owned(),
        Type::Pair => "[string, string]".to_owned(),
        Type::List(inner) => format!("{}[]", typescript(inner)),
        Type::Named(name) => name.clone(),
        Type::Nullable(inner) => format!("{} | null", typescript(inner)),
    }
}

fn comment(text: &str, indent: &str) -> String {
    let line = format!("{indent}/** {text} */\n");
    if line.chars().count() <= LINE_CHARS_MAX {
        return line;
    }
    format!("{indent}/**\n{}{indent} */\n", wrapped(text, &format!("{indent} * "), LINE_CHARS_MAX))
}
