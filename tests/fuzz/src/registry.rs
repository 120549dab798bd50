//! Answers of registries: signatures, indexes, manifests. Unsigned content is never trusted, and what is read is the
//! same after writing it again.

use std::sync::LazyLock;

use handoff_package::Digest;
use handoff_package::artifact::{IMAGE_INDEX_BYTES_MAX, ImageIndex, Manifest, SIGNATURE_TYPE};
use handoff_package::index::{PackageIndex, RELEASES_MAX};
use handoff_package::manifest::{PackageName, Version};
use handoff_package::resolve::{Requirement, ResolveOptions, resolve};
use handoff_package::trust::{Envelope, Expect, SigningKey, Statement, TrustList, statement};

use crate::{memory, text};

/// The public example key of RFC 8410.
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";

/// A trusted key, and the only release that it ever signed.
static SIGNED: LazyLock<(SigningKey, TrustList, statement::Release)> = LazyLock::new(|| {
    let key = SigningKey::from_pem(KEY).expect("a key");
    let mut trust = TrustList::default();
    trust.add(&"acme".parse().expect("a publisher"), key.public(), 1).expect("trusted");
    let release = statement::Release {
        package: "acme/leads".parse().expect("a name"),
        version: "1.2.0".parse().expect("a version"),
        digest: Digest::of(b"component"),
        manifest_digest: Digest::of(b"manifest"),
        signed_at_ms: 2,
    };
    (key, trust, release)
});

/// The trusted envelope, for a seed.
pub fn good_envelope() -> Vec<u8> {
    let (key, _, release) = &*SIGNED;
    Statement::Release(release.clone()).sign(key).to_json()
}

/// An envelope from a registry.
pub fn envelope(data: &[u8]) {
    let (_, trust, release) = &*SIGNED;
    let statement::Release { package, version, digest, manifest_digest, .. } = release;
    let expect = Expect::Release { package, version, digest: *digest, manifest_digest: *manifest_digest };
    let verdict = memory::within((1 << 18) + 64 * data.len(), || trust.verify(data, expect));
    let read = Envelope::from_json(data);
    match verdict {
        Ok(_) => {
            let good = Envelope::from_json(&good_envelope()).expect("an envelope");
            let read = read.as_ref().expect("a trusted envelope can be parsed");
            assert_eq!((read.payload_type(), read.payload()), (good.payload_type(), good.payload()), "a forgery");
        }
        Err(error) => text::check(&error.to_string(), 2048),
    }
    if let Ok(read) = read {
        assert_eq!(Envelope::from_json(&read.to_json()), Ok(read), "written and read again");
    }
}

/// An index from a registry.
pub fn index(data: &[u8]) {
    let index = match memory::within((1 << 20) + 64 * data.len(), || PackageIndex::from_json(data)) {
        Ok(index) => index,
        Err(error) => return text::check(&error.to_string(), 1024),
    };
    assert!(index.sequence > 0 && index.releases.len() <= RELEASES_MAX);
    let json = index.to_json();
    assert_eq!(PackageIndex::from_json(&json).as_ref(), Ok(&index), "written and read again");
    let digest = Digest::of(&json);
    let seen = index.check_progress(None, digest).expect("nothing was seen before");
    assert_eq!(index.check_progress(Some(&seen), digest).as_ref(), Ok(&seen));
    let mut older = index.clone();
    older.sequence -= 1;
    assert!(older.check_progress(Some(&seen), digest).is_err(), "an older one");
    for requirement in ["*", "1", "=0.0.0", "~2.1", ">=1.0.0-a"] {
        let requirement: Requirement = requirement.parse().expect("a requirement");
        match resolve(&index, &requirement, &ResolveOptions::default()) {
            Ok(chosen) => {
                let release = index.release(&chosen.pin.version).expect("it is in the list");
                assert!(
                    requirement.matches(&release.version) && matches!(release.status.word(), "active" | "deprecated")
                );
                assert_eq!((release.digest, release.manifest_digest), (chosen.pin.digest, chosen.pin.manifest_digest));
            }
            Err(error) => text::check(&error.to_string(), 2048),
        }
    }
}

/// A manifest or image index from a registry; or a requirement, a version and a name in a command.
pub fn artifact(data: &[u8]) {
    match memory::within((1 << 18) + 64 * data.len(), || Manifest::from_json(data)) {
        Ok(manifest) => {
            assert_eq!(Manifest::from_json(&manifest.to_json()).as_ref(), Ok(&manifest), "written and read again");
            for error in [
                manifest.component().err(),
                manifest.index_layers().err(),
                manifest.layer_about(Digest::of(b""), SIGNATURE_TYPE, 1024).err(),
            ] {
                error.iter().for_each(|error| text::check(&error.to_string(), 1024));
            }
        }
        Err(error) => text::check(&error.to_string(), 1024),
    }
    if let Ok(list) = memory::within((1 << 18) + 64 * data.len(), || ImageIndex::from_json(data, IMAGE_INDEX_BYTES_MAX))
    {
        assert_eq!(ImageIndex::from_json(&list.to_json(), IMAGE_INDEX_BYTES_MAX).as_ref(), Ok(&list));
    }
    let Ok(words) = std::str::from_utf8(data) else { return };
    for error in [
        words.parse::<Requirement>().err().map(|error| error.to_string()),
        words.parse::<Version>().err(),
        words.parse::<PackageName>().err(),
    ] {
        error.iter().for_each(|error| text::check(error, 1024));
    }
}
