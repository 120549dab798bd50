//! Reads what a host must know of a component before compiling it, and stamps it into the component. It handles bytes
//! only: the component is neither validated nor run.

mod header;

pub use header::{Found, check_header};

use crate::{Digest, Manifest, ManifestError};
use wasm_encoder::{CustomSection, Section};
use wasmparser::{Encoding, Parser, Payload};

/// Section with the manifest as JSON.
pub const MANIFEST_SECTION: &str = "handoff:manifest";
/// Section with the interface that the component is built against, as text.
pub const INTERFACE_SECTION: &str = "handoff:interface";
/// Name of the interface, without version.
pub const INTERFACE_NAME: &str = "handoff:connector";
/// Default size limit of a package, in bytes.
pub const PACKAGE_BYTES_MAX: usize = 32 * 1024 * 1024;

const INTERFACE_MAJOR: u64 = 1;
/// The release candidate that this version supports. Any other may differ from it, and is refused.
const INTERFACE_CANDIDATE: &str = "1.1.0-rc";
const INTERFACE_BYTES_MAX: usize = 64;

/// A package as its bytes describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Digest of the whole file.
    pub digest: Digest,
    /// Size in bytes.
    pub size: usize,
    /// What the connector accepts, emits and requests.
    pub manifest: Manifest,
    /// Version of `handoff:connector` that it is built against.
    pub interface: semver::Version,
}

/// The bytes are not a package.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The package is too large.
    #[error(
        "the package has {size} bytes; at most {max} are allowed: remove data and debug information from the component"
    )]
    TooLarge {
        /// Actual size.
        size: usize,
        /// Limit.
        max: usize,
    },
    /// Not a component.
    #[error("this is not a WebAssembly component: {0}")]
    NotComponent(Found),
    /// Damaged or cut off.
    #[error("the component cannot be read at byte {offset}: the file is cut off or damaged; build or pull it again")]
    Damaged {
        /// Byte offset where reading stopped.
        offset: usize,
        /// The cause; none if the file ends inside a nested module or component.
        #[source]
        source: Option<wasmparser::BinaryReaderError>,
    },
    /// A section is missing.
    #[error("the component has no section `{0}`: a connector is built with `handoff build`, which adds it")]
    MissingSection(&'static str),
    /// A section appears more than once.
    #[error("the component has the section `{0}` more than once, so it is unclear which one applies: build it again")]
    DuplicateSection(&'static str),
    /// A section is too large.
    #[error("the section `{section}` has {size} bytes; at most {max} are allowed")]
    OversizedSection {
        /// The section.
        section: &'static str,
        /// Actual size.
        size: usize,
        /// Limit.
        max: usize,
    },
    /// Built against another interface.
    #[error(
        "the component is built against `{found}`, but this version supports `{INTERFACE_NAME}@{INTERFACE_MAJOR}.x`: build it with a \
         matching SDK"
    )]
    Interface {
        /// The content of the section, shortened.
        found: String,
    },
    /// The manifest is invalid.
    #[error("{0}")]
    Manifest(ManifestError),
}

impl Package {
    /// Reads a package of at most [`PACKAGE_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// The bytes are not a package. The error says what to do.
    pub fn read(bytes: &[u8]) -> Result<Self, PackageError> {
        Self::read_bounded(bytes, PACKAGE_BYTES_MAX)
    }

    /// Reads a package of at most `size_max` bytes.
    ///
    /// # Errors
    /// The bytes are not a package. The error says what to do.
    pub fn read_bounded(bytes: &[u8], size_max: usize) -> Result<Self, PackageError> {
        if bytes.len() > size_max {
            return Err(PackageError::TooLarge { size: bytes.len(), max: size_max });
        }
        let Sections { manifest, interface } = Sections::find(bytes)?;
        // The interface first: a newer one may come with a manifest that this version cannot read.
        let interface = interface.ok_or(PackageError::MissingSection(INTERFACE_SECTION))?;
        let interface = interface_version(interface)?;
        let manifest = manifest.ok_or(PackageError::MissingSection(MANIFEST_SECTION))?;
        let manifest = Manifest::from_json(manifest).map_err(PackageError::Manifest)?;
        Ok(Self { digest: Digest::of(bytes), size: bytes.len(), manifest, interface })
    }
}

