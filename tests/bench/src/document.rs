//! Puts the table into BENCHMARKS.md, between its two marks. Touches nothing else of it.

use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- figures: written by `make bench WRITE=1` -->";
const END: &str = "<!-- end of figures -->";

/// Replaces what stands between the marks.
///
/// # Panics
/// If the document or one of its marks is missing.
pub(crate) fn write(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../BENCHMARKS.md");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let replaced = replace(&text, table).unwrap_or_else(|| panic!("{} lacks `{BEGIN}` or `{END}`", path.display()));
    fs::write(&path, replaced).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn replace(text: &str, table: &str) -> Option<String> {
    let (head, rest) = text.split_once(BEGIN)?;
    let (_, tail) = rest.split_once(END)?;
    Some(format!("{head}{BEGIN}\n\n{}\n\n{END}{tail}", table.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let text = format!("# Title\n\n{BEGIN}\nold\n{END}\n\nEnd.\n");
        let written = replace(&text, "new\n").expect("both marks");
        assert_eq!(written, format!("# Title\n\n{BEGIN}\n\nnew\n\n{END}\n\nEnd.\n"));
        assert_eq!(replace(&written, "new\n"), Some(written.clone()));
        assert_eq!(replace("no marks", "new"), None);
    }
}
