//! A running `handoff dev`, whose lines are read as they come.

use std::fs;
use std::process::{Child, Command};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::project::Project;

/// A running `handoff dev`, whose lines are read as they come.
pub(super) struct Dev {
    child: Child,
    lines: Receiver<String>,
    /// Lines that nobody has waited for: two pipes have no common order.
    seen: Vec<String>,
}

impl Dev {
    pub(super) fn start(project: &Project, args: &[&str]) -> Self {
        let mut command = project.command(&[&["dev", "--offline"], args].concat());
        fs::create_dir_all(project.temporary()).expect("a folder");
        command.env("TMPDIR", project.temporary());
        let piped = || std::process::Stdio::piped();
        let mut child = command.stdin(piped()).stdout(piped()).stderr(piped()).spawn().expect("it starts");
        let (said, lines) = std::sync::mpsc::channel();
        let pipes: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().expect("a pipe")), Box::new(child.stderr.take().expect("a pipe"))];
        for pipe in pipes {
            let said = said.clone();
            std::thread::spawn(move || {
                use std::io::BufRead as _;
                for line in std::io::BufReader::new(pipe).lines().map_while(Result::ok) {
                    let _ = said.send(line);
                }
            });
        }
        Self { child, lines, seen: Vec::new() }
    }

    pub(super) fn type_line(&mut self, line: &str) {
        use std::io::Write as _;
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        writeln!(stdin, "{line}").expect("it reads");
    }

    /// Ends it as a closed terminal does.
    pub(super) fn terminate(&mut self) {
        let ended = Command::new("kill").arg(self.child.id().to_string()).status().expect("a signal");
        assert!(ended.success() && self.child.wait().expect("it ends").success());
    }

    /// Waits for a line that has a text; returns it.
    pub(super) fn says(&mut self, text: &str) -> String {
        let until = Instant::now() + Duration::from_secs(900);
        loop {
            if let Some(index) = self.seen.iter().position(|line| line.contains(text)) {
                return self.seen.remove(index);
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.seen.push(line),
                Err(_) => panic!("`{text}` is missing: {:#?}", self.seen),
            }
        }
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
