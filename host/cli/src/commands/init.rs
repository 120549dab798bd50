//! `init`: a minimal configuration for a new host. Overwrites nothing.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::args::InitArgs;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::style::Style;
use handoff_config::Config;

/// What was created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    configuration: PathBuf,
    secrets: PathBuf,
    rooftop: String,
    time_zone: String,
}

pub(crate) fn run(args: &InitArgs, output: &mut Output) -> Result<Exit, CliError> {
    let zone = args.time_zone.clone().unwrap_or_else(machine_zone);
    let text = configuration(args.rooftop.as_str(), &zone);
    let path = args.folder.join("handoff.toml");
    // Validates the configuration, including the time zone, before anything is written.
    Config::parse(&text, &path.display().to_string()).map_err(|errors| CliError::invalid(errors.to_string()))?;
    let secrets = args.folder.join("secrets");
    fs::create_dir_all(&args.folder).map_err(|error| cannot("create", &args.folder, &error))?;
    write_new(&path, &text)?;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&secrets);
    made.map_err(|error| cannot("create", &secrets, &error))?;
    let created = Created { configuration: path, secrets, rooftop: args.rooftop.to_string(), time_zone: zone };
    let enter = (args.folder != Path::new(".")).then(|| args.folder.display().to_string());
    output.view(&created, |created, style| show(created, enter.as_deref(), style))?;
    Ok(Exit::Ok)
}

fn configuration(rooftop: &str, zone: &str) -> String {
    format!(
        "# A Handoff host. `handoff check --example` explains every field.\n\n\
         [host]\n# Everything that the host keeps.\ndata = \"data\"\n\n\
         [ingress]\n# Where events and webhooks arrive: reachable from this machine only.\nlisten = \"127.0.0.1:8080\"\n\n\
         # A dealership location. Schedules and dates count in its time zone.\n\
         [rooftops.{rooftop}]\ntime-zone = \"{zone}\"\n\n\
         # Secrets are files, so that none is in this one:\n# [secrets.crm]\n# file = \"secrets/crm\"\n"
    )
}

/// The machine's time zone, or UTC if it is unknown.
fn machine_zone() -> String {
    iana_time_zone::get_timezone().unwrap_or_else(|_| "UTC".to_owned())
}

fn write_new(path: &Path, text: &str) -> Result<(), CliError> {
    let file = fs::OpenOptions::new().write(true).create_new(true).open(path);
    match file.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let detail = format!("{} exists already; nothing was changed", path.display());
            Err(CliError::new(Exit::Refused, "exists", "The file exists", detail)
                .hint("choose another folder, or edit the file and run `handoff check`"))
        }
        Err(error) => Err(cannot("write", path, &error)),
    }
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> CliError {
    CliError::failed(format!("cannot {what} {}: {error}", path.display()))
}

fn show(created: &Created, enter: Option<&str>, _: &Style) -> String {
    let enter = enter.map_or_else(String::new, |folder| format!("cd {folder} && "));
    format!(
        "Created {} with the rooftop {} ({}), and the empty folder {}.\n\nNext: {enter}handoff serve\n",
        created.configuration.display(),
        created.rooftop,
        created.time_zone,
        created.secrets.display(),
    )
}