/// Appends both sections to a component. Equal input gives equal bytes.
///
/// # Errors
/// The bytes are not a component, already have one of the sections, the interface is not supported, or the manifest is
/// too long as JSON.
pub fn stamp(component: &[u8], manifest: &Manifest, interface: &str) -> Result<Vec<u8>, PackageError> {
    let found = Sections::find(component)?;
    if found.manifest.is_some() {
        return Err(PackageError::DuplicateSection(MANIFEST_SECTION));
    }
    if found.interface.is_some() {
        return Err(PackageError::DuplicateSection(INTERFACE_SECTION));
    }
    interface_version(interface.as_bytes())?;
    let json = manifest.to_json();
    // Escapes can make the JSON longer than the TOML, and a manifest over the limit could not be read back.
    if json.len() > Manifest::BYTES_MAX {
        let (section, size) = (MANIFEST_SECTION, json.len());
        return Err(PackageError::OversizedSection { section, size, max: Manifest::BYTES_MAX });
    }
    let mut bytes = component.to_vec();
    for (name, data) in [(INTERFACE_SECTION, interface.to_owned()), (MANIFEST_SECTION, json)] {
        let section = CustomSection { name: name.into(), data: data.into_bytes().into() };
        bytes.push(section.id());
        wasm_encoder::Encode::encode(&section, &mut bytes);
    }
    Ok(bytes)
}

#[derive(Debug, Default)]
struct Sections<'a> {
    manifest: Option<&'a [u8]>,
    interface: Option<&'a [u8]>,
}

