//! An aligned table of text. Knows only widths and tones, not what it shows.

use std::collections::BTreeMap;

use super::style::{Style, Tone, clean, cut_middle};

/// Space between two columns.
const GAP: &str = "  ";
/// Characters of a column of text that are always shown.
const TEXT_WIDTH_MIN: usize = 5;
/// The same of the first column, if there is room.
const FIRST_WIDTH_MIN: usize = 24;

/// Rows with headings.
#[derive(Debug)]
pub(super) struct Table {
    heading: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    /// Text below a row, by its number.
    notes: BTreeMap<usize, String>,
}

/// A cell.
#[derive(Debug)]
pub(super) struct Cell {
    text: String,
    tone: Tone,
    right: bool,
}

impl Cell {
    /// Text in a tone. Control characters are escaped here.
    pub(super) fn new(tone: Tone, text: impl AsRef<str>) -> Self {
        Self { text: clean(text.as_ref()).into_owned(), tone, right: false }
    }

    /// Plain text.
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::new(Tone::Plain, text)
    }

    /// A number, aligned right. Zero is faint; other numbers have the tone.
    pub(super) fn number(tone: Tone, number: u64) -> Self {
        let tone = if number == 0 { Tone::Faint } else { tone };
        Self { text: number.to_string(), tone, right: true }
    }
}

impl Table {
    /// An empty table.
    pub(super) fn new<const N: usize>(heading: [&'static str; N]) -> Self {
        Self { heading: heading.to_vec(), rows: Vec::new(), notes: BTreeMap::new() }
    }

    /// Adds a row with as many cells as the heading.
    pub(super) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        debug_assert_eq!(N, self.heading.len(), "a row has a cell for each column");
        self.rows.push(cells.into());
    }

    /// Adds text below the last row, unless it is empty. It is wrapped and never cut: a sentence that a person wrote.
    pub(super) fn note(&mut self, text: &str) {
        if !text.is_empty() {
            self.notes.insert(self.rows.len(), clean(text).into_owned());
        }
    }

    /// The lines of the table. Long values are cut in the middle, so that it fits the width.
    pub(super) fn render(&self, style: &Style) -> String {
        self.render_indented(0, style)
    }

    /// The same, with spaces before each line.
    pub(super) fn render_indented(&self, indent: usize, style: &Style) -> String {
        let widths = self.widths(style.width.map(|width| width.saturating_sub(indent)));
        let last = widths.len().saturating_sub(1);
        let mut text = String::new();
        let heading: Vec<Cell> = self.heading.iter().map(|word| Cell::new(Tone::Faint, word)).collect();
        for (number, row) in std::iter::once(&heading).chain(&self.rows).enumerate() {
            let mut line = " ".repeat(indent);
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let shown = cut_middle(&cell.text, *width);
                let pad = " ".repeat(width.saturating_sub(shown.chars().count()));
                // The heading of a column of numbers is aligned right too.
                let right = if number == 0 { self.is_right(column) } else { cell.right };
                if right {
                    line.push_str(&pad);
                }
                line.push_str(&style.paint(cell.tone, &shown));
                if !right && column < last {
                    line.push_str(&pad);
                }
                if column < last {
                    line.push_str(GAP);
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
            if let Some(note) = self.notes.get(&number) {
                let first = indent + widths.first().copied().unwrap_or_default() + GAP.len();
                for line in wrapped(note, style.width.map(|width| width.saturating_sub(first))) {
                    text.push_str(&format!("{}{}\n", " ".repeat(first), style.paint(Tone::Faint, &line)));
                }
            }
        }
        text
    }

    fn is_right(&self, column: usize) -> bool {
        self.rows.first().and_then(|row| row.get(column)).is_some_and(|cell| cell.right)
    }

    /// The widths of the columns. If the table is too wide, the widest columns of text are cut first, all to the same
    /// width: no column is cut while another one is wider. Names and ids in the first column stay whole as long as
    /// possible, because people copy them.
    fn widths(&self, bound: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self.heading.iter().map(|word| word.chars().count()).collect();
        let mut floors: Vec<usize> = widths.iter().map(|heading| (*heading).max(TEXT_WIDTH_MIN)).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.chars().count());
            }
        }
        let Some(bound) = bound else { return widths };
        let room = bound.saturating_sub(GAP.len() * widths.len().saturating_sub(1));
        let lowest = floors.first().copied().unwrap_or_default();
        for first in [FIRST_WIDTH_MIN.max(lowest), lowest] {
            if let Some(floor) = floors.first_mut() {
                *floor = first;
            }
            self.shrink(&mut widths, &floors, room);
        }
        widths
    }

    fn shrink(&self, widths: &mut [usize], floors: &[usize], room: usize) {
        while widths.iter().sum::<usize>() > room {
            let columns = widths.iter().zip(floors).enumerate();
            let may_shrink = columns.filter(|(column, (width, floor))| width > floor && !self.is_right(*column));
            let Some((_, column)) = may_shrink.map(|(column, (width, _))| (*width, column)).max() else { return };
            if let Some(width) = widths.get_mut(column) {
                *width -= 1;
            }
        }
    }
}

