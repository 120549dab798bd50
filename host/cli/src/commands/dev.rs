//! `dev`: a connector on a throw-away host. Builds, installs, swaps in each change, and shows what deliveries do. The host is
//! the program itself, in a process and a folder of its own.

mod echo;
mod host;
mod live;
mod settings;

use std::io::BufRead as _;
use std::path::Path;
use std::time::{Duration, Instant};

use handoff_build::Options;
use tokio::sync::mpsc;

use self::host::DevHost;
use self::live::Live;
use self::settings::DevSettings;
use super::serve::StopSignals;
use super::watch::Watched;
use crate::args::{ClockTarget, DevArgs};
use crate::exit::{CliError, Exit};
use crate::output::Output;

/// How often files and deliveries are looked at.
const EVERY: Duration = Duration::from_millis(150);

pub(crate) async fn run(args: &DevArgs, output: &mut Output) -> Result<Exit, CliError> {
    // Deliveries that are kept as cases change nothing.
    let mut watched = Watched::without(&args.folder, &["cases"]);
    let options = options(args);
    let built = super::build::build(&args.folder, options.clone(), output).await?;
    let echo = echo::start().await?;
    let settings_file = args.settings.clone().unwrap_or_else(|| args.folder.join("settings.toml"));
    let settings = DevSettings::of(&built.manifest, &settings_file, &args.targets, echo)?;
    let mut host = DevHost::start(&settings, built.manifest.package.name.name()).await?;
    host.install(built.bytes.into(), &settings).await?;
    output.note(&format!("`{}` runs; {}", host.name(), host.addresses(&settings)));
    output.note("type `t +1d`, `send FILE TYPE`, `hook FILE` or `q`");
    let mut live = Live::new(args.record.then(|| args.folder.join("cases")));
    let mut lines = typed_lines();
    // Otherwise the folder, and perhaps the host, would stay.
    let mut signals = StopSignals::listen()?;
    let (mut ticks, mut changed_at, mut has_input) = (tokio::time::interval(EVERY), None, true);
    loop {
        tokio::select! {
            biased;
            () = signals.wait_for_stop() => return Ok(Exit::Ok),
            line = lines.recv(), if has_input => match line {
                Some(line) => match command(&host, line.trim(), output).await {
                    Ok(true) => {}
                    Ok(false) => return Ok(Exit::Ok),
                    Err(error) => output.error(&error),
                },
                // Without a terminal it goes on until it is interrupted.
                None => has_input = false,
            },
            _ = ticks.tick() => {
                host.check()?;
                host.move_clock().await?;
                output.style.now = host.clock();
                live.look(&host, output).await?;
                if watched.look() {
                    changed_at = changed_at.or_else(|| Some(Instant::now()));
                } else if let Some(since) = changed_at.take() {
                    // Editors write several files: none has changed since the last look.
                    if let Err(error) = swap(args, &options, &mut host, &settings_file, echo, since, output).await {
                        output.error(&error);
                    }
                }
            }
        }
    }
}

/// Builds and installs the change.
async fn swap(
    args: &DevArgs,
    options: &Options,
    host: &mut DevHost,
    settings_file: &Path,
    echo: std::net::SocketAddr,
    since: Instant,
    output: &Output,
) -> Result<(), CliError> {
    let built = super::build::build(&args.folder, options.clone(), output).await?;
    let building = since.elapsed();
    let settings = DevSettings::of(&built.manifest, settings_file, &args.targets, echo)?;
    let was_changed = host.install(built.bytes.into(), &settings).await?;
    let what = if was_changed { "swapped in" } else { "nothing changed" };
    let (total, building) = (since.elapsed().as_secs_f64(), building.as_secs_f64());
    output.note(&format!("{what} after {total:.1} s ({building:.1} s to build)"));
    Ok(())
}

/// Lines from standard input. The thread ends with the program.
fn typed_lines() -> mpsc::UnboundedReceiver<String> {
    let (typed, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if typed.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Runs a typed line. False ends.
async fn command(host: &DevHost, line: &str, output: &mut Output) -> Result<bool, CliError> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        [] => {}
        ["q" | "quit" | "exit"] => return Ok(false),
        ["t"] => output.note(&format!("it is {}", host.now().await?)),
        ["t", to] => {
            let to: ClockTarget = to.parse().map_err(CliError::usage)?;
            output.note(&format!("it is {}", host.shift_clock(to).await?));
        }
        ["send", file, type_name] => {
            let sent = host.send(file.as_ref(), type_name).await?;
            output.note(&format!("accepted as event #{}", sent.position));
        }
        ["hook", file] => {
            let sent = host.send_hook(file.as_ref()).await?;
            output.note(&format!("accepted as event #{}", sent.position));
        }
        _ => return Err(CliError::usage("expected `t +1d`, `send FILE TYPE`, `hook FILE` or `q`")),
    }
    Ok(true)
}

/// A project may have a quick profile for development.
fn options(args: &DevArgs) -> Options {
    let text = std::fs::read_to_string(args.folder.join("Cargo.toml")).unwrap_or_default();
    let is_quick = text.lines().any(|line| line.trim() == "[profile.dev]");
    Options { offline: args.offline, profile: is_quick.then(|| "dev".to_owned()), ..Options::default() }
}
