//! Parses references to packages of a registry: `publisher/name`, with an optional version after `@`. Asks no registry.

use std::fmt;
use std::str::FromStr;

use handoff_package::manifest::PackageName;

/// A package and the acceptable versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageRef {
    /// The package.
    pub package: PackageName,
    /// A version requirement in Cargo's syntax; a complete version has become `=x.y.z`. None: any version that is not a
    /// pre-release.
    pub requirement: Option<String>,
}

impl PackageRef {
    /// Whether a text can only be a package of a registry, not a file: two words separated by one slash. A file needs
    /// its extension or a leading `./`.
    #[must_use]
    pub fn is_meant_by(text: &str) -> bool {
        let name = text.split('@').next().unwrap_or_default();
        !name.ends_with(".wasm") && name.parse::<PackageName>().is_ok()
    }
}

impl FromStr for PackageRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (package, requirement) = match text.split_once('@') {
            Some((package, requirement)) => (package, Some(requirement)),
            None => (text, None),
        };
        let package = package.parse().map_err(|problem| {
            format!("{problem}; expected `publisher/name`, or `publisher/name@^1.2` for certain versions")
        })?;
        if let Some(requirement) = requirement {
            semver::VersionReq::parse(requirement).map_err(|error| {
                format!(
                    "`{}` is no requirement: {error}; expected for example 1.2, ^1.2, ~1.2.3 or =1.2.3",
                    short(requirement)
                )
            })?;
        }
        Ok(Self { package, requirement: requirement.map(exactly) })
    }
}

impl fmt::Display for PackageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.requirement {
            Some(requirement) => write!(f, "{}@{requirement}", self.package),
            None => self.package.fmt(f),
        }
    }
}

/// A complete version means exactly that version, wherever a person names one. Anything less is a requirement.
pub(crate) fn exactly(requirement: &str) -> String {
    match semver::Version::parse(requirement) {
        Ok(version) => format!("={version}"),
        Err(_) => requirement.to_owned(),
    }
}

fn short(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn a_package_is_told_from_a_file_by_its_form_alone() {
        let exact: PackageRef = "acme/leads@1.0.0".parse().unwrap();
        assert_eq!(
            exact.requirement.as_deref(),
            Some("=1.0.0"),
            "exactly this version, as in `upgrade` and `rollback`"
        );
        for text in ["acme/leads", "acme/leads@1.2", "acme/leads@^1, <1.5", "handoff/adf-leads@=1.0.0-rc.1"] {
            assert!(PackageRef::is_meant_by(text), "{text}");
            assert_eq!(text.parse::<PackageRef>().unwrap().to_string(), text);
        }
        for text in
            ["./acme/leads", "/acme/leads", "leads.wasm", "acme/leads.wasm", "acme/x/leads", "leads", "Acme/leads", ""]
        {
            assert!(!PackageRef::is_meant_by(text), "{text}");
        }
        for text in ["acme/leads@", "acme/leads@latest", "acme/leads@1.2@3"] {
            let problem = text.parse::<PackageRef>().unwrap_err();
            assert!(problem.contains("expected for example"), "{problem}");
        }
    }
}
