//! `upgrade`: shows the report, asks for approval of that report if necessary, then upgrades.

use std::path::Path;

use crate::args::{GlobalArgs, UpgradeArgs, Wanted};
use crate::commands::{install, many};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::style::clean;
use crate::{ask, show};
use handoff_control::client::Client;
use handoff_control::installations::upgrade;
use handoff_control::installations::upgrade::{UpgradeReport, UpgradeRequest};
use handoff_control::problem::FieldProblem;
use handoff_control::registry::packages;
use handoff_model::names::InstallationName;

pub(crate) async fn run(global: &GlobalArgs, args: &UpgradeArgs, output: &mut Output) -> Result<Exit, CliError> {
    if let Some(package) = &args.package {
        return many::upgrade(global, args, package.as_str(), output).await;
    }
    let name = args.name.as_ref().map(InstallationName::as_str).unwrap_or_default();
    let (settings, settings_folder) = match &args.settings {
        Some(path) => install::settings(path, None).map(|(settings, folder)| (Some(settings), folder))?,
        None => (None, None),
    };
    let host = Connection::open(global).await?;
    let (digest, version) = package(args.wanted.as_ref(), args.digest.as_deref(), &host, output).await?;
    let mut request = UpgradeRequest {
        digest,
        version,
        settings,
        settings_folder,
        by: ask::note(args.who.by.as_deref()),
        reason: args.who.reason.clone(),
        dry_run: true,
        force: args.force,
        approve: None,
    };
    let plan = output.while_waiting("checking", host.post(&upgrade::UPGRADE, &[name], &request)).await?;
    if args.dry_run {
        output.view(&plan, show::upgrade::report)?;
        return usable(&plan).map(|()| Exit::Ok);
    }
    if !output.json {
        output.text(&show::upgrade::report(&plan, &output.style))?;
    }
    usable(&plan)?;
    // Approve exactly the reviewed report: if it has changed, the host refuses the upgrade.
    request.approve = Some(match &args.approve {
        Some(code) => code.clone(),
        None => agreed(&plan, output)?,
    });
    // The exact package of the report.
    (request.digest, request.version) = (Some(plan.install.digest.clone()), None);
    request.dry_run = false;
    let report = output.while_waiting("upgrading", host.post(&upgrade::UPGRADE, &[name], &request)).await?;
    output.view(&report, show::upgrade::done)?;
    Ok(Exit::Ok)
}

/// The code of the report, after a person approved what needs approval.
fn agreed(plan: &UpgradeReport, output: &Output) -> Result<String, CliError> {
    let code = plan.approval_code.clone();
    if plan.needs_approval.is_empty() {
        return Ok(code);
    }
    let question = format!(
        "{}. Go on with {} {} as {}?",
        clean(&plan.needs_approval.join("; ")),
        clean(&plan.install.title),
        clean(&plan.install.version),
        plan.install.name
    );
    if ask::agrees(output, &question, &format!("--approve {}", clean(&code)))? {
        Ok(code)
    } else {
        Err(CliError::needs_approval("nothing was changed"))
    }
}

/// Refuses a report that approval cannot override.
fn usable(plan: &UpgradeReport) -> Result<(), CliError> {
    let what = format!("{} {}", plan.install.package, plan.install.version);
    if let Some(first) = plan.config.problems.first() {
        let mut error = CliError::invalid(format!("the config does not fit {what}"))
            .hint("mend [config] in the settings file and give it with --settings; nothing was changed");
        error.problem.field = Some(first.field.clone());
        let fault = |fault: &upgrade::ConfigProblemView| FieldProblem {
            field: Some(fault.field.clone()),
            detail: fault.detail.clone(),
        };
        error.problem.problems = plan.config.problems.iter().map(fault).collect();
        return Err(error);
    }
    if !plan.install.validation.passed {
        let failure = plan.install.validation.failure.as_ref();
        let why = failure.map_or("it does not say why", |failure| failure.message.as_str());
        return Err(CliError::invalid(format!("{what} refuses its config: {why}"))
            .hint("mend [config] in the settings file and give it with --settings; nothing was changed"));
    }
    Ok(())
}

/// The digest or version requirement of the requested package; neither if only the settings change.
pub(super) async fn package(
    wanted: Option<&Wanted>,
    digest: Option<&str>,
    host: &Client,
    output: &Output,
) -> Result<(Option<String>, Option<String>), CliError> {
    match (wanted, digest) {
        (Some(Wanted::File(path)), _) => Ok((Some(sent(path, host, output).await?), None)),
        (Some(Wanted::Version(version)), _) => Ok((None, Some(version.clone()))),
        (None, Some(digest)) => Ok((Some(install::checked_digest(digest)?), None)),
        (None, None) => Ok((None, None)),
    }
}

/// Sends a package's file to the host. Returns its digest.
async fn sent(path: &Path, host: &Client, output: &Output) -> Result<String, CliError> {
    let component = install::component(path)?;
    let package = output.while_waiting("sending the package", host.put(&packages::PUT, component)).await?;
    Ok(package.digest)
}
