//! `handoff pack`: components that were built from the contract alone, without an SDK, are installed and handle events.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use handoff_tests::harness::{TestHost, handoff_binary};
use toml::toml;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use crate::guest;

const MANIFEST: &str = r#"
[package]
name = "acme/by-hand"
version = "1.2.0"
title = "By hand"
summary = "Emits an event for each that it gets."
license = "Apache-2.0"

[events]
accepts = ["com.example.asked.v1"]
emits = ["com.example.answered.v1"]
"#;

/// In plain JavaScript: no SDK, no bundler.
const JAVASCRIPT: &str = r#"
import { emit } from "handoff:connector/outbox@1.0.0";

export const handler = {
  handle(event) {
    emit({
      typeName: "com.example.answered.v1",
      subject: event.id,
      time: null,
      dataContentType: null,
      dataSchema: null,
      partitionKey: null,
      extensions: [],
      data: Uint8Array.from(JSON.stringify({ heard: event.data.length }), (letter) => letter.charCodeAt(0)),
    });
  },
};

export const lifecycle = { validate() {}, migrate(_fromSchema) {} };
"#;

/// In plain Python: the bindings of `componentize-py` alone.
const PYTHON: &str = r#"
from wit_world import exports
from wit_world.imports import outbox, types


class Handler(exports.Handler):
    def handle(self, event: types.Event) -> None:
        data = b'{"heard":%d}' % len(event.data)
        outbox.emit(types.NewEvent("com.example.answered.v1", event.id, None, None, None, None, [], data))


class Lifecycle(exports.Lifecycle):
    def validate(self) -> None:
        pass

    def migrate(self, from_schema: int) -> None:
        pass
"#;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The folder of a language's tools; none if they are not installed.
fn tools(language: &str, sign: &str) -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let tools = target.join("languages").join(language);
    if !tools.join(sign).is_file() {
        assert!(std::env::var_os("CI").is_none(), "the tools for {language} are missing: run `make setup`");
        println!("nothing is shown: the tools for {language} are missing, run `make setup`");
        return None;
    }
    Some(fs::canonicalize(tools).expect("the tools' folder"))
}

fn pack(folder: &Path, component: &Path) -> Output {
    fs::write(folder.join("connector.toml"), MANIFEST).expect("written");
    let mut command = Command::new(handoff_binary());
    command.args(["pack", "--json"]).arg(component).current_dir(folder).env("NO_COLOR", "1");
    command.env_remove("HANDOFF_CONFIG").output().expect("the program runs")
}

/// Packs, installs, and sends an event; returns the data of the answer.
async fn delivered(folder: &Path, component: &Path, data: &str) -> serde_json::Value {
    let packed = pack(folder, component);
    assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
    let package = folder.join("by-hand-1.2.0.wasm");
    let settings = toml! { rooftop = "main-street" };
    let host = TestHost::new().with_events_token().with_connector("by-hand", package, settings).start().await;
    host.cli(&["send", "--type", "com.example.asked.v1", "--content-type", "text/plain", &file(folder, data)])
        .await
        .ok();
    let (position, event) = host.wait_event("com.example.answered.v1", |_| true).await;
    if event["dataContentType"].is_null() {
        let shown = host.cli_json(&["events", &position.to_string()]).await;
        return serde_json::from_str(shown["data"].as_str().unwrap_or("null")).expect("JSON");
    }
    host.event_data(position).await
}

fn file(folder: &Path, data: &str) -> String {
    let path = folder.join("data.txt");
    fs::write(&path, data).expect("written");
    path.display().to_string()
}

#[tokio::test]
async fn a_component_of_the_wit_alone_handles_an_event() {
    let folder = tempfile::tempdir().expect("a folder");
    let component = folder.path().join("probe.wasm");
    fs::write(&component, guest::probe().component).expect("written");
    let answer = delivered(folder.path(), &component, "emit com.example.answered.v1 {\"heard\":48}").await;
    assert_eq!(answer["heard"], 48);
}

