//! Ids of the form `installation/position`: how they are read, written and described in the OpenAPI document.

use handoff_model::names::{InstallationName, Position};

/// Reads and writes `$name { installation, position }` as text. `$object` is what the id stands for, in an error.
macro_rules! object_id {
    ($name:ident, $object:literal, $example:literal) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}/{}", self.installation, self.position)
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                let (installation, position) = crate::object_id::parse(text).ok_or_else(|| {
                    format!("`{text}` is not {}: expected installation/position, for example `{}`", $object, $example)
                })?;
                Ok(Self { installation, position })
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}
pub(crate) use object_id;

pub(crate) fn parse(text: &str) -> Option<(InstallationName, Position)> {
    let (installation, position) = text.split_once('/')?;
    Some((installation.parse().ok()?, Position(position.parse().ok()?)))
}
