//! The types of all events, from their schemas: structs, enums and what their fields hold. It knows no language.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::{Document, Kind, Node};

/// All events and types.
pub(crate) struct Model {
    pub(crate) events: Vec<Event>,
    /// The schemas that define types.
    pub(crate) modules: Vec<Module>,
}

/// The type of an event.
pub(crate) struct Event {
    pub(crate) type_name: String,
    pub(crate) description: String,
    /// The type of its data; none if the data is bytes.
    pub(crate) data: Option<String>,
}

/// The types that a schema defines.
pub(crate) struct Module {
    /// The title of the schema.
    pub(crate) title: String,
    pub(crate) types: Vec<Defined>,
}

impl Model {
    pub(crate) fn types(&self) -> impl Iterator<Item = &Defined> {
        self.modules.iter().flat_map(|module| &module.types)
    }
}

/// A type with a name.
pub(crate) struct Defined {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) shape: Shape,
}

pub(crate) enum Shape {
    Struct(Vec<Field>),
    /// Known values; a newer sender may use others.
    Enum(Vec<String>),
}

pub(crate) struct Field {
    /// In JSON.
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) holds: Type,
    pub(crate) is_required: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Time,
    Boolean,
    Number,
    /// An integer with the number of bits that holds it.
    Integer(u8),
    /// Two texts.
    Pair,
    List(Box<Type>),
    /// A struct or an enum.
    Named(String),
    Nullable(Box<Type>),
}

impl Type {
    /// The struct or enum in it.
    pub(crate) fn named(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::List(inner) | Self::Nullable(inner) => inner.named(),
            _ => None,
        }
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self, Self::List(_))
    }
}

impl Defined {
    pub(crate) fn fields(&self) -> &[Field] {
        match &self.shape {
            Shape::Struct(fields) => fields,
            Shape::Enum(_) => &[],
        }
    }
}

/// The nodes that references name, by the `$id` of their schema and their name.
struct Definitions<'a>(BTreeMap<(&'a str, &'a str), &'a Node>);

impl Model {
    pub(crate) fn of(documents: &[Document]) -> Result<Self, String> {
        let all = documents.iter().flat_map(|document| {
            let id = document.id.as_str();
            document.definitions.0.iter().map(move |(name, node)| ((id, name.as_str()), node))
        });
        let definitions = Definitions(all.collect());
        let mut names = BTreeSet::new();
        let (mut events, mut modules) = (Vec::new(), Vec::new());
        for document in documents {
            let mut types = Vec::new();
            for (name, node) in &document.definitions.0 {
                let at = |problem: String| format!("{}: {name}: {problem}", document.title);
                if !names.insert(name.clone()) {
                    return Err(at("another schema has a type of this name".to_owned()));
                }
                types.extend(definitions.defined(&document.id, name, node).map_err(at)?);
            }
            let data = document.properties.get("data").and_then(|data| data.reference.as_deref());
            let data = data.and_then(|reference| reference.rsplit('/').next()).map(str::to_owned);
            if document.has_type() {
                let (type_name, description) = (document.title.clone(), document.description.clone());
                events.push(Event { type_name, description, data });
            }
            if !types.is_empty() {
                modules.push(Module { title: document.title.clone(), types });
            }
        }
        Ok(Self { events, modules })
    }
}

impl Definitions<'_> {
    /// A struct or an enum; none for a definition that only restricts a plain value.
    fn defined(&self, id: &str, name: &str, node: &Node) -> Result<Option<Defined>, String> {
        let description = node.description.clone().ok_or("expected a description")?;
        let shape = if let Some(values) = &node.values {
            Shape::Enum(values.clone())
        } else if let Some(properties) = &node.properties {
            let field = |(name, inner): &(String, Node)| {
                let at = |problem: String| format!("`{name}`: {problem}");
                Ok(Field {
                    name: name.clone(),
                    description: inner.description.clone().ok_or_else(|| at("expected a description".to_owned()))?,
                    holds: self.holds(id, inner).map_err(at)?,
                    is_required: node.required.contains(name),
                })
            };
            let fields = properties.0.iter().map(field).collect::<Result<Vec<_>, String>>()?;
            if let Some(unknown) = node.required.iter().find(|name| properties.get(name).is_none()) {
                return Err(format!("requires `{unknown}`, which it does not describe"));
            }
            Shape::Struct(fields)
        } else {
            return Ok(None);
        };
        Ok(Some(Defined { name: name.to_owned(), description, shape }))
    }

    fn holds(&self, id: &str, node: &Node) -> Result<Type, String> {
        if let Some(reference) = &node.reference {
            let (other, name) = reference.split_once("#/$defs/").ok_or("expected a `$ref` to `$defs`")?;
            let id = if other.is_empty() { id } else { other };
            let target =
                self.0.get(&(id, name)).ok_or_else(|| format!("`$ref` names `{reference}`, which is missing"))?;
            let is_type = target.properties.is_some() || target.values.is_some();
            return if is_type { Ok(Type::Named(name.to_owned())) } else { self.holds(id, target) };
        }
        let (kind, is_nullable) = match &node.kind {
            Some(Kind::One(kind)) => (kind.as_str(), false),
            Some(Kind::Several(kinds)) if kinds.len() == 2 && kinds[1] == "null" => (kinds[0].as_str(), true),
            _ => return Err("expected a `$ref`, a `type`, or a type and `null`".to_owned()),
        };
        let held = match kind {
            "string" if node.format.as_deref() == Some("date-time") => Type::Time,
            "string" => Type::Text,
            "boolean" => Type::Boolean,
            "number" => Type::Number,
            "integer" if node.minimum.is_some_and(|minimum| minimum >= 0) => {
                let bits = [16, 32].into_iter().find(|bits| node.maximum.is_some_and(|most| most < 1 << bits));
                Type::Integer(bits.unwrap_or(64))
            }
            "array" if node.prefix_items.as_ref().is_some_and(|items| items.len() == 2) => Type::Pair,
            "array" => Type::List(Box::new(self.holds(id, node.items.as_deref().ok_or("expected `items`")?)?)),
            "object" => return Err("expected a `$ref`: objects are in `$defs`, where they have a name".to_owned()),
            other => return Err(format!("`{other}` has no type; an integer needs `minimum` 0 or more")),
        };
        Ok(if is_nullable { Type::Nullable(Box::new(held)) } else { held })
    }
}
