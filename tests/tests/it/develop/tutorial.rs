//! The tutorial's commands, as they stand in the page, in each language. It prints how long each section takes.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use handoff_tests::harness::handoff_binary;

use super::project::offline;
use crate::language::{JAVASCRIPT, PYTHON, root, tools};

fn works(language: &str) {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("..");
    let tools = match language {
        "js" => tools(&JAVASCRIPT, &target),
        "python" => tools(&PYTHON, &target),
        _ => Some(target),
    };
    let Some(tools) = tools else { return };
    // Free when it is asked for; the host binds it later.
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let mut command = Command::new(root().join("tests/tutorial.sh"));
    command.arg(language).env("HANDOFF_BIN", handoff_binary()).env("PORT", port.to_string());
    command.env("CARGO_NET_OFFLINE", "true");
    command.env("CARGO_TARGET_DIR", PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("projects"));
    let output = offline(&mut command, &tools).output().expect("bash");
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}");
    told.lines().filter(|line| line.starts_with("==> ") && line.ends_with(" s")).for_each(|line| println!("{line}"));
}

#[test]
fn the_tutorial_works_in_rust() {
    works("rust");
}

#[test]
fn the_tutorial_works_in_javascript() {
    works("js");
}

#[test]
fn the_tutorial_works_in_python() {
    works("python");
}
