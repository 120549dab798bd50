//! `registry serve`, `verify`, `gc`, `reset-index`: the registry server on this machine. Reads options and shows reports;
//! the registry crate does the work.

mod failure_counts;
mod namespaces;
mod options;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use handoff_registry_server::{
    GcOptions, GcReport, IndexState, ResetError, ResetReport, Server, ServerError, StorageError, VerifyReport,
};

use super::serve::{StopSignals, failed, leave_no_core_dump, println, start_log};
use crate::args::{
    GlobalArgs, RegistryCommand, RegistryGcArgs, RegistryResetIndexArgs, RegistryServeArgs, RegistryServerArgs,
};
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::style::{Style, Tone, clean, count};

/// How long running blocking work may take after everything else has stopped.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// Runs on its own multi-threaded runtime, which a server needs.
pub(crate) fn run(global: &GlobalArgs, args: &RegistryServerArgs, output: &mut Output) -> ExitCode {
    let done = match &args.command {
        RegistryCommand::Serve(args) => serve(args),
        RegistryCommand::Verify(args) => verify(&args.data, output),
        RegistryCommand::Gc(args) => gc(args, output),
        RegistryCommand::ResetIndex(args) => reset_index(args, output),
        RegistryCommand::RequestNamespace(args) => namespaces::request(global, args, output),
        RegistryCommand::Namespaces(args) => namespaces::list(&args.data, output),
        RegistryCommand::Bind(args) => namespaces::bind(args, output),
        RegistryCommand::Unbind(args) => namespaces::unbind(args, output),
        RegistryCommand::Decline(args) => namespaces::decline(args, output),
        RegistryCommand::FailureCounts(args) => failure_counts::show(global, args, output),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(error) => {
            output.error(&error);
            error.exit.into()
        }
    }
}

fn serve(args: &RegistryServeArgs) -> Result<Exit, CliError> {
    let options = options::read(args)?;
    start_log("info", args.log_json);
    leave_no_core_dump();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::failed(format!("cannot start: {error}")))?;
    let done = runtime.block_on(async {
        let mut told = StopSignals::listen()?;
        let data = options.data.display().to_string();
        let server = Server::start(options).await.map_err(not_started)?;
        println(&format!("the registry is ready: {} keeps {data}", server.url()));
        told.wait_for_stop().await;
        println("the registry is stopping: active requests are answered");
        tokio::select! {
            stopped = server.stop() => stopped.map_err(failed)?,
            () = told.wait_for_stop() => println("the registry stops at once; what is published stays"),
        }
        println("the registry has stopped");
        Ok(Exit::Ok)
    });
    runtime.shutdown_timeout(STOP_PATIENCE);
    done
}

fn not_started(error: ServerError) -> CliError {
    match error {
        ServerError::Storage(error) => of_storage(error),
        ServerError::Users(_)
        | ServerError::Tls(_)
        | ServerError::PublisherKeys(_)
        | ServerError::PlainHttp(_)
        | ServerError::PublicUrl(_) => CliError { exit: Exit::Invalid, ..failed(error) },
        _ => failed(error),
    }
}

fn of_storage(error: StorageError) -> CliError {
    match &error {
        StorageError::Locked(_) => {
            CliError::new(Exit::Refused, "registry-running", "A registry is running", error.to_string())
                .hint("stop that registry first; a running one sweeps by itself")
        }
        StorageError::NotARegistry(_)
        | StorageError::NoRegistry(_)
        | StorageError::FolderRegistry(_)
        | StorageError::Format { .. } => CliError::invalid(error.to_string()),
        _ => failed(error),
    }
}

fn verify(data: &Path, output: &mut Output) -> Result<Exit, CliError> {
    let report = handoff_registry_server::verify(data).map_err(of_storage)?;
    output.view(&report, show_verify)?;
    Ok(if report.is_sound() { Exit::Ok } else { Exit::Failed })
}

fn show_verify(report: &VerifyReport, style: &Style) -> String {
    let VerifyReport { contents, bytes, repositories, manifests, tags, .. } = report;
    let mut text = format!(
        "{} of {bytes} bytes in {}: {}, {}\n",
        count(*contents, "content", "contents"),
        count(*repositories, "repository", "repositories"),
        count(*manifests, "manifest", "manifests"),
        count(*tags, "tag", "tags"),
    );
    for fault in &report.faults {
        text.push_str(&format!("{} {}: {}\n", style.paint(Tone::Bad, "✘"), clean(&fault.what), clean(&fault.problem)));
    }
    text.push_str(&if report.is_sound() {
        format!("{} everything is as it was pushed\n", style.paint(Tone::Good, "✔"))
    } else {
        format!("{} found; what is not named is as it was pushed\n", count(report.fault_count, "fault", "faults"))
    });
    text
}

