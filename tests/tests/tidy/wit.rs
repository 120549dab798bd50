//! The released contract never changes.

use std::collections::BTreeMap;

use crate::tree::files;
use sha2::{Digest as _, Sha256};

/// Every file of every released folder, with the SHA-256 of its bytes. A release adds lines; no line ever changes.
const RELEASED: [(&str, &str); 1] =
    [("wit/handoff-connector-1.0.0/connector.wit", "a893e9ebb573ad6930accf7dd19300523248747561642780a9af7a2d5880497e")];

#[test]
fn a_released_contract_is_frozen() {
    // A release candidate (`-rc`) may still change.
    let is = files("wit").into_iter().filter(|file| file.path.matches('/').count() > 1 && !is_candidate(&file.path));
    let is: BTreeMap<String, String> = is.map(|file| (file.path.clone(), hex(&Sha256::digest(&file.bytes)))).collect();
    let was = RELEASED.iter().map(|(path, digest)| ((*path).to_owned(), (*digest).to_owned())).collect();
    assert_eq!(
        is, was,
        "connectors are built against these bytes. Put the change into a new folder as described in wit/README.md, and add its \
         files here when it is released"
    );
}

/// With one version there is nothing to compare, and `wit-component`'s check would add a WAT parser to every build.
#[test]
fn a_second_version_of_a_track_needs_a_compatibility_check() {
    let mut folders: Vec<&str> =
        RELEASED.iter().filter_map(|(path, _)| path.rsplit_once('/')).map(|both| both.0).collect();
    folders.dedup();
    let second =
        folders.windows(2).find(|pair| pair.iter().map(|folder| track(folder)).is_sorted_by(|one, two| one == two));
    assert_eq!(
        second, None,
        "replace this test with one that calls `wit_component::semver_check(resolve, before, after)` for each such pair (feature \
         `semver-check` of wit-component), and fails when a connector of the one before would not load"
    );
}

fn is_candidate(path: &str) -> bool {
    path.split('/').nth(1).is_some_and(|folder| folder.ends_with("-rc"))
}

/// A candidate builds upon the released bytes and only adds: its world includes that of the release, and exports nothing.
#[test]
fn a_release_candidate_only_adds_imports() {
    let candidates: Vec<_> = files("wit").into_iter().filter(|file| is_candidate(&file.path)).collect();
    assert!(!candidates.is_empty(), "remove this test with the last candidate");
    for file in candidates {
        let text = String::from_utf8_lossy(&file.bytes).into_owned();
        assert!(text.contains("include handoff:connector/connector@1.0.0;"), "{} includes the release", file.path);
        let exports = text.lines().any(|line| line.trim_start().starts_with("export "));
        assert!(!exports, "{}: a new export breaks connectors", file.path);
    }
}

/// `wit/handoff-connector-1.4.0` → `wit/handoff-connector-1`.
fn track(folder: &str) -> &str {
    folder.split_once('.').map_or(folder, |(track, _)| track)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
