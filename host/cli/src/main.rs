//! The command line `handoff`: parses arguments, sends requests to the host, prints responses. Contains no business
//! rules.
//!
//! # Layout
//!
//! `args` declares commands, `commands` runs them over a [`connection`], `show` converts views to text (pure functions
//! of view and style), `output` owns the terminal, `exit` maps errors to exit codes.

use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

mod args;
mod ask;
mod commands;
mod connection;
mod exit;
mod output;
mod publisher;
mod registries;
mod show;
mod style;
mod table;

use args::{Cli, ColorWhen, Command};
use exit::{CliError, Exit};
use output::Output;

/// A host runs for months and allocates small and large memory blocks from many threads. glibc's allocator retains more
/// memory and is slower.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // First of all: the compiler child process limits itself and must be small.
    if std::env::args().nth(1).as_deref() == Some(handoff_runtime::COMPILE_WORKER) {
        return handoff_runtime::compile_worker_main();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_parsed(&error, std::env::args_os().any(|argument| argument == "--json")),
    };
    let mut output = Output::of_process(cli.global.json, cli.global.wide, cli.global.color);
    let cli = match with_configuration(cli) {
        Ok(cli) => cli,
        Err(error) => {
            output.error(&error);
            return error.exit.into();
        }
    };
    if let Command::Serve(args) = &cli.command {
        return commands::serve::run(&cli.global, args, &mut output);
    }
    if let Command::Registry(args) = &cli.command {
        return commands::registry_server::run(&cli.global, args, &mut output);
    }
    let done = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(interruptible(run(cli, &mut output))),
        Err(error) => Err(CliError::failed(format!("cannot start: {error}"))),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(error) => {
            output.error(&error);
            error.exit.into()
        }
    }
}

/// Sets the configuration in use. One that is given has to exist, whatever the command: a misspelt name must not mean
/// another host. Without one, it is that of the current folder, else that of the installed package.
fn with_configuration(mut cli: Cli) -> Result<Cli, CliError> {
    let (default, installed) = (Path::new(args::CONFIG), Path::new(args::INSTALLED_CONFIG));
    match &cli.global.given_config {
        Some(given) if !given.exists() => {
            let detail = format!("there is no configuration file `{}`", given.display());
            let hint = "correct --config or HANDOFF_CONFIG; without them, handoff.toml of the current folder is used";
            return Err(CliError::invalid(detail).hint(hint));
        }
        Some(given) => cli.global.config.clone_from(given),
        None if !default.exists() && installed.exists() => cli.global.config = installed.to_owned(),
        None => {}
    }
    Ok(cli)
}

/// Prints why the arguments are invalid, or the requested help or version.
fn not_parsed(error: &clap::Error, json: bool) -> ExitCode {
    if !error.use_stderr() {
        // Not errors: clap prints each to the correct stream.
        let _ = error.print();
        return Exit::Ok.into();
    }
    match told(error, json) {
        Some(error) => Output::of_process(json, false, ColorWhen::Auto).error(&error),
        None => drop(error.print()),
    }
    Exit::Usage.into()
}

/// The error in this program's format: for programs, and where clap's advice would mislead.
fn told(error: &clap::Error, json: bool) -> Option<CliError> {
    use clap::error::{ContextKind, ContextValue};
    if let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidSubcommand)
        && ["remove", "delete"].contains(&name.as_str())
    {
        let text = format!("there is no `{name}`");
        let hint = "`handoff pause NAME` stops its deliveries, and its events wait; `handoff uninstall NAME` ends it";
        return Some(CliError::usage(text).hint(hint));
    }
    let text = error.render().to_string();
    json.then(|| CliError::usage(text.trim().trim_start_matches("error: ")))
}

