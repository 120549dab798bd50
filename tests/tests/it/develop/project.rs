//! A project in a folder of its own, outside the repository, with the dependency versions that are installed for tests.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use handoff_tests::harness::handoff_binary;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::language::{JAVASCRIPT, PYTHON, tools};

/// A new project.
pub(super) struct Project {
    root: tempfile::TempDir,
    pub(super) name: String,
    language: &'static str,
}

impl Project {
    pub(super) fn new(name: &str, template: &str) -> Self {
        let project = Self::create(name, "rust", template);
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
        fs::copy(lock, project.path("Cargo.lock")).expect("copied");
        project
    }

    /// A project in another language, with its packages installed; none if the language's tools are not there.
    pub(super) fn in_language(language: &'static str, name: &str, template: &str) -> Option<Self> {
        let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("..");
        let tools = tools(if language == "python" { &PYTHON } else { &JAVASCRIPT }, &target)?;
        let project = Self::create(name, language, template);
        if language == "python" {
            project.share_environment(&tools);
        } else {
            project.shell("npm install --no-audit --no-fund", &tools);
        }
        Some(project)
    }

    fn create(name: &str, language: &'static str, template: &str) -> Self {
        let project = Self { root: tempfile::tempdir().expect("a folder"), name: name.to_owned(), language };
        let full = format!("acme/{name}");
        let created = project.run_in(project.root.path(), &["new", &full, "--lang", language, "--template", template]);
        assert!(created.status.success(), "{created:?}");
        project
    }

    /// Runs a command of the project's README, without a network.
    pub(super) fn shell(&self, line: &str, tools: &Path) {
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(self.path(""));
        let output = offline(&mut command, tools).output().expect("a shell");
        assert!(output.status.success(), "{line}: {}", told(&output));
    }

    /// An environment for all projects with this SDK: installing it takes longer than a test.
    fn share_environment(&self, tools: &Path) {
        let wheel = fs::read_dir(self.path("handoff-sdk")).expect("the SDK").flatten().map(|entry| entry.path());
        let wheel = wheel.filter(|path| path.extension().is_some_and(|kind| kind == "whl")).last().expect("a wheel");
        let sum: String = Sha256::digest(fs::read(wheel).expect("a wheel"))
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let shared = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("python-{sum}"));
        let lock = fs::File::create(shared.with_extension("lock")).expect("a lock");
        lock.lock().expect("the lock");
        if !shared.join("ready").is_file() {
            let venv = shared.display();
            self.shell(&format!("python3 -m venv {venv} && {venv}/bin/pip install -q -r requirements.txt"), tools);
            fs::write(shared.join("ready"), "").expect("written");
        }
        symlink(shared, self.path(".venv")).expect("a link");
    }

    /// Where `dev` keeps its host.
    pub(super) fn temporary(&self) -> PathBuf {
        self.root.path().join("tmp")
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.root.path().join(&self.name).join(file)
    }

    pub(super) fn change(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(file)).expect("a file");
        assert!(text.contains(from), "{text}");
        fs::write(self.path(file), text.replacen(from, to, 1)).expect("written");
    }

    /// The program in the project's folder.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        self.command_in(&self.path(""), args)
    }

    fn command_in(&self, folder: &Path, args: &[&str]) -> Command {
        // Guests share one target folder, so that their dependencies are compiled once.
        let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("projects");
        let mut command = Command::new(handoff_binary());
        command.args(args).current_dir(folder).env("CARGO_TARGET_DIR", target).env("NO_COLOR", "1");
        command.env_remove("HANDOFF_CONFIG");
        command
    }

    pub(super) fn run(&self, args: &[&str]) -> Output {
        self.run_in(&self.path(""), args)
    }

    fn run_in(&self, folder: &Path, args: &[&str]) -> Output {
        self.command_in(folder, args).output().expect("the program runs")
    }

    /// Runs the cases; returns the report and the exit code.
    pub(super) fn test(&self, args: &[&str]) -> (Value, Option<i32>) {
        let output = self.run(&[&["test", "--offline", "--json"], args].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let report = serde_json::from_str(&text);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        (report.unwrap_or_else(|error| panic!("{error}: {text}\n{told}")), output.status.code())
    }

    /// Runs the native tests; returns whether they pass, and what they write.
    pub(super) fn native_tests(&self) -> (bool, String) {
        let mut command = match self.language {
            "python" => Command::new(self.path(".venv/bin/pytest")),
            _ => Command::new("npm"),
        };
        let words: &[&str] = if self.language == "python" { &["-q"] } else { &["test", "--silent"] };
        let output = command.args(words).current_dir(self.path("")).env("NO_COLOR", "1").output().expect("it runs");
        (output.status.success(), told(&output))
    }
}

/// npm and pip take packages from what `make setup` fetched.
pub(super) fn offline<'a>(command: &'a mut Command, tools: &Path) -> &'a mut Command {
    command.env("npm_config_offline", "true").env("npm_config_cache", tools.join("cache"));
    command
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", tools.join("wheels"))
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
