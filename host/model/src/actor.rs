//! Who asked for a change. The server sets it from how the caller proved itself, never from what the request says.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the host itself is shown.
const HOST: &str = "handoff";
/// Longest note beside an actor, in characters.
const NOTE_CHARS_MAX: usize = 120;

/// Who asked for a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// What the server knows.
    pub identity: Identity,
    /// What the caller says besides, for example for whom it acts. Not verified, and shown as a note.
    pub note: Option<String>,
}

/// What the server knows of a caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// The host itself, for example when a probation fails.
    Host,
    /// The user of a process on this machine that opened the control socket.
    User(String),
    /// The holder of an API token.
    Token(String),
}

impl Identity {
    /// The caller with what it says besides.
    #[must_use]
    pub fn acting(&self, note: Option<&str>) -> Actor {
        Actor::new(self.clone()).with_note(note)
    }
}

impl Actor {
    /// The host itself.
    #[must_use]
    pub fn host() -> Self {
        Self::new(Identity::Host)
    }

    /// The user of a process on this machine.
    #[must_use]
    pub fn user(name: &str) -> Self {
        Self::new(Identity::User(name.to_owned()))
    }

    /// Whether the host itself acts. A user with the same name is somebody else.
    #[must_use]
    pub fn is_host(&self) -> bool {
        self.identity == Identity::Host
    }

    /// A caller that says nothing besides.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self { identity, note: None }
    }

    /// The same with a note: one line, cut after 120 characters. An empty one counts as none.
    #[must_use]
    pub fn with_note(mut self, note: Option<&str>) -> Self {
        let clean = |note: &str| {
            let line: String =
                note.chars().map(|c| if c.is_control() { ' ' } else { c }).take(NOTE_CHARS_MAX).collect();
            line.trim().to_owned()
        };
        self.note = note.map(clean).filter(|note| !note.is_empty());
        self
    }
}

/// `ann`, `token:ci` or `handoff` for the host itself; with a note `ann ("for Bob")`.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.identity {
            Identity::Host => f.write_str(HOST)?,
            Identity::User(name) => f.write_str(name)?,
            Identity::Token(name) => write!(f, "token:{name}")?,
        }
        match &self.note {
            Some(note) => write!(f, " (\"{note}\")"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_shown_as_one_and_cannot_pose_as_another_name() {
        let ann = Identity::User("ann".to_owned());
        let shown = |note: &str| ann.acting(Some(note)).to_string();
        assert_eq!(ann.acting(None).to_string(), "ann");
        assert_eq!(shown("for Bob"), "ann (\"for Bob\")");
        assert_eq!(shown(" \n "), "ann");
        assert_eq!(shown("x\nhandoff"), "ann (\"x handoff\")");
        assert_eq!(shown(&"é".repeat(200)).chars().count(), "ann (\"\")".len() + NOTE_CHARS_MAX);
        assert_eq!(Identity::Token("ci".to_owned()).acting(None).to_string(), "token:ci");
    }
}
