//! Builds a connector as a third-party developer would, in a crate outside this workspace, and makes the usual
//! mistakes.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use handoff_build::{BuildError, Built, Options, build, build_all};
use handoff_package::Package;
use std::fs;
use std::path::{Path, PathBuf};
use wasmparser::{Parser, Payload};

const MANIFEST: &str = r#"[package]
name = "example/surveys"
version = "0.3.0"
title = "Service surveys"
summary = "Asks a customer for an opinion once the repair order closes."
license = "Apache-2.0"
[events]
accepts = ["com.example.repair.closed.v1"]
emits = ["com.example.survey.asked.v1"]
"#;

const SOURCE: &str = r#"//! A connector of a third party.
use handoff_sdk::{Connector, Context, Event, Failure, NewEvent};

#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    pub survey_url: String,
}

pub struct Surveys;

impl Connector for Surveys {
    type Config = Config;

    fn handle(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
        let order: String = event.json()?;
        assert!(order != "boom", "the order went boom");
        cx.state().set("last", &order)?;
        Ok(cx.emit(NewEvent::json("com.example.survey.asked.v1", &order)?)?)
    }
}

handoff_sdk::export!(Surveys);
"#;

/// A crate in its own folder, with the dependency versions that this workspace has locked.
struct Crate(tempfile::TempDir);

impl Crate {
    fn new(name: &str) -> Self {
        let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rust").canonicalize().unwrap();
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"{name}\"\nversion = \"0.3.0\"\nedition = \"2024\"\n[workspace]\n[lib]\ncrate-type = [\"cdylib\", \
                 \"rlib\"]\n[dependencies]\nhandoff-sdk = {{ path = {sdk:?} }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\n\
                 [lints.rust]\nunsafe_code = \"deny\"\n"
            ),
        );
        folder.write("Cargo.lock", &fs::read_to_string(sdk.join("../../Cargo.lock")).unwrap());
        folder.write("connector.toml", MANIFEST);
        folder.write("src/lib.rs", SOURCE);
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Guests share one folder between tests and runs, so that the standard library is compiled once.
    fn options(&self) -> Options {
        let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("guests");
        Options { target: Some(target), output: Some(self.path().join("out")), ..Options::default() }
    }

    fn build(&self) -> Result<Built, BuildError> {
        build(self.path(), &self.options(), &mut |line| println!("{line}"))
    }
}

#[test]
fn a_crate_outside_the_workspace_builds_a_component() {
    let surveys = Crate::new("surveys");
    let built = surveys.build().unwrap();

    assert_eq!(built.component_path, surveys.path().join("out/surveys-0.3.0.wasm"));
    let bytes = fs::read(&built.component_path).unwrap();
    assert_eq!(bytes, built.bytes);
    let package = Package::read(&bytes).unwrap();
    assert_eq!((package.digest, package.interface.to_string()), (built.digest, "1.1.0-rc".to_owned()));
    assert_eq!(package.manifest, built.manifest);
    let imports = imports(&bytes);
    assert!(!imports.is_empty());
    for import in imports {
        assert!(
            import.starts_with("handoff:connector/") && (import.ends_with("@1.0.0") || import.ends_with("@1.1.0-rc")),
            "{import}"
        );
    }
    assert!(bytes.len() < 400 * 1024, "{} bytes", bytes.len());
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(!text.contains(surveys.path().to_str().unwrap()), "the component contains the developer's paths");
    assert_eq!(surveys.build().unwrap().digest, built.digest);
    assert_eq!(fs::read_dir(surveys.path().join("out")).unwrap().count(), 1);
}

#[test]
fn an_invalid_manifest_fails_the_build_before_compilation() {
    let surveys = Crate::new("surveys-manifest");
    surveys.write("connector.toml", &MANIFEST.replace("version = \"0.3.0\"", "version = \"0.3\""));
    surveys.write("src/lib.rs", "this is not Rust");
    let error = surveys.build().unwrap_err().to_string();
    assert!(error.contains("connector.toml:3:11: field `package.version`: `0.3`"), "{error}");

    fs::remove_file(surveys.path().join("connector.toml")).unwrap();
    assert!(matches!(surveys.build(), Err(BuildError::NoConnector(_))));
}

#[test]
fn compiler_errors_are_passed_on() {
    let surveys = Crate::new("surveys-broken");
    surveys.write("src/lib.rs", &SOURCE.replace("event.json()?", "event.jsonn()?"));
    let error = surveys.build().unwrap_err().to_string();
    assert!(error.contains("no method named `jsonn` found"), "{error}");
}

