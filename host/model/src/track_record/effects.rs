//! Kinds of effects, and how many of each committed deliveries had. Judges nothing.

use serde::{Deserialize, Serialize};

use super::classes::CountClass;

/// Names are cut to this many bytes: a connector and its events choose them.
const NAME_BYTES_MAX: usize = 128;

/// A kind of effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EffectKind<T = String> {
    /// An emitted event of a type.
    Event(T),
    /// An outbox request to a target: host and port.
    Request(T),
    /// An outbox request, whatever its target.
    AnyRequest,
}

impl EffectKind {
    /// The same, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> EffectKind<&str> {
        match self {
            Self::Event(name) => EffectKind::Event(name),
            Self::Request(name) => EffectKind::Request(name),
            Self::AnyRequest => EffectKind::AnyRequest,
        }
    }

    /// The event type or the target; empty for requests to any target.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Event(name) | Self::Request(name) => name,
            Self::AnyRequest => "",
        }
    }
}

impl EffectKind<&str> {
    pub(super) fn bounded(self) -> Self {
        match self {
            Self::Event(name) => Self::Event(bounded(name)),
            Self::Request(name) => Self::Request(bounded(name)),
            Self::AnyRequest => Self::AnyRequest,
        }
    }

    pub(super) fn to_owned(self) -> EffectKind {
        match self {
            Self::Event(name) => EffectKind::Event(name.to_owned()),
            Self::Request(name) => EffectKind::Request(name.to_owned()),
            Self::AnyRequest => EffectKind::AnyRequest,
        }
    }
}

/// How many committed deliveries of an input had how many effects of a kind, for those that had any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectCounts {
    input: u8,
    kind: u8,
    /// Deliveries by class of count.
    deliveries: [u32; CountClass::COUNT],
}

pub(super) fn count(all: &mut Vec<EffectCounts>, input: usize, kind: usize, class: CountClass) {
    let (Ok(input), Ok(kind)) = (u8::try_from(input), u8::try_from(kind)) else { return };
    let known = all.iter().position(|counts| (counts.input, counts.kind) == (input, kind));
    let index = known.unwrap_or_else(|| {
        all.push(EffectCounts { input, kind, deliveries: [0; CountClass::COUNT] });
        all.len() - 1
    });
    let of_class = all.get_mut(index).and_then(|counts| counts.deliveries.get_mut(class.index()));
    if let Some(count) = of_class {
        *count = count.saturating_add(1);
    }
}

pub(super) fn counts_of(all: &[EffectCounts], input: usize, kind: usize) -> [u64; CountClass::COUNT] {
    let is_it = |counts: &&EffectCounts| (usize::from(counts.input), usize::from(counts.kind)) == (input, kind);
    all.iter().find(is_it).map_or([0; CountClass::COUNT], |counts| counts.deliveries.map(u64::from))
}

/// Host and port of an absolute URL.
#[must_use]
pub fn target_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// A name, cut to its bound.
pub(super) fn bounded(name: &str) -> &str {
    name.get(..name.floor_char_boundary(NAME_BYTES_MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_host_and_port() {
        assert_eq!(target_of("https://crm.example:8443/leads?x=1#y"), "crm.example:8443");
        assert_eq!(target_of("http://crm.example"), "crm.example");
        assert_eq!(target_of("https://crm.example?x"), "crm.example");
        assert_eq!(target_of(""), "");
    }
}
