//! `install`: creates the first or the next generation of an installation. Shows the plan and asks before it changes
//! anything.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::args::{GlobalArgs, InstallArgs};
use crate::commands::check;
use crate::connection::{self, Connection};
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::{ask, show};
use handoff_app::installations::lock_file::settings_json;
use handoff_app::registry::reference::PackageRef;
use handoff_config::Settings;
use handoff_control::client::Client;
use handoff_control::installations::install;
use handoff_control::installations::install::{Granted, InstallReport, InstallRequest};
use handoff_control::registry;
use handoff_control::registry::PullRequest;
use handoff_control::registry::packages;
use handoff_model::names::{GroupName, InstallationName, NameError};

/// The host accepts no larger component, whatever its limits.
const COMPONENT_BYTES_MAX: u64 = 256 << 20;

pub(crate) async fn run(global: &GlobalArgs, args: &InstallArgs, output: &mut Output) -> Result<Exit, CliError> {
    let (settings, settings_folder) = settings(&args.settings, args.group.as_ref())?;
    let target = Target::of(&args.what, args.digest.as_deref())?;
    let host = Connection::open(global).await?;
    let (name, digest) = found(args, target, &host, output).await?;
    let mut request = InstallRequest {
        name,
        digest,
        settings,
        settings_folder,
        by: ask::note(args.who.by.as_deref()),
        reason: args.who.reason.clone(),
        dry_run: true,
        force: args.force,
    };
    let plan = output.while_waiting("checking", host.post(&install::INSTALL, &[], &request)).await?;
    if args.dry_run {
        output.view(&plan, show::install::report)?;
        return if plan.validation.passed { Ok(Exit::Ok) } else { Err(refused(&plan)) };
    }
    if !output.json {
        output.text(&show::install::report(&plan, &output.style))?;
    }
    if !plan.validation.passed {
        return Err(refused(&plan));
    }
    if needs_yes(&plan) && !args.yes && !ask::agrees(output, &question(&plan), "--yes")? {
        return Err(CliError::needs_approval("nothing was changed"));
    }
    request.dry_run = false;
    let report = output.while_waiting("installing", host.post(&install::INSTALL, &[], &request)).await?;
    output.view(&report, show::install::done)?;
    Ok(Exit::Ok)
}

/// Permissions that the settings file does not name are new to its author, unless the previous generation had them.
fn needs_yes(plan: &InstallReport) -> bool {
    plan.asks.iter().any(|ask| ask.granted == Granted::ByDefault && !ask.had_before)
}

fn question(plan: &InstallReport) -> String {
    format!("Let {} do this as {}?", crate::style::clean(&plan.title), plan.name)
}

fn refused(plan: &InstallReport) -> CliError {
    let why = plan.validation.failure.as_ref().map_or("it does not say why", |failure| failure.message.as_str());
    CliError::invalid(format!("{} {} refuses its config: {why}", plan.package, plan.version))
        .hint("mend [config] in the settings file; nothing was changed")
}

/// The arguments of the command, interpreted by their form alone.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    /// `None`: the installation gets the name of the package.
    name: Option<InstallationName>,
    package: Wanted,
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    File(PathBuf),
    Registry(PackageRef),
    Digest(String),
}

impl Target {
    fn of(words: &[String], digest: Option<&str>) -> Result<Self, CliError> {
        let name = |text: &String| text.parse().map_err(|error: NameError| CliError::usage(error.to_string()));
        match (words, digest) {
            ([first], Some(digest)) => {
                Ok(Self { name: Some(name(first)?), package: Wanted::Digest(checked_digest(digest)?) })
            }
            (_, Some(_)) => {
                Err(CliError::usage("--digest names the package: name the installation, and no package besides"))
            }
            ([first], None) if first.parse::<InstallationName>().is_ok() => Err(CliError::usage(format!(
                "which package shall `{first}` be? Name its file, PUBLISHER/NAME, or --digest"
            ))),
            ([package], None) => Ok(Self { name: None, package: Wanted::of(package)? }),
            ([first, package], None) => Ok(Self { name: Some(name(first)?), package: Wanted::of(package)? }),
            _ => Err(CliError::usage("name the package, or an installation and its package")),
        }
    }
}

impl Wanted {
    fn of(text: &str) -> Result<Self, CliError> {
        if PackageRef::is_meant_by(text) {
            return text.parse().map(Self::Registry).map_err(CliError::usage);
        }
        Ok(Self::File(PathBuf::from(text)))
    }
}