#[test]
fn a_crate_without_a_connector_is_explained() {
    let surveys = Crate::new("surveys-silent");
    surveys.write("src/lib.rs", &SOURCE.replace("handoff_sdk::export!(Surveys);", ""));
    let error = surveys.build().unwrap_err();
    assert!(matches!(error, BuildError::NotExported), "{error}");

    let cargo_toml = fs::read_to_string(surveys.path().join("Cargo.toml")).unwrap();
    surveys.write("Cargo.toml", &cargo_toml.replace("crate-type = [\"cdylib\", \"rlib\"]", ""));
    assert!(surveys.build().unwrap_err().to_string().contains("crate-type"));
}

#[test]
fn an_import_beyond_the_contract_is_named() {
    let surveys = Crate::new("surveys-foreign");
    let foreign = "#[allow(unsafe_code)]\nmod browser {\n    #[link(wasm_import_module = \"browser\")]\n    unsafe extern \"C\" {\n        \
                   pub safe fn alert();\n    }\n}\n";
    surveys.write(
        "src/lib.rs",
        &format!("{}{foreign}", SOURCE.replace("assert!(", "browser::alert();\n        assert!(")),
    );
    let error = surveys.build().unwrap_err().to_string();
    assert!(error.contains("imports `browser#alert`"), "{error}");
}

#[test]
fn two_connectors_with_the_same_file_name_are_refused() {
    let (one, two) = (Crate::new("one"), Crate::new("two"));
    let folders = [one.path().to_owned(), two.path().to_owned()];
    let error = build_all(&folders, &one.options(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, BuildError::SameName(_)), "{error}");
}

/// Builds a folder with a manifest and another file; returns what it says, with `DIR` for the folder.
fn refusal(file: &str, text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("connector.toml"), MANIFEST).unwrap();
    fs::write(folder.path().join(file), text).unwrap();
    fs::write(folder.path().join("main.js"), "export default { handle() {} };").unwrap();
    let error = build(folder.path(), &Options::default(), &mut |_| {}).unwrap_err();
    error.to_string().replace(folder.path().to_str().unwrap(), "DIR")
}

#[test]
fn projects_in_other_languages_say_what_is_missing() {
    let toml = |version: &str, rest: &str| format!("[project]\nname = \"surveys\"\nversion = \"{version}\"\n{rest}");
    let module = "[tool.handoff]\nconnector = \"surveys:Surveys\"\n";
    let cases = [
        (
            "README.md",
            String::new(),
            "DIR has a connector.toml and no project beside it: expected Cargo.toml (Rust), package.json (JavaScript, \
             TypeScript) or pyproject.toml (Python)",
        ),
        (
            "package.json",
            r#"{"version":"0.4.0","main":"main.js"}"#.to_owned(),
            "DIR/package.json has the version 0.4.0, and connector.toml beside it 0.3.0: a release has one version, set \
             both to the same",
        ),
        (
            "package.json",
            r#"{"main":"main.js"}"#.to_owned(),
            "DIR/package.json: it has no version: expected 0.3.0, the version in connector.toml",
        ),
        (
            "package.json",
            r#"{"version":"0.3.0"}"#.to_owned(),
            "DIR/package.json: field `main`: it is missing; expected the connector's main module, such as `src/main.js`",
        ),
        (
            "package.json",
            r#"{"version":"0.3.0","main":"other.js"}"#.to_owned(),
            "DIR/package.json: field `main`: there is no file `other.js`",
        ),
        (
            "package.json",
            r#"{"version":"0.3.0","main":"main.js"}"#.to_owned(),
            "the npm package handoff-sdk is missing. Run this once, then build again:\n\n    npm --prefix DIR install --save \
             handoff-sdk\n",
        ),
        (
            "package.json",
            r#"{"version":"0.3.0","main":"main.js","dependencies":{"handoff-sdk":"1"}}"#.to_owned(),
            "the npm package handoff-sdk is missing. Run this once, then build again:\n\n    npm --prefix DIR install\n",
        ),
        (
            "pyproject.toml",
            toml("1.0.0", module),
            "DIR/pyproject.toml has the version 1.0.0, and connector.toml beside it 0.3.0: a release has one version, set \
             both to the same",
        ),
        (
            "pyproject.toml",
            toml("0.3.0", ""),
            "DIR/pyproject.toml: field `tool.handoff.connector`: it is missing; expected module and class, such as \
             `lead_router:LeadRouter`",
        ),
        (
            "pyproject.toml",
            toml("0.3.0", module),
            "the Python package handoff-sdk is missing. Run this once, then build again:\n\n    cd DIR && python3 -m venv .venv && \
             .venv/bin/python -m pip install handoff-sdk\n",
        ),
    ];
    for (file, text, expected) in cases {
        assert_eq!(refusal(file, &text), expected, "{file}: {text}");
    }
}

fn imports(component: &[u8]) -> Vec<String> {
    let mut depth = 0;
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(imports) if depth == 1 => {
                names.extend(imports.into_iter().map(|import| import.unwrap().name.name.to_owned()));
            }
            _ => {}
        }
    }
    names
}
