//! Keys, envelopes and verdicts: each reason for refusal has its own error.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::statement::{Key, Release};
use super::*;
use crate::Digest;
use crate::manifest::{PackageName, Version};

const NOW_MS: u64 = 1_795_329_234_000;
/// A key pair as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` write it (RFC 8410, section 10).
const OPENSSL_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
const OPENSSL_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
";

fn publisher() -> Publisher {
    "acme".parse().unwrap()
}

fn package() -> PackageName {
    "acme/leads".parse().unwrap()
}

fn version() -> Version {
    "1.2.0".parse().unwrap()
}

fn release() -> Release {
    let [digest, manifest_digest] = [Digest::of(b"component"), Digest::of(b"manifest")];
    Release { package: package(), version: version(), digest, manifest_digest, signed_at_ms: NOW_MS }
}

fn trusting(key: &SigningKey) -> TrustList {
    let mut trust = TrustList::default();
    trust.add(&publisher(), key.public(), NOW_MS).unwrap();
    trust
}

fn verdict(trust: &TrustList, envelope: &[u8]) -> Result<Signer, TrustError> {
    let Release { digest, manifest_digest, .. } = release();
    let (package, version) = (package(), version());
    trust.verify(envelope, Expect::Release { package: &package, version: &version, digest, manifest_digest })
}

#[test]
fn keys_round_trip_and_openssl_keys_can_be_read() {
    let openssl = SigningKey::from_pem(OPENSSL_PRIVATE).unwrap();
    assert_eq!(openssl.public(), PublicKey::from_pem(OPENSSL_PUBLIC).unwrap());
    assert_eq!(OPENSSL_PUBLIC.parse(), Ok(openssl.public()));
    assert_eq!(openssl.public().to_pem().replace('\r', ""), OPENSSL_PUBLIC);
    let ours = SigningKey::generate().unwrap();
    assert_eq!(SigningKey::from_pem(&ours.to_pem()).unwrap().public(), ours.public());
    assert_eq!(ours.public().to_string().parse(), Ok(ours.public()));
    assert_ne!(ours.public(), SigningKey::generate().unwrap().public());
    let id = openssl.public().id();
    assert_eq!(id, id.to_string().parse().unwrap());
    assert!(id.is_meant_by(&id.short()) && !id.is_meant_by("sha256:") && !id.is_meant_by("00000000"));
}

#[test]
fn invalid_keys_are_refused_and_private_keys_never_shown() {
    let secret = "1O5y2/kTWErVttjx92n4rTr+fCjL8dT74Jeoj0R1WEI=";
    let key = SigningKey::from_pem(OPENSSL_PRIVATE).unwrap();
    assert!(!format!("{key:?}").contains("MC4CAQ"));
    for (text, expected) in [
        ("", "not PEM"),
        (OPENSSL_PUBLIC, "found `PUBLIC KEY`"),
        (&OPENSSL_PRIVATE.replace("MC4CAQ", "MC4CAR"), "does not contain an Ed25519 key"),
        (&OPENSSL_PRIVATE[..80], "not PEM"),
        (&"x".repeat(9000), "at most"),
    ] {
        let error = SigningKey::from_pem(text).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains(secret), "{error}");
    }
    for text in ["", "AAAA", OPENSSL_PRIVATE, &"A".repeat(44)] {
        assert!(text.parse::<PublicKey>().is_err(), "{text}");
    }
}

