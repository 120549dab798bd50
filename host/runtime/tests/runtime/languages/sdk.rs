//! The SDKs contain the contract that they are built against, and their types hold.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::build::refusal;
use crate::guest::scratch;
use crate::language::{JAVASCRIPT, PYTHON, build, root, tools};

#[test]
fn the_sdks_contain_the_contract() {
    let root = root();
    for sdk in ["sdk/js/wit", "sdk/python/src/handoff_sdk/wit"] {
        let released = ("deps/handoff-connector-1.0.0/connector.wit", "handoff-connector-1.0.0");
        for (inside, folder) in [("connector.wit", "handoff-connector-1.1.0-rc"), released] {
            let own = fs::read(root.join(sdk).join(inside)).expect("the SDK's copy");
            let contract = fs::read(root.join("wit").join(folder).join("connector.wit")).expect("the contract");
            assert!(own == contract, "{sdk}/{inside} differs from wit/{folder}/connector.wit: copy it");
        }
    }
}

/// The bindings are generated from the contract, so that the SDK's own glue is checked, too.
#[test]
fn the_types_of_the_python_sdk_hold() {
    let tools = scratch().join("../languages").join(PYTHON.name);
    let mypy = tools.join("bin/mypy");
    if !mypy.is_file() {
        assert!(std::env::var_os("CI").is_none(), "mypy is missing: run `make setup`");
        println!("nothing is shown: mypy is missing, run `make setup`");
        return;
    }
    let bindings = tempfile::tempdir().expect("a folder");
    let sdk = root().join("sdk/python");
    let mut command = Command::new(tools.join("bin/componentize-py"));
    command.arg("-d").arg(sdk.join("src/handoff_sdk/wit")).args(["-w", "connector", "--quiet", "bindings"]);
    assert!(command.arg(bindings.path()).status().expect("it runs").success());
    let router = root().join("tests/guests/lead-router-python/src/lead_router.py");
    let example = root().join("sdk/docs/examples/order_desk.py");
    for checked in [sdk.join("src/handoff_sdk"), router, example] {
        check_types(&mypy, &sdk, bindings.path(), &checked);
    }
}

fn check_types(mypy: &Path, sdk: &Path, bindings: &Path, checked: &Path) {
    let mut command = Command::new(mypy);
    command.arg("--config-file").arg(sdk.join("pyproject.toml")).arg("--cache-dir=/dev/null").arg(checked);
    let output = command.env("MYPYPATH", bindings).current_dir(sdk.join("src")).output().expect("mypy runs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}:\n{told}", checked.display());
}

/// Types are checked when it is built. The Rust one is a test of the SDK.
#[test]
fn the_example_of_the_documentation_in_typescript_is_a_connector() {
    let Some(tools) = tools(&JAVASCRIPT, &scratch().join("..")) else { return };
    let copy = |project: &Path| {
        let example = root().join("sdk/docs/examples/order_desk.ts");
        fs::copy(example, project.join("src/main.ts")).expect("the example is there");
    };
    build(&JAVASCRIPT, &tools, "lead-router-javascript", copy).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn mistakes_in_sources_are_shown_with_their_place() {
    let typescript = |from, to| refusal(&JAVASCRIPT, "lead-router-javascript", "src/main.ts", from, to);
    if let Some(told) = typescript("cx.state.getBytes(key)", "cx.state.getByte(key)") {
        assert!(told.contains("src/main.ts(67,16): error TS2551: Property 'getByte' does not exist"), "{told}");
    }
    let javascript = |from, to| refusal(&JAVASCRIPT, "steps-javascript", "src/main.js", from, to);
    if let Some(told) = javascript("const steps = {", "const steps = { }; }") {
        assert!(told.contains("src/main.js:5:"), "{told}");
    }
    if let Some(told) = javascript("const steps = {", "const drawn = Math.random();\nconst steps = {") {
        assert!(told.contains("random numbers were drawn at the top level of a module"), "{told}");
        assert!(told.contains("(src/main.js:5)"), "{told}");
    }
    let python = |from, to| refusal(&PYTHON, "steps-python", "src/steps.py", from, to);
    if let Some(told) = python("def deep(", "DRAWN = random.random()\n\n\ndef deep(") {
        assert!(told.contains("random numbers were drawn at the top level of a module"), "{told}");
        assert!(told.contains("steps.py\", line 123"), "{told}");
    }
}

/// A change of a guest's source, and what the build says.
type Mistake = (&'static str, &'static str, &'static str);

const OF_JAVASCRIPT: [Mistake; 4] = [
    (
        "const steps = {",
        "import pad from \"@acme/pad/left\";\nconsole.debug(pad);\nconst steps = {",
        "The package is not installed. Run this once, then build again: npm install @acme/pad",
    ),
    (
        "const steps = {",
        "import { readFileSync } from \"fs\";\nconsole.debug(readFileSync);\nconst steps = {",
        "A connector has no modules of Node.js, no files and no network: it gets all that it knows with the event and from `cx`.",
    ),
    (
        "export default {",
        "export const connector = {",
        "The main module has no default export: end it with `export default { handle(cx, event) { … } }`",
    ),
    (
        "  handle(",
        "  handel(",
        "the connector has no function `handle`: the main module exports `default { handle(cx, event) { … } }`",
    ),
];

const OF_PYTHON: [Mistake; 4] = [
    (
        "def deep(",
        "import lef_pad\n\n\ndef deep(",
        "ModuleNotFoundError: No module named 'lef_pad'\nIf `lef_pad` is a package, install it: add it to requirements.txt, then \
         .venv/bin/pip install -r requirements.txt",
    ),
    ("class Steps(", "class Step(", "ImportError: cannot import name 'Steps' from 'steps' (src/steps.py)"),
    (
        "    def handle(",
        "    def handel(",
        "the class `Steps` has no method `handle`: define `handle(self, cx, event)`",
    ),
    ("def deep(", "def deep)", "SyntaxError: "),
];

#[test]
fn a_newcomers_mistakes_are_explained() {
    let javascript = OF_JAVASCRIPT.map(|mistake| (&JAVASCRIPT, "steps-javascript", "src/main.js", mistake));
    let python = OF_PYTHON.map(|mistake| (&PYTHON, "steps-python", "src/steps.py", mistake));
    for (language, guest, file, (from, to, expected)) in javascript.into_iter().chain(python) {
        let Some(told) = refusal(language, guest, file, from, to) else { continue };
        assert!(told.contains(expected), "{to}: {told}");
        for inner in ["Caused by", "handoff_entry", "handoff-entry.js:2", "mark the path"] {
            assert!(!told.contains(inner), "{to}: {told}");
        }
    }
}
