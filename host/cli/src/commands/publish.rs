//! `publish`, `deprecate`, `yank`, `recall` and `renew`: changes a publisher's packages in a registry. Connects to the
//! registry directly and needs no host.

mod breaking;
mod check;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use handoff_build::Options as BuildOptions;
use handoff_package::index::Status;
use handoff_package::manifest::{PackageName, Summary, Version};
use handoff_package::package::Package;
use handoff_package::resolve::Pin;
use handoff_registry_client::{Author, ClientError, Registry, Submission, VerifiedIndex};

use crate::args::{DeprecateArgs, ExactRef, GlobalArgs, KeyArgs, PublishArgs, RegistryArgs, RenewArgs, WithdrawArgs};
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::{connection, publisher, registries, show};
use handoff_app::registry::registry_error;
use handoff_app::registry::views::status_view;
use handoff_control::registry::{PublishReport, RenewReport};
use handoff_model::time::{Clock as _, SystemClock, Timestamp};

/// A package that is ready to be published.
struct Ready {
    component: Bytes,
    readme: Option<PathBuf>,
}

pub(crate) async fn publish(global: &GlobalArgs, args: &PublishArgs, output: &mut Output) -> Result<Exit, CliError> {
    if args.check {
        return check::run(global, args, output).await;
    }
    let key = publisher::key(&publisher::key_path(args.key.key.as_deref())?)?;
    let registry = registries::registry(global, &args.registry).await?;
    let ready = ready(&args.package, output).await?;
    let package = Package::read(&ready.component).map_err(|error| CliError::invalid(error.to_string()))?;
    let name = package.manifest.package.name.clone();
    if !args.breaking {
        let refuse = refuse_breaking(&registry, &package);
        output.while_waiting("comparing with the previous version", refuse).await?;
    }
    let readme = args.readme.clone().or(ready.readme);
    let submission = Submission {
        component: ready.component,
        readme: readme.map(|path| connection::read(&path, "the readme")).transpose()?,
        changes: args.changes.as_deref().map(changes).transpose()?,
    };
    let at_ms = SystemClock.now().0;
    let trust = publisher::earlier_keys(&args.key, &name, at_ms)?;
    let seen = publisher::seen(&registry.name(), &name)?;
    let author = Author { key: &key, trust: &trust, seen: seen.as_ref(), at_ms };
    let published = output.while_waiting("publishing", registry.publish(&submission, author)).await;
    let published = published.map_err(registry_error)?;
    publisher::keep_seen(&registry.name(), &name, &published.index.seen)?;
    let version = package.manifest.package.version.clone();
    let mut report = report(&registry, &published.index, &version, published.already, key.public().id().to_string())?;
    report.signature_added = published.signature_added;
    output.view(&report, show::registry::published)?;
    Ok(Exit::Ok)
}

/// Refuses what breaks installations of the previous version, unless the version says so. The registry's list is not
/// verified here: it can only make the check refuse too much or too little, and `publish` verifies it.
async fn refuse_breaking(registry: &Registry, package: &Package) -> Result<(), CliError> {
    let info = &package.manifest.package;
    let Some(before) = previous(registry, package).await else { return Ok(()) };
    let found = breaking::differences(&before.package, package);
    if found.is_empty() {
        return Ok(());
    }
    let lines: String = found.iter().map(|line| format!("\n  {line}")).collect();
    let detail = format!(
        "{} breaks installations of {}, and its number says that it does not:{lines}\nnothing was published",
        info.version, before.version
    );
    let hint =
        "publish it as a new major version (before 1.0.0, a new minor one); --breaking publishes it all the same";
    Err(CliError::new(Exit::Refused, "breaking-change", "A breaking change", detail).hint(hint))
}

/// The version that this one follows and may not break; none if it is the first, or a new major one.
struct Previous {
    version: Version,
    package: Package,
}

async fn previous(registry: &Registry, package: &Package) -> Option<Previous> {
    let info = &package.manifest.package;
    // Without a list it is the first version, or publishing says what is wrong.
    let list = registry.unverified_index(&info.name).await.ok()?;
    let releases = list.index.releases.iter().filter(|release| release.version < info.version);
    let before = releases.max_by(|one, other| one.version.cmp(&other.version))?;
    if !breaking::is_compatible(before.version.as_semver(), info.version.as_semver()) {
        return None;
    }
    let pin = Pin {
        package: info.name.clone(),
        version: before.version.clone(),
        digest: before.digest,
        manifest_digest: before.manifest_digest,
    };
    let package = registry.unverified_package(&pin).await.ok()?;
    Some(Previous { version: before.version.clone(), package })
}

