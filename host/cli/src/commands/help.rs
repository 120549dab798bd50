//! `help` and `version`: the same texts as `--help` and `--version`.

use clap::CommandFactory as _;
use serde::Serialize;

use crate::args::{Cli, HelpArgs, VERSION};
use crate::exit::{CliError, Exit};
use crate::output::Output;

/// The release.
#[derive(Serialize)]
struct Release {
    version: &'static str,
}

pub(crate) fn help(args: &HelpArgs, output: &mut Output) -> Result<Exit, CliError> {
    let mut cli = Cli::command();
    cli.build();
    let mut command = &mut cli;
    for name in &args.command {
        let known = command.find_subcommand_mut(name);
        command = known.ok_or_else(|| {
            CliError::usage(format!("there is no command `{}`", args.command.join(" ")))
                .hint("`handoff help` lists them")
        })?;
    }
    let text = command.render_long_help();
    let text = if output.style.colour { text.ansi().to_string() } else { text.to_string() };
    output.text(&text)?;
    Ok(Exit::Ok)
}

pub(crate) fn version(output: &mut Output) -> Result<Exit, CliError> {
    output.view(&Release { version: VERSION }, |release, _| format!("handoff {}\n", release.version))?;
    Ok(Exit::Ok)
}
