//! Upgrading: one report, an approval of exactly that report, and a history of who did what and why.

pub(crate) mod migration;

use handoff_tests::harness::{SOON, TestHost, restamped, restamped_with, web_leads};
use handoff_tests::leads::Lead;
use handoff_tests::simulators::crm::Crm;
use serde_json::{Value, json};

use crate::lead_path::listed_once;

/// Leads that may wait during an upgrade.
const WAITING_MAX: usize = 200;
const LONELY: &str = "com.example.lonely.v1";

/// How the host records a change by the user who runs the tests, with a note.
fn noted(note: &str) -> String {
    let id = std::process::Command::new("id").arg("-un").output().expect("id runs");
    format!("{} (\"{note}\")", String::from_utf8_lossy(&id.stdout).trim())
}

/// A host with `web-leads` alone.
async fn with_web_leads() -> TestHost {
    let host = TestHost::new().start().await;
    std::fs::create_dir_all(host.inbox()).expect("an inbox");
    let settings = web_leads(&host.inbox());
    host.install("web-leads", &handoff_tests::harness::component("adf-leads"), &settings).await.ok();
    host
}

/// `web-leads` 1.1.0, which also emits a new type.
fn wants_more(host: &TestHost) -> String {
    let package = restamped_with("adf-leads", "1.1.0", host.folder(), |manifest| {
        manifest["events"]["emits"].as_array_mut().expect("a list").push(LONELY.into());
    });
    package.display().to_string()
}

async fn version(host: &TestHost) -> Value {
    host.cli_json(&["show", "web-leads"]).await["version"].clone()
}

#[tokio::test]
async fn a_new_grant_needs_an_approval_of_exactly_that_report() {
    let host = with_web_leads().await;
    let newer = wants_more(&host);
    let plan = host.cli_json(&["upgrade", "web-leads", &newer, "--dry-run"]).await;
    assert_eq!(plan["grantsAdded"], json!([{"kind": "emit", "what": LONELY}]), "{plan:#}");
    assert_eq!(
        (&plan["applied"], &plan["state"], &plan["origin"]),
        (&false.into(), &json!({"does": "keep"}), &json!({"kind": "file"}))
    );
    assert_eq!(plan["interface"]["builtFor"], "handoff:connector@1.1.0-rc", "{plan:#}");
    let code = plan["approvalCode"].as_str().expect("a code").to_owned();

    // Nobody can approve for a person, and an approval of another report does not count.
    let refused = host.cli(&["upgrade", "web-leads", &newer]).await.exits(5);
    refused.says(&["It may do more", LONELY, &format!("--approve {code}")]);
    let refused = host.cli(&["upgrade", "web-leads", &newer, "--approve", "0123456789ab"]).await.exits(5);
    refused.says(&["another report", "nothing was changed"]);
    assert_eq!(version(&host).await, "1.0.0");

    // Other settings give another report: the first approval code is not valid for it.
    let mut other = web_leads(&host.inbox());
    other["config"]["remember-days"] = 90.into();
    let file = host.write_settings("other", &other);
    let with_other = ["upgrade", "web-leads", &newer, "-s", &file];
    host.cli(&[&with_other[..], &["--approve", &code]].concat()).await.exits(5).says(&["another report"]);
    let again = host.cli_json(&["upgrade", "web-leads", &newer, "--dry-run"]).await;
    assert_eq!(again["approvalCode"], code.as_str(), "the same report must have the same code");

    let done = host.cli(&["upgrade", "web-leads", &newer, "--approve", &code]).await.ok();
    done.says(&["upgraded", "1.1.0", "handoff rollback web-leads"]);
    assert_eq!(version(&host).await, "1.1.0");
    // Used up: another generation is active now, the requested one.
    host.cli(&["upgrade", "web-leads", &newer, "--approve", &code]).await.ok().says(&["nothing to do", "generation 2"]);

    // Fewer grants need no approval.
    let narrower = restamped("adf-leads", "1.2.0", host.folder()).display().to_string();
    let report = host.cli_json(&["upgrade", "web-leads", &narrower]).await;
    assert_eq!(report["grantsDropped"], json!([{"kind": "emit", "what": LONELY}]), "{report:#}");
    assert_eq!((&report["applied"], &report["generation"]), (&true.into(), &3.into()));
}

