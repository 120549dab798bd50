//! How each page looks and reads: at three widths, light and dark. Nothing scrolls sideways, what is touched is large
//! enough, axe finds nothing serious, the browser reports no error, and the first page is small.

use std::path::PathBuf;

use handoff_tests::browser::Browser;
use handoff_tests::simulators::crm::Crm;
use serde_json::Value;

use super::{host_with_a_bad_version, sign_in};

/// Most bytes of the first page with its style sheet, script and icon.
const FIRST_PAGE_BYTES: usize = 100_000;
const WIDTHS: [u32; 3] = [1_440, 1_024, 390];

/// Elements that are wider than the page, by their markup.
const WIDER: &str = "
    const wide = document.documentElement.clientWidth;
    const inside = (one) => one.closest('.scroll, .code, .unseen, .skip, .bar');
    return document.documentElement.scrollWidth <= wide ? [] : [...document.querySelectorAll('body *')]
        .filter((one) => one.getBoundingClientRect().right > wide + 1 && !inside(one))
        .map((one) => one.outerHTML.slice(0, 120));";
/// What is touched on a phone and less than 44 pixels high, except links within a sentence.
const SMALL: &str = "
    return [...document.querySelectorAll('a, button, select, summary, input:not([type=hidden])')]
        .filter((one) => one.checkVisibility() && !one.closest('p, .sub, dd, .skip, .tick, .line, dt'))
        .filter((one) => one.getBoundingClientRect().height > 0 && one.getBoundingClientRect().height < 43.5)
        .map((one) => one.outerHTML.slice(0, 120));";

/// axe-core, as `.ci/setup` installs it.
fn axe() -> Option<String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let text = std::fs::read_to_string(target.join("axe/node_modules/axe-core/axe.min.js")).ok();
    assert!(text.is_some() || std::env::var_os("CI").is_none(), "axe-core is missing: .ci/setup installs it");
    text
}

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

async fn serious(browser: &Browser, axe: &str, page: &str) -> Vec<String> {
    browser.run(axe).await;
    let found = browser.run("return axe.run({resultTypes: ['violations']});").await;
    let violations = found["violations"].as_array().cloned().unwrap_or_default();
    let serious = violations.iter().filter(|one| matches!(one["impact"].as_str(), Some("serious" | "critical")));
    serious
        .map(|one| {
            let html: Vec<&Value> = one["nodes"].as_array().into_iter().flatten().map(|node| &node["html"]).collect();
            let why = &one["nodes"][0]["failureSummary"];
            format!("{page}: {}: {why} {html:?}", one["id"])
        })
        .collect()
}

#[tokio::test]
async fn every_page_is_sound_at_every_width_light_and_dark() {
    let Some(browser) = Browser::start(true).await else { return };
    let crm = Crm::start().await;
    let (host, _) = host_with_a_bad_version(&crm).await;
    let pictures = root().join("target/console");
    let axe = axe();
    browser.open(&host.control_url("/")).await;
    browser.look(390, 844, false).await;
    browser.picture(&pictures.join("sign-in-390-light.png")).await;
    sign_in(&browser, &host, "/").await;
    browser.shows("Newest events").await;
    let pages = [
        ("overview", "/"),
        ("installations", "/installations"),
        ("installation", "/installations/web-leads"),
        ("rollback", "/installations/web-leads/rollback"),
        ("find", "/find"),
        ("events", "/events"),
        ("event", "/events/1?data=1"),
        ("dead-letters", "/dead-letters"),
        ("redrive", "/dead-letters/redrive?installation=web-leads"),
        ("held", "/held"),
        ("incidents", "/incidents"),
        ("audit", "/audit"),
        ("host", "/host"),
    ];
    let mut findings = Vec::new();
    for (name, path) in pages {
        for is_dark in [false, true] {
            browser.look(WIDTHS[0], 900, is_dark).await;
            browser.open(&host.control_url(path)).await;
            if let Some(axe) = &axe {
                findings.extend(serious(&browser, axe, name).await);
            }
            for width in WIDTHS {
                browser.look(width, 900, is_dark).await;
                let height = browser.run("return document.documentElement.scrollHeight;").await.as_u64().unwrap_or(900);
                browser.look(width, u32::try_from(height.clamp(700, 4_000)).unwrap_or(900), is_dark).await;
                let tone = if is_dark { "dark" } else { "light" };
                browser.picture(&pictures.join(format!("{name}-{width}-{tone}.png"))).await;
                let wider = browser.run(WIDER).await;
                if wider != Value::Array(Vec::new()) {
                    findings.push(format!("{name} at {width} is wider than the page: {wider}"));
                }
                let small = if width == 390 { browser.run(SMALL).await } else { Value::Array(Vec::new()) };
                if small != Value::Array(Vec::new()) {
                    findings.push(format!("{name} has small targets: {small}"));
                }
            }
        }
        findings.extend(browser.errors().await.into_iter().map(|error| format!("{name}: {error}")));
    }
    assert!(findings.is_empty(), "{findings:#?}");
    browser.open(&host.control_url("/")).await;
    let bytes = "return performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))
        .reduce((sum, one) => sum + one.decodedBodySize, 0);";
    let bytes = browser.run(bytes).await.as_u64().unwrap_or(0);
    assert!((1..FIRST_PAGE_BYTES as u64).contains(&bytes), "{bytes} bytes");
}
