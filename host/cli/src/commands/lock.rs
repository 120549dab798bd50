//! `lock` and `apply`: exports a host's installations as a file and applies it. Always shows the plan before it changes
//! anything.

use std::path::Path;

use crate::args::{ApplyArgs, GlobalArgs};
use crate::connection::{self, Connection};
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::{ask, show};
use handoff_app::installations::lock_file;
use handoff_control::installations::lock as locks;
use handoff_control::installations::lock::{ApplyReport, ApplyRequest};
use handoff_control::operation::Nothing;

pub(crate) async fn lock(global: &GlobalArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    let lock = output.while_waiting("asking the host", host.get(&locks::LOCK, &[], &Nothing {})).await?;
    output.view(&lock, |lock, _| lock_file::to_toml(lock))?;
    Ok(Exit::Ok)
}

pub(crate) async fn apply(global: &GlobalArgs, args: &ApplyArgs, output: &mut Output) -> Result<Exit, CliError> {
    let path = args.lock.display();
    let lock = connection::read(&args.lock, "the lock")?;
    let mut lock = lock_file::from_toml(&lock).map_err(|error| CliError::invalid(format!("{path}: {error}")))?;
    let folder = args.lock.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = super::absolute(folder)?;
    for installation in &mut lock.installations {
        installation.settings_folder.get_or_insert_with(|| folder.clone());
    }
    let host = Connection::open(global).await?;
    let mut request = ApplyRequest {
        lock,
        dry_run: true,
        approve: None,
        by: ask::note(args.who.by.as_deref()),
        reason: args.who.reason.clone(),
    };
    let plan = output.while_waiting("planning", host.post(&locks::APPLY, &[], &request)).await?;
    let Some(code) = plan.code.clone().filter(|_| !args.dry_run) else {
        output.view(&plan, show::lock::plan)?;
        return end(&plan);
    };
    if !output.json {
        output.text(&show::lock::plan(&plan, &output.style))?;
    }
    let agreed = match &args.approve {
        Some(given) => given.clone(),
        None if args.yes || ask::agrees(output, "Do this?", &format!("--approve {code}, or --yes"))? => code,
        None => return Err(CliError::needs_approval("nothing was changed")),
    };
    (request.dry_run, request.approve) = (false, Some(agreed));
    let report = output.while_waiting("applying", host.post(&locks::APPLY, &[], &request)).await?;
    output.view(&report, show::lock::done)?;
    end(&report)
}

/// The report lists failed steps with the others; the exit code tells that there are any.
fn end(report: &ApplyReport) -> Result<Exit, CliError> {
    let failed = report.steps.iter().filter(|step| step.problem.is_some()).count();
    Ok(if failed == 0 { Exit::Ok } else { Exit::Failed })
}
