//! `kill -9` at every step of an upgrade with a migration, and of a rollback that restores state: after a restart, the
//! old or the new generation is active with exactly its state, and unfinished work is completed. The steps are the
//! changes that the program makes to its data folder, counted by a preloaded library.

use std::time::{Duration, Instant};

use bad_release::Fault;
use bad_release::machine::Call;
use handoff_model::names::InstallationName;
use handoff_store::{Store, StoreOptions};
use handoff_tests::harness::{TestHost, bad_release, bdc_list, component, eventually};
use handoff_tests::simulators::crm::Crm;
use serde_json::json;
use toml::Table;

use crate::disk::shim;

const NAME: &str = "bdc-list";
/// Leads listed beforehand, and leads per run of the bad release.
const LEADS: u32 = 30;
const LEADS_EACH: u32 = 3;
/// The first steps one by one, then in larger strides: the last ones belong to the index and are similar.
const STEPS_ONE_BY_ONE: u32 = 40;
/// A command that makes more changes than this has a defect.
const STEPS_MAX: u32 = 2_000;

struct Drill {
    host: TestHost,
    crm: Crm,
    settings: Table,
    package: String,
    leads: u32,
    /// Number of deaths, by the generation after the restart.
    came_back_old: u32,
    came_back_new: u32,
}

impl Drill {
    async fn start() -> Self {
        let crm = Crm::start().await;
        let settings = bdc_list(&crm);
        let host = TestHost::new().with_disk_shim(shim());
        let host = host.with_connector(NAME, component(NAME), settings.clone()).start().await;
        let package = bad_release(Fault::WrongState, host.folder()).display().to_string();
        let mut drill = Self { host, crm, settings, package, leads: 0, came_back_old: 0, came_back_new: 0 };
        drill.take_leads(LEADS).await;
        drill
    }

    /// New leads, up to the CRM's answers.
    async fn take_leads(&mut self, count: u32) {
        for number in self.leads..self.leads + count {
            let event = json!({
                "specversion": "1.0", "id": format!("L{number}"), "source": "https://leads.example",
                "type": "com.handoff.lead.identified.v1", "subject": format!("L{number}"),
                "partitionkey": format!("L{number}"), "datacontenttype": "application/json",
                "data": {
                    "lead": { "leadId": format!("L{number}"), "customer": { "phones": [{ "number": "+13125550100" }] } },
                    "identity": { "customerId": format!("C{number}"), "decision": "created" },
                },
            });
            self.host.post_event(&event).await.expect(202);
        }
        self.leads += count;
        self.host.quiet().await;
    }

    /// Runs a command on a host that dies before the change with this number. Returns whether it died.
    async fn dies_at(&mut self, step: u32, args: &[&str]) -> bool {
        self.host.set_disk_faults(&format!("dying={step}"));
        let said = self.host.cli(args).await;
        // The rollback job may still be running, and may die too.
        let patience = Duration::from_millis(if said.code == 0 { 100 } else { 5_000 });
        let deadline = Instant::now() + patience;
        while !self.host.is_dead() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.host.set_disk_faults("");
        let is_dead = self.host.is_dead();
        assert!(is_dead || said.code == 0, "step {step}: {said}\n{}", self.host.log());
        if is_dead {
            self.host.kill();
            self.host.start_again().await;
        }
        is_dead
    }

    async fn version(&self) -> String {
        let shown = self.host.cli_json(&["show", NAME]).await;
        shown["version"].as_str().unwrap_or_default().to_owned()
    }

    async fn upgrade(&self) -> Vec<String> {
        let file = self.host.write_settings(NAME, &self.settings);
        let words = ["install", NAME, &self.package, "-s", &file, "--yes", "--force"];
        words.map(str::to_owned).to_vec()
    }

    /// Checks which version is active after the restart, the old or the new one, and returns to 1.0.0.
    async fn came_back(&mut self, step: u32, wanted: &str) {
        let version = self.settled(step).await;
        self.count(version == wanted);
        if version == "1.1.0" {
            self.roll_back().await;
            assert_eq!(self.settled(step).await, "1.0.0");
        }
    }