fn gc(args: &RegistryGcArgs, output: &mut Output) -> Result<Exit, CliError> {
    let grace = Duration::from_secs(u64::from(args.grace_hours).saturating_mul(3_600));
    let report =
        handoff_registry_server::gc(&args.data, GcOptions { dry_run: args.dry_run, grace }).map_err(of_storage)?;
    output.view(&report, show_gc)?;
    Ok(Exit::Ok)
}

fn show_gc(report: &GcReport, style: &Style) -> String {
    let verb = if report.dry_run { "would go" } else { "gone" };
    format!(
        "{} {verb}: {} ({} bytes), {}, {}; {} kept\n",
        style.paint(Tone::Good, "✔"),
        count(report.contents_removed, "content", "contents"),
        report.bytes_removed,
        count(report.blobs_unlinked, "unused blob", "unused blobs"),
        count(report.uploads_removed, "old upload", "old uploads"),
        count(report.contents_kept, "content", "contents"),
    )
}

fn reset_index(args: &RegistryResetIndexArgs, output: &mut Output) -> Result<Exit, CliError> {
    let done = handoff_registry_server::reset_index(&args.data, &args.package, args.to, &args.reason);
    let report = done.map_err(|error| match error {
        ResetError::Storage(error) => of_storage(error),
        ResetError::NoPackage(_) | ResetError::NoIndex { .. } => {
            CliError::new(Exit::NotFound, "not-found", "There is no such thing", error.to_string())
        }
        _ => CliError::usage(error.to_string()),
    })?;
    output.view(&report, show_reset)?;
    Ok(Exit::Ok)
}

fn show_reset(report: &ResetReport, style: &Style) -> String {
    let state = |state: Option<IndexState>| state.map_or_else(|| "no list".to_owned(), |state| format!("list {state}"));
    format!(
        "{} {}: {} instead of {}; recorded in audit.jsonl\n",
        style.paint(Tone::Good, "✔"),
        clean(&report.repository),
        state(report.to),
        state(report.from),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::Zone;
    use expect_test::expect;
    use handoff_registry_server::Fault;

    fn plain() -> Style {
        Style {
            colour: false,
            width: None,
            now: handoff_model::time::Timestamp::default(),
            zone: Zone::Named(chrono_tz::UTC),
        }
    }

    #[test]
    fn reports_say_what_was_looked_at_and_what_is_wrong() {
        let mut report =
            VerifyReport { contents: 2, bytes: 10, repositories: 1, manifests: 1, tags: 1, ..VerifyReport::default() };
        expect![[r#"
            2 contents of 10 bytes in 1 repository: 1 manifest, 1 tag
            ✔ everything is as it was pushed
        "#]]
        .assert_eq(&show_verify(&report, &plain()));
        report.fault_count = 1;
        report.faults.push(Fault { what: "acme/x:1.0.0".to_owned(), problem: "the tag names nothing".to_owned() });
        expect![[r#"
            2 contents of 10 bytes in 1 repository: 1 manifest, 1 tag
            ✘ acme/x:1.0.0: the tag names nothing
            1 fault found; what is not named is as it was pushed
        "#]]
        .assert_eq(&show_verify(&report, &plain()));
        let swept =
            GcReport { dry_run: true, contents_removed: 1, bytes_removed: 7, contents_kept: 3, ..GcReport::default() };
        expect![[r#"
            ✔ would go: 1 content (7 bytes), 0 unused blobs, 0 old uploads; 3 contents kept
        "#]]
        .assert_eq(&show_gc(&swept, &plain()));
        let manifest = handoff_package::Digest::of(b"list");
        let from = Some(IndexState { sequence: Some(42), manifest });
        let reset = ResetReport { repository: "acme/x".to_owned(), from, to: None };
        expect![[r#"
            ✔ acme/x: no list instead of list 42 (sha256:a330395cc0a53ad1207736546afff4735940937564bbf75ce1edad40780d9139); recorded in audit.jsonl
        "#]]
        .assert_eq(&show_reset(&reset, &plain()));
    }
}
