//! Registry authentication: a publisher with a stored login, a host with a secret of its configuration.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use handoff_tests::harness::{TestHost, component, handoff_binary};

use super::server::served_to_users;
use super::{host_with, install, new_publisher, trust};

/// Runs `handoff login` with a secret on its standard input.
fn login(host: &TestHost, registry: &str, secret: &str) -> (i32, String) {
    let mut child = Command::new(handoff_binary())
        .args(["login", registry, "--username", "handoff", "--secret-stdin"])
        .current_dir(host.folder())
        .env("XDG_CONFIG_HOME", host.folder().join("config"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    writeln!(child.stdin.take().expect("standard input"), "{secret}").expect("written");
    let output = child.wait_with_output().expect("an answer");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn a_login_is_checked_and_stored_privately() {
    let registry = served_to_users().await;
    let login_of_host = "[secrets.registry]\nfile = \"secrets/registry\"\n";
    let host = host_with(&registry, login_of_host).await;
    new_publisher(&host).await;
    trust(&host).await;
    let package = component("identity").display().to_string();
    let publish = ["publish", &package, "--key", "key.pem", "--registry", registry.url()];
    host.cli(&publish).await.exits(5).says(&["handoff login"]);

    let kept = host.folder().join("config/handoff/auth.json");
    let (code, said) = login(&host, registry.url(), "not-the-one");
    assert!(code != 0 && !kept.exists() && !said.contains("not-the-one"), "{code}: {said}");
    assert_eq!(login(&host, registry.url(), "myPassword"), (0, String::new()));
    let mode = std::fs::metadata(&kept).expect("the login").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    host.cli(&publish).await.ok();

    // The host has no login yet, and does not use a publisher's.
    install(&host, &["handoff/identity"]).await.exits(5).says(&["refuses"]);
    let file = host.folder().join("handoff.toml");
    let config = std::fs::read_to_string(&file).expect("the configuration");
    let auth = "[registries.main]\nauth = { kind = \"basic\", username = \"handoff\", secret = \"registry\" }\n";
    std::fs::write(&file, config.replace("[registries.main]\n", auth)).expect("written");
    let secret = host.folder().join("secrets/registry");
    std::fs::write(&secret, "myPassword\n").expect("written");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("its mode");
    let mut host = host;
    host.stop().await;
    host.start_again().await;
    install(&host, &["handoff/identity"]).await.ok();
    assert!(!host.log().contains("myPassword"));
    host.cli(&["login", registry.url(), "--remove"]).await.ok();
    host.cli(&["login", registry.url(), "--remove"]).await.exits(3);
}
