//! `rollback --package` and `upgrade --package`: all installations of a package at once, with one report.

use crate::args::{BackTo, GlobalArgs, RollbackArgs, UpgradeArgs};
use crate::commands::{install, upgrade};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::style::clean;
use crate::{ask, show};
use handoff_control::installations::many;
use handoff_control::installations::many::{ManyRollbackRequest, ManyUpgradeReport, ManyUpgradeRequest, Selection};
use handoff_model::names::GroupName;

pub(crate) async fn rollback(
    global: &GlobalArgs,
    args: &RollbackArgs,
    package: &str,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let to_version = match &args.to {
        None => None,
        Some(BackTo::Version(version)) => Some(version.to_string()),
        Some(BackTo::Generation(_)) => {
            return Err(CliError::usage(
                "generations have other numbers in each installation: name a version with --to",
            ));
        }
    };
    let host = Connection::open(global).await?;
    let request = ManyRollbackRequest {
        select: select(package, args.group.clone(), args.from.as_ref()),
        to_version,
        restore_state: args.restore_state,
        keep_state: args.keep_state,
        replay: args.replay,
        dry_run: args.dry_run,
        by: ask::note(args.who.by.as_deref()),
        reason: args.who.reason.clone(),
    };
    let report = output.while_waiting("rolling back", host.post(&many::ROLLBACK, &[], &request)).await?;
    let is_whole = report.failed.is_empty();
    output.view(&report, show::many::rollback)?;
    Ok(if is_whole { Exit::Ok } else { Exit::Failed })
}

pub(crate) async fn upgrade(
    global: &GlobalArgs,
    args: &UpgradeArgs,
    package: &str,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let (template, settings_folder) = match &args.settings {
        Some(path) => install::template(path).map(|(settings, folder)| (Some(settings), folder))?,
        None => (None, None),
    };
    let host = Connection::open(global).await?;
    let (digest, version) = upgrade::package(args.to.as_ref(), args.digest.as_deref(), &host, output).await?;
    let mut request = ManyUpgradeRequest {
        select: select(package, args.group.clone(), args.from.as_ref()),
        digest,
        version,
        template,
        settings_folder,
        by: ask::note(args.who.by.as_deref()),
        reason: args.who.reason.clone(),
        dry_run: true,
        force: args.force,
        approve: None,
    };
    let plan = output.while_waiting("checking", host.post(&many::UPGRADE, &[], &request)).await?;
    if args.dry_run {
        output.view(&plan, show::many::upgrade)?;
        return usable(&plan).map(|()| Exit::Ok);
    }
    if !output.json {
        output.text(&show::many::upgrade(&plan, &output.style))?;
    }
    usable(&plan)?;
    request.approve = Some(match &args.approve {
        Some(code) => code.clone(),
        None => agreed(&plan, output)?,
    });
    // Exactly what was shown.
    request.digest = plan
        .installations
        .first()
        .map(|first| first.install.digest.clone())
        .filter(|_| request.digest.is_some() || request.version.is_some());
    (request.version, request.dry_run) = (None, false);
    let report = output.while_waiting("upgrading", host.post(&many::UPGRADE, &[], &request)).await?;
    let is_whole = report.failed.is_empty();
    output.view(&report, show::many::upgrade)?;
    Ok(if is_whole { Exit::Ok } else { Exit::Failed })
}

fn usable(plan: &ManyUpgradeReport) -> Result<(), CliError> {
    match plan.failed.first() {
        None => Ok(()),
        Some(first) => Err(CliError::invalid(format!(
            "{} of {} cannot be changed, so that none is: {}: {}",
            plan.failed.len(),
            plan.failed.len() + plan.installations.len(),
            first.name,
            clean(&first.reason),
        ))),
    }
}

/// The code of the plan, after a person approved it.
fn agreed(plan: &ManyUpgradeReport, output: &Output) -> Result<String, CliError> {
    let code = plan.approval_code.clone();
    let changed = plan.installations.iter().filter(|one| !one.install.unchanged).count();
    let question = format!("Change {changed} installations of {}?", clean(&plan.package));
    if ask::agrees(output, &question, &format!("--approve {}", clean(&code)))? {
        Ok(code)
    } else {
        Err(CliError::needs_approval("nothing was changed"))
    }
}

fn select(package: &str, group: Option<GroupName>, from: Option<&semver::Version>) -> Selection {
    Selection { package: package.to_owned(), group, version: from.map(ToString::to_string) }
}