pub(crate) async fn yank(global: &GlobalArgs, args: &WithdrawArgs, output: &mut Output) -> Result<Exit, CliError> {
    let status = Status::Yanked { note: note(&args.reason)? };
    set_status(global, &args.package, status, &args.registry, &args.key, output).await
}

pub(crate) async fn recall(global: &GlobalArgs, args: &WithdrawArgs, output: &mut Output) -> Result<Exit, CliError> {
    let status = Status::Recalled { note: note(&args.reason)? };
    set_status(global, &args.package, status, &args.registry, &args.key, output).await
}

pub(crate) async fn deprecate(
    global: &GlobalArgs,
    args: &DeprecateArgs,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let status = match &args.reason {
        Some(reason) => Status::Deprecated { note: note(reason)? },
        None => Status::Active,
    };
    set_status(global, &args.package, status, &args.registry, &args.key, output).await
}

async fn set_status(
    global: &GlobalArgs,
    ExactRef { package, version }: &ExactRef,
    status: Status,
    registry: &RegistryArgs,
    key: &KeyArgs,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let registry = registries::registry(global, registry).await?;
    let change = async |author: Author<'_>| registry.set_status(package, version, &status, author).await;
    let list = changed_list(&registry, package, key, output, change).await?;
    let report = report(&registry, &list, version, false, list.signer.key_id.to_string())?;
    output.view(&report, show::registry::changed)?;
    Ok(Exit::Ok)
}

/// Changes a package's version list as its publisher, and records its new sequence number.
async fn changed_list(
    registry: &Registry,
    package: &PackageName,
    key: &KeyArgs,
    output: &mut Output,
    change: impl AsyncFnOnce(Author<'_>) -> Result<VerifiedIndex, ClientError>,
) -> Result<VerifiedIndex, CliError> {
    let signing = publisher::key(&publisher::key_path(key.key.as_deref())?)?;
    let at_ms = SystemClock.now().0;
    let trust = publisher::earlier_keys(key, package, at_ms)?;
    let seen = publisher::seen(&registry.name(), package)?;
    let author = Author { key: &signing, trust: &trust, seen: seen.as_ref(), at_ms };
    let list = output.while_waiting("asking the registry", change(author)).await.map_err(registry_error)?;
    publisher::keep_seen(&registry.name(), package, &list.seen)?;
    Ok(list)
}

pub(crate) async fn renew(global: &GlobalArgs, args: &RenewArgs, output: &mut Output) -> Result<Exit, CliError> {
    let RenewArgs { package, registry, key } = args;
    let registry = registries::registry(global, registry).await?;
    let renewal = async |author: Author<'_>| registry.renew(package, author).await;
    let list = changed_list(&registry, package, key, output, renewal).await?;
    let report = RenewReport {
        package: package.to_string(),
        registry: registry.name(),
        key_id: list.signer.key_id.to_string(),
        sequence: list.index.sequence,
        signed_at: Timestamp(list.signed_at_ms).into(),
    };
    output.view(&report, show::registry::renewed)?;
    Ok(Exit::Ok)
}

fn report(
    registry: &Registry,
    verified: &VerifiedIndex,
    version: &Version,
    already: bool,
    key_id: String,
) -> Result<PublishReport, CliError> {
    let package: &PackageName = &verified.index.package;
    let release = verified.index.release(version);
    let release =
        release.ok_or_else(|| CliError::failed(format!("{package} {version} is not in the list afterwards")))?;
    Ok(PublishReport {
        package: package.to_string(),
        version: version.to_string(),
        digest: release.digest.to_string(),
        registry: registry.name(),
        status: status_view(&release.status),
        already,
        signature_added: false,
        key_id,
        sequence: verified.index.sequence,
    })
}

/// Reads the component from a file, or builds it from a folder.
async fn ready(path: &Path, output: &mut Output) -> Result<Ready, CliError> {
    if path.is_dir() {
        let built = super::build::build(path, BuildOptions::default(), output).await?;
        let readme = Some(path.join("README.md")).filter(|readme| readme.is_file());
        return Ok(Ready { component: built.bytes.into(), readme });
    }
    let component = super::install::component(path)?;
    Ok(Ready { component, readme: None })
}

/// The given text, or the content of the file with that name.
fn changes(text: &str) -> Result<String, CliError> {
    let path = Path::new(text);
    // A text may be longer than a file name can be; then it is not one.
    if text.len() < 256 && path.is_file() { connection::read(path, "the changes") } else { Ok(text.to_owned()) }
}

fn note(reason: &str) -> Result<Summary, CliError> {
    reason.trim().parse().map_err(|problem| CliError::usage(format!("--reason: {problem}")))
}
