//! Terminal output of the demonstration. It decides nothing.

use handoff_tests::harness::TestHost;

use crate::run::Sent;

/// Maximum number of lines to print of a trace.
const TRACE_LINES_MAX: usize = 40;

/// Starts a new step.
pub(crate) fn step(text: &str) {
    println!("\n== {text}");
}

/// Prints a line about the current step.
pub(crate) fn say(text: &str) {
    println!("   {text}");
}

/// Prints the traces of a plain lead, a resend and a truncated document.
pub(crate) async fn ways(host: &TestHost, sent: &Sent) {
    for (what, position) in [
        ("a lead from a web site", sent.first_position("leads as plain ADF")),
        ("the same lead, resent with other comments", sent.first_position("leads resent with other comments")),
        ("a truncated document", sent.first_position("broken documents")),
    ] {
        let Some(position) = position else { continue };
        let command = format!("handoff trace {position}");
        println!();
        say(&format!("{what}: $ {command}"));
        let shown = host.cli(&["trace", &position.to_string()]).await.ok();
        for line in shown.stdout.lines().take(TRACE_LINES_MAX) {
            println!("     {line}");
        }
    }
}

/// Prints commands to try while the host runs.
pub(crate) fn keep(host: &TestHost) {
    step("The host keeps running until Ctrl-C");
    say(&format!("events and webhooks: {}", host.url("")));
    say("try, in another terminal:");
    say(&format!("  export HANDOFF_CONFIG={}", host.folder().join("handoff.toml").display()));
    let handoff = handoff_tests::harness::handoff_binary();
    for command in ["list", "dead-letters", "show bdc-list"] {
        say(&format!("  {} {command}", handoff.display()));
    }
}
