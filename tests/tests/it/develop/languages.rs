//! New projects in JavaScript, TypeScript and Python: built and tested as a developer does, natively and in the host's runtime.

use std::path::PathBuf;
use std::process::Command;

use handoff_tests::harness::handoff_binary;
use serde_json::Value;

use super::project::Project;
use crate::language::{JAVASCRIPT, PYTHON, project, root, tools};

/// Template and number of its cases.
const TEMPLATES: [(&str, u64); 4] = [("webhook", 1), ("poll", 1), ("file", 2), ("event", 1)];

fn passes(language: &'static str) {
    for (template, cases) in TEMPLATES {
        let Some(project) = Project::in_language(language, &format!("{template}-{language}"), template) else { return };
        let (passed, told) = project.native_tests();
        assert!(passed, "{template}: {told}");
        let (report, code) = project.test(&[]);
        assert_eq!((&report["passed"], &report["failed"], code), (&cases.into(), &0.into(), Some(0)), "{report:#}");
        if language == "python" {
            let types = Command::new(project.path(".venv/bin/mypy")).current_dir(project.path("")).output();
            let types = types.expect("mypy runs");
            assert!(types.status.success(), "{template}: {}", String::from_utf8_lossy(&types.stdout));
        }
    }
}

#[test]
fn each_javascript_template_passes_its_cases() {
    passes("js");
}

#[test]
fn each_typescript_template_passes_its_cases() {
    passes("ts");
}

#[test]
fn each_python_template_passes_its_cases() {
    passes("python");
}

/// A file, a change of it, and what the native test says.
type Mistake = (&'static str, &'static str, &'static str, &'static str);

/// The same mistakes as for the built component. What a language says about a config schema differs.
const OF_CASES: [Mistake; 7] = [
    (
        "com.handoff.schedule.ticked.v1",
        "com.example.lead.received.v1",
        "case.json: events[0].type: `com.example.lead.received.v1` is not accepted, so that a host would not deliver it; accepted: \
         `com.handoff.schedule.ticked.v1`. List it under `accepts` in connector.toml",
        "",
    ),
    (
        "\"host\": \"scheduler.example\"",
        "\"host\": \"other.example\"",
        "misconfigured",
        "not granted: url: https://scheduler.example is not granted; granted targets: https://other.example (scheduler)",
    ),
    (
        "\"name\": \"scheduler\"",
        "\"name\": \"crm\"",
        "case.json: grants.http[0]: found the target \"crm\"; expected a target of the manifest: `scheduler`",
        "",
    ),
    ("\"scheduler-url\": \"https://", "\"scheduler-ur\": \"https://", "case.json: config.scheduler-ur", ""),
    ("\"stateSchema\": 1", "\"stateSchema\": 2", "state is never migrated back", ""),
    ("\"stateSchema\": 1,", "", "stateSchema: missing; expected the schema of `state`, such as 1", ""),
    ("\"state\": {", "\"states\": {", "unknown field `states`", ""),
];

#[test]
fn mistakes_fail_in_a_native_case_as_in_a_host() {
    for language in ["ts", "python"] {
        let Some(project) = Project::in_language(language, "appointments", "poll") else { continue };
        let case = "cases/two-new-appointments/case.json";
        let good = std::fs::read_to_string(project.path(case)).expect("a case");
        for (from, to, first, second) in OF_CASES {
            project.change(case, from, to);
            let (passed, told) = project.native_tests();
            assert!(!passed && told.contains(first) && told.contains(second), "{language}, {to}: {told}");
            std::fs::write(project.path(case), &good).expect("written");
        }
        // What connector.toml does not ask for.
        for (from, to, told_of) in [
            (
                "methods = [\"GET\"]",
                "methods = [\"HEAD\"]",
                "method: GET is not granted; grant `scheduler` allows HEAD",
            ),
            (
                "\"/appointments\"",
                "\"/bookings\"",
                "path: `/appointments` is not granted as a path; grant `scheduler` allows /bookings",
            ),
            (
                "com.example.appointment.booked.v1",
                "com.example.other.v1",
                "`com.example.appointment.booked.v1` may not be emitted; granted: com.example.other.v1. List it under `emits` in \
                 connector.toml and ask the operator to grant it",
            ),
        ] {
            project.change("connector.toml", from, to);
            let (passed, told) = project.native_tests();
            assert!(!passed && told.contains(told_of), "{language}, {to}: {told}");
            project.change("connector.toml", to, from);
        }
        let (passed, told) = project.native_tests();
        assert!(passed, "{told}");
    }
}

#[test]
fn a_native_difference_can_be_read() {
    for (language, file, from, to) in [
        ("js", "src/main.js", "partitionKey: order.id", "subject: order.id"),
        ("python", "src/connector.py", "partition_key=order.id", "subject=order.id"),
    ] {
        let Some(project) = Project::in_language(language, "order-changes", "webhook") else { continue };
        project.change(file, from, to);
        let (passed, told) = project.native_tests();
        let place = "deliveries[0].commit.emitted[0]";
        assert!(!passed, "{told}");
        for line in [
            "the connector does not do what `cases/new-order/expected.json` expects:".to_owned(),
            format!("{place}.partitionkey"),
            "expected \"A-1\"".to_owned(),
            "actual   (nothing)".to_owned(),
            format!("{place}.subject"),
        ] {
            assert!(told.contains(&line), "{language}: {line} is missing: {told}");
        }
    }
}

/// Runs the router's cases on the component that is built in a folder.
fn router_passes(folder: &std::path::Path) {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("projects");
    let mut command = Command::new(handoff_binary());
    command.args(["test", "--offline", "--json"]).arg(folder).env("CARGO_TARGET_DIR", target);
    let output = command.env_remove("HANDOFF_CONFIG").output().expect("the program runs");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!((&report["passed"], &report["failed"]), (&5.into(), &0.into()), "{report:#}{told}");
}

#[test]
fn three_lead_routers_pass_the_same_cases() {
    // Natively, it does so in a test of its own.
    router_passes(&root().join("tests/guests/lead-router-rust"));
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("..");
    for language in [&JAVASCRIPT, &PYTHON] {
        let Some(tools) = tools(language, &target) else { continue };
        let copy = project(language, &tools, &format!("lead-router-{}", language.name));
        let folder = copy.path().join("project");
        let mut native = match language.name {
            "python" => Command::new(folder.join(".venv/bin/pytest")),
            _ => Command::new("node"),
        };
        let native = native.arg(if language.name == "python" { "-q" } else { "--test" }).current_dir(&folder);
        let output = native.output().expect("it runs");
        let told = String::from_utf8_lossy(&output.stdout);
        let passed = if language.name == "python" { "5 passed" } else { "pass 5" };
        assert!(output.status.success() && told.contains(passed), "{}: {told}", language.name);
        router_passes(&folder);
    }
}
