//! Operators' actions on a running host: hot swaps, rollbacks, restarts; and a CRM that misbehaves for a while.
//! Restarts happen only in the first half, so that the last process lives long enough to show growth.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use handoff_tests::harness::{TestHost, restamped, web_leads};
use handoff_tests::simulators::recorder::{Recorder, Weather};

use super::sample::{Mark, Sampler};
use crate::install::{self, FIRST};

/// Number of restarts in the first half.
const RESTARTS: u32 = 4;

pub(super) struct Changes {
    begun: Instant,
    length: Duration,
    swap_every: Duration,
    next_swap: Instant,
    swaps: u32,
    restarts: u32,
    other_version: Option<PathBuf>,
}

impl Changes {
    pub(super) fn new(length: Duration) -> Self {
        let begun = Instant::now();
        let swap_every = (length / 15).clamp(Duration::from_secs(2), Duration::from_secs(20));
        Self { begun, length, swap_every, next_swap: begun + swap_every, swaps: 0, restarts: 0, other_version: None }
    }

    /// A summary for people.
    pub(super) fn summary(&self) -> String {
        format!(
            "{} swaps and rollbacks, {} restarts, every second one by kill -9",
            self.swaps - self.swaps / 5,
            self.restarts
        )
    }

    /// Performs the actions that are due.
    pub(super) async fn make_due(&mut self, host: &mut TestHost, crm: &Recorder, sampler: &mut Sampler) {
        let restart_at = self.length * (self.restarts + 1) / (2 * RESTARTS);
        if self.restarts < RESTARTS && self.begun.elapsed() >= restart_at {
            self.restarts += 1;
            if self.restarts.is_multiple_of(2) {
                host.kill()
            } else {
                host.stop().await
            }
            host.start_again().await;
            sampler.mark(Mark::Restart);
        }
        if Instant::now() < self.next_swap {
            return;
        }
        self.next_swap += self.swap_every;
        self.swaps += 1;
        match self.swaps % 5 {
            1 => {
                let file = host.write_settings(FIRST, &install::first(crm.port(), self.swaps));
                let package = handoff_tests::harness::component("tally").display().to_string();
                host.cli(&["install", FIRST, &package, "-s", &file, "--yes"]).await.ok();
            }
            2 => drop(host.cli(&["rollback", FIRST, "--reason", "soak"]).await.ok()),
            3 => {
                let folder = host.folder().to_owned();
                let other = self.other_version.get_or_insert_with(|| restamped("adf-leads", "1.1.0", &folder)).clone();
                let file = host.write_settings("web-leads", &web_leads(&host.inbox()));
                let package = other.display().to_string();
                host.cli(&["install", "web-leads", &package, "-s", &file, "--yes", "--force"]).await.ok();
            }
            4 => drop(host.cli(&["rollback", "web-leads", "--reason", "soak"]).await.ok()),
            _ => {
                crm.set(Weather::Rough);
                sampler.mark(Mark::Weather);
                return;
            }
        }
        crm.set(Weather::Clear);
        sampler.mark(Mark::Swap);
    }
}
