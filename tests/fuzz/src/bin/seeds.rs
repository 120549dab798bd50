//! Creates the seed inputs of every target from the repository: test documents, examples, the connectors' files, and a
//! journal that the store writes here. `seeds FOLDER` writes `FOLDER/TARGET/…`, the same files each time. It does not
//! fuzz, but instrumented code only starts under libFuzzer, which calls this first.
#![no_main]

#[path = "seeds/journal.rs"]
mod journal;
#[path = "seeds/messages.rs"]
mod messages;
#[path = "seeds/packages.rs"]
mod packages;
#[path = "seeds/registry.rs"]
mod registry;

use std::fs;
use std::path::{Path, PathBuf};

use handoff_package::Manifest;

/// Larger documents slow the fuzzer down and show nothing new.
const SEED_BYTES_MAX: usize = 16 << 10;

libfuzzer_sys::fuzz_target!(
    init: {
        write();
        end();
    },
    |_data: &[u8]| {}
);

/// Ends the program. Declared to return, because the macro's code after it would otherwise cause a warning.
fn end() {
    std::process::exit(0)
}

fn write() {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).expect("usage: seeds FOLDER");
    let seeds = Seeds { folder };
    leads(&seeds);
    manifests(&seeds);
    configs(&seeds);
    masks(&seeds);
    messages::write(&seeds);
    packages::write(&seeds);
    registry::write(&seeds);
    journal::write(&seeds);
}

/// The output folder.
pub(crate) struct Seeds {
    folder: PathBuf,
}

impl Seeds {
    pub(crate) fn add(&self, target: &str, name: &str, bytes: &[u8]) {
        if bytes.len() <= SEED_BYTES_MAX {
            let folder = self.folder.join(target);
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join(name), bytes).expect("written");
        }
    }
}

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Cases and documents of leads.
fn masks(seeds: &Seeds) {
    for folder in ["sdk/templates/files/rust", "connectors/adf-leads/tests/cases"] {
        for (name, bytes) in files(folder) {
            seeds.add("mask", &name, &bytes);
        }
    }
}

/// All files in a folder, with names made of their paths.
fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let root = repository().join(folder);
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    paths.sort();
    let name = |path: &Path| path.strip_prefix(&root).expect("below").to_string_lossy().replace('/', "-");
    paths.iter().map(|path| (name(path), fs::read(path).expect("readable"))).collect()
}

fn leads(seeds: &Seeds) {
    let documents = files("connectors/adf-leads/tests/cases").into_iter().chain(files("connectors/adf-leads/examples"));
    for (name, bytes) in documents {
        let is_input = name.contains("-input.") || !name.contains("expected");
        if !is_input || name.ends_with(".json") || name.ends_with("content-type") || name.ends_with(".toml") {
            continue;
        }
        let is_mail = name.contains("mail") || name.ends_with(".eml") || name.contains("multipart");
        seeds.add(if is_mail { "mail" } else { "adf" }, &name, &bytes);
    }
}

fn manifests(seeds: &Seeds) {
    for connector in ["adf-leads", "bdc-list", "identity"] {
        let folder = repository().join("connectors").join(connector);
        let source = fs::read_to_string(folder.join("connector.toml")).expect("a manifest");
        let beside = |name: &str| fs::read_to_string(folder.join(name)).map_err(|error| error.to_string());
        let manifest = Manifest::from_toml_with(&source, beside).expect("a manifest");
        seeds.add("manifest", &format!("{connector}.toml"), source.as_bytes());
        seeds.add("manifest", &format!("{connector}.json"), manifest.to_json().as_bytes());
    }
}

fn configs(seeds: &Seeds) {
    let example = handoff_config::example();
    seeds.add("config", "example.toml", example.as_bytes());
    // The defaults written out: every field is present.
    let is_field = |line: &str| line.strip_prefix('#').is_some_and(|rest| !rest.starts_with(' '));
    let all: String = example.lines().map(|line| line[usize::from(is_field(line))..].to_owned() + "\n").collect();
    seeds.add("config", "defaults.toml", all.as_bytes());
    for section in all.split("\n[") {
        let name: String = section.chars().take_while(char::is_ascii_alphanumeric).collect();
        seeds.add("config", &format!("section-{name}.toml"), format!("[{section}").as_bytes());
    }
    for connector in ["adf-leads", "bdc-list", "identity"] {
        let path = repository().join("connectors").join(connector).join("examples/settings.toml");
        seeds.add("settings", &format!("{connector}.toml"), &fs::read(path).expect("settings"));
    }
    for (name, text) in messages::SETTINGS {
        seeds.add("settings", name, text.as_bytes());
    }
}
