//! `test`: builds a connector, runs its cases on the component, and shows where it differs from what they expect.

mod junit;
mod report;

use std::path::Path;
use std::time::Instant;

use handoff_app::cases::{Case, CaseRunner, differences, read_cases};
use handoff_build::Options;
use handoff_files::{PUBLIC_FILE, PUBLIC_FOLDER};
use handoff_model::effects::LogLine;

use self::report::{CaseReport, CaseResult, TestReport};
use super::watch::Watched;
use crate::args::TestArgs;
use crate::exit::{CliError, Exit};
use crate::output::Output;

/// Folder of compiled code, beside the component.
const CACHE: &str = ".compiled";

pub(crate) async fn run(args: &TestArgs, output: &mut Output) -> Result<Exit, CliError> {
    if !args.watch {
        return once(args, output).await;
    }
    let mut watched = Watched::new(&args.folder);
    loop {
        if let Err(error) = once(args, output).await {
            output.error(&error);
        }
        output.note("waiting for changes; Ctrl-C ends");
        watched.changed().await;
    }
}

async fn once(args: &TestArgs, output: &mut Output) -> Result<Exit, CliError> {
    let started = Instant::now();
    let cases = chosen(args)?;
    let (component, path) = match &args.component {
        Some(path) => (super::install::component(path)?, path.clone()),
        None => {
            let options = Options { offline: args.offline, ..Options::default() };
            let built = super::build::build(&args.folder, options, output).await?;
            (built.bytes.into(), built.component_path)
        }
    };
    let cache = path.parent().unwrap_or(Path::new(".")).join(CACHE);
    let runner = output.while_waiting("preparing the component", CaseRunner::new(&component, cache)).await?;
    let mut report = TestReport::of(runner.manifest());
    for (name, case) in cases {
        let started = Instant::now();
        let mut tested = match case {
            Ok(case) => test(&runner, &case, args.accept).await,
            Err(error) => CaseReport::invalid(error.to_string()),
        };
        tested.name = name;
        tested.took_ms = ms(started);
        report.add(tested);
    }
    report.took_ms = ms(started);
    if let Some(path) = &args.junit {
        let failed = |error| CliError::failed(format!("cannot write {}: {error}", path.display()));
        handoff_files::replace(path, junit::xml(&report).as_bytes(), PUBLIC_FILE, PUBLIC_FOLDER).map_err(failed)?;
    }
    output.view(&report, report::show)?;
    Ok(if report.failed == 0 { Exit::Ok } else { Exit::Failed })
}

type Cases = Vec<(String, Result<Case, handoff_app::cases::CaseError>)>;

/// All cases, or those that are named.
fn chosen(args: &TestArgs) -> Result<Cases, CliError> {
    let mut cases = read_cases(&args.folder.join("cases")).map_err(|error| CliError::invalid(error.to_string()))?;
    if args.cases.is_empty() {
        return Ok(cases);
    }
    if let Some(unknown) = args.cases.iter().find(|name| !cases.iter().any(|(known, _)| known == *name)) {
        let detail = format!("there is no case `{unknown}` in {}", args.folder.join("cases").display());
        return Err(CliError::new(Exit::NotFound, "not-found", "No such case", detail));
    }
    cases.retain(|(name, _)| args.cases.contains(name));
    Ok(cases)
}

async fn test(runner: &CaseRunner, case: &Case, accept: bool) -> CaseReport {
    let run = match runner.run(case).await {
        Ok(run) => run,
        Err(error) => return CaseReport::invalid(error.to_string()),
    };
    let mut report = CaseReport { missing_answers: run.missing_answers, ..CaseReport::default() };
    match &case.expected {
        Some(expected) => report.differences = differences(expected, &run.actual),
        None if accept => {}
        None => {
            report.problem =
                Some("it has no expected.json: `handoff test --accept` writes what the connector does now".to_owned());
        }
    }
    let is_new = case.expected.is_none();
    if !accept && (is_new || !report.differences.is_empty()) {
        report.result = CaseResult::Failed;
        report.logs = run.logs.iter().map(log_line).collect();
    }
    if accept && (is_new || !report.differences.is_empty()) {
        match case.accept(&run.actual) {
            Ok(()) => report.result = CaseResult::Accepted,
            Err(error) => return CaseReport::invalid(error.to_string()),
        }
    }
    report
}

fn log_line(line: &LogLine) -> String {
    let fields: String = line.fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
    format!("{}: {}{fields}", format!("{:?}", line.level).to_lowercase(), line.message)
}

fn ms(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
