//! Tests that secrets and key files are read at set-up, and that what is wrong is shown at its place.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use expect_test::expect;
use serde_json::Value;

use super::host::handoff;
use crate::exit::Exit;

const CONFIG: &str = r#"[ingress]
events-token-secret = "token"
[rooftops.main-street]
time-zone = "America/Chicago"
[secrets.token]
file = "token"
[secrets.key]
file = "key"
[secrets.unset]
env = "HANDOFF_TEST_OF_A_VARIABLE_THAT_IS_NOT_SET"
[secrets.failing]
command = ["false"]
[secrets.gone]
file = "gone"
[secrets.hook]
file = "hook"
[auth.crm]
kind = "bearer"
secret = "key"
"#;

const SETTINGS: &str = r#"rooftop = "main-street"
[hook]
verify = "standard-webhooks"
secret = "hook"
"#;

const KEYS: &str = r#"rooftop = "main-street"
[hook]
verify = "jwt"
jwks-file = "jwks.json"
issuer = "https://id.vendor.example"
audience = "main-street"
algorithms = ["RS256"]
"#;

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn check_and_doctor_read_every_secret_as_its_use_will() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    write(folder.path(), "handoff.toml", CONFIG.as_bytes());
    write(folder.path(), "token", b"two words\n");
    write(folder.path(), "key", b"\xef\xbb\xbfs3cret\n");
    write(folder.path(), "hook", b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS");
    write(folder.path(), "hook.toml", SETTINGS.as_bytes());
    write(folder.path(), "keys.toml", KEYS.as_bytes());
    write(folder.path(), "jwks.json", b"{");

    let line = format!("check {} {} --json --config {}", at("hook.toml"), at("keys.toml"), at("handoff.toml"));
    let ran = handoff(folder.path(), &line).await;
    let error = ran.end.unwrap_err();
    assert_eq!(error.exit, Exit::Invalid);
    let found: Vec<String> = error
        .problem
        .problems
        .iter()
        .map(|one| {
            let text = format!("{}: {}", one.field.as_deref().unwrap_or_default(), one.detail);
            text.split(", expected").next().unwrap_or_default().replace(folder.path().to_str().unwrap(), "DATA")
        })
        .collect();
    expect![[r#"
        DATA/handoff.toml:11: secrets.failing: found command false failed: exit status: 1; run it by hand to see why
        DATA/handoff.toml:13: secrets.gone: found file DATA/gone cannot be opened: No such file or directory (os error 2)
        DATA/handoff.toml:7: secrets.key: found the secret begins with a byte order mark (BOM): save it as UTF-8 without BOM
        DATA/handoff.toml:5: secrets.token: found the secret is no token: expected printable ASCII without spaces
        DATA/handoff.toml:9: secrets.unset: found environment variable HANDOFF_TEST_OF_A_VARIABLE_THAT_IS_NOT_SET is not set
        DATA/handoff.toml:15: secrets.hook: found the secret a secret for standard-webhooks must be `whsec_` followed by Base64 with padding
        DATA/keys.toml:2: hook: found key file DATA/jwks.json: is not JSON: EOF while parsing an object at line 1 column 1"#]].assert_eq(&found.join("\n"));
    assert!(!ran.error.contains("s3cret") && !ran.error.contains("two words"), "no secret is shown: {}", ran.error);

    let ran = handoff(folder.path(), &format!("doctor --json --config {}", at("handoff.toml"))).await;
    let doctor: Value = serde_json::from_str(&ran.out).unwrap();
    let findings = doctor["findings"].as_array().unwrap();
    assert_eq!(findings.iter().filter(|finding| finding["name"] == "secrets").count(), 5, "{doctor:#}");

    let without = format!("{line} --without-secrets");
    assert_eq!(handoff(folder.path(), &without).await.end, Ok(Exit::Ok));
}
