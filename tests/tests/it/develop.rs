//! The developer's way, outside this repository: a new project builds, its case passes, and mistakes are found as a host
//! finds them.

mod aging;
mod check;
mod dev;
mod languages;
mod pack;
mod project;
mod publishing;
mod tutorial;

use std::fs;
use std::path::PathBuf;

use handoff_sdk::testkit::TestCase;
use serde_json::Value;

use dev::Dev;
use project::Project;

#[test]
fn each_template_builds_outside_the_repository_and_passes_its_cases() {
    for (name, template, cases) in
        [("order-intake", "webhook", 1), ("appointments", "poll", 1), ("parts", "file", 2), ("parts-desk", "event", 1)]
    {
        let project = Project::new(name, template);
        let (report, code) = project.test(&[]);
        assert_eq!((&report["passed"], &report["failed"], code), (&cases.into(), &0.into(), Some(0)), "{report:#}");
        assert_eq!(report["package"], format!("acme/{name}"));
        assert_eq!(TestCase::load_all(project.path("cases")).len(), cases, "the test kit reads the same cases");
        if matches!(template, "webhook" | "event") {
            masked_cases_pass(&project, cases);
        }
    }
}

/// What the connector copies is masked in inputs and expectations alike.
fn masked_cases_pass(project: &Project, cases: usize) {
    let key = project.path("mask.key").display().to_string();
    let masked = project.run(&["mask", "cases", "--out", "masked/cases", "--key", &key]);
    assert!(masked.status.success(), "{masked:?}");
    let connectors = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("projects/connectors");
    let component = connectors.join(format!("{}-0.1.0.wasm", project.name)).display().to_string();
    let output = project.run(&["test", "masked", "--component", &component, "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(report["passed"], cases, "{report:#}");
}

#[test]
fn a_difference_is_shown_accepted_and_reported_as_junit() {
    let project = Project::new("order-changes", "webhook");
    project.change("src/lib.rs", "partition_key(order.id)", "subject(order.id)");
    let junit = project.path("cases.xml").display().to_string();
    let (report, code) = project.test(&["--junit", &junit]);
    let paths: Vec<&str> = report["cases"][0]["differences"]
        .as_array()
        .map(|all| all.iter().filter_map(|one| one["path"].as_str()).collect())
        .unwrap_or_default();
    let emitted = "deliveries[0].commit.emitted[0]";
    assert_eq!(paths, [format!("{emitted}.partitionkey"), format!("{emitted}.subject")], "{report:#}");
    assert_eq!(code, Some(1));
    let xml = fs::read_to_string(&junit).expect("written");
    assert!(
        xml.contains("<testcase name=\"new-order\"") && xml.contains("<failure message=\"2 differences\">"),
        "{xml}"
    );

    let shown = project.run(&["test", "--offline"]);
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    for part in ["✘ new-order", emitted, "expected \"A-1\"", "actual   (nothing)", "1 failed"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (report, code) = project.test(&["--accept"]);
    assert_eq!((&report["accepted"], code), (&1.into(), Some(0)), "{report:#}");
    assert_eq!(project.test(&[]).0["passed"], 1);
}

#[test]
fn mistakes_fail_in_a_case_as_in_a_host() {
    let project = Project::new("appointments-mistakes", "poll");
    let case = "cases/two-new-appointments/case.json";
    let good = fs::read_to_string(project.path(case)).expect("a case");
    let component = {
        let (report, _) = project.test(&[]);
        assert_eq!(report["passed"], 1, "{report:#}");
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("projects/connectors/appointments-mistakes-0.1.0.wasm")
    };
    let component = component.display().to_string();
    let fails = |from: &str, to: &str, told: &str| {
        project.change(case, from, to);
        let (report, code) = project.test(&["--component", &component]);
        assert_eq!(code, Some(1), "{from} → {to}: {report:#}");
        assert!(report.to_string().contains(told), "{from} → {to}: {told} is missing: {report:#}");
        fs::write(project.path(case), &good).expect("written");
    };
    // An event that the manifest does not accept.
    fails(
        "com.handoff.schedule.ticked.v1",
        "com.example.lead.received.v1",
        "events[0].type: `com.example.lead.received.v1` is not accepted",
    );
    // A host that is not granted.
    fails("\"host\": \"scheduler.example\"", "\"host\": \"other.example\"", "found a URL at https://scheduler.example");
    fails("\"name\": \"scheduler\"", "\"name\": \"crm\"", "the target \\\"crm\\\"");
    // A config that does not fit.
    fails("\"scheduler-url\": \"https://", "\"scheduler-ur\": \"https://", "config.scheduler-ur");
    // State of a schema that this version does not know.
    fails("\"stateSchema\": 1", "\"stateSchema\": 2", "state is never migrated back");
    fails("\"stateSchema\": 1,", "", "stateSchema: missing");
    fails("\"state\": {", "\"states\": {", "unknown field `states`");
}

#[test]
fn a_change_is_swapped_in_while_events_go_on() {
    let project = Project::new("order-live", "webhook");
    fs::write(project.path("order.json"), r#"{"id": "A-1", "customer": "C-7", "amount": 129900}"#).expect("written");
    fs::write(project.path("small.json"), r#"{"id": "A-2", "customer": "C-7", "amount": 900}"#).expect("written");
    let mut dev = Dev::start(&project, &["--record"]);
    dev.says("`order-live` runs");
    dev.type_line("hook order.json");
    dev.says("accepted as event #");
    dev.says("done in");
    let kept = dev.says("kept as");
    let case = kept.rsplit('/').next().expect("a name").to_owned();
    assert!(project.path("cases").join(&case).join("expected.json").is_file(), "{kept}");
    dev.type_line("t +1d");
    dev.says("it is ");

    // Small orders are no longer ignored.
    project.change("src/lib.rs", "if order.amount < cx.config().minimum_amount {", "if order.amount == 0 {");
    println!("{}", dev.says("swapped in"));
    dev.type_line("hook small.json");
    dev.says("order/A-2");
    // A mistake is shown, and the last good version goes on.
    project.change("src/lib.rs", "order.amount == 0", "order.amount == none");
    dev.says("cannot find value `none`");
    dev.type_line("hook small.json");
    dev.says("accepted as event");
    // However it ends, nothing stays.
    dev.terminate();
    let left: Vec<_> = fs::read_dir(project.temporary()).expect("a folder").flatten().collect();
    assert!(left.is_empty(), "{left:?}");

    project.change("src/lib.rs", "order.amount == none", "order.amount == 0");
    let (report, _) = project.test(&["--case", &case]);
    assert_eq!(report["passed"], 1, "a kept delivery is a case: {report:#}");
}
