//! `handoff publish --check`: the conformance report of a project.

use std::fs;

use serde_json::{Value, json};

use super::Project;

fn check(project: &Project, args: &[&str]) -> (Value, Option<i32>) {
    let output = project.run(&[&["publish", "--check", "--json"], args].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let report = serde_json::from_str(&text);
    (
        report.unwrap_or_else(|error| panic!("{error}: {text}\n{}", String::from_utf8_lossy(&output.stderr))),
        output.status.code(),
    )
}

fn verdicts(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let checks = report["checks"].as_array().expect("checks");
    checks.iter().map(|check| (text(&check["name"]), text(&check["verdict"]))).collect()
}

fn found(report: &Value, name: &str) -> Value {
    let checks = report["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["name"] == name).map(|check| check["found"].clone()).unwrap_or_default()
}

#[test]
fn the_conformance_report_names_what_is_missing() {
    let project = Project::new("order-conformance", "webhook");
    let (report, code) = check(&project, &[]);
    assert_eq!(code, Some(6), "{report:#}");
    let failed: Vec<_> = verdicts(&report).into_iter().filter(|(_, verdict)| verdict != "pass").collect();
    let pair = |name: &str, verdict: &str| (name.to_owned(), verdict.to_owned());
    assert_eq!(
        failed,
        [pair("licence", "fail"), pair("changelog", "fail"), pair("version", "not-judged")],
        "{report:#}"
    );
    assert_eq!(found(&report, "licence"), json!(["no file LICENSE beside connector.toml"]));

    fs::write(project.path("LICENSE"), "Apache-2.0").expect("written");
    fs::write(project.path("CHANGELOG.md"), "# 0.1.0\n\nThe first version.\n").expect("written");
    fs::create_dir_all(project.path("packages")).expect("a folder");
    let (report, code) = check(&project, &["--registry", "./packages", "--report", "conformance.json"]);
    assert_eq!((code, &report["conforms"]), (Some(0), &json!(true)), "{report:#}");
    assert_eq!(found(&report, "version"), json!(["the first version"]));
    let written = fs::read_to_string(project.path("conformance.json")).expect("a report");
    assert_eq!(serde_json::from_str::<Value>(&written).expect("JSON"), report);
    let shown = project.run(&["publish", "--check", "--registry", "./packages"]);
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        text.contains("✔ pass  hostile-inputs") && text.ends_with("it conforms; nothing was published\n"),
        "{text}"
    );
    assert_eq!(fs::read_dir(project.path("packages")).expect("a folder").count(), 0);

    // What hostile inputs find: a panic on a field that is not there.
    project.change(
        "src/lib.rs",
        "let order: Order = event.json()?;",
        "let order: Order = event.json().expect(\"an order\");",
    );
    let (report, code) = check(&project, &["--registry", "./packages"]);
    assert_eq!(code, Some(6), "{report:#}");
    let hostile = found(&report, "hostile-inputs").to_string();
    assert!(hostile.contains("no data: trap") && hostile.contains("and "), "{hostile}");
    project.change("src/lib.rs", "event.json().expect(\"an order\")", "event.json()?");

    // An event that is not declared.
    project.change("connector.toml", "emits = [", "emits = [\"com.example.other.v1\"]\n# [");
    let (report, code) = check(&project, &["--registry", "./packages"]);
    assert_eq!(code, Some(6), "{report:#}");
    assert!(found(&report, "effects").to_string().contains("may not be emitted"), "{report:#}");
}

#[test]
fn the_conformance_report_compares_versions_and_reads_descriptions() {
    let project = Project::new("order-versions", "webhook");
    let run = |args: &[&str]| {
        let output = project.run(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
    };
    run(&["keys", "new", "--key", "acme.pem"]);
    fs::create_dir_all(project.path("packages")).expect("a folder");
    run(&["publish", "--registry", "./packages", "--key", "acme.pem"]);
    let version = || {
        let (report, _) = check(&project, &["--registry", "./packages"]);
        (found(&report, "version"), found(&report, "config-descriptions"))
    };
    assert_eq!(version().0, json!(["0.1.0 is not higher than 0.1.0, which is published"]));

    let set_version = |from: &str, to: &str| {
        for file in ["connector.toml", "Cargo.toml"] {
            project.change(file, &format!("version = \"{from}\""), &format!("version = \"{to}\""));
        }
    };
    set_version("0.1.0", "0.1.1");
    assert_eq!(version(), (json!(["0.1.1 follows 0.1.0"]), json!(["every field has a description"])));
    // A field that was optional is required now, and nothing describes it.
    let described = "\"description\": \"Orders below this amount, in cents, are ignored. Default: 0.\",";
    project.change("config.schema.json", described, "");
    project.change(
        "config.schema.json",
        "\"type\": \"object\",",
        "\"type\": \"object\", \"required\": [\"minimum-amount\"],",
    );
    let (told, descriptions) = version();
    let told = told.to_string();
    assert!(told.contains("breaks installations of 0.1.0") && told.contains("minimum-amount"), "{told}");
    assert_eq!(descriptions, json!(["config.minimum-amount has no `description`"]));
    set_version("0.1.1", "0.2.0");
    assert_eq!(version().0, json!(["0.2.0 follows 0.1.0"]));
}
