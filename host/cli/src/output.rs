//! The terminal: responses on standard output, progress and errors on standard error. Determines colour and width once.

use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::args::ColorWhen;
use super::exit::CliError;
use super::style::{Style, Tone, Zone, clean};
use handoff_model::time::{Clock as _, SystemClock};

/// The width of tables without a terminal.
const WIDTH: usize = 80;
/// In less than this, no table is readable.
const WIDTH_MIN: usize = 40;
/// Faster work shows no spinner.
const SPINNER_AFTER: Duration = Duration::from_millis(700);

/// The output of a command.
pub(super) struct Output {
    /// The style of responses.
    pub(super) style: Style,
    /// Whether responses are JSON.
    pub(super) json: bool,
    error_style: Style,
    spins: bool,
    sink: Box<dyn Write>,
}

impl Output {
    /// Uses the streams of the process. Without `wide`, tables fit the terminal; a program or file that reads them gets 80
    /// columns, or as many as COLUMNS says.
    pub(super) fn of_process(json: bool, wide: bool, when: ColorWhen) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let width = out.is_terminal().then(|| terminal_width(&out)).flatten();
        let width = (!wide).then(|| width.or_else(columns).unwrap_or(WIDTH));
        let style = |colour| Style { colour, width, now: SystemClock.now(), zone: Zone::Local };
        Self {
            style: style(colour(when, out.is_terminal())),
            json,
            error_style: style(colour(when, err.is_terminal())),
            spins: err.is_terminal() && !json,
            sink: Box::new(out),
        }
    }

    /// Writes responses to `sink` in the given style.
    #[cfg(test)]
    pub(super) fn into_sink(sink: Box<dyn Write>, style: Style, json: bool) -> Self {
        Self { style, json, error_style: style, spins: false, sink }
    }

    /// Writes a view as JSON, or as the text from `render`.
    pub(super) fn view<V: Serialize>(
        &mut self,
        view: &V,
        render: impl FnOnce(&V, &Style) -> String,
    ) -> Result<(), CliError> {
        let text = if self.json {
            let mut text = serde_json::to_string_pretty(view).map_err(|error| CliError::failed(error.to_string()))?;
            text.push('\n');
            text
        } else {
            render(view, &self.style)
        };
        self.text(&text)
    }

    /// Writes a view on one line: as compact JSON, or as the text from `render`.
    pub(super) fn line<V: Serialize>(
        &mut self,
        view: &V,
        render: impl FnOnce(&V, &Style) -> String,
    ) -> Result<(), CliError> {
        let mut text = if self.json {
            serde_json::to_string(view).map_err(|error| CliError::failed(error.to_string()))?
        } else {
            render(view, &self.style)
        };
        text.push('\n');
        self.text(&text)
    }

    /// Writes text unchanged.
    pub(super) fn text(&mut self, text: &str) -> Result<(), CliError> {
        self.bytes(text.as_bytes())
    }

    /// Writes bytes unchanged.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        match self.sink.write_all(bytes).and_then(|()| self.sink.flush()) {
            // The reader has closed the pipe, as in `handoff events | head`.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
            Err(error) => Err(CliError::failed(format!("cannot write the answer: {error}"))),
            Ok(()) => Ok(()),
        }
    }

    /// Writes a note that is not part of the response.
    pub(super) fn note(&self, text: &str) {
        if !self.json {
            // If standard error is closed, there is nothing to do.
            let _ = writeln!(io::stderr(), "{}", self.error_style.paint(Tone::Faint, text));
        }
    }

    /// Whether progress is shown.
    pub(super) fn spins(&self) -> bool {
        self.spins
    }

    /// Writes an error.
    pub(super) fn error(&self, error: &CliError) {
        let _ = io::stderr().write_all(self.error_text(error).as_bytes());
    }

    /// Formats an error.
    pub(super) fn error_text(&self, error: &CliError) -> String {
        if self.json {
            let mut problem = serde_json::to_value(&*error.problem).unwrap_or_default();
            if let (Some(object), Some(hint)) = (problem.as_object_mut(), &error.hint) {
                // RFC 9457 section 3.2: extension members are allowed.
                object.insert("hint".to_owned(), hint.clone().into());
            }
            return format!("{problem}\n");
        }
        let style = &self.error_style;
        let mut text = format!("{} ", style.paint(Tone::Bad, "error:"));
        for (number, line) in error.problem.to_string().lines().enumerate() {
            let indent = if number == 0 || line.is_empty() { "" } else { "       " };
            text.push_str(indent);
            text.push_str(clean(line).trim_end());
            text.push('\n');
        }
        if let Some(field) = &error.problem.field {
            text.push_str(&format!("  {} {}\n", style.paint(Tone::Strong, "at:"), clean(field)));
        }
        for fault in error.problem.problems.iter().filter(|_| !error.told) {
            let field = fault.field.as_deref().map(|field| format!("{}: ", clean(field))).unwrap_or_default();
            text.push_str(&format!("  - {field}{}\n", clean(&fault.detail)));
        }
        if let Some(hint) = &error.hint {
            text.push_str(&format!("  {} {hint}\n", style.paint(Tone::Strong, "do:")));
        }
        text
    }

    /// Shows a spinner on standard error if `work` takes more than a moment.
    pub(super) async fn while_waiting<T>(&self, what: &'static str, work: impl Future<Output = T>) -> T {
        if !self.spins {
            return work.await;
        }
        tokio::pin!(work);
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(SPINNER_AFTER) => {}
        }
        let spinner = ProgressBar::new_spinner().with_message(what);
        if let Ok(look) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            spinner.set_style(look);
        }
        spinner.enable_steady_tick(Duration::from_millis(120));
        let done = work.await;
        spinner.finish_and_clear();
        done
    }
}

/// The user's option decides; else colour is used on a terminal, unless NO_COLOR is set (no-color.org) or the terminal
/// does not support it.
fn colour(when: ColorWhen, terminal: bool) -> bool {
    let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => terminal && !forbidden,
    }
}

/// The width that the environment asks for.
fn columns() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.trim().parse().ok().filter(|width| *width >= WIDTH_MIN)
}

fn terminal_width(out: &io::Stdout) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(out).ok()?;
    Some(usize::from(size.ws_col)).filter(|width| *width >= WIDTH_MIN)
}
