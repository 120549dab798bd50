//! Puts the table into BENCHMARKS.md, between its two marks. Touches nothing else of it.

use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- drill: written by `make drill WRITE=1` -->";
const END: &str = "<!-- end of drill -->";

/// Replaces what stands between the marks.
///
/// # Panics
/// If the document or one of its marks is missing.
pub(crate) fn write(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../BENCHMARKS.md");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let replaced = replace(&text, table).unwrap_or_else(|| panic!("{} lacks `{BEGIN}` or `{END}`", path.display()));
    fs::write(&path, replaced).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn replace(text: &str, table: &str) -> Option<String> {
    let (head, rest) = text.split_once(BEGIN)?;
    let (_, tail) = rest.split_once(END)?;
    Some(format!("{head}{BEGIN}\n\n{}\n\n{END}{tail}", table.trim()))
}
