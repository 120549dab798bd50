//! The command line: configuration checks, exit codes, completions.

use handoff_tests::harness::TestHost;

#[tokio::test]
async fn configuration_errors_name_line_and_column() {
    let host = TestHost::new().start().await;
    host.cli(&["check"]).await.ok();
    let path = host.folder().join("wrong.toml");
    std::fs::write(&path, "[host]\ndata = \"data\"\n\n[ingress]\nlisten = \"127.0.0.1\"\nhok-body-bytes = 5\n")
        .expect("written");
    let wrong = host.cli(&["check", "--config", "wrong.toml"]).await.exits(6);
    wrong.says(&["wrong.toml:5:10", "wrong.toml:6:1", "hook-body-bytes"]);
    let serve = host.cli(&["serve", "--config", "wrong.toml"]).await.exits(6);
    serve.says(&["wrong.toml:5:10"]);
    std::fs::write(&path, "[host\n").expect("written");
    host.cli(&["check", "--config", "wrong.toml"]).await.exits(6).says(&["wrong.toml:1"]);
    std::fs::write(&path, "rooftop = \"main-street\"\n[hook]\nverify = \"magic\"\n").expect("written");
    host.cli(&["check", "wrong.toml"]).await.exits(6).says(&["wrong.toml:3:10", "standard-webhooks"]);

    let example = host.cli(&["check", "--example"]).await.ok();
    assert!(example.stdout.contains("[ingress]") && example.stdout.contains("[limits.engine]"));
}

#[tokio::test]
async fn exit_codes_match_the_help() {
    let host = TestHost::new().start().await;
    host.cli(&["--help"]).await.ok();
    host.cli(&["no-such-command"]).await.exits(2);
    host.cli(&["trace", "first"]).await.exits(2);
    host.cli(&["show", "nobody"]).await.exits(3);
    host.cli(&["trace", "999999"]).await.exits(3);
    let missing = host.cli(&["show", "nobody", "--json"]).await.exits(3);
    let problem: serde_json::Value = serde_json::from_str(&missing.stderr).expect("problem details");
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains("nobody")), "{problem}");
    for shell in ["bash", "zsh", "fish"] {
        host.cli(&["completions", shell]).await.ok().says(&["handoff", "dead-letters"]);
    }
    let doctor = host.cli(&["doctor", "--json"]).await;
    assert!(matches!(doctor.code, 0 | 1), "{doctor}");
    assert!(doctor.json().is_object(), "{doctor}");
    assert!(host.cli(&["doctor"]).await.stdout.contains("durable writes"), "{doctor}");
    host.cli(&["--version"]).await.ok();
}

#[tokio::test]
async fn a_configuration_that_is_named_has_to_exist() {
    let host = TestHost::new().start().await;
    for command in [
        &["status"][..],
        &["list"],
        &["rollback", "web-leads"],
        &["check"],
        &["serve"],
        &["doctor"],
        &["search"],
        &["completions", "bash"],
    ] {
        let args = [command, &["--config", "no-such.toml"]].concat();
        host.cli(&args).await.exits(6).says(&["there is no configuration file `no-such.toml`"]);
    }
    // The default one may be missing.
    std::fs::remove_file(host.folder().join("handoff.toml")).expect("removed");
    host.cli(&["completions", "bash"]).await.ok();
    host.cli(&["list"]).await.ok();
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    use std::process::{Command, Stdio};
    for arguments in [&["completions", "bash"][..], &["check", "--example"]] {
        let mut command = Command::new(handoff_tests::harness::handoff_binary());
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
        drop(child.stdout.take());
        let ended = child.wait_with_output().expect("ended");
        assert_eq!(
            (ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}

#[tokio::test]
async fn an_error_about_a_stopped_host_says_how_to_start_it() {
    let mut host = TestHost::new().start().await;
    host.stop().await;
    let nobody = host.cli(&["pause", "web-leads"]).await.exits(4);
    nobody.says(&["handoff serve"]);
}
