//! Cases of an older version: their state is migrated as in an upgrade, then they run on the newer version.

use std::fs;

use serde_json::{Value, json};

use super::Project;

const CASE: &str = "cases/two-new-appointments";

/// The next version keeps its cursor under another key, in another form.
fn next_version(project: &Project) {
    project.change("connector.toml", "[config]", "[state]\nschema = 2\n\n[config]");
    project.change("src/lib.rs", "const CURSOR: &str = \"cursor\";", "const CURSOR: &str = \"position\";");
    project.change("src/lib.rs", "let cursor: u64 = cx.state().get(CURSOR)?.unwrap_or(0);", "let cursor = last(cx)?;");
    project.change(
        "src/lib.rs",
        "cx.state().set(CURSOR, &last.id)?;",
        "cx.state().set(CURSOR, &Position { last: last.id })?;",
    );
    project.change(
        "src/lib.rs",
        "        Ok(())\n    }\n}\n",
        "        Ok(())\n    }\n
    fn migrate(cx: &Context<'_, Config>, _from_schema: u32) -> Result<(), Failure> {
        if let Some(last) = cx.state().get::<u64>(\"cursor\")? {
            cx.state().set(CURSOR, &Position { last })?;
            cx.state().delete(\"cursor\")?;
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct Position {
    last: u64,
}

fn last(cx: &Context<'_, Config>) -> Result<u64, Failure> {
    Ok(cx.state().get::<Position>(CURSOR)?.map_or(0, |position| position.last))
}
",
    );
}

#[test]
fn a_case_of_an_older_state_schema_migrates_first() {
    let project = Project::new("appointments-aged", "poll");
    next_version(&project);
    let before = fs::read_to_string(project.path(CASE).join("case.json")).expect("a case");

    let (report, code) = project.test(&[]);
    let differences = report["cases"][0]["differences"].clone();
    let path = "deliveries[0].commit.state";
    let expected = json!([
        { "path": format!("{path}.cursor"), "expected": 43 },
        { "path": format!("{path}.position"), "actual": { "last": 43 } },
    ]);
    assert_eq!((differences, code), (expected.clone(), Some(1)), "the look-up after 41 was answered: {report:#}");

    let shown = project.run(&["test", "--offline", "--accept"]);
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    for part in [
        "✎ two-new-appointments: accepted",
        "commit.state.cursor",
        "expected 43",
        "actual   {\"last\":43}",
        "1 accepted",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let read = |file: &str| fs::read_to_string(project.path(CASE).join(file)).expect("a file");
    let written: Value = serde_json::from_str(&read("expected.json")).expect("JSON");
    assert_eq!(written["deliveries"][0]["commit"]["state"], json!({ "position": { "last": 43 } }));
    assert_eq!(written["$schema"], "../../handoff-sdk/schemas/expected-1.schema.json");
    assert_eq!(read("case.json"), before, "it still says which schema it was recorded with");
    assert_eq!(project.test(&[]).0["passed"], 1);

    // A migration that fails is the case's problem, told as such.
    project.change("src/lib.rs", "if let Some(last) = cx.state().get::<u64>(\"cursor\")? {", "if true { return Err(Failure::reject(\"no-way\", \"this state is too old\")); }\n        if let Some(last) = cx.state().get::<u64>(\"cursor\")? {");
    let (report, _) = project.test(&[]);
    let told = "case.json: state: the state cannot be migrated from schema 1 to 2: no-way: this state is too old";
    assert_eq!(report["cases"][0]["problem"], told, "{report:#}");
}
