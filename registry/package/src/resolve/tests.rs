//! Requirements against releases, and the time it takes with the maximum number of releases.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;
use crate::index::RELEASES_MAX;
use crate::manifest::Summary;
use crate::trust::{SigningKey, TrustList};
use expect_test::expect;
use std::time::Instant;

fn release(version: &str, status: Status) -> Release {
    Release {
        version: version.parse().unwrap(),
        digest: Digest::of(version.as_bytes()),
        manifest_digest: Digest::of(version.as_bytes()),
        status,
        published_at_ms: 1,
        interface: semver::Version::new(1, 0, 0),
        changes: None,
    }
}

fn note(text: &str) -> Summary {
    text.parse().unwrap()
}

fn index() -> PackageIndex {
    let active = |version| release(version, Status::Active);
    PackageIndex {
        package: "acme/leads".parse().unwrap(),
        sequence: 9,
        releases: vec![
            active("0.3.1"),
            active("0.3.4"),
            active("1.0.0"),
            active("1.2.3"),
            release("1.2.9", Status::Deprecated { note: note("Slow; use 1.3.") }),
            release("1.3.0", Status::Yanked { note: note("Loses phone numbers.") }),
            active("2.0.0-rc.1"),
            release("3.0.0", Status::Recalled { note: note("Sends to the wrong CRM.") }),
            active("1.10.0"),
        ],
    }
}

fn chosen(requirement: &str, options: &ResolveOptions) -> String {
    match resolve(&index(), &requirement.parse().unwrap(), options) {
        Ok(Resolved { pin, warning: None }) => pin.version.to_string(),
        Ok(Resolved { pin, warning: Some(warning) }) => format!("{} ({warning})", pin.version),
        Err(error) => error.to_string(),
    }
}

