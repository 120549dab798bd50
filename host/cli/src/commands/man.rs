//! `man`: writes the man pages of all commands, for packages.

use std::fs;

use clap::CommandFactory as _;

use crate::args::{Cli, ManArgs};
use crate::exit::{CliError, Exit};

pub(crate) fn run(args: &ManArgs) -> Result<Exit, CliError> {
    let written =
        fs::create_dir_all(&args.folder).and_then(|()| clap_mangen::generate_to(Cli::command(), &args.folder));
    written.map_err(|error| CliError::failed(format!("cannot write {}: {error}", args.folder.display())))?;
    Ok(Exit::Ok)
}
