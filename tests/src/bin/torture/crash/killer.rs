//! Kills the host at random moments: under load, during start-up, during generation changes; also freezes it for a
//! while, deletes its index, and kills its compiler process. It only checks that the host starts again.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use handoff_tests::harness::{TestHost, component, handoff_binary};
use handoff_tests::simulators::recorder::{Recorder, Weather};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use crate::install::{self, FIRST};
use crate::{check, settle};

/// Longest run before a kill.
const WORK_MS_MAX: u64 = 260;
/// Longest time from the start of the process to a kill during recovery.
const START_US_MAX: u64 = 14_000;
/// Kills between two progress lines.
const TELL_EVERY: u64 = 50;

/// Other actions besides kills, and how often they were done.
#[derive(Debug, Default)]
struct Done {
    while_starting: u32,
    after_freeze: u32,
    gracefully: u32,
    lost_indexes: u32,
    changes: u32,
    compilers: u32,
}

pub(crate) struct Killer {
    random: StdRng,
    done: Done,
    edition: u32,
    /// Milliseconds from the start of the process to readiness.
    starts: Vec<f64>,
    pub(crate) findings: Vec<String>,
}

impl Killer {
    pub(crate) fn new(seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        Self { random, done: Done::default(), edition: 0, starts: Vec::new(), findings: Vec::new() }
    }

    /// Kills the host the planned number of times. The host is dead on return.
    pub(crate) async fn run(&mut self, host: &mut TestHost, crm: &Recorder, kills: u64, answered: &AtomicU64) {
        for kill in 1..=kills {
            self.change_weather(crm);
            let change = self.maybe_change(host, crm, kill);
            self.work_and_die(host).await;
            if let Some(mut change) = change {
                // The command may hold the store's lock by now: without a host, a rollback works on the store directly.
                let _ = change.wait();
            }
            if kill == kills {
                return;
            }
            self.tamper(host, kill);
            if kill % (kills / 3).max(20) == 0 {
                self.kill_compiler(host).await;
            } else {
                self.start(host).await;
            }
            if kill % TELL_EVERY == 0 {
                println!("  {kill} kills, {} events answered", answered.load(Ordering::Relaxed));
            }
        }
    }

    /// A summary for people.
    pub(crate) fn summary(&self) -> String {
        let mut starts = self.starts.clone();
        starts.sort_by(f64::total_cmp);
        let at = |share: usize| starts.get(starts.len() * share / 100).copied().unwrap_or_default();
        format!("Start to ready: median {:.1}, 99 % within {:.1} ms. Other actions: {:?}.", at(50), at(99), self.done)
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }

    fn change_weather(&mut self, crm: &Recorder) {
        if self.chance(40) {
            use Weather::{Clear, Outage, Rough, Silence};
            let weather = [Clear, Clear, Clear, Rough, Rough, Rough, Rough, Outage, Silence];
            crm.set(*weather.choose(&mut self.random).expect("there is weather"));
        }
    }

    async fn work_and_die(&mut self, host: &mut TestHost) {
        let work = Duration::from_millis(self.random.random_range(0..WORK_MS_MAX));
        tokio::time::sleep(work).await;
        if self.chance(8) {
            host.freeze(true);
            tokio::time::sleep(Duration::from_millis(self.random.random_range(1..200))).await;
            host.freeze(false);
            let more = Duration::from_millis(self.random.random_range(0..40));
            tokio::time::sleep(more).await;
            self.done.after_freeze += 1;
        }
        if self.chance(4) {
            self.done.gracefully += 1;
            host.stop().await;
        } else {
            host.kill();
        }
    }

    /// Starts it until it is ready; some starts are killed on the way.
    async fn start(&mut self, host: &mut TestHost) {
        while self.chance(25) {
            host.launch();
            tokio::time::sleep(Duration::from_micros(self.random.random_range(0..START_US_MAX))).await;
            host.kill();
            self.done.while_starting += 1;
        }
        let begun = Instant::now();
        host.start_again().await;
        self.starts.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }

    /// Checks the files after a kill, and sometimes deletes something that the host can rebuild.
    fn tamper(&mut self, host: &TestHost, kill: u64) {
        let data = host.folder().join("data");
        let broken = data.join("index.broken");
        if broken.exists() {
            let log = host.log();
            let why =
                log.lines().rev().find(|line| line.contains("index.broken")).unwrap_or("the log does not say why");
            self.findings
                .push(format!("after {kill} kills: a kill damaged the index, which only a power cut may do: {why}"));
            fs::remove_dir_all(broken).expect("it goes");
        }
        if self.chance(3) && data.join("export").exists() {
            // During a rewrite there are two.
            for entry in fs::read_dir(&data).expect("the data folder").flatten() {
                if entry.file_name().to_str().is_some_and(|name| name == "index" || name.starts_with("index.")) {
                    fs::remove_dir_all(entry.path()).expect("the index goes");
                }
            }
            self.done.lost_indexes += 1;
        }
        let unfinished = check::unfinished(&data);
        if unfinished.len() > 4 {
            self.findings.push(format!("after {kill} kills, unfinished files accumulate: {unfinished:?}"));
        }
    }

    /// Sometimes upgrades the first tally to another generation, with the command line.
    fn maybe_change(&mut self, host: &TestHost, crm: &Recorder, kill: u64) -> Option<Child> {
        if !self.chance(12) {
            return None;
        }
        self.done.changes += 1;
        if self.chance(50) && kill > 20 {
            return Some(command(host, &["rollback", FIRST, "--reason", "torture"]));
        }
        self.edition += 1;
        let file = host.write_settings(FIRST, &install::first(crm.port(), self.edition));
        let package = component("tally").display().to_string();
        Some(command(host, &["install", FIRST, &package, "-s", &file, "--yes"]))
    }

    /// Without compiled code a start compiles in child processes; kills one of them.
    async fn kill_compiler(&mut self, host: &mut TestHost) {
        let (code, aside) = (host.folder().join("data/code"), host.folder().join("code.aside"));
        fs::rename(&code, &aside).expect("compiled code is moved");
        host.start_again().await;
        let deadline = Instant::now() + Duration::from_secs(3);
        let pid = host.pid().expect("it runs");
        while Instant::now() < deadline {
            if let Some(child) = compiler_of(pid) {
                let killed = rustix::process::Pid::from_raw(child)
                    .is_some_and(|pid| rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_ok());
                self.done.compilers += u32::from(killed);
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        host.kill();
        // The rest of the time is for kills, not for compiling.
        let _ = fs::remove_dir_all(&code);
        fs::rename(&aside, &code).expect("compiled code is moved back");
        self.start(host).await;
        settle::resume_all(host).await;
    }
}

fn command(host: &TestHost, args: &[&str]) -> Child {
    let command = Command::new(handoff_binary())
        .args(args)
        .current_dir(host.folder())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    command.expect("the program runs")
}

/// A compiler process of the host.
fn compiler_of(host: u32) -> Option<i32> {
    for entry in fs::read_dir(format!("/proc/{host}/task")).ok()?.flatten() {
        let children = fs::read_to_string(entry.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace() {
            let line = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&line).contains("compile-worker") {
                return child.parse().ok();
            }
        }
    }
    None
}
