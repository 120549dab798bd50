//! Prompts for the person at the terminal. Without a terminal, it assumes no answers.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use zeroize::Zeroizing;

use super::exit::CliError;
use super::output::Output;

/// Asks for confirmation; true if the person confirms. Without a terminal or with `--json`, it returns an error that
/// names the option to use instead.
pub(super) fn agrees(output: &Output, question: &str, option: &str) -> Result<bool, CliError> {
    if output.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(CliError::needs_approval(format!("this needs a person's yes: {question}"))
            .hint(format!("look at what it would do, then give {option}")));
    }
    let mut err = io::stderr();
    let mut answer = String::new();
    write!(err, "{question} [y/N] ")
        .and_then(|()| err.flush())
        .and_then(|()| io::stdin().lock().read_line(&mut answer))
        .map_err(|error| CliError::failed(format!("cannot ask: {error}")))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// The note beside the caller's name in the history: the given one, or the user behind `sudo`.
pub(super) fn note(by: Option<&str>) -> Option<String> {
    let behind_sudo = || std::env::var("SUDO_USER").ok().map(|user| format!("sudo by {user}"));
    by.map(str::to_owned).or_else(behind_sudo).filter(|note| !note.trim().is_empty())
}

/// Reads a secret without echo.
pub(super) fn secret(output: &Output, question: &str) -> Result<Zeroizing<String>, CliError> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    if output.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(CliError::usage("there is no terminal to ask for the secret"));
    }
    let failed = |error: &dyn std::fmt::Display| CliError::failed(format!("cannot ask: {error}"));
    let mut err = io::stderr();
    write!(err, "{question}").and_then(|()| err.flush()).map_err(|error| failed(&error))?;
    let shown = tcgetattr(io::stdin()).map_err(|error| failed(&error))?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(io::stdin(), OptionalActions::Flush, &hidden).map_err(|error| failed(&error))?;
    let mut text = Zeroizing::new(String::new());
    let read = io::stdin().lock().read_line(&mut text);
    // Restore the terminal even if reading failed.
    let restored = tcsetattr(io::stdin(), OptionalActions::Flush, &shown);
    let _ = writeln!(err);
    read.map_err(|error| failed(&error))?;
    restored.map_err(|error| failed(&error))?;
    Ok(text)
}