#[tokio::test]
async fn a_component_of_javascript_alone_handles_an_event() {
    let Some(tools) = tools("javascript", "node_modules/componentize-qjs/package.json") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("connector.js");
    fs::write(&source, JAVASCRIPT).expect("written");
    let component = folder.path().join("connector.wasm");
    let build = format!(
        "const {{ componentize }} = await import({:?});
         const {{ writeFile, readFile }} = await import('node:fs/promises');
         const jsSource = await readFile({source:?}, 'utf8');
         const {{ component }} = await componentize({{
           witPath: {:?}, world: 'connector', jsSource, jsPath: {source:?}, stubWasi: true, sync: true }});
         await writeFile({component:?}, component);",
        main_of(&tools.join("node_modules/componentize-qjs")),
        root().join("wit/handoff-connector-1.0.0"),
    );
    let built = Command::new("node").args(["--input-type=module", "-e", &build]).output().expect("node runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    assert_eq!(delivered(folder.path(), &component, "seven!!").await["heard"], 7);
}

/// The file that a package's name stands for.
fn main_of(package: &Path) -> PathBuf {
    let json = fs::read_to_string(package.join("package.json")).expect("a package");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let exports = &json["exports"];
    let main =
        [&exports["."]["import"], &exports["."]["default"], &exports["."], exports, &json["module"], &json["main"]];
    package.join(main.into_iter().find_map(serde_json::Value::as_str).expect("an entry"))
}

#[tokio::test]
async fn a_component_of_python_alone_handles_an_event() {
    let Some(tools) = tools("python", "bin/componentize-py") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("connector.py"), PYTHON).expect("written");
    let component = folder.path().join("connector.wasm");
    let built = Command::new(tools.join("bin/python"))
        .args(["-c", "import sys; from componentize_py import script; sys.exit(script())", "--quiet", "-d"])
        .arg(root().join("wit/handoff-connector-1.0.0"))
        .args(["-w", "connector", "componentize", "--stub-wasi", "-p", ".", "-o"])
        .arg(&component)
        .arg("connector")
        .current_dir(folder.path())
        .output()
        .expect("python runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    assert_eq!(delivered(folder.path(), &component, "seven!!").await["heard"], 7);
}

/// A component of one module in the text format, for a world of the same text.
fn component(world: &str, module: &str) -> Vec<u8> {
    let mut resolve = wit_parser::Resolve::default();
    let text = format!("package foreign:thing;\ninterface clock {{ now: func() -> u64; }}\nworld it {{ {world} }}");
    let package = resolve.push_str("it.wit", &text).expect("WIT");
    let world = resolve.select_world(&[package], Some("it")).expect("a world");
    let mut module = wat::parse_str(module).expect("the text format");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("metadata");
    ComponentEncoder::default().module(&module).and_then(|mut encoder| encoder.encode()).expect("a component")
}

#[test]
fn what_no_host_would_take_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |name: &str, bytes: Vec<u8>| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        let output = pack(folder.path(), &path);
        assert_eq!(output.status.code(), Some(6), "{output:?}");
        let told = String::from_utf8_lossy(&output.stderr).replace(&folder.path().display().to_string(), "");
        let problem: serde_json::Value = serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"));
        problem["detail"].as_str().unwrap_or_default().to_owned()
    };
    let told = [
        refused("core.wasm", wat::parse_str("(module)").expect("a module")),
        refused(
            "foreign.wasm",
            component("import clock;", "(module (import \"foreign:thing/clock\" \"now\" (func (result i64))))"),
        ),
        refused("nothing.wasm", component("", "(module)")),
        refused("text.wasm", b"hello".to_vec()),
    ];
    expect_test::expect![[r#"
        cannot read the package /core.wasm: this is not a WebAssembly component: it is a core module, which a component contains; build the connector with `handoff build`
        foreign-import: the component imports `foreign:thing/clock`; a connector may import interfaces of `handoff:connector@1` only: it has no files, sockets, environment, clock or entropy of its own. Remove the code or dependency that needs it
        missing-export: the component does not export `handoff:connector/handler@1.0.0`; a connector exports the world `handoff:connector/connector@1.0.0`: export your type with the SDK's macro and build it with `handoff build`
        cannot read the package /text.wasm: this is not a WebAssembly component: it does not begin with `\0asm`; name the `.wasm` file that `handoff build` wrote"#]].assert_eq(&told.join("\n"));
    assert!(!folder.path().join("by-hand-1.2.0.wasm").exists());
}
