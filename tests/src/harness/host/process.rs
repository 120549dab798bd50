//! The process of a host: started, stopped, killed.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::harness::build::handoff_binary;

/// A process that may be running.
#[derive(Debug, Default)]
pub(super) struct Process {
    child: Option<Child>,
    environment: Vec<(String, String)>,
}

/// The logs of all processes of a folder.
pub(super) fn log(folder: &Path) -> String {
    fs::read(folder.join("host.log")).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

impl Process {
    /// With additional environment variables.
    pub(super) fn with_environment(environment: Vec<(String, String)>) -> Self {
        Self { child: None, environment }
    }

    pub(super) fn start(&mut self, folder: &Path) {
        assert!(self.child.is_none(), "the host is already running");
        let log = File::options().create(true).append(true).open(folder.join("host.log")).expect("a log file");
        let child = Command::new(handoff_binary())
            .args(["serve", "--config", "handoff.toml"])
            .current_dir(folder)
            .env("NO_COLOR", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("the program starts");
        self.child = Some(child);
    }

    /// Its status, if it exited by itself.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().and_then(|child| child.try_wait().ok().flatten())
    }

    pub(super) fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    pub(super) fn freeze(&self, frozen: bool) {
        use rustix::process::{Pid, Signal, kill_process};
        let Some(child) = &self.child else { return };
        let signal = if frozen { Signal::STOP } else { Signal::CONT };
        // It may have exited by itself.
        let _ = kill_process(Pid::from_child(child), signal);
    }

    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have exited by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub(super) async fn stop(&mut self) {
        let mut child = self.child.take().expect("the host runs");
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("SIGTERM");
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = child.try_wait().expect("the host's status") {
                assert!(status.success(), "the host exited with {status} after SIGTERM");
                return;
            }
            if Instant::now() >= deadline {
                self.child = Some(child);
                panic!("the host did not exit after SIGTERM");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
