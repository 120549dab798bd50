//! `publish --check`: the conformance report of a connector's folder, without publishing. Each check passes, fails, or is
//! not judged, with the reason.

use std::path::Path;

use handoff_app::cases::{Case, CaseRunner, Outcome, differences, read_cases};
use handoff_build::Options;
use handoff_files::{PUBLIC_FILE, PUBLIC_FOLDER};
use handoff_package::Package;
use handoff_registry_client::{ClientError, Registry};
use serde::Serialize;
use serde_json::Value;

use super::breaking;
use crate::args::{GlobalArgs, PublishArgs};
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::style::{Style, Tone, clean};
use crate::{connection, registries};

/// Most lines of one check.
const LINES_MAX: usize = 10;
/// Names of licence files, in lower case without their ending.
const LICENCES: [&str; 4] = ["license", "licence", "copying", "unlicense"];

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    Pass,
    Fail,
    NotJudged,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    /// A stable word.
    name: &'static str,
    verdict: Verdict,
    /// What was found, one line each.
    found: Vec<String>,
}

/// The report.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Conformance {
    package: String,
    version: String,
    digest: String,
    /// The program that checked.
    checked_by: String,
    conforms: bool,
    checks: Vec<Check>,
}

/// Checks a folder, shows the report and writes it.
pub(super) async fn run(global: &GlobalArgs, args: &PublishArgs, output: &mut Output) -> Result<Exit, CliError> {
    let folder = &args.package;
    if !folder.is_dir() {
        let detail =
            format!("{} is not a folder: --check reads cases and documents beside connector.toml", folder.display());
        return Err(CliError::usage(detail));
    }
    let built = super::super::build::build(folder, Options::default(), output).await?;
    let package = Package::read(&built.bytes).map_err(|error| CliError::invalid(error.to_string()))?;
    let cache = tempfile::tempdir().map_err(|error| CliError::failed(error.to_string()))?;
    let runner = CaseRunner::new(&built.bytes, cache.path().to_owned());
    let runner = output.while_waiting("preparing the component", runner).await?;
    let mut checks = Vec::new();
    let cases = cases(&runner, folder, &mut checks).await;
    checks.push(config_keys(&package));
    checks.push(output.while_waiting("trying hostile inputs", hostile(&runner, &cases)).await);
    checks.push(config_texts(&package));
    checks.extend(documents(folder, args, &package.manifest.package.version.to_string()));
    checks.push(version(global, args, &package).await);
    let info = &package.manifest.package;
    let report = Conformance {
        package: info.name.to_string(),
        version: info.version.to_string(),
        digest: built.digest.to_string(),
        checked_by: format!("handoff {}", crate::args::VERSION),
        conforms: checks.iter().all(|check| check.verdict != Verdict::Fail),
        checks,
    };
    if let Some(path) = &args.report {
        let text = serde_json::to_string_pretty(&report).map_err(|error| CliError::failed(error.to_string()))? + "\n";
        let failed = |error| CliError::failed(format!("cannot write {}: {error}", path.display()));
        handoff_files::replace(path, text.as_bytes(), PUBLIC_FILE, PUBLIC_FOLDER).map_err(failed)?;
    }
    output.view(&report, show)?;
    Ok(if report.conforms { Exit::Ok } else { Exit::Invalid })
}

fn check(name: &'static str, verdict: Verdict, mut found: Vec<String>) -> Check {
    if found.len() > LINES_MAX {
        let more = found.len() - LINES_MAX;
        found.truncate(LINES_MAX);
        found.push(format!("and {more} more"));
    }
    Check { name, verdict, found }
}

/// Fails with these faults, or passes and says why.
fn judged(name: &'static str, faults: Vec<String>, passed: String) -> Check {
    if faults.is_empty() { check(name, Verdict::Pass, vec![passed]) } else { check(name, Verdict::Fail, faults) }
}

