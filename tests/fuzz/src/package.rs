//! Component bytes before compilation: what is read is what was stamped, nothing is stamped twice, and the reader of
//! imports and exports only accepts or refuses.

use handoff_package::package::{INTERFACE_NAME, PackageError, stamp};
use handoff_package::{Digest, Manifest, Package};

use crate::{manifest, memory, text};

const MANIFEST: &str = include_str!("../../../connectors/adf-leads/connector.toml");
const SCHEMA: &str = include_str!("../../../connectors/adf-leads/config.schema.json");

/// A file as `handoff install` receives it.
pub fn check(data: &[u8]) {
    let bound = (2 << 20) + 256 * data.len();
    match memory::within(bound, || Package::read(data)) {
        Ok(package) => {
            assert_eq!((package.size, package.digest), (data.len(), Digest::of(data)));
            assert_eq!(package.interface.major, 1);
            manifest::accepted(&package.manifest);
            let again = stamp(data, &package.manifest, &format!("{INTERFACE_NAME}@1.0.0"));
            assert!(matches!(again, Err(PackageError::DuplicateSection(_))), "stamped twice");
        }
        Err(PackageError::Manifest(error)) => manifest::refused(&error, None),
        Err(error) => {
            text::check(&error.to_string(), 1024);
            stamped(data);
        }
    }
    if let Err(error) =
        memory::within(bound, || handoff_policy::component::check(data, &handoff_model::limits::CallLimits::default()))
    {
        text::check(&error.to_string(), 1024);
    }
}

/// A component without sections carries what is stamped into it.
fn stamped(data: &[u8]) {
    let manifest = Manifest::from_toml_with(MANIFEST, |_| Ok(SCHEMA.to_owned())).expect("the connector's own manifest");
    let interface = format!("{INTERFACE_NAME}@1.0.0");
    let Ok(bytes) = stamp(data, &manifest, &interface) else { return };
    assert!(bytes.starts_with(data));
    let package = Package::read(&bytes).expect("what was stamped can be read");
    assert_eq!(package.manifest, manifest);
    assert_eq!(stamp(data, &manifest, &interface).expect("as before"), bytes, "the same input gives the same bytes");
}
