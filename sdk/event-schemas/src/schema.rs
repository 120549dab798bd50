//! The part of JSON Schema that schemas of events may use, as types. Anything else is an error: types could not be
//! generated from it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The schema of an event, or types that several events share.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The dialect: JSON Schema 2020-12.
    #[serde(rename = "$schema")]
    pub dialect: String,
    /// `urn:handoff:schema:` and the name.
    #[serde(rename = "$id")]
    pub id: String,
    /// The type of the event, or a name for events of any type.
    pub title: String,
    /// What the event means.
    pub description: String,
    /// Who emits it: `host`, a package, or `other systems`. Empty for shared types.
    #[serde(rename = "x-emitter", default)]
    pub emitter: String,
    /// `object`, except for shared types.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Attributes that are always there.
    #[serde(default)]
    pub required: Vec<String>,
    /// Attributes of the event, `data` among them.
    #[serde(default)]
    pub properties: Named<Node>,
    /// Types of its data.
    #[serde(rename = "$defs", default)]
    pub definitions: Named<Node>,
    /// Whole events.
    #[serde(default)]
    pub examples: Vec<Value>,
}

impl Document {
    /// Reads a schema.
    ///
    /// # Errors
    /// Names the file, and what is not part of the subset.
    pub fn read(name: &str, text: &str) -> Result<Self, String> {
        let document: Self = serde_json::from_str(text).map_err(|error| format!("{name}: {error}"))?;
        let expected = format!("{}.schema.json", document.title);
        if name != expected || document.id != format!("urn:handoff:schema:{}", document.title) {
            return Err(format!("{name}: file name, `$id` and `title` differ; expected {expected}"));
        }
        let is_event = document.kind.as_deref() == Some("object") && !document.examples.is_empty();
        if !document.emitter.is_empty() && !is_event {
            return Err(format!("{name}: expected the type `object` and an example"));
        }
        Ok(document)
    }

    /// Whether the name is the type of the event.
    #[must_use]
    pub fn has_type(&self) -> bool {
        self.title.contains('.')
    }
}

/// A part of a schema.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Node {
    /// What the value means.
    pub description: Option<String>,
    /// `#/$defs/NAME`, or the same of another schema after its `$id`.
    #[serde(rename = "$ref")]
    pub reference: Option<String>,
    /// A type, or a type and `null`.
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
    /// The only value.
    #[serde(rename = "const")]
    pub constant: Option<Value>,
    /// The known values of a text.
    #[serde(rename = "enum")]
    pub values: Option<Vec<String>>,
    /// Only `date-time`.
    pub format: Option<String>,
    /// A regular expression for a text.
    pub pattern: Option<String>,
    /// Length of a text.
    pub min_length: Option<u64>,
    /// Smallest integer.
    pub minimum: Option<i64>,
    /// Largest integer.
    pub maximum: Option<u64>,
    /// Schema of the items of a list.
    pub items: Option<Box<Node>>,
    /// Schemas of the items of a pair.
    pub prefix_items: Option<Vec<Node>>,
    /// Length of a list.
    pub min_items: Option<u64>,
    /// Length of a list.
    pub max_items: Option<u64>,
    /// Fields that are always there.
    pub required: Vec<String>,
    /// Fields.
    pub properties: Option<Named<Node>>,
}

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Kind {
    /// One type.
    One(String),
    /// A type and `null`.
    Several(Vec<String>),
}

/// The members of a JSON object in their order, which is that of generated fields.
#[derive(Debug, Clone)]
pub struct Named<T>(pub Vec<(String, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Named<T> {
    /// The member of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Vec<(String, T)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}