#[tokio::test]
async fn an_invalid_config_is_refused_despite_an_approval() {
    let host = with_web_leads().await;
    let stricter = restamped_with("adf-leads", "1.1.0", host.folder(), |manifest| {
        let schema = &mut manifest["config"]["schema"];
        schema["properties"]["remember-days"]["maximum"] = 90.into();
        schema["required"] = json!(["default-country"]);
    });
    let stricter = stricter.display().to_string();
    let refused = host.cli(&["upgrade", "web-leads", &stricter, "--dry-run", "--json"]).await.exits(6);
    let plan = refused.json();
    let fields: Vec<&str> =
        plan["config"]["problems"].as_array().into_iter().flatten().filter_map(|one| one["field"].as_str()).collect();
    assert_eq!(fields, ["config.default-country", "config.remember-days"], "{plan:#}");
    let code = plan["approvalCode"].as_str().expect("a code");
    let refused = host.cli(&["upgrade", "web-leads", &stricter, "--approve", code]).await.exits(6);
    refused.says(&["config.remember-days", "maximum of 90", "--settings"]);
    // The same for an install.
    let refused = host.install("web-leads", stricter.as_ref(), &web_leads(&host.inbox())).await.exits(6);
    refused.says(&["config.default-country", "is missing"]);
    assert_eq!(version(&host).await, "1.0.0");

    let mut mended = web_leads(&host.inbox());
    mended["config"]["remember-days"] = 90.into();
    let country = mended["config"].as_table_mut().expect("config");
    country.insert("default-country".to_owned(), "CA".into());
    let file = host.write_settings("mended", &mended);
    host.cli(&["upgrade", "web-leads", &stricter, "-s", &file, "--reason", "new rules"]).await.ok();
    assert_eq!(version(&host).await, "1.1.0");
    // The settings are stored with the generation: the next upgrade starts from them.
    let next = restamped("adf-leads", "1.2.0", host.folder()).display().to_string();
    let report = host.cli_json(&["upgrade", "web-leads", &next]).await;
    assert_eq!((&report["applied"], &report["config"]["changes"]), (&true.into(), &json!([])), "{report:#}");
}

/// Leads of a sister store are accepted, until an upgrade drops its id.
#[tokio::test]
async fn an_upgrade_that_fails_recorded_deliveries_needs_a_yes() {
    let host = with_web_leads().await;
    let mut good = web_leads(&host.inbox());
    good["config"]["accepted-vendor-ids"] = vec!["MS-01", "MS-02"].into();
    host.install("web-leads", &handoff_tests::harness::component("adf-leads"), &good).await.ok();
    for number in 0..4 {
        let document = Lead::new(number).adf();
        let document = if number == 0 { document.replace("MS-01", "MS-02") } else { document };
        host.post_lead(&document).await.expect(202);
    }
    host.quiet().await;
    let newer = restamped("adf-leads", "1.1.0", host.folder()).display().to_string();
    good["config"]["accepted-vendor-ids"] = vec!["MS-01"].into();
    let file = host.write_settings("narrower", &good);
    let upgrade = ["upgrade", "web-leads", &newer, "-s", &file];
    let refused = host.cli(&upgrade).await.exits(5);
    refused.says(&["1 of the 4 newest deliveries would fail, though they were committed", "--approve"]);
    assert_eq!(version(&host).await, "1.0.0");
    let plan = host.cli_json(&[&upgrade[..], &["--dry-run"]].concat()).await;
    let code = plan["approvalCode"].as_str().expect("a code");
    host.cli(&[&upgrade[..], &["--approve", code]].concat()).await.ok().says(&["1.1.0"]);
}

