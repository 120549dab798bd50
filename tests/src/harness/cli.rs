//! Runs a command of the real command line and captures its output.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use super::build::handoff_binary;

/// The output of a command.
#[derive(Clone, Debug)]
pub struct CliOutput {
    /// The command line, for messages.
    pub command: String,
    /// Its exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl CliOutput {
    /// # Panics
    /// If the command failed.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self}");
        self
    }

    /// # Panics
    /// If the command has another exit code.
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// Standard output as JSON.
    ///
    /// # Panics
    /// If it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}): {self}"))
    }

    /// # Panics
    /// If one of the texts is in neither output.
    pub fn says(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(self.stdout.contains(text) || self.stderr.contains(text), "`{text}` is missing: {self}");
        }
        self
    }
}

impl std::fmt::Display for CliOutput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` exited with {}\n{}\n{}", self.command, self.code, self.stdout, self.stderr)
    }
}

/// Runs `handoff` with arguments in a folder, without a terminal.
pub(super) async fn run(folder: &Path, args: &[&str]) -> CliOutput {
    let output = tokio::process::Command::new(handoff_binary())
        .args(args)
        .current_dir(folder)
        .env_remove("HANDOFF_CONFIG")
        .env_remove("HANDOFF_SOCKET")
        .env_remove("HANDOFF_URL")
        .env_remove("HANDOFF_REGISTRY")
        .env_remove("HANDOFF_KEY_FILE")
        // The publisher's files stay in the test's folder.
        .env("XDG_CONFIG_HOME", std::path::absolute(folder).expect("a path").join("config"))
        .env("NO_COLOR", "1")
        // Whole values in tables, unless a test asks for less.
        .env("COLUMNS", "1000")
        .env("HANDOFF_BY", "the tests")
        .stdin(Stdio::null())
        .output()
        .await
        .expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    CliOutput {
        command: format!("handoff {}", args.join(" ")),
        code: output.status.code().unwrap_or(-1),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}
