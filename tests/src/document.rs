//! Writes tables into BENCHMARKS.md, each between its own markers. The rest of the file is unchanged.

use std::fs;
use std::path::Path;

/// A table of the document: the markers before and after it.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    begin: &'static str,
    end: &'static str,
}

/// The results of `make bench`.
pub const RESULTS: Table =
    Table { begin: "<!-- figures: written by `make bench WRITE=1` -->", end: "<!-- end of figures -->" };
/// The results of `make drill`.
pub const DRILL: Table =
    Table { begin: "<!-- drill: written by `make drill WRITE=1` -->", end: "<!-- end of drill -->" };

impl Table {
    /// Replaces the text between the markers.
    ///
    /// # Panics
    /// If the document or a marker is missing.
    pub fn write(self, table: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../BENCHMARKS.md");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let replaced = self.replace(&text, table);
        let replaced =
            replaced.unwrap_or_else(|| panic!("{} lacks `{}` or `{}`", path.display(), self.begin, self.end));
        fs::write(&path, replaced).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    fn replace(self, text: &str, table: &str) -> Option<String> {
        let Self { begin, end } = self;
        let (head, rest) = text.split_once(begin)?;
        let (_, tail) = rest.split_once(end)?;
        Some(format!("{head}{begin}\n\n{}\n\n{end}{tail}", table.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_between_the_markers_changes() {
        let Table { begin, end } = RESULTS;
        let text = format!("# Title\n\n{begin}\nold\n{end}\n\nEnd.\n");
        let written = RESULTS.replace(&text, "new\n").expect("both markers");
        assert_eq!(written, format!("# Title\n\n{begin}\n\nnew\n\n{end}\n\nEnd.\n"));
        assert_eq!(RESULTS.replace(&written, "new\n"), Some(written.clone()));
        assert_eq!(DRILL.replace(&text, "new"), None, "no such markers");
    }

    #[test]
    fn the_document_has_the_markers_of_every_table() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../BENCHMARKS.md");
        let text = fs::read_to_string(path).expect("the document");
        for table in [RESULTS, DRILL] {
            assert!(table.replace(&text, "new").is_some(), "{table:?}");
        }
    }
}