impl<'a> Sections<'a> {
    /// Walks the top level. Nested modules and components may contain such sections too; they are ignored.
    fn find(bytes: &'a [u8]) -> Result<Self, PackageError> {
        check_header(bytes)?;
        let mut sections = Self::default();
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(|source| PackageError::Damaged { offset: source.offset(), source: Some(source) })? {
                // The parser treats the end of the file as the end of whatever is open.
                Payload::ModuleSection { unchecked_range, .. } | Payload::ComponentSection { unchecked_range, .. }
                    if unchecked_range.end > bytes.len() =>
                {
                    return Err(PackageError::Damaged { offset: bytes.len(), source: None });
                }
                Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                    return Err(PackageError::NotComponent(Found::CoreModule));
                }
                Payload::Version { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::CustomSection(section) if depth == 1 => match section.name() {
                    MANIFEST_SECTION => {
                        put(&mut sections.manifest, MANIFEST_SECTION, section.data(), Manifest::BYTES_MAX)?;
                    }
                    INTERFACE_SECTION => {
                        put(&mut sections.interface, INTERFACE_SECTION, section.data(), INTERFACE_BYTES_MAX)?;
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        Ok(sections)
    }
}

fn put<'a>(slot: &mut Option<&'a [u8]>, section: &'static str, data: &'a [u8], max: usize) -> Result<(), PackageError> {
    if data.len() > max {
        return Err(PackageError::OversizedSection { section, size: data.len(), max });
    }
    match slot.replace(data) {
        Some(_) => Err(PackageError::DuplicateSection(section)),
        None => Ok(()),
    }
}

fn interface_version(section: &[u8]) -> Result<semver::Version, PackageError> {
    let refused = || PackageError::Interface {
        found: String::from_utf8_lossy(section)
            .chars()
            .take(INTERFACE_BYTES_MAX)
            .flat_map(char::escape_debug)
            .collect(),
    };
    let text = std::str::from_utf8(section).map_err(|_| refused())?;
    let (name, version) = text.split_once('@').ok_or_else(refused)?;
    let version = semver::Version::parse(version).map_err(|_| refused())?;
    let released = version.pre.is_empty() && version.build.is_empty();
    let supported = version.major == INTERFACE_MAJOR && released || version.to_string() == INTERFACE_CANDIDATE;
    if name == INTERFACE_NAME && supported { Ok(version) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use wasm_encoder::{Component, Module, ModuleSection};

    const INTERFACE: &str = "handoff:connector@1.0.0";

    fn manifest() -> Manifest {
        let toml = "[package]\nname='a/b'\nversion='1.2.3'\ntitle='t'\nsummary='s'\nlicense='MIT'\n[events]\naccepts=['com.x']";
        Manifest::from_toml(toml).unwrap()
    }

    fn custom<'a>(name: &'a str, data: &'a [u8]) -> CustomSection<'a> {
        CustomSection { name: name.into(), data: data.into() }
    }

    fn component(sections: &[(&str, &[u8])]) -> Vec<u8> {
        let mut component = Component::new();
        for (name, data) in sections {
            component.section(&custom(name, data));
        }
        component.finish()
    }

    #[test]
    fn stamping_is_deterministic_and_reads_back() {
        let stamped = stamp(&component(&[("producers", b"x")]), &manifest(), INTERFACE).unwrap();
        let package = Package::read(&stamped).unwrap();
        assert_eq!(package.manifest, manifest());
        assert_eq!(package.interface, semver::Version::new(1, 0, 0));
        assert_eq!((package.size, package.digest), (stamped.len(), Digest::of(&stamped)));
        let candidate = stamp(&component(&[]), &manifest(), "handoff:connector@1.1.0-rc").unwrap();
        assert_eq!(Package::read(&candidate).unwrap().interface.to_string(), INTERFACE_CANDIDATE);
        assert_eq!(stamp(&component(&[("producers", b"x")]), &manifest(), INTERFACE).unwrap(), stamped);
        assert!(matches!(
            stamp(&stamped, &manifest(), INTERFACE),
            Err(PackageError::DuplicateSection(MANIFEST_SECTION))
        ));
    }

    #[test]
    fn sections_of_nested_modules_are_ignored() {
        let mut module = Module::new();
        module.section(&custom(MANIFEST_SECTION, b"{}")).section(&custom(INTERFACE_SECTION, b"other"));
        let mut outer = Component::new();
        outer.section(&ModuleSection(&module));
        let stamped = stamp(&outer.finish(), &manifest(), INTERFACE).unwrap();
        assert_eq!(Package::read(&stamped).unwrap().manifest, manifest());
    }

    #[test]
    fn a_file_that_ends_inside_a_nested_module_is_damaged() {
        let mut module = Module::new();
        module.section(&custom("one", b"1")).section(&custom("two", b"2"));
        let mut outer = Component::new();
        outer.section(&custom(INTERFACE_SECTION, INTERFACE.as_bytes()));
        outer.section(&custom(MANIFEST_SECTION, manifest().to_json().as_bytes()));
        outer.section(&ModuleSection(&module));
        let whole = outer.finish();
        let mut last_section = Vec::new();
        wasm_encoder::Encode::encode(&custom("two", b"2"), &mut last_section);
        assert!(Package::read(&whole).is_ok());
        // The section's id is the byte before it.
        let cut = &whole[..whole.len() - last_section.len() - 1];
        assert!(matches!(Package::read(cut), Err(PackageError::Damaged { offset, .. }) if offset == cut.len()));
        assert!(matches!(stamp(cut, &manifest(), INTERFACE), Err(PackageError::Damaged { .. })));
    }

    #[test]
    fn a_file_that_is_not_a_package_is_refused_with_a_reason() {
        let json = manifest().to_json();
        let (json, interface) = (json.as_bytes(), INTERFACE.as_bytes());
        let big = vec![b' '; Manifest::BYTES_MAX + 1];
        let good = component(&[(INTERFACE_SECTION, interface), (MANIFEST_SECTION, json)]);
        for (bytes, expected) in [
            (b"\0asm\x0d\0".to_vec(), "cut off or damaged"),
            (component(&[(MANIFEST_SECTION, json)]), "no section `handoff:interface`"),
            (component(&[(INTERFACE_SECTION, interface)]), "no section `handoff:manifest`"),
            (
                component(&[(INTERFACE_SECTION, interface), (INTERFACE_SECTION, interface), (MANIFEST_SECTION, json)]),
                "`handoff:interface` more than once",
            ),
            (component(&[(INTERFACE_SECTION, interface), (MANIFEST_SECTION, &big)]), "has 65537 bytes"),
            (
                component(&[(INTERFACE_SECTION, b"handoff:connector@2.0.0"), (MANIFEST_SECTION, json)]),
                "supports `handoff:connector@1.x`",
            ),
            (
                component(&[(INTERFACE_SECTION, b"handoff:connector@1.0.0-rc.1"), (MANIFEST_SECTION, json)]),
                "@1.0.0-rc.1`",
            ),
            (component(&[(INTERFACE_SECTION, b"\xff\xfe"), (MANIFEST_SECTION, json)]), "built against"),
            (
                component(&[(INTERFACE_SECTION, interface), (MANIFEST_SECTION, b"{\"x\":1}")]),
                "`handoff:manifest`: field `x`: unknown field",
            ),
            (good[..good.len() - 3].to_vec(), "cut off or damaged"),
        ] {
            let error = Package::read(&bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}\n expected {expected}");
        }
        assert!(Package::read_bounded(&good, good.len() - 1).unwrap_err().to_string().contains("at most"));
    }

    #[test]
    fn a_manifest_over_the_size_limit_is_not_stamped() {
        let quotes = "\"".repeat(200);
        let target = |number: usize| {
            let paths: Vec<String> = (0..64).map(|path| format!("'/{path}{quotes}'")).collect();
            format!("[[http]]\nname='t{number}'\nhost='*'\nmethods=['GET']\nwhy='w'\npaths=[{}]\n", paths.join(","))
        };
        let targets: String = (0..4).map(target).collect();
        let toml = format!(
            "[package]\nname='a/b'\nversion='1.2.3'\ntitle='t'\nsummary='s'\nlicense='MIT'\n[events]\naccepts=['com.x']\n{targets}"
        );
        let manifest = Manifest::from_toml(&toml).unwrap();
        let refused = stamp(&component(&[]), &manifest, INTERFACE);
        assert!(
            matches!(refused, Err(PackageError::OversizedSection { section: MANIFEST_SECTION, .. })),
            "{refused:?}"
        );
    }

    #[test]
    fn a_later_minor_version_is_read() {
        let bytes = stamp(&component(&[]), &manifest(), "handoff:connector@1.7.2").unwrap();
        assert_eq!(Package::read(&bytes).unwrap().interface.minor, 7);
    }
}
