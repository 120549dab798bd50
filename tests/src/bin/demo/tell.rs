//! What the demonstration says on the terminal. Decides nothing.

use handoff_tests::harness::TestHost;

use crate::run::Sent;

/// Lines of one trace that are shown.
const TRACE_LINES_MAX: usize = 40;

/// A new part.
pub(crate) fn step(text: &str) {
    println!("\n== {text}");
}

/// Something about the part.
pub(crate) fn say(text: &str) {
    println!("   {text}");
}

/// Shows the way of a plain lead, of a resend and of a mail that is none.
pub(crate) async fn ways(host: &TestHost, sent: &Sent) {
    for (what, position) in [
        ("a lead from a web site", sent.first_position("leads as plain ADF")),
        ("the same lead, sent again with other words", sent.first_position("leads sent again with other words")),
        ("a document that was cut off", sent.first_position("broken documents")),
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

/// What can be tried while the host lives.
pub(crate) fn keep(host: &TestHost) {
    step("The host stays up until Ctrl-C");
    say(&format!("events and webhooks: {}", host.url("")));
    say("try, in another terminal:");
    say(&format!("  export HANDOFF_CONFIG={}", host.folder().join("handoff.toml").display()));
    let handoff = handoff_tests::harness::handoff_binary();
    for command in ["list", "dead-letters", "show bdc-list"] {
        say(&format!("  {} {command}", handoff.display()));
    }
}