/// Lines of whole words. A word that is longer than the width has a line of its own.
fn wrapped(text: &str, width: Option<usize>) -> Vec<String> {
    let width = width.unwrap_or(usize::MAX);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that panics has found something")]

    use expect_test::expect;

    use super::*;
    use crate::tests::views::style;

    fn rendered(heading: Vec<&'static str>, rows: Vec<Vec<Cell>>, width: usize) -> String {
        Table { heading, rows, notes: BTreeMap::new() }.render(&Style { width: Some(width), ..style() })
    }

    /// The headings of every table in the source of this crate.
    fn all_headings() -> Vec<Vec<&'static str>> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/show");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()));
        let text: &'static str = files.map(Result::unwrap).collect::<String>().leak();
        let lists = text.split("Table::new([").skip(1).map(|rest| rest.split_once(']').unwrap().0);
        lists.map(|list| list.split('"').skip(1).step_by(2).collect()).collect()
    }

    #[test]
    fn every_table_fits_80_columns_whatever_its_values() {
        let all = all_headings();
        assert!(all.len() >= 12, "{all:?}");
        for heading in all {
            let long = || Cell::text("start-".to_owned() + &"x".repeat(200) + "-end");
            let texts = heading.iter().map(|_| long()).collect();
            let text = rendered(heading.clone(), vec![texts], 80);
            for line in text.lines() {
                assert!(line.chars().count() <= 80, "{heading:?}\n{text}");
            }
        }
    }

    #[test]
    fn a_note_is_wrapped_below_its_row_and_never_cut() {
        let mut table = Table::new(["no", "name"]);
        table.row([Cell::number(Tone::Plain, 1), Cell::text("first")]);
        table.note("leads arrive without phone numbers since the vendor's change");
        table.row([Cell::number(Tone::Plain, 2), Cell::text("second")]);
        table.note("");
        let text = table.render(&Style { width: Some(30), ..style() });
        expect![[r#"
            no  name
             1  first
                leads arrive without phone
                numbers since the vendor's
                change
             2  second
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn the_middle_of_the_longest_values_is_cut() {
        let heading = vec!["name", "no", "short", "why"];
        let row = vec![
            Cell::text("web-leads-of-main-street"),
            Cell::number(Tone::Plain, 1_234_567),
            Cell::text("as it is"),
            Cell::text("the target answered 503 three times, and then it did not answer at all (crm.example)"),
        ];
        let whole = rendered(heading.clone(), vec![row], 200);
        assert!(!whole.contains('…'), "{whole}");
        let row = |number| {
            vec![
                Cell::text("web-leads-of-main-street"),
                Cell::number(Tone::Plain, number),
                Cell::text("as it is"),
                Cell::text("the target answered 503 three times, and then it did not answer at all (crm.example)"),
            ]
        };
        expect![[r#"
            name                           no  short     why
            web-leads-of-main-street        7  as it is  the target answer…all (crm.example)
            web-leads-of-main-street  1234567  as it is  the target answer…all (crm.example)
        "#]]
        .assert_eq(&rendered(heading.clone(), vec![row(7), row(1_234_567)], 80));
        expect![[r#"
            name                      no  short     why
            web-leads-of-main-street   7  as it is  the t…ple)
        "#]]
        .assert_eq(&rendered(heading, vec![row(7)], 50));
    }
}