#[test]
fn each_untrusted_signature_has_its_own_error() {
    let [key, other] = [(); 2].map(|()| SigningKey::generate().unwrap());
    let trust = trusting(&key);
    let good = Statement::Release(release()).sign(&key).to_json();
    assert_eq!(verdict(&trust, &good), Ok(Signer { publisher: publisher(), key_id: key.public().id() }));

    let refused = |trust: &TrustList, envelope: &[u8]| verdict(trust, envelope).unwrap_err();
    assert!(matches!(refused(&TrustList::default(), &good), TrustError::UnknownPublisher { .. }));
    assert!(matches!(refused(&trusting(&other), &good), TrustError::UnknownKey { .. }));
    let mut elsewhere = TrustList::default();
    elsewhere.add(&"mallory".parse().unwrap(), key.public(), NOW_MS).unwrap();
    assert!(
        matches!(refused(&elsewhere, &good), TrustError::UnknownPublisher { .. }),
        "a key is trusted for one publisher only"
    );

    let mut revoked = trust.clone();
    assert!(revoked.revoke("acme", &key.public().id(), NOW_MS + 1, "stolen"));
    assert!(!revoked.revoke("acme", &key.public().id(), NOW_MS + 2, "again"));
    assert!(matches!(refused(&revoked, &good), TrustError::Revoked { at_ms, .. } if at_ms == NOW_MS + 1));
    assert!(revoked.add(&publisher(), key.public(), NOW_MS).is_err(), "a revocation is permanent");

    let mut retired = trust.clone();
    assert!(retired.retire("acme", &key.public().id(), NOW_MS));
    assert!(verdict(&retired, &good).is_ok(), "an earlier signature stays valid");
    let late = Statement::Release(Release { signed_at_ms: NOW_MS + 1, ..release() }).sign(&key).to_json();
    assert!(matches!(refused(&retired, &late), TrustError::Retired { .. }));

    for wrong in [
        Release { version: "1.3.0".parse().unwrap(), ..release() },
        Release { package: "acme/orders".parse().unwrap(), ..release() },
        Release { digest: Digest::of(b"x"), ..release() },
        Release { manifest_digest: Digest::of(b"x"), ..release() },
        Release { package: "mallory/leads".parse().unwrap(), ..release() },
    ] {
        let envelope = Statement::Release(wrong).sign(&key).to_json();
        assert!(matches!(refused(&trust, &envelope), TrustError::WrongSubject { .. }));
    }
    let own_key = Key { publisher: publisher(), key: key.public(), signed_at_ms: NOW_MS };
    let envelope = Statement::Key(own_key).sign(&key).to_json();
    assert!(matches!(refused(&trust, &envelope), TrustError::WrongSubject { .. }));
    assert_eq!(TrustList::from_json(&revoked.to_json()), Ok(revoked));
}

#[test]
fn a_truncated_or_changed_envelope_is_refused() {
    let key = SigningKey::generate().unwrap();
    let (trust, good) = (trusting(&key), Statement::Release(release()).sign(&key).to_json());
    let signer = verdict(&trust, &good).unwrap();
    for cut in 0..good.len() {
        let error = verdict(&trust, &good[..cut]).unwrap_err();
        assert!(matches!(error, TrustError::Malformed { .. }), "{cut}: {error}");
    }
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1;
        // The key id is an unsigned hint: changing it breaks nothing and proves nothing.
        match verdict(&trust, &changed) {
            Ok(still) => {
                let read = Envelope::from_json(&changed).unwrap();
                assert_eq!(read.payload(), Envelope::from_json(&good).unwrap().payload(), "byte {at}");
                assert_eq!(still, signer);
            }
            Err(error) => assert!(
                matches!(
                    error,
                    TrustError::Malformed { .. } | TrustError::Tampered { .. } | TrustError::UnknownKey { .. }
                ) || matches!(error, TrustError::WrongSubject { .. } | TrustError::UnknownPublisher { .. }),
                "byte {at}: {error}"
            ),
        }
    }
}

#[test]
fn only_a_valid_key_introduces_the_next_key() {
    let [first, second, third] = [(); 3].map(|()| SigningKey::generate().unwrap());
    let introduces = |key: &SigningKey, by: &SigningKey| {
        let said = Key { publisher: publisher(), key: key.public(), signed_at_ms: NOW_MS };
        Statement::Key(said).sign(by).to_json()
    };
    let mut trust = trusting(&first);
    let stranger = trust.accept_key(&introduces(&third, &second), NOW_MS);
    assert!(matches!(stranger, Err(TrustError::UnknownKey { .. })), "{stranger:?}");
    let itself = trust.accept_key(&introduces(&second, &second), NOW_MS);
    assert!(matches!(itself, Err(TrustError::UnknownKey { .. })), "{itself:?}");

    trust.accept_key(&introduces(&second, &first), NOW_MS).unwrap();
    assert_eq!(trust.keys("acme")[1].introduced_by, Some(first.public().id()));
    let by_second = Statement::Release(release()).sign(&second).to_json();
    assert_eq!(verdict(&trust, &by_second).unwrap().key_id, second.public().id());

    trust.revoke("acme", &second.public().id(), NOW_MS, "stolen");
    let revoked = trust.accept_key(&introduces(&third, &second), NOW_MS);
    assert!(matches!(revoked, Err(TrustError::Revoked { .. })), "{revoked:?}");
    assert!(trust.accept_key(&introduces(&second, &first), NOW_MS).is_err(), "a statement cannot restore it either");
    let release = Statement::Release(release()).sign(&first).to_json();
    assert!(matches!(trust.accept_key(&release, NOW_MS), Err(TrustError::WrongSubject { .. })));
}
