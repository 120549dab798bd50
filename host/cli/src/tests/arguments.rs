//! Tests help, completions and arguments.

use clap::{CommandFactory as _, Parser as _};
use clap_complete::Shell;
use expect_test::expect_file;

use crate::args::{Cli, Command};

/// The help of all commands in one file, so that changed texts appear in a review. `UPDATE_EXPECT=1` rewrites it.
#[test]
fn the_help_of_every_command_is_as_reviewed() {
    let mut cli = Cli::command().term_width(100);
    cli.build();
    let mut text = cli.render_long_help().to_string();
    let names: Vec<String> = cli.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names {
        let command = cli.find_subcommand_mut(&name).unwrap();
        if command.is_hide_set() {
            continue;
        }
        // The help of the program already contains the global options.
        let help = command.clone().term_width(100).mut_args(|arg| {
            let global = arg.is_global_set();
            arg.hide(global)
        });
        text.push_str(&format!("\n\n=== {name} ===\n{}", help.clone().render_long_help()));
    }
    let text: String = text.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    expect_file!["help.txt"].assert_eq(&text);
}

#[test]
fn arguments_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_shows_an_example_or_lists_commands() {
    for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(after.contains("handoff "), "`{}` has no example in its help", command.get_name());
    }
}

#[test]
fn completions_name_every_command() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "handoff", &mut script);
        let script = String::from_utf8(script).unwrap();
        for name in ["rollback", "dead-letters", "doctor", "trace"] {
            assert!(script.contains(name), "{shell} does not complete {name}");
        }
    }
}

#[test]
fn a_position_may_be_written_as_it_is_shown() {
    let cli = Cli::try_parse_from(["handoff", "trace", "#1042"]).unwrap();
    assert!(matches!(cli.command, Command::Trace(args) if args.position.0 == 1042));
}

#[test]
fn wrong_arguments_are_refused() {
    for line in [
        "handoff",
        "handoff rollback Web_Leads",
        "handoff rollback web-leads --to 0",
        "handoff rollback web-leads --to 1.0",
        "handoff rollback web-leads --keep-state --restore-state",
        "handoff outbox release",
        "handoff outbox release 1042",
        "handoff outbox discard bdc-list/1042",
        "handoff outbox discard bdc-list/1042 -i bdc-list --reason x",
        "handoff outbox --state held release bdc-list/1",
        "handoff redrive",
        "handoff redrive web-leads/1 --code x",
        "handoff redrive 1042",
        "handoff discard web-leads/1",
        "handoff events 5 --limit 3",
        "handoff events --limit 1001",
        "handoff events --data",
        "handoff list --url https://h.example",
        "handoff list --url https://h.example --token-file t --socket s",
        "handoff install -s x.toml",
        "handoff install a b c -s x.toml",
        "handoff install web-leads --digest sha256:00 --registry main -s x.toml",
        "handoff info leads",
        "handoff yank acme/leads --reason x",
        "handoff yank acme/leads@1.1.0",
        "handoff recall acme/leads@1 --reason x",
        "handoff deprecate acme/leads@1.1.0 --reason x --undo",
        "handoff trust add acme",
        "handoff trust add acme file --key x",
        "handoff apply --yes --approve x",
    ] {
        let error = Cli::try_parse_from(line.split(' ')).expect_err(line);
        assert!(error.use_stderr() || line == "handoff", "{line}");
    }
}

#[test]
fn wrong_arguments_are_a_problem_and_suggest_no_dangerous_command() {
    let error = |line: &str| Cli::try_parse_from(line.split(' ')).expect_err(line);
    let told = crate::told(&error("handoff rollback Web_Leads"), true).unwrap();
    assert_eq!(told.problem.word(), Some("usage"));
    assert!(told.problem.detail.starts_with("invalid value 'Web_Leads'"), "{}", told.problem.detail);
    assert_eq!(crate::told(&error("handoff rollback Web_Leads"), false), None);
    let told = crate::told(&error("handoff remove web-leads"), false).unwrap();
    assert!(told.hint.is_some_and(|hint| hint.contains("handoff pause")));
}