/// Runs a parsed command.
async fn run(cli: Cli, output: &mut Output) -> Result<Exit, CliError> {
    use commands::{
        backup, build, check, clock, dead_letters, dev, doctor, events, failure_counts, find, gates, help, history,
        hooks, incidents, init, install, installations, keys, lock, logs, man, mask, new, outbox, pack, packages,
        pause, publish, repair, restore, retry_now, rollback, send, shadow, status, test, timers, trust, uninstall,
        upgrade,
    };
    let global = &cli.global;
    match cli.command {
        // Handled before: they need their own runtime.
        Command::Serve(_) | Command::Registry(_) => Ok(Exit::Ok),
        Command::Help(args) => help::help(&args, output),
        Command::Version => help::version(output),
        Command::Init(args) => init::run(&args, output),
        Command::Clock(args) => clock::run(global, &args, output).await,
        Command::Man(args) => man::run(&args),
        Command::Status => status::run(global, output).await,
        Command::Check(args) => check::run(global, &args, output).await,
        Command::Backup(args) => backup::run(global, &args, output).await,
        Command::Restore(args) => restore::run(global, &args, output).await,
        Command::Repair(args) => repair::run(global, &args, output),
        Command::Doctor(args) => doctor::run(global, &args, output).await,
        Command::Install(args) => install::run(global, &args, output).await,
        Command::Upgrade(args) => upgrade::run(global, &args, output).await,
        Command::History(args) => history::history(global, &args, output).await,
        Command::Audit(args) => history::audit(global, &args, output).await,
        Command::List(args) => installations::list(global, &args, output).await,
        Command::Show(args) => installations::show(global, &args, output).await,
        Command::Rollback(args) => rollback::run(global, &args, output).await,
        Command::RetryNow(args) => retry_now::run(global, &args, output).await,
        Command::Pause(args) => pause::run(global, &args, true, output).await,
        Command::Resume(args) => pause::run(global, &args, false, output).await,
        Command::Uninstall(args) => uninstall::run(global, &args, output).await,
        Command::Events(args) => events::run(global, &args, output).await,
        Command::Find(args) => find::run(global, &args, output).await,
        Command::Trace(args) => events::trace(global, &args, output).await,
        Command::Shadow(args) => shadow::run(global, &args, output).await,
        Command::Replay(args) => shadow::replay(global, &args, output).await,
        Command::DeadLetters(args) => dead_letters::list(global, &args, output).await,
        Command::Redrive(args) => dead_letters::redrive(global, &args, output).await,
        Command::Discard(args) => dead_letters::discard(global, &args, output).await,
        Command::SetAside(args) => dead_letters::set_aside(global, &args, output).await,
        Command::Timers(args) => timers::run(global, &args, output).await,
        Command::Send(args) => send::event(global, &args, output).await,
        Command::Hook(args) => send::hook(global, &args, output).await,
        Command::Outbox(args) => outbox::run(global, &args, output).await,
        Command::Gates(args) => gates::run(global, &args, output).await,
        Command::Hooks(args) => hooks::run(global, &args, output).await,
        Command::Logs(args) => logs::run(global, &args, output).await,
        Command::Trust(args) => trust::run(global, &args, output).await,
        Command::Lock(_) => lock::lock(global, output).await,
        Command::Apply(args) => lock::apply(global, &args, output).await,
        Command::Search(args) => packages::search(global, &args, output).await,
        Command::Info(args) => packages::info(global, &args, output).await,
        Command::FailureCounts(args) => failure_counts::run(global, &args, output).await,
        Command::Incidents(args) => incidents::run(global, &args, output).await,
        Command::Build(args) => build::run(&args, output).await,
        Command::New(args) => new::run(&args, output),
        Command::Pack(args) => pack::run(&args, output).await,
        Command::Mask(args) => mask::run(&args, output),
        Command::Dev(args) => dev::run(&args, output).await,
        Command::Test(args) => test::run(&args, output).await,
        Command::Keys(args) => keys::run(&args, output),
        Command::Login(args) => keys::login(global, &args, output).await,
        Command::Publish(args) => publish::publish(global, &args, output).await,
        Command::Deprecate(args) => publish::deprecate(global, &args, output).await,
        Command::Yank(args) => publish::yank(global, &args, output).await,
        Command::Recall(args) => publish::recall(global, &args, output).await,
        Command::Renew(args) => publish::renew(global, &args, output).await,
        Command::Completions(args) => {
            // Write to memory first: the generator panics if standard output is closed, as in `handoff completions bash
            // | head`.
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "handoff", &mut script);
            output.bytes(&script)?;
            Ok(Exit::Ok)
        }
    }
}

/// Stops a command at the first interrupt with the shell's usual exit code.
async fn interruptible(work: impl Future<Output = Result<Exit, CliError>>) -> Result<Exit, CliError> {
    tokio::select! {
        done = work => done,
        // If the signal handler cannot be installed, the signal kills the process anyway.
        Ok(()) = tokio::signal::ctrl_c() => Ok(Exit::Interrupted),
    }
}

#[cfg(test)]
mod tests;