#[tokio::test]
async fn history_and_audit_show_who_did_what_and_why() {
    let mut host = with_web_leads().await;
    let mut settings = web_leads(&host.inbox());
    settings["config"]["remember-days"] = 90.into();
    let file = host.write_settings("fewer", &settings);
    host.cli(&["upgrade", "web-leads", "-s", &file, "--reason", "less is kept", "--by", "maria"]).await.ok();
    let newer = restamped("adf-leads", "1.1.0", host.folder()).display().to_string();
    host.cli(&["upgrade", "web-leads", &newer, "--by", "maria"]).await.ok();
    host.cli(&["rollback", "web-leads", "--reason", "leads are refused"]).await.ok();

    let history = host.cli_json(&["history", "web-leads"]).await;
    let line = |one: &Value| {
        let word = |member: &str| one[member].as_str().unwrap_or_default().to_owned();
        (word("kind"), word("version"), word("by"), one["from"].as_u64(), word("reason"))
    };
    let words = |kind: &str, version: &str, by: &str, from, reason: &str| {
        (kind.to_owned(), version.to_owned(), by.to_owned(), from, reason.to_owned())
    };
    let generations = history["generations"].as_array().expect("generations");
    assert_eq!(
        generations.iter().map(line).collect::<Vec<_>>(),
        [
            words("rollback", "1.0.0", &noted("the tests"), Some(3), "leads are refused"),
            words("upgrade", "1.1.0", &noted("maria"), Some(2), ""),
            words("reconfigure", "1.0.0", &noted("maria"), Some(1), "less is kept"),
            words("install", "1.0.0", &noted("the tests"), None, ""),
        ],
    );
    assert_eq!(
        (&generations[0]["active"], &generations[1]["quarantined"]),
        (&true.into(), &true.into()),
        "{history:#}"
    );
    assert_eq!(generations[0]["origin"], json!({"kind": "file"}));

    let audit = host.cli_json(&["audit", "--installation", "web-leads"]).await;
    let entries = audit["entries"].as_array().expect("entries").clone();
    let changed = entries.iter().find(|entry| entry["action"] == "reconfigure").expect("the change of settings");
    assert_eq!(
        (&changed["by"], &changed["detail"]["changes"]["config"]),
        (&noted("maria").into(), &json!([{"field": "remember-days", "before": "180", "after": "90"}])),
        "{changed:#}"
    );
    let head = audit["head"]["hash"].as_str().expect("a hash").to_owned();
    host.cli(&["pause", "web-leads", "--reason", "maintenance"]).await.ok();
    let verdict = host.cli_json(&["audit", "verify", "--head", &head]).await;
    assert_eq!((&verdict["sound"], &verdict["foundAt"]), (&true.into(), &audit["head"]["number"]), "{verdict:#}");
    host.cli(&["audit", "verify", "--head", &"0".repeat(64)]).await.exits(1).says(&["no entry has this hash"]);
    host.cli(&["audit", "verify", "--head", "abc"]).await.exits(6).says(&["64 hexadecimal digits", "first 12"]);
    let verdict = host.cli_json(&["audit", "verify", "--head", &head[..12]]).await;
    assert_eq!(&verdict["foundAt"], &audit["head"]["number"], "{verdict:#}");

    host.stop().await;
    assert_eq!(host.cli_json(&["history", "web-leads"]).await, history);
    host.cli(&["history", "web-leads"]).await.ok().says(&["settings of 1", "less is kept", "(quarantined)"]);
    host.cli(&["audit"]).await.ok().says(&["remember-days: 180 → 90", "1.0.0 → 1.1.0", "“leads are refused”"]);
    host.cli(&["audit", "verify", "--head", &head]).await.ok().says(&["each follows from the one before"]);
    host.cli(&["history", "nobody"]).await.exits(3);
}

#[tokio::test]
async fn invalid_upgrade_targets_are_explained() {
    let host = with_web_leads().await;
    host.cli(&["upgrade", "nobody", "--digest", &"0".repeat(64)]).await.exits(3);
    host.cli(&["upgrade", "web-leads", "not-there"]).await.exits(2).says(&["neither a package's file nor a version"]);
    host.cli(&["upgrade", "web-leads", "^1.2"]).await.exits(6).says(&["from a file", "no registry"]);
    // A lower state schema requires a rollback.
    let higher = restamped_with("adf-leads", "1.1.0", host.folder(), |manifest| manifest["state"]["schema"] = 2.into());
    let mut settings = web_leads(&host.inbox());
    settings.remove("folders");
    host.install("other", &higher, &settings).await.ok();
    let lower = restamped("adf-leads", "1.2.0", host.folder()).display().to_string();
    host.cli(&["upgrade", "other", &lower]).await.exits(5).says(&["handoff rollback other"]);
}

