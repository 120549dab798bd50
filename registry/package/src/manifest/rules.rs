//! The fields of a manifest as types that cannot hold an invalid value. The error of each rule says what was expected.

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::marker::PhantomData;

/// Defines a text type that can only be created through its rule.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $rule:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let rule: fn(&str) -> Result<(), String> = $rule;
                rule(&text).map(|()| Self(text))
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_type!(
    /// A package's name, `publisher/name`: two words of lower-case letters, digits and single dashes, each beginning with
    /// a letter and at most 64 bytes long. It is also the repository's name in an OCI registry.
    PackageName,
    package_name
);

impl PackageName {
    /// The part before the slash.
    #[must_use]
    pub fn publisher(&self) -> &str {
        self.0.split_once('/').map_or("", |(publisher, _)| publisher)
    }

    /// The part after the slash.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

text_type!(
    /// A name that grants and configs refer to: a kebab-case word of at most 64 bytes.
    Name,
    |text| word(text).map_err(|problem| format!("`{}` {problem}", shown(text)))
);

text_type!(
    /// A CloudEvents type: at least two words joined by dots, each of letters, digits, `-` and `_`; at most 255 bytes.
    EventType,
    event_type
);

text_type!(
    /// A DNS host name in lower case without port, at most 253 bytes, or `*`.
    HostPattern,
    host_pattern
);

impl HostPattern {
    /// Whether the operator names the host.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0 == "*"
    }
}

text_type!(
    /// A field of the config: names joined by dots, such as `targets.url`, at most 4 of at most 64 bytes each. The fields of
    /// the tables in a list have the path of the list.
    ConfigField,
    config_field
);

text_type!(
    /// A title of 1 to 80 characters on one line.
    Title,
    |text| line(text, 80)
);

text_type!(
    /// A sentence of 1 to 300 characters on one line.
    Summary,
    |text| line(text, 300)
);

text_type!(
    /// An SPDX license expression (SPDX specification 2.3, annex D) of 1 to 100 characters. Only its characters are checked.
    License,
    license
);

/// Cuts hostile texts before they appear in an error.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

/// Shortens a text to about `bytes_max` bytes and escapes the characters that would control a terminal.
pub fn printable(text: &str, bytes_max: usize) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        if shown.len() >= bytes_max {
            shown.push('…');
            break;
        }
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

fn config_field(text: &str) -> Result<(), String> {
    let is_name = |name: &str| {
        (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if text.split('.').count() <= 4 && text.split('.').all(is_name) {
        return Ok(());
    }
    Err(format!("`{}` must be a field of the config, such as `crm-url` or `targets.url`, at most 4 names", shown(text)))
}

fn word(text: &str) -> Result<(), &'static str> {
    let good = (1..=64).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
    if good {
        Ok(())
    } else {
        Err(
            "must consist of lower-case letters, digits and single dashes, begin with a letter and have at most 64 bytes",
        )
    }
}

fn package_name(text: &str) -> Result<(), String> {
    let Some((publisher, name)) = text.split_once('/') else {
        return Err(format!("`{}` must be `publisher/name`, for example `handoff/adf-leads`", shown(text)));
    };
    word(publisher).map_err(|problem| format!("the publisher `{}` {problem}", shown(publisher)))?;
    word(name).map_err(|problem| format!("the name `{}` {problem}", shown(name)))
}

fn event_type(text: &str) -> Result<(), String> {
    let word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_alphanumeric())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if text.len() <= 255 && text.contains('.') && text.split('.').all(word) {
        return Ok(());
    }
    Err(format!(
        "`{}` must be words of letters, digits, `-` and `_` joined by dots, at most 255 bytes, for example \
         `com.example.lead.received.v1`",
        shown(text)
    ))
}

fn host_pattern(text: &str) -> Result<(), String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    // A last label of digits would make it an IPv4 address, for which DNS names cannot be checked.
    let address = text.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if text == "*" || (text.len() <= 253 && text.split('.').all(label) && !address) {
        return Ok(());
    }
    Err(format!(
        "`{}` must be one host name in lower case without scheme, port or path, for example `api.example.com`, or `*` to \
         let the operator name it; `*` within a name is not possible",
        shown(text)
    ))
}

fn line(text: &str, chars_max: usize) -> Result<(), String> {
    // Most lines are plain ASCII, which is seen at once without a branch for each byte.
    let plain = text.bytes().fold(true, |plain, byte| plain & (b' '..=b'~').contains(&byte));
    let count = if plain { text.len() } else { text.chars().count() };
    if text.trim().is_empty() || count > chars_max {
        return Err(format!("must have 1 to {chars_max} characters; this has {count}"));
    }
    if !plain && text.chars().any(char::is_control) {
        return Err("must be a single line without control characters".to_owned());
    }
    Ok(())
}

fn license(text: &str) -> Result<(), String> {
    line(text, 100)?;
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" .-+:()".contains(&byte)) {
        return Ok(());
    }
    Err(format!("`{}` must be an SPDX license expression, for example `Apache-2.0 OR MIT`", shown(text)))
}

pub(super) fn schema<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(D::Error::custom("must be 1 or higher: 0 means no state")),
        schema => Ok(schema),
    }
}

/// Reads a list of at most `MAX` distinct values. It stops at the limit, so that a hostile list costs nothing.
pub(super) struct BoundedList<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + PartialEq, const MAX: usize> BoundedList<T, MAX> {
    pub(super) fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(Self(PhantomData))
    }
}

impl<'de, T: Deserialize<'de> + PartialEq, const MAX: usize> Visitor<'de> for BoundedList<T, MAX> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX} different values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            if values.len() == MAX {
                return Err(A::Error::custom(format!("more than {MAX} values; at most {MAX} are allowed")));
            }
            if values.contains(&value) {
                return Err(A::Error::custom("duplicate value: remove one"));
            }
            values.push(value);
        }
        Ok(values)
    }
}

/// Like [`BoundedList`], with at least one value.
pub(super) struct NonEmptyList<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + PartialEq, const MAX: usize> NonEmptyList<T, MAX> {
    pub(super) fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        let values = BoundedList::<T, MAX>::read(deserializer)?;
        if values.is_empty() { Err(D::Error::custom("must not be empty")) } else { Ok(values) }
    }
}
