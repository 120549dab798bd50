//! The page of a package: its description, requests, changes, versions and README. It shows what publishers pushed; the
//! page says that hosts verify it themselves.

use crate::name::Repository;
use crate::packages;
use crate::packages::VersionLine;
use crate::pages::html::{Html, date};
use crate::pages::markdown;
use crate::refusal::{Code, Refusal};
use crate::storage::{PackageData, Record, Storage};
use handoff_package::manifest::{HttpTarget, Manifest};

/// Maximum number of versions listed; the API lists all.
const VERSIONS_MAX: usize = 200;

/// The page of a version, or of the newest that may be chosen.
/// `base` is the registry's URL as clients use it.
pub(super) fn render(
    storage: &Storage,
    repository: &Repository,
    version: Option<&str>,
    base: &str,
) -> Result<String, Refusal> {
    let versions = packages::versions(storage, repository)?;
    let unknown = || {
        let version = version.map(|version| format!(" {}", crate::name::shorten(version))).unwrap_or_default();
        Refusal::new(Code::NameUnknown, format!("There is no connector {repository}{version} here."))
    };
    let line = match version {
        Some(wanted) => versions.iter().find(|line| line.version.to_string() == wanted),
        None => packages::leading(&versions),
    };
    let line = line.ok_or_else(unknown)?;
    let (record, data) = packages::package_data(storage, repository, &line.digest)?.ok_or_else(unknown)?;
    let info = &data.manifest.package;
    let mut page = Html::page(&info.title.to_string());
    page.element("p", &[("class", "summary")], &info.summary.to_string());
    status(&mut page, line);
    // Do not offer what a host would refuse.
    if !matches!(line.status.as_str(), "yanked" | "recalled") {
        install(&mut page, repository, line, base);
    }
    details(&mut page, repository, line, &record, &data);
    asks_for(&mut page, &data.manifest);
    let changes = packages::changes(storage, &line.digest)?.or_else(|| line.changes.clone());
    if let Some(changes) = changes {
        page.element("h2", &[], &format!("What changed in {}", line.version));
        page.open("div", &[("class", "text")]);
        page.safe(&markdown::render(&changes));
        page.close("div");
    }
    list(&mut page, repository, &versions);
    if let Some(readme) = packages::readme(storage, repository, &line.digest)? {
        page.element("h2", &[], "Readme");
        page.open("div", &[("class", "text")]);
        page.safe(&markdown::render(&readme));
        page.close("div");
    }
    Ok(page.finish())
}

fn status(page: &mut Html, line: &VersionLine) {
    let meaning = match line.status.as_str() {
        "deprecated" => "This version still works, but its publisher recommends another one.",
        "yanked" => {
            "This version is excluded from new installs. Only a requirement of exactly this version still chooses it."
        }
        "recalled" => "The publisher asks everybody to stop using this version.",
        _ => return,
    };
    page.open("div", &[("class", "notice"), ("role", "note")]);
    page.element("strong", &[("class", "status")], &line.status);
    page.element("p", &[], meaning);
    if let Some(note) = &line.note {
        page.element("p", &[], note);
    }
    page.close("div");
}

fn install(page: &mut Html, repository: &Repository, line: &VersionLine, base: &str) {
    page.element("h2", &[], "Install");
    page.open("pre", &[]);
    page.element("code", &[], &format!("handoff install {repository}@={} --settings FILE", line.version));
    page.close("pre");
    page.element(
        "p",
        &[("class", "facts")],
        "A host verifies the publisher's signature before it installs the package.",
    );
    super::address(page, base);
}

fn details(page: &mut Html, repository: &Repository, line: &VersionLine, record: &Record, data: &PackageData) {
    let rows = [
        ("Package", repository.to_string()),
        ("Version", line.version.to_string()),
        ("Published", date(record.published_at)),
        ("License", data.manifest.package.license.to_string()),
        ("Size", format!("{} KiB", data.size.div_ceil(1_024))),
        ("Interface", format!("handoff:connector@{}", data.interface)),
        ("Component", data.digest.to_string()),
        ("Manifest", line.digest.to_string()),
    ];
    page.element("h2", &[], "Details");
    page.open("dl", &[]);
    for (name, value) in rows {
        page.element("dt", &[], name);
        page.element("dd", &[], &value);
    }
    page.close("dl");
}

fn asks_for(page: &mut Html, manifest: &Manifest) {
    page.element("h2", &[], "Permissions");
    page.element("h3", &[], "Events");
    let accepts: Vec<String> = manifest.events.accepts.iter().map(ToString::to_string).collect();
    let emits: Vec<String> = manifest.events.emits.iter().map(ToString::to_string).collect();
    page.element("p", &[], "Accepts:");
    items(page, &accepts);
    if !emits.is_empty() {
        page.element("p", &[], "Emits:");
        items(page, &emits);
    }
    page.element("h3", &[], "Sends requests to");
    if manifest.http.is_empty() {
        page.element("p", &[], "It sends no requests to other systems.");
    }
    for target in &manifest.http {
        reach(page, target);
    }
}

fn reach(page: &mut Html, target: &HttpTarget) {
    let host = target.host.to_string();
    let host = if host == "*" { "a host chosen by the operator".to_owned() } else { host };
    page.element("h4", &[], &format!("{}: {host}", target.name));
    page.element("p", &[], &target.why.to_string());
    let methods: Vec<&str> = target.methods.iter().map(|method| method.as_str()).collect();
    let paths = target.paths.iter().map(|path| format!("{} {path}", methods.join(", ")));
    let look_ups = target.look_ups.iter().map(|path| format!("look-up {path}"));
    items(page, &paths.chain(look_ups).collect::<Vec<_>>());
    if !target.auth.is_empty() {
        let names: Vec<String> = target.auth.iter().map(ToString::to_string).collect();
        page.element("p", &[], &format!("Auth profiles: {}", names.join(", ")));
    }
}

fn items(page: &mut Html, texts: &[String]) {
    page.open("ul", &[]);
    for text in texts {
        page.open("li", &[]);
        page.element("code", &[], text);
        page.close("li");
    }
    page.close("ul");
}

fn list(page: &mut Html, repository: &Repository, versions: &[VersionLine]) {
    page.element("h2", &[], "Versions");
    page.open("table", &[]);
    page.open("thead", &[]);
    page.open("tr", &[]);
    for title in ["Version", "Status", "What changed"] {
        page.element("th", &[("scope", "col")], title);
    }
    page.close("tr");
    page.close("thead");
    page.open("tbody", &[]);
    for line in versions.iter().take(VERSIONS_MAX) {
        page.open("tr", &[]);
        page.open("th", &[("scope", "row")]);
        page.link(&format!("/p/{repository}?version={}", line.version), &line.version.to_string());
        page.close("th");
        let note = line.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        page.element("td", &[], &format!("{}{note}", line.status));
        page.element("td", &[], line.changes.as_deref().unwrap_or_default());
        page.close("tr");
    }
    page.close("tbody");
    page.close("table");
    if versions.len() > VERSIONS_MAX {
        let more = versions.len() - VERSIONS_MAX;
        page.element("p", &[], &format!("And {more} older versions."));
    }
}
