//! What an index accepts and refuses. How it may change over time is tested with whole registries in `client`.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;

fn release(version: &str) -> Release {
    Release {
        version: version.parse().unwrap(),
        digest: Digest::of(version.as_bytes()),
        manifest_digest: Digest::of(b"manifest"),
        status: Status::Active,
        published_at_ms: 7,
        interface: semver::Version::new(1, 0, 0),
        changes: None,
    }
}

fn index() -> PackageIndex {
    let mut index = PackageIndex::empty("acme/leads".parse().unwrap());
    assert!(index.publish(release("1.0.0")).unwrap());
    index
}

#[test]
fn an_index_round_trips_and_malformed_ones_are_refused() {
    let mut index = index();
    index.set_status(&"1.0.0".parse().unwrap(), Status::Yanked { note: "Bad.".parse().unwrap() }).unwrap();
    let json = index.to_json();
    assert_eq!(PackageIndex::from_json(&json), Ok(index.clone()));
    let text = String::from_utf8(json.clone()).unwrap();
    for (wrong, expected) in [
        (text[..text.len() - 2].to_owned(), "cut off"),
        (text.replace("\"sequence\":2", "\"sequence\":0"), "expected 1 to"),
        (text.replace("\"sequence\":2", "\"sequence\":9007199254740992"), "expected 1 to"),
        (text.replace("\"yanked\"", "\"unyanked\""), "unknown variant"),
        (text.replace("\"note\":\"Bad.\"", "\"note\":\"Bad\\u0007\""), "control characters"),
        (text.replace("\"version\":\"1.0.0\"", "\"version\":\"1.0.0+x\""), "build metadata"),
        (text.replace("\"releases\":[", "\"more\":1,\"releases\":["), "unknown field"),
        (text.replace("acme/leads", "../leads"), "publisher"),
    ] {
        let error = PackageIndex::from_json(wrong.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\n expected {expected}");
    }
    index.releases.push(release("1.0.0"));
    assert!(PackageIndex::from_json(&index.to_json()).unwrap_err().to_string().contains("1.0.0 twice"));
    index.releases = (0..=RELEASES_MAX).map(|n| release(&format!("1.0.{n}"))).collect();
    assert!(PackageIndex::from_json(&index.to_json()).unwrap_err().to_string().contains("at most 10000"));
    index.releases.pop();
    assert!(PackageIndex::from_json(&index.to_json()).is_ok());
    assert!(matches!(index.publish(release("2.0.0")), Err(IndexError::Full { .. })));
    assert!(matches!(PackageIndex::from_json(&vec![b' '; INDEX_BYTES_MAX + 1]), Err(IndexError::TooLarge { .. })));
}

#[test]
fn no_index_and_no_statement_goes_past_the_highest_sequence() {
    let mut index = PackageIndex { sequence: SEQUENCE_MAX - 1, ..index() };
    index.renew().unwrap();
    let key = SigningKey::generate().unwrap();
    let (json, envelope) = index.sign(&key, 7);
    assert_eq!(PackageIndex::from_json(&json), Ok(index.clone()));
    let envelope = Envelope::from_json(&envelope).unwrap();
    assert!(Statement::claimed(&envelope).is_ok());

    let before = index.clone();
    let exhausted = |result: Result<bool, IndexError>| matches!(result, Err(IndexError::Exhausted { .. }));
    assert!(exhausted(index.publish(release("1.1.0"))));
    let yank = Status::Yanked { note: "Bad.".parse().unwrap() };
    assert!(exhausted(index.set_status(&"1.0.0".parse().unwrap(), yank)));
    assert!(exhausted(index.renew().map(|()| true)));
    assert_eq!(index, before, "a refused change changes nothing");

    index.sequence = u64::MAX;
    let (json, envelope) = index.sign(&key, 7);
    assert!(matches!(PackageIndex::from_json(&json), Err(IndexError::Malformed(_))));
    let refused = Statement::claimed(&Envelope::from_json(&envelope).unwrap()).unwrap_err();
    assert!(refused.contains("expected 1 to 9007199254740991"), "{refused}");
}

#[test]
fn the_remembered_digest_has_one_row_per_release() {
    let mut index = index();
    let texts = ["0.0.0", "1.2.3", "10.99.100", "18446744073709551615.1000.9", "1.0.0-rc.1", "10.20.30-0"];
    index.releases = texts
        .into_iter()
        .map(str::to_owned)
        .chain((0..500).map(|n| format!("2.{n}.0")))
        .map(|text| release(&text))
        .collect();
    let rows = |releases: &[Release]| -> Vec<u8> {
        let row = |release: &Release| {
            [format!("{}\n", release.version).as_bytes(), release.digest.as_bytes(), release.manifest_digest.as_bytes()]
                .concat()
        };
        releases.iter().flat_map(row).collect()
    };
    let digest = Digest::of(b"a list");
    assert_eq!(Seen::of(&index, digest).identity, Digest::of(&rows(&index.releases)));
    for first in [0, 1, 6, 505, 506] {
        let before = PackageIndex { sequence: 1, releases: index.releases[..first].to_vec(), ..index.clone() };
        let later = PackageIndex { sequence: 2, ..index.clone() };
        let seen = later.check_progress(Some(&Seen::of(&before, digest)), digest).unwrap();
        assert_eq!(seen, Seen::of(&later, digest), "{first} seen before");
    }
}

#[test]
fn each_change_raises_the_sequence_and_versions_are_unique() {
    let mut index = index();
    assert_eq!(index.publish(release("1.0.0")), Ok(false));
    let other = Release { digest: Digest::of(b"other"), ..release("1.0.0") };
    assert!(matches!(index.publish(other), Err(IndexError::Published { .. })));
    assert_eq!(index.sequence, 1);
    let missing = index.set_status(&"9.0.0".parse().unwrap(), Status::Active);
    assert!(matches!(missing, Err(IndexError::NoSuchVersion { .. })));
    assert_eq!(index.publish(release("1.1.0")), Ok(true));
    assert_eq!(index.sequence, 2);
}