#[test]
fn requirements_have_the_same_meaning_as_in_cargo() {
    let mut text = String::new();
    for requirement in [
        "*",
        "1",
        "^1.2",
        "~1.2",
        "~1.2.3",
        "=1.2.3",
        "1.2.*",
        ">=1.0, <1.2",
        "0.3",
        "^0.3.1",
        "=1.2.9",
        "4",
        "1.4.7",
        "=1.3.0",
        "=1.3",
        "3",
        "2",
        "=2.0.0-rc.1",
        ">=2.0.0-rc.0",
    ] {
        text += &format!("{requirement:13} {}\n", chosen(requirement, &ResolveOptions::default()));
    }
    expect![[r#"
        *             1.10.0
        1             1.10.0
        ^1.2          1.10.0
        ~1.2          1.2.9 (acme/leads 1.2.9 is deprecated: Slow; use 1.3.)
        ~1.2.3        1.2.9 (acme/leads 1.2.9 is deprecated: Slow; use 1.3.)
        =1.2.3        1.2.3
        1.2.*         1.2.9 (acme/leads 1.2.9 is deprecated: Slow; use 1.3.)
        >=1.0, <1.2   1.0.0
        0.3           0.3.4
        ^0.3.1        0.3.4
        =1.2.9        1.2.9 (acme/leads 1.2.9 is deprecated: Slow; use 1.3.)
        4             no version of acme/leads matches `^4`; available: 2.0.0-rc.1, 1.10.0, 1.2.9, 1.2.3, 1.0.0
        1.4.7         1.10.0
        =1.3.0        1.3.0 (acme/leads 1.3.0 is yanked: Loses phone numbers.)
        =1.3          every version of acme/leads that matches `=1.3` was yanked by its publisher (1.3.0: Loses phone numbers.); available: 1.10.0, 1.2.9, 1.2.3, 1.0.0; who depends on 1.3.0 requires `=1.3.0`
        3             every version of acme/leads that matches `^3` was recalled by its publisher (3.0.0: Sends to the wrong CRM.); available: 2.0.0-rc.1, 1.10.0, 1.2.9, 1.2.3, 1.0.0
        2             only pre-releases of acme/leads match `^2`: require `=2.0.0-rc.1`, or allow pre-releases
        =2.0.0-rc.1   2.0.0-rc.1
        >=2.0.0-rc.0  2.0.0-rc.1
    "#]].assert_eq(&text);
}

#[test]
fn pre_releases_need_permission_or_an_exact_request() {
    let pre_releases = ResolveOptions { pre_releases: true };
    assert_eq!(chosen("2", &pre_releases), "2.0.0-rc.1");
    assert_eq!(chosen("1", &pre_releases), "1.10.0");
    for wrong in ["", "v", "1.2.3.4", ">", "1..2", &"1,".repeat(101)] {
        assert!(wrong.parse::<Requirement>().is_err(), "{wrong}");
    }
}

#[test]
fn only_an_exact_requirement_chooses_a_yanked_version() {
    let index = index();
    let yanked: Version = "1.3.0".parse().unwrap();
    let both = [false, true].map(|pre_releases| ResolveOptions { pre_releases });
    for options in &both {
        let pinned = resolve(&index, &Requirement::exactly(&yanked), options).unwrap();
        assert_eq!(pinned.pin.version, yanked);
        assert_eq!(pinned.warning.as_deref(), Some("acme/leads 1.3.0 is yanked: Loses phone numbers."));
        for other in
            ["=1.3", "1.3.0", "~1.3.0", "1.3.*", ">=1.3.0, <1.4", "<=1.3.0, >1.2.9", "=1.3.0, >=1", ">1.2.3", "*"]
        {
            let chosen = resolve(&index, &other.parse().unwrap(), options);
            assert!(chosen.map_or(true, |chosen| chosen.pin.version != yanked), "{other}");
        }
        // A recall stays final, even for who has it pinned.
        let recalled = resolve(&index, &"=3.0.0".parse().unwrap(), options);
        assert!(matches!(recalled, Err(ResolveError::Recalled { .. })), "{recalled:?}");
    }
}

#[test]
fn a_deprecated_version_is_never_chosen_silently() {
    let index = index();
    let mut deprecated = 0;
    for requirement in ["*", "1", "~1.2", "1.2.*", "=1.2.9", "<1.10", "<=1.2.9", ">1.2.3, <1.3"] {
        let Resolved { pin, warning } =
            resolve(&index, &requirement.parse().unwrap(), &ResolveOptions::default()).unwrap();
        let is_deprecated = pin.version.to_string() == "1.2.9";
        deprecated += u32::from(is_deprecated);
        assert_eq!(
            warning.is_some_and(|text| text.contains("is deprecated: Slow; use 1.3.")),
            is_deprecated,
            "{requirement}"
        );
    }
    assert_eq!(deprecated, 6);
}

#[test]
fn ten_thousand_versions_resolve_within_5_ms() {
    let releases = (0..RELEASES_MAX).map(|n| {
        let status = if n % 7 == 0 { Status::Yanked { note: note("Bad.") } } else { Status::Active };
        release(&format!("{}.{}.{}", n / 1000, n / 10 % 100, n % 10), status)
    });
    let mut big = PackageIndex { releases: releases.collect(), ..index() };
    big.sequence = 10_001;
    let requirement: Requirement = "^9.5".parse().unwrap();
    let start = Instant::now();
    let resolved = resolve(&big, &requirement, &ResolveOptions::default()).unwrap();
    let alone = start.elapsed();
    assert_eq!(resolved.pin.version.to_string(), "9.99.9");

    let key = SigningKey::generate().unwrap();
    let mut trust = TrustList::default();
    trust.add(&"acme".parse().unwrap(), key.public(), 0).unwrap();
    let (json, envelope) = big.sign(&key, 1);
    let start = Instant::now();
    let (read, _) = PackageIndex::verify(&json, &envelope, &big.package, &trust).unwrap();
    let seen = read.check_progress(None, Digest::of(&json)).unwrap();
    resolve(&read, &requirement, &ResolveOptions::default()).unwrap();
    let whole = start.elapsed();
    println!("resolve {alone:?}; read, verify, check and resolve {} bytes {whole:?}", json.len());
    // Far above the usual time, so that a busy machine does not fail the test.
    assert!(alone.as_millis() < 5, "{alone:?}");
    assert!(serde_json::to_vec(&seen).unwrap().len() < 16 * 1024);
}
