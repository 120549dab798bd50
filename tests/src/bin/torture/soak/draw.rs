//! Draws a run as one SVG: one panel per kind of value, stacked over the same time axis. Readable on light and dark
//! backgrounds.

use std::fmt::Write as _;

use super::sample::{COLUMNS, Mark, Run};

const WIDTH: f64 = 960.0;
const PANEL_HEIGHT: f64 = 150.0;
const PLOT_LEFT: f64 = 70.0;
const PLOT_RIGHT: f64 = 940.0;
const PLOT_TOP: f64 = 34.0;
const PLOT_HEIGHT: f64 = 86.0;
const FOOT: f64 = 44.0;

/// Title with unit, and its lines: column and name.
type Panel = (&'static str, &'static [(&'static str, &'static str)]);

const PANELS: [Panel; 6] = [
    ("Memory of the process, MiB", &[("resident memory, MiB", "resident"), ("anonymous memory, MiB", "anonymous")]),
    ("Files and threads", &[("files in the data folder", "files"), ("open files", "open"), ("threads", "threads")]),
    ("Data folder, MiB", &[("journal, MiB", "journal"), ("index, MiB", "index")]),
    ("POST to 202, ms", &[("202: p50, ms", "p50"), ("202: p99, ms", "p99")]),
    ("POST to effect at the CRM, ms", &[("effect at the CRM: p50, ms", "p50"), ("effect at the CRM: p99, ms", "p99")]),
    (
        "Throughput, per second",
        &[("events taken, per s", "events taken"), ("entries at the CRM, per s", "entries at the CRM")],
    ),
];

/// Colours come from classes, so that the reader's colour scheme applies.
const STYLE: &str = "
text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600}.axis{fill:#59636e}.end{text-anchor:end}.mid{text-anchor:middle}
.grid{stroke:#d1d9e0}.swap{stroke:#b7bfc8;stroke-dasharray:1 4}.restart{stroke:#cf222e;stroke-dasharray:4 3}
.l0{stroke:#0969da;fill:#0969da}.l1{stroke:#bc4c00;fill:#bc4c00}.l2{stroke:#1a7f37;fill:#1a7f37}
path{fill:none!important;stroke-width:1.5}text.l0,text.l1,text.l2{stroke:none}.ground{fill:#ffffff}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.axis{fill:#9198a1}.grid{stroke:#3d444d}.swap{stroke:#59636e}.restart{stroke:#ff7b72}
.l0{stroke:#4493f8;fill:#4493f8}.l1{stroke:#f0883e;fill:#f0883e}.l2{stroke:#3fb950;fill:#3fb950}.ground{fill:#0d1117}}";

/// The whole SVG.
pub(super) fn svg(run: &Run) -> String {
    let panels = f64::from(u32::try_from(PANELS.len()).unwrap_or(1));
    let height = panels * PANEL_HEIGHT + FOOT;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Soak: memory, files, \
         times and throughput over time\">\n<style>{STYLE}</style>\n<rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\"/>\n"
    );
    let end = run.rows.last().map_or(1.0, |row| row[0]).max(1.0);
    for (number, panel) in (0_u32..).zip(&PANELS) {
        draw_panel(&mut out, run, panel, f64::from(number) * PANEL_HEIGHT, end);
    }
    let foot = panels * PANEL_HEIGHT;
    for tick in 0..=6 {
        let share = f64::from(tick) / 6.0;
        let (x, minutes) = (PLOT_LEFT + share * (PLOT_RIGHT - PLOT_LEFT), share * end / 60.0);
        text(&mut out, "axis mid", x, foot, &short(minutes));
    }
    text(&mut out, "axis", PLOT_LEFT, foot + 24.0, "minutes; red: restart of the host, grey: hot swap or rollback");
    out.push_str("</svg>\n");
    out
}

fn draw_panel(out: &mut String, run: &Run, (title, lines): &Panel, top: f64, end: f64) {
    let columns: Vec<usize> = lines.iter().map(|(column, _)| column_of(column)).collect();
    let values =
        || run.rows.iter().flat_map(|row| columns.iter().map(|column| row[*column])).filter(|value| value.is_finite());
    let most = ceiling(values().fold(0.0, f64::max));
    let x = |seconds: f64| PLOT_LEFT + seconds / end * (PLOT_RIGHT - PLOT_LEFT);
    let y = |value: f64| top + PLOT_TOP + PLOT_HEIGHT * (1.0 - value / most);
    text(out, "title", PLOT_LEFT, top + 22.0, title);
    for share in [0.0, 0.5, 1.0] {
        let line = y(most * share);
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{PLOT_LEFT}\" x2=\"{PLOT_RIGHT}\" y1=\"{line:.1}\" y2=\"{line:.1}\"/>"
        );
        text(out, "axis end", PLOT_LEFT - 8.0, line + 4.0, &short(most * share));
    }
    for (at, mark) in run.marks.iter().filter(|(_, mark)| *mark != Mark::Weather) {
        let class = if *mark == Mark::Restart { "restart" } else { "swap" };
        let (x, low, high) = (x(*at), y(0.0), y(most));
        let _ = writeln!(out, "<line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{low:.1}\" y2=\"{high:.1}\"/>");
    }
    let mut legend = PLOT_RIGHT;
    for ((index, column), (_, name)) in columns.iter().enumerate().zip(*lines) {
        let mut path = String::new();
        let mut pen_up = true;
        for row in &run.rows {
            // No event was completed in between: the line has a gap.
            if !row[*column].is_finite() {
                pen_up = true;
                continue;
            }
            let _ = write!(path, "{}{:.1} {:.1}", if pen_up { "M" } else { "L" }, x(row[0]), y(row[*column]));
            pen_up = false;
        }
        let _ = writeln!(out, "<path class=\"l{index}\" d=\"{path}\"/>");
        text(out, &format!("end l{index}"), legend, top + 22.0, name);
        legend -= 8.0 * f64::from(u32::try_from(name.len()).unwrap_or(0)) + 16.0;
    }
}

fn column_of(name: &str) -> usize {
    COLUMNS.iter().position(|known| *known == name).expect("a column")
}

fn text(out: &mut String, class: &str, x: f64, y: f64, words: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{words}</text>");
}

/// The next number of 1, 2 or 5 times a power of ten.
fn ceiling(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(0.1).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power).find(|ceiling| *ceiling >= value).unwrap_or(value)
}

fn short(value: f64) -> String {
    if value >= 10.0 || value == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}
