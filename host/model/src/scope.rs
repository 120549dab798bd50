//! Where an event or an installation belongs: at a rooftop, or in a group of rooftops. Knows who belongs where, not who
//! receives what.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::names::{GroupName, NameError, RooftopName};

/// The beginning of a group's text form. No rooftop's name contains a colon.
const GROUP: &str = "group:";

/// The boundary that an event, an installation and their data belong to. The host sets it; nothing in an event or a
/// request chooses it. As text: the name of a rooftop, or `group:` and the name of a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// One rooftop.
    Rooftop(RooftopName),
    /// A group as a whole.
    Group(GroupName),
}

/// The text is not a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the name of a rooftop, or `group:` and the name of a group: {0}")]
pub struct ScopeError(#[from] NameError);

impl Scope {
    /// The path that event sources of this scope begin with.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Rooftop(name) => format!("/rooftops/{name}"),
            Self::Group(name) => format!("/groups/{name}"),
        }
    }

    /// Whether an installation of this scope may emit in another scope: in its own always, and a group's installation
    /// in the group's rooftops.
    #[must_use]
    pub fn covers(&self, other: &Self, groups: &Groups) -> bool {
        self == other
            || matches!((self, other), (Self::Group(group), Self::Rooftop(rooftop)) if groups.contains(group, rooftop))
    }

    /// The scope in which an installation of this scope handles an event: its events, timers and requests have it. An
    /// event that comes from elsewhere, by a share, is handled in the installation's own scope.
    #[must_use]
    pub fn handles_in(&self, event: &Self, groups: &Groups) -> Self {
        if self.covers(event, groups) { event.clone() } else { self.clone() }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rooftop(name) => name.fmt(f),
            Self::Group(name) => write!(f, "{GROUP}{name}"),
        }
    }
}

impl FromStr for Scope {
    type Err = ScopeError;
    fn from_str(text: &str) -> Result<Self, ScopeError> {
        Ok(match text.strip_prefix(GROUP) {
            Some(name) => Self::Group(name.parse()?),
            None => Self::Rooftop(text.parse()?),
        })
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;
    fn try_from(text: String) -> Result<Self, ScopeError> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl From<RooftopName> for Scope {
    fn from(name: RooftopName) -> Self {
        Self::Rooftop(name)
    }
}

impl utoipa::PartialSchema for Scope {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^(group:)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"))
            .description(Some("The name of a rooftop, or `group:` and the name of a group of rooftops."))
            .into()
    }
}

impl utoipa::ToSchema for Scope {
    fn name() -> std::borrow::Cow<'static, str> {
        "Scope".into()
    }
}

/// The rooftops of each group, as the host's configuration names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups(BTreeMap<GroupName, BTreeSet<RooftopName>>);

impl Groups {
    /// Whether a rooftop belongs to a group.
    #[must_use]
    pub fn contains(&self, group: &GroupName, rooftop: &RooftopName) -> bool {
        self.0.get(group).is_some_and(|rooftops| rooftops.contains(rooftop))
    }

    /// The rooftops of a group; none of one that is not configured.
    pub fn rooftops(&self, group: &GroupName) -> impl Iterator<Item = &RooftopName> {
        self.0.get(group).into_iter().flatten()
    }
}

impl FromIterator<(GroupName, BTreeSet<RooftopName>)> for Groups {
    fn from_iter<I: IntoIterator<Item = (GroupName, BTreeSet<RooftopName>)>>(groups: I) -> Self {
        Self(groups.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    fn scope(text: &str) -> Scope {
        text.parse().unwrap()
    }

    #[test]
    fn a_scope_is_read_back_from_its_text_form() {
        for text in ["north", "group:west"] {
            assert_eq!(scope(text).to_string(), text);
            assert_eq!(Scope::try_from(String::from(scope(text))).unwrap(), scope(text));
        }
        assert_eq!(
            (scope("north").path(), scope("group:west").path()),
            ("/rooftops/north".into(), "/groups/west".into())
        );
        for text in ["", "group:", "group:West", "north:group", "group:group:a", "group north"] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_an_installation_of_a_group_takes_on_the_rooftop_of_an_event() {
        let groups: Groups = [("west".parse().unwrap(), ["north".parse().unwrap()].into())].into_iter().collect();
        for (own, event, expected) in [
            ("north", "north", "north"),
            ("north", "south", "north"),
            ("north", "group:west", "north"),
            ("group:west", "north", "north"),
            ("group:west", "south", "group:west"),
            ("group:west", "group:west", "group:west"),
            ("group:east", "north", "group:east"),
        ] {
            assert_eq!(scope(own).handles_in(&scope(event), &groups), scope(expected), "{own} handles {event}");
        }
    }
}
