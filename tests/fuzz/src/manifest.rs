//! Manifests in both forms: an accepted one is the same after writing and reading, any other is refused with a
//! position.

use handoff_package::{Manifest, ManifestError};

use crate::{memory, text};

/// Maximum length of an error message, which may quote the input.
const MESSAGE_BYTES_MAX: usize = 2048;

/// TOML or JSON: both readers get the same bytes.
pub fn check(data: &[u8]) {
    // Checking a config schema against the meta-schema takes a fixed amount of memory first.
    let bound = (32 << 20) + 1024 * data.len();
    match memory::within(bound, || Manifest::from_json(data)) {
        Ok(manifest) => accepted(&manifest),
        Err(error) => refused(&error, None),
    }
    let Ok(source) = std::str::from_utf8(data) else { return };
    match memory::within(bound, || Manifest::from_toml(source)) {
        Ok(manifest) => accepted(&manifest),
        Err(error) => refused(&error, Some(source)),
    }
}

pub(crate) fn accepted(manifest: &Manifest) {
    let json = manifest.to_json();
    match Manifest::from_json(json.as_bytes()) {
        Ok(again) => {
            assert_eq!(&again, manifest);
            assert_eq!(again.to_json(), json, "the same manifest has the same bytes");
        }
        // Only its length may prevent it: `stamp` refuses it for the same reason.
        Err(error) => assert!(matches!(error, ManifestError::TooLarge { .. }), "{error}\n{json}"),
    }
    assert!(!manifest.events.accepts.is_empty() && manifest.http.len() <= 32 && manifest.state.schema > 0);
}

pub(crate) fn refused(error: &ManifestError, source: Option<&str>) {
    text::check(&error.to_string(), MESSAGE_BYTES_MAX);
    match (error, source) {
        (ManifestError::Toml { line, column, .. }, Some(source)) => {
            assert!(text::is_position(source, *line, *column), "{error}");
        }
        (ManifestError::Json { .. }, None) | (ManifestError::TooLarge { .. }, _) => {}
        _ => panic!("the error is of the other form: {error}"),
    }
}
