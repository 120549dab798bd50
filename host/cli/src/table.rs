//! An aligned table of text. Knows only widths and tones, not what it shows.

use super::style::{Style, Tone, clean, cut};

/// Space between two columns.
const GAP: &str = "  ";
/// Minimum width of the last column.
const LAST_WIDTH_MIN: usize = 16;

/// Rows with headings.
#[derive(Debug)]
pub(super) struct Table {
    heading: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
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
        Self { heading: heading.to_vec(), rows: Vec::new() }
    }

    /// Adds a row with as many cells as the heading.
    pub(super) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        debug_assert_eq!(N, self.heading.len(), "a row has a cell for each column");
        self.rows.push(cells.into());
    }

    /// The lines of the table.
    pub(super) fn render(&self, style: &Style) -> String {
        let widths = self.widths(style.width);
        let last = widths.len().saturating_sub(1);
        let mut text = String::new();
        let heading: Vec<Cell> = self.heading.iter().map(|word| Cell::new(Tone::Faint, word)).collect();
        for (number, row) in std::iter::once(&heading).chain(&self.rows).enumerate() {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let shown = cut(&cell.text, *width);
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
        }
        text
    }

    fn is_right(&self, column: usize) -> bool {
        self.rows.first().and_then(|row| row.get(column)).is_some_and(|cell| cell.right)
    }

    fn widths(&self, bound: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self.heading.iter().map(|word| word.chars().count()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.chars().count());
            }
        }
        if let (Some(bound), Some((last, before))) = (bound, widths.split_last_mut()) {
            let used: usize = before.iter().map(|width| width + GAP.len()).sum();
            *last = (*last).min(bound.saturating_sub(used).max(LAST_WIDTH_MIN));
        }
        widths
    }
}