    /// Stops the host, checks its state, and restarts it. Returns the active version.
    async fn settled(&mut self, step: u32) -> String {
        self.host.quiet().await;
        eventually("the end of the rollback job", async || {
            let list = self.host.control("/v1/outbox?state=held").await;
            let held = list.as_ref().and_then(|list| list["requests"].as_array()).map_or(0, Vec::len);
            (held == 0).then_some(())
        })
        .await;
        let version = self.version().await;
        self.host.stop().await;
        let wrong = self.wrong_rows(version == "1.1.0");
        assert_eq!(wrong, Vec::<String>::new(), "step {step}: version {version} has rows of the other one");
        self.host.start_again().await;
        version
    }

    /// Rows that this version would not have written: all calls are those of 1.0.0, or all are those of 1.1.0.
    fn wrong_rows(&self, of_bad: bool) -> Vec<String> {
        let store = Store::open(StoreOptions::new(self.host.folder().join("data"))).expect("the store");
        let name: InstallationName = NAME.parse().expect("a name");
        let id = store.installation(&name).expect("the installation").id;
        let rows = store.state_scan(id, "", None, 100_000).expect("the state");
        store.close();
        let calls = rows.iter().filter(|(key, _)| key.starts_with("call/")).count();
        let mut wrong: Vec<String> = rows
            .iter()
            .filter(|(key, value)| match key.split_once('/') {
                Some(("call", _)) => {
                    let call: Option<Call> = serde_json::from_slice(value).ok();
                    call.is_none_or(|call| (call.level == 9) != of_bad || (call.entry.queue == "nobody") != of_bad)
                }
                Some(("entry", _)) => false,
                _ => !of_bad,
            })
            .map(|(key, _)| key.clone())
            .collect();
        if of_bad && !rows.iter().any(|(key, _)| key == "schema") {
            wrong.push("no `schema`".to_owned());
        }
        if calls != usize::try_from(self.leads).expect("a few") {
            wrong.push(format!("{calls} calls of {} leads", self.leads));
        }
        wrong
    }

    fn count(&mut self, is_new: bool) {
        if is_new {
            self.came_back_new += 1;
        } else {
            self.came_back_old += 1;
        }
    }

    async fn roll_back(&self) {
        let done = ["rollback", NAME, "--restore-state", "--replay", "--reason", "a drill"];
        self.host.cli(&done).await.ok();
        self.host.quiet().await;
    }
}

/// 0, 1, 2 …, later in strides of 4, 9, 16.
fn steps() -> impl Iterator<Item = u32> {
    let later = (2..).scan(STEPS_ONE_BY_ONE, |step, stride: u32| {
        *step += stride * stride;
        Some(*step)
    });
    (0..STEPS_ONE_BY_ONE).chain(later).take_while(|step| *step < STEPS_MAX)
}

#[tokio::test]
async fn a_kill_during_an_upgrade_leaves_one_consistent_generation() {
    let mut drill = Drill::start().await;
    let mut is_over = false;
    for step in steps() {
        let words = drill.upgrade().await;
        let args: Vec<&str> = words.iter().map(String::as_str).collect();
        let died = drill.dies_at(step, &args).await;
        drill.came_back(step, "1.1.0").await;
        is_over = !died;
        if is_over {
            break;
        }
    }
    assert!(is_over, "no upgrade succeeded");
    assert!(drill.came_back_old > 3 && drill.came_back_new > 0, "{} and {}", drill.came_back_old, drill.came_back_new);
    drill.crm.ledger().assert_clean();
}

#[tokio::test]
async fn a_kill_during_a_rollback_leaves_it_done_or_not_begun() {
    let mut drill = Drill::start().await;
    let mut is_over = false;
    for step in steps() {
        let words = drill.upgrade().await;
        drill.host.cli(&words.iter().map(String::as_str).collect::<Vec<_>>()).await.ok();
        drill.take_leads(LEADS_EACH).await;
        let args = ["rollback", NAME, "--restore-state", "--replay", "--reason", "a drill"];
        let died = drill.dies_at(step, &args).await;
        drill.came_back(step, "1.0.0").await;
        is_over = !died;
        if is_over {
            break;
        }
    }
    assert!(is_over, "no rollback succeeded");
    assert!(drill.came_back_old > 0 && drill.came_back_new > 3, "{} and {}", drill.came_back_old, drill.came_back_new);
    drill.crm.ledger().assert_clean();
    let listed = drill.crm.ledger().entries.len();
    assert_eq!(listed, usize::try_from(drill.leads).expect("a few"), "each lead must be listed once");
}