/// The installation's name, and the digest of a package. The host has the package afterwards.
async fn found(
    args: &InstallArgs,
    target: Target,
    host: &Client,
    output: &mut Output,
) -> Result<(InstallationName, String), CliError> {
    let (package, digest) = match target.package {
        Wanted::Digest(digest) => (String::new(), digest),
        Wanted::File(path) => {
            if args.registry.is_some() || args.pre_release {
                return Err(CliError::usage("--registry and --pre-release go with PUBLISHER/NAME, not with a file"));
            }
            let kept = output.while_waiting("sending the package", host.put(&packages::PUT, component(&path)?)).await?;
            (kept.package, kept.digest)
        }
        Wanted::Registry(wanted) => {
            let request = PullRequest {
                registry: args.registry.clone(),
                package: wanted.package.to_string(),
                requirement: wanted.requirement.clone(),
                pre_release: args.pre_release,
                ..PullRequest::default()
            };
            let pulled = output
                .while_waiting("fetching and proving the package", host.post(&registry::PULL, &[], &request))
                .await;
            let pulled = pulled.map_err(|error| if_file(error.into(), &wanted))?;
            if !output.json {
                output.text(&show::registry::pulled(&pulled, &output.style))?;
            }
            (pulled.package.package, pulled.package.digest)
        }
    };
    let name = match target.name {
        Some(name) => name,
        None => {
            let own = package.rsplit('/').next().unwrap_or_default();
            own.parse().map_err(|error: NameError| CliError::usage(format!("{error}; give the installation a name")))?
        }
    };
    Ok((name, digest))
}

/// Validates a digest.
pub(super) fn checked_digest(digest: &str) -> Result<String, CliError> {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return Err(CliError::usage(format!("`{digest}` is not a digest: expected sha256: and 64 hexadecimal digits")));
    }
    Ok(format!("sha256:{hex}"))
}

/// Adds a hint if a file with that name exists, because the caller may have meant it.
fn if_file(error: CliError, wanted: &PackageRef) -> CliError {
    let path = wanted.to_string();
    if Path::new(&path).is_file() { error.hint(format!("to install the file of that name: ./{path}")) } else { error }
}

pub(super) fn component(path: &Path) -> Result<Bytes, CliError> {
    let fail = |reason: &dyn std::fmt::Display| {
        CliError::invalid(format!("cannot read the package {}: {reason}", path.display()))
    };
    let size = std::fs::metadata(path).map_err(|error| fail(&error))?.len();
    if size > COMPONENT_BYTES_MAX {
        return Err(fail(&format!("{size} bytes; expected at most {COMPONENT_BYTES_MAX}")));
    }
    let bytes = std::fs::read(path).map_err(|error| fail(&error))?;
    handoff_package::package::check_header(&bytes).map_err(|error| fail(&error))?;
    Ok(bytes.into())
}

/// Reads the settings file as JSON, and the folder that its relative paths start from. Validates it here too, because
/// only this process can report line numbers of the file. `group` is the group to install for, if the command names one.
pub(super) fn settings(
    path: &Path,
    group: Option<&GroupName>,
) -> Result<(serde_json::Value, Option<String>), CliError> {
    Settings::load(path, group).map_err(|errors| check::invalid(&errors))?;
    let (mut table, folder) = table(path)?;
    if let Some(group) = group {
        table.insert("group".to_owned(), group.as_str().into());
    }
    Ok((settings_json(table), folder))
}

/// Reads a template of settings in the same way. It may lack fields that each installation's settings have.
pub(super) fn template(path: &Path) -> Result<(serde_json::Value, Option<String>), CliError> {
    table(path).map(|(table, folder)| (settings_json(table), folder))
}

fn table(path: &Path) -> Result<(toml::Table, Option<String>), CliError> {
    let text = connection::read(path, "the settings file")?;
    let table =
        text.parse().map_err(|error: toml::de::Error| CliError::invalid(format!("{}: {error}", path.display())))?;
    let folder = std::path::absolute(path).ok().and_then(|path| Some(path.parent()?.to_str()?.to_owned()));
    Ok((table, folder))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    fn target(words: &[&str], digest: Option<&str>) -> Result<Target, CliError> {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        Target::of(&words, digest)
    }

    #[test]
    fn a_name_may_be_left_out_where_the_package_has_one() {
        let leads = Wanted::Registry("acme/leads@^1.2".parse().unwrap());
        assert_eq!(target(&["acme/leads@^1.2"], None).unwrap(), Target { name: None, package: leads });
        let file = |path: &str| Wanted::File(path.into());
        let named = target(&["web-leads", "dist/acme/leads"], None).unwrap();
        assert_eq!(named, Target { name: Some("web-leads".parse().unwrap()), package: file("dist/acme/leads") });
        assert_eq!(target(&["./acme/leads"], None).unwrap().package, file("./acme/leads"));
        assert_eq!(
            target(&["leads-1.0.0.wasm"], None).unwrap(),
            Target { name: None, package: file("leads-1.0.0.wasm") }
        );
        let digest = format!("sha256:{}", "0".repeat(64));
        assert_eq!(target(&["leads"], Some(&digest)).unwrap().package, Wanted::Digest(digest.clone()));
        for (words, digest, expected) in [
            (vec!["web-leads"], None, "which package"),
            (vec!["Web", "acme/leads"], None, "is not a name"),
            (vec!["leads", "a.wasm"], Some(digest.as_str()), "no package besides"),
            (vec!["leads"], Some("sha256:00"), "is not a digest"),
            (vec!["acme/leads@latest"], None, "requirement"),
        ] {
            let problem = target(&words, digest).unwrap_err().problem.to_string();
            assert!(problem.contains(expected), "{words:?}: {problem}");
        }
    }
}