/// Runs the cases: they pass, and none meets a target or an event that the manifest does not ask for.
async fn cases(runner: &CaseRunner, folder: &Path, checks: &mut Vec<Check>) -> Vec<Case> {
    let all = match read_cases(&folder.join("cases")) {
        Ok(all) => all,
        Err(error) => {
            checks.push(check("cases", Verdict::Fail, vec![error.to_string()]));
            checks.push(check("effects", Verdict::NotJudged, vec!["there are no cases".to_owned()]));
            return Vec::new();
        }
    };
    let (mut good, mut faults, mut effects) = (Vec::new(), Vec::new(), Vec::new());
    let count = all.len();
    for (name, case) in all {
        let case = match case {
            Ok(case) => case,
            Err(error) => {
                faults.push(format!("{name}: {error}"));
                continue;
            }
        };
        let run = match runner.run(&case).await {
            Ok(run) => run,
            Err(error) => {
                faults.push(format!("{name}: {error}"));
                continue;
            }
        };
        match &case.expected {
            None => faults.push(format!("{name}: it has no expected.json")),
            Some(expected) => match differences(expected, &run.actual).len() {
                0 => {}
                number => faults.push(format!("{name}: {number} differences from expected.json")),
            },
        }
        for (index, outcome) in run.actual.deliveries.iter().enumerate() {
            let expects = |expected: &handoff_app::cases::ExpectedFile| matches!(expected.deliveries.get(index), Some(Outcome::Failure(failure)) if failure.code == "misconfigured");
            if let Outcome::Failure(failure) = outcome
                && failure.code == "misconfigured"
                && !case.expected.as_ref().is_some_and(expects)
            {
                let message = failure.message.clone().unwrap_or_default();
                effects.push(format!("{name}: delivery {}: {message}", index + 1));
            }
        }
        good.push(case);
    }
    checks.push(judged("cases", faults, format!("{count} pass")));
    let declared = "every event that is emitted and every target that is asked is declared".to_owned();
    checks.push(judged("effects", effects, declared));
    good
}

async fn hostile(runner: &CaseRunner, cases: &[Case]) -> Check {
    let run = runner.hostile(cases).await;
    let crashes = run.crashes.iter();
    let faults: Vec<String> =
        crashes.map(|crash| format!("{}: {}: {}", crash.event_type, crash.input, crash.code)).collect();
    if faults.is_empty() && !run.untried.is_empty() {
        let untried = run.untried.iter().map(|name| format!("{name}: no case delivers it, so that no config is known"));
        return check("hostile-inputs", Verdict::NotJudged, untried.collect());
    }
    judged("hostile-inputs", faults, format!("{} deliveries, each a commit or a failure of its own", run.deliveries))
}

/// A key that the schema does not know is refused.
fn config_keys(package: &Package) -> Check {
    let Some(config) = &package.manifest.config else {
        let text = "connector.toml has no [config] schema, so that any key is taken".to_owned();
        return check("config-keys", Verdict::Fail, vec![text]);
    };
    let is_closed = config.schema.as_json().get("additionalProperties") == Some(&Value::Bool(false));
    let open = "the config schema takes any key: set `additionalProperties` to false".to_owned();
    judged("config-keys", if is_closed { Vec::new() } else { vec![open] }, "undeclared keys are refused".to_owned())
}

/// Every field of the config schema has a description.
fn config_texts(package: &Package) -> Check {
    let Some(config) = &package.manifest.config else {
        return check("config-descriptions", Verdict::NotJudged, vec!["there is no config schema".to_owned()]);
    };
    let mut missing = Vec::new();
    undescribed("config", config.schema.as_json(), &mut missing);
    judged("config-descriptions", missing, "every field has a description".to_owned())
}

fn undescribed(path: &str, schema: &Value, missing: &mut Vec<String>) {
    let children = |word: &str| schema.get(word).and_then(Value::as_object).into_iter().flatten();
    for (name, field) in children("properties") {
        let path = format!("{path}.{name}");
        let text = field.get("description").and_then(Value::as_str).unwrap_or_default();
        if text.trim().is_empty() && field.get("$ref").is_none() {
            missing.push(format!("{path} has no `description`"));
        }
        undescribed(&path, field, missing);
    }
    for (name, definition) in children("$defs") {
        undescribed(name, definition, missing);
    }
    if let Some(items) = schema.get("items") {
        undescribed(&format!("{path}[]"), items, missing);
    }
}