/// The swap itself, while leads arrive as fast as they are accepted, but for a bound on those that wait.
#[tokio::test]
async fn every_lead_is_listed_once_across_upgrades() {
    let crm = Crm::start().await;
    let wide = "client-per-second = 1000000\nclient-burst = 1000000\nhook-per-second = 1000000\nhook-burst = 1000000\n";
    let host = TestHost::new().ingress(&format!("[ingress.rate]\n{wide}")).with_lead_handoff(&crm).start().await;
    let changed = std::cell::Cell::new(false);
    let posting = async {
        let mut leads = Vec::new();
        for lead in (900..).map(Lead::new) {
            host.post_lead(&lead.adf()).await.expect(202);
            leads.push(lead);
            if changed.get() {
                return leads;
            }
            crm.wait_entries(leads.len().saturating_sub(WAITING_MAX), SOON).await;
        }
        leads
    };
    let changing = async {
        for version in ["1.1.0", "1.2.0", "1.3.0"] {
            let package = restamped("adf-leads", version, host.folder()).display().to_string();
            host.cli(&["upgrade", "web-leads", &package]).await.ok();
        }
        changed.set(true);
    };
    let (leads, ()) = tokio::join!(posting, changing);
    listed_once(&crm, &leads, SOON).await;
    host.quiet().await;
    assert!(host.dead_letters().await.is_empty());
    let counts = host.cli_json(&["show", "web-leads"]).await["deliveries"].clone();
    assert_eq!((&counts["committed"], &counts["failedAttempts"]), (&leads.len().into(), &0.into()), "{counts:#}");
}

#[tokio::test]
async fn repeating_an_upgrade_keeps_the_previous_generation() {
    let host = with_web_leads().await;
    let newer = restamped("adf-leads", "1.1.0", host.folder()).display().to_string();
    host.cli(&["upgrade", "web-leads", &newer]).await.ok().says(&["upgraded", "1.1.0"]);
    // A retry, as after a lost connection.
    host.cli(&["upgrade", "web-leads", &newer]).await.ok().says(&["nothing to do", "1.1.0", "generation 2"]);
    let settings = host.write_settings("web-leads", &web_leads(&host.inbox()));
    let same = host.cli_json(&["upgrade", "web-leads", "-s", &settings]).await;
    assert_eq!((&same["unchanged"], &same["applied"]), (&true.into(), &false.into()), "{same:#}");
    assert_eq!(same["generation"], 2, "{same:#}");
    host.cli(&["install", "web-leads", &newer, "-s", &settings]).await.ok().says(&["nothing to do"]);
    host.cli(&["rollback", "web-leads"]).await.ok().says(&["1.1.0 → 1.0.0", "generation 3"]);
}

#[tokio::test]
async fn a_persons_pause_continues_across_versions() {
    let host = with_web_leads().await;
    host.cli(&["pause", "web-leads", "--reason", "wrong leads, wait for me", "--by", "maria"]).await.ok();
    let paused = format!("paused by {}: wrong leads, wait for me", noted("maria"));
    let stays = ["stays paused", &paused, "handoff resume web-leads"];
    let newer = restamped("adf-leads", "1.1.0", host.folder()).display().to_string();
    host.cli(&["upgrade", "web-leads", &newer]).await.ok().says(&stays);
    host.cli(&["rollback", "web-leads"]).await.ok().says(&stays);
    let view = host.cli_json(&["show", "web-leads"]).await;
    assert_eq!((&view["version"], &view["generation"]), (&"1.0.0".into(), &3.into()));
    assert!(view["paused"].to_string().contains("wait for me"), "{view:#}");
    host.cli(&["resume", "web-leads"]).await.ok();
    assert!(host.cli_json(&["show", "web-leads"]).await["paused"].is_null());
}

#[tokio::test]
async fn the_report_lists_requests_that_are_not_granted() {
    let host = with_web_leads().await;
    let mut settings = web_leads(&host.inbox());
    let grants: toml::Table = "emits = [\"com.handoff.lead.received.v1\"]".parse().expect("grants");
    settings.insert("grants".to_owned(), grants.into());
    let settings = host.write_settings("narrow", &settings);
    host.cli(&["upgrade", "web-leads", "-s", &settings]).await.ok();
    let plan = host.cli(&["upgrade", "web-leads", &wants_more(&host), "--dry-run"]).await.ok();
    plan.says(&["asks for more, which the settings do not grant", LONELY, "not granted: goes without"]);
}
