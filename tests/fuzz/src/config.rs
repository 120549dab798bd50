//! `handoff.toml` and settings files: every problem names a position in the file, and accepted settings survive the
//! forms in which the host stores them.

use std::sync::LazyLock;

use handoff_config::{Asks, Config, ConfigErrors, Settings, resolve_grants};
use handoff_package::Manifest;
use handoff_policy::ingress::IngressSettings;
use serde_json::Value;

use crate::{memory, text};

const FILE: &str = "handoff.toml";
/// The manifest against which settings are checked.
const MANIFEST: &str = include_str!("../../../connectors/bdc-list/connector.toml");
const SCHEMA: &str = include_str!("../../../connectors/bdc-list/config.schema.json");

static ASKS: LazyLock<(Manifest, Asks)> = LazyLock::new(|| {
    let manifest = Manifest::from_toml_with(MANIFEST, |_| Ok(SCHEMA.to_owned())).expect("the connector's own manifest");
    let asks = Asks::from(&manifest);
    (manifest, asks)
});

/// A text as `handoff.toml`.
pub fn host(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else { return };
    match memory::within(bound(data), || Config::parse(source, FILE)) {
        Ok(config) => {
            assert_eq!(Config::parse(source, FILE).as_ref(), Ok(&config));
            assert!(config.secret_names().all(|name| !name.is_empty()));
            assert!(config.ingress.hook_body_bytes >= 1024 && config.engine_limits.queue_entries_max > 0);
        }
        Err(errors) => refused(&errors, source),
    }
}

/// A text as an installation's settings.
pub fn settings(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else { return };
    let settings = match memory::within(bound(data), || Settings::parse(source, FILE)) {
        Ok(settings) => settings,
        Err(errors) => return refused(&errors, source),
    };
    let kept = settings.ingress.to_json();
    assert_eq!(IngressSettings::from_json(&kept).as_ref().ok(), Some(&settings.ingress), "{kept}");
    let config: Value = serde_json::from_str(&settings.config_json()).expect("JSON");
    assert_eq!(config, Value::Object(settings.config.clone()));
    let (manifest, asks) = &*ASKS;
    match resolve_grants(&settings, asks) {
        Ok(grants) => {
            assert!(
                grants.emits.iter().all(|granted| manifest.events.emits.iter().any(|asked| asked.as_str() == granted))
            );
            for granted in &grants.http {
                let asked = manifest.http.iter().find(|asked| asked.name.as_str() == granted.name).expect("asked for");
                assert!(asked.host.is_any() || asked.host.as_str() == granted.host, "{granted:?}");
                let is_asked = |method: &String| asked.methods.iter().any(|asked| asked.as_str() == method);
                assert!(granted.methods.iter().all(is_asked), "{granted:?}");
            }
        }
        Err(errors) => refused(&ConfigErrors::new(errors), source),
    }
}

fn bound(data: &[u8]) -> usize {
    (1 << 20) + 4096 * data.len()
}

fn refused(errors: &ConfigErrors, source: &str) {
    assert!(!errors.problems.is_empty());
    for problem in &errors.problems {
        let location = &problem.location;
        assert_eq!(location.file, FILE);
        assert!(text::is_position(source, location.line, location.column), "{problem}");
        assert!(location.excerpt.chars().count() <= 200, "{problem}");
        for part in [&problem.found, &problem.expected, &problem.advice] {
            text::check(part, 2048);
        }
    }
    let in_order = errors.problems.is_sorted_by_key(|problem| (problem.location.line, problem.location.column));
    assert!(in_order, "{errors}");
    serde_json::from_str::<Value>(&errors.to_json()).expect("JSON");
    assert!(errors.to_string().contains("nothing was changed"));
}