/// README, licence and changelog.
fn documents(folder: &Path, args: &PublishArgs, version: &str) -> Vec<Check> {
    let readme = args.readme.clone().unwrap_or_else(|| folder.join("README.md"));
    let readme = match connection::read(&readme, "the readme") {
        Ok(text) if !text.trim().is_empty() => Vec::new(),
        _ => vec![format!("{} is missing or empty", readme.display())],
    };
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names: Vec<String> = names.map(|entry| entry.file_name().to_string_lossy().to_lowercase()).collect();
    let is_licence = |name: &&String| LICENCES.iter().any(|known| name.starts_with(known));
    let licence = match names.iter().find(is_licence) {
        Some(_) => Vec::new(),
        None => vec!["no file LICENSE beside connector.toml".to_owned()],
    };
    let changelog = folder.join("CHANGELOG.md");
    let changes = match connection::read(&changelog, "the changelog") {
        _ if args.changes.is_some() => Vec::new(),
        Ok(text) if text.contains(version) => Vec::new(),
        Ok(_) => vec![format!("CHANGELOG.md does not name {version}")],
        Err(_) => vec!["no CHANGELOG.md beside connector.toml, and no --changes".to_owned()],
    };
    vec![
        judged("readme", readme, "there".to_owned()),
        judged("licence", licence, "there".to_owned()),
        judged("changelog", changes, format!("names {version}")),
    ]
}

/// The version is higher than every published one, and says whether it breaks installations.
async fn version(global: &GlobalArgs, args: &PublishArgs, package: &Package) -> Check {
    const NAME: &str = "version";
    let not_judged = |text: String| check(NAME, Verdict::NotJudged, vec![text]);
    let registry = match registries::registry(global, &args.registry).await {
        Ok(registry) => registry,
        Err(error) => return not_judged(format!("no registry to compare with: {error}")),
    };
    let info = &package.manifest.package;
    let list = match registry.unverified_index(&info.name).await {
        Ok(list) => list,
        Err(ClientError::NoSuchPackage { .. } | ClientError::Missing { .. }) => {
            return check(NAME, Verdict::Pass, vec!["the first version".to_owned()]);
        }
        Err(error) => return not_judged(format!("the registry does not tell its versions: {error}")),
    };
    let Some(newest) = list.index.releases.iter().map(|release| &release.version).max() else {
        return check(NAME, Verdict::Pass, vec!["the first version".to_owned()]);
    };
    if *newest >= info.version {
        return check(
            NAME,
            Verdict::Fail,
            vec![format!("{} is not higher than {newest}, which is published", info.version)],
        );
    }
    match breaking_changes(&registry, package).await {
        Ok(found) => judged(NAME, found, format!("{} follows {newest}", info.version)),
        Err(text) => not_judged(text),
    }
}

async fn breaking_changes(registry: &Registry, package: &Package) -> Result<Vec<String>, String> {
    match super::previous(registry, package).await {
        None => Ok(Vec::new()),
        Some(before) => Ok(breaking::differences(&before.package, package)
            .into_iter()
            .map(|line| {
                format!("breaks installations of {}, and its number says that it does not: {line}", before.version)
            })
            .collect()),
    }
}

fn show(report: &Conformance, style: &Style) -> String {
    let mut text = format!("{} {}\n", style.paint(Tone::Strong, &report.package), clean(&report.version));
    for check in &report.checks {
        let mark = match check.verdict {
            Verdict::Pass => style.paint(Tone::Good, "✔ pass"),
            Verdict::Fail => style.paint(Tone::Bad, "✘ fail"),
            Verdict::NotJudged => style.paint(Tone::Careful, "– not judged"),
        };
        text.push_str(&format!("{mark}  {}\n", check.name));
        check.found.iter().for_each(|line| text.push_str(&format!("    {}\n", clean(line))));
    }
    let end = if report.conforms { "it conforms" } else { "it does not conform" };
    text.push_str(&format!("{end}; nothing was published\n"));
    text
}
