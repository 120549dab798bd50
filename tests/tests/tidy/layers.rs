//! One-way layers inside the host, read from its `use crate::` lines and every other path that begins there.

use crate::tree::{File, files_ending, none, without_comments};

/// Who may use whom; everybody may use themselves. `a::b` allows only that part of `a`. Lowest first.
const LAYERS: [(&str, &[&str]); 11] = [
    ("model", &[]),
    ("secrets", &["model"]),
    ("store", &["model"]),
    ("ingress", &["model"]),
    ("egress", &["model", "secrets"]),
    // Only the pure check of a request against its grants: the runtime sends nothing itself.
    ("runtime", &["model", "egress::check_request", "egress::Purpose"]),
    ("engine", &["model", "store", "ingress", "egress", "runtime"]),
    (
        "config",
        &["model", "secrets", "egress::options", "egress::EgressOptions", "ingress::settings", "ingress::schedules"],
    ),
    ("app", &["model", "secrets", "store", "ingress", "egress", "runtime", "engine", "config"]),
    ("api", &["model", "secrets", "store", "ingress", "egress", "runtime", "engine", "config", "app"]),
    ("cli", &["model", "secrets", "store", "ingress", "egress", "runtime", "engine", "config", "app", "api"]),
];

/// Crates that one module alone may name.
const OWNED_CRATES: [(&str, &str); 3] = [("sled", "store"), ("wasmtime", "runtime"), ("axum", "api")];

#[test]
fn a_module_of_the_host_uses_only_layers_below_it() {
    let mut found = Vec::new();
    for file in sources() {
        let user = module(&file);
        let allowed = LAYERS.iter().find(|(name, _)| *name == user);
        let Some((_, allowed)) = allowed else {
            found.push(format!("{}: the module `{user}` has no layer", file.path));
            continue;
        };
        for path in crate_paths(&without_comments(&file.text())) {
            let used = path.first().map(String::as_str).unwrap_or_default();
            let part = path.get(1).map(|part| format!("{used}::{part}")).unwrap_or_default();
            let known = LAYERS.iter().any(|(name, _)| *name == used);
            if known && used != user && !allowed.contains(&used) && !allowed.contains(&part.as_str()) {
                found.push(format!("{}: crate::{}", file.path, path.join("::")));
            }
        }
    }
    none(&found, "move what both need down, or hand it in from above; the layers are at the top of this test");
}

#[test]
fn sled_wasmtime_and_axum_are_each_named_by_one_module() {
    let mut found = Vec::new();
    for file in sources() {
        let code = without_comments(&file.text());
        for (name, owner) in OWNED_CRATES {
            let names = |line: &&str| has_path(line, name);
            // The host's own tests play remote servers with the same crate.
            if module(&file) != owner
                && !file.path.contains("/tests")
                && let Some(line) = code.lines().find(names)
            {
                found.push(format!("{}: {}", file.path, line.trim()));
            }
        }
    }
    none(&found, "give the owning module an operation for it");
}

#[test]
fn paths_are_read_out_of_nested_imports() {
    let text = "use crate::model::{names::{A, B}, time};\nuse crate::{store, app::views as v};\nlet x = crate::egress::check();";
    let paths: Vec<String> = crate_paths(text).into_iter().map(|path| path.join("::")).collect();
    assert_eq!(
        paths,
        ["model::names::A", "model::names::B", "model::time", "store", "app::views", "egress::check"],
        "every leaf, with its whole path"
    );
}

fn sources() -> Vec<File> {
    let all = files_ending("host/src", ".rs");
    all.into_iter().filter(|file| !matches!(file.name(), "lib.rs" | "main.rs")).collect()
}

/// `host/src/store/keys.rs` and `host/src/store.rs` are of `store`.
fn module(file: &File) -> String {
    let below = file.path.trim_start_matches("host/src/");
    below.split('/').next().unwrap_or(below).trim_end_matches(".rs").to_owned()
}

fn has_path(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + name.len()..];
        !before.is_some_and(is_of_name)
            && (after.starts_with("::") || (line.trim_start().starts_with("use ") && !after.starts_with(is_of_name)))
    })
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Every path that begins at the crate's root, groups taken apart.
fn crate_paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, start) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        // `$crate::` in a macro is a crate of its own.
        if before.is_some_and(|letter| is_of_name(letter) || letter == '$' || letter == ':') {
            continue;
        }
        let mut rest = &code[at + start.len()..];
        tree(&mut rest, &[], &mut found);
    }
    found
}

/// Reads `a::{b, c::d}` and appends each leaf; `rest` stands behind it afterwards.
fn tree(rest: &mut &str, prefix: &[String], found: &mut Vec<Vec<String>>) {
    *rest = rest.trim_start();
    if let Some(group) = rest.strip_prefix('{') {
        *rest = group;
        loop {
            *rest = rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == ',');
            if rest.is_empty() {
                return;
            }
            if let Some(behind) = rest.strip_prefix('}') {
                *rest = behind;
                return;
            }
            let length = rest.len();
            tree(rest, prefix, found);
            // ` as name`, or anything else that is no part of a path.
            *rest = rest.trim_start_matches(|letter: char| !matches!(letter, ',' | '}'));
            assert!(rest.len() < length, "an import that this test cannot read: {rest:.60}");
        }
    }
    let end = rest.find(|letter| !is_of_name(letter)).unwrap_or(rest.len());
    let mut path = prefix.to_vec();
    path.push(rest[..end].to_owned());
    *rest = &rest[end..];
    match rest.strip_prefix("::") {
        Some(behind) if behind.starts_with(|letter: char| is_of_name(letter) || letter == '{') => {
            *rest = behind;
            tree(rest, &path, found);
        }
        _ => found.push(path),
    }
}
