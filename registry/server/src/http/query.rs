//! The query of a request: decoded names and values. The first value of a name is used unless all are requested.

use crate::refusal::{Code, Refusal};

/// Maximum number of pairs that are parsed.
const PAIRS_MAX: usize = 64;

/// A query.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: &str) -> Self {
        let pairs = url::form_urlencoded::parse(text.as_bytes()).take(PAIRS_MAX);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The first value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a name.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(found, _)| found == name).map(|(_, value)| value.clone()).collect()
    }

    /// A number of at most `most`; `usual` if it is absent.
    pub(crate) fn number(&self, name: &str, usual: usize, most: usize) -> Result<usize, Refusal> {
        let Some(text) = self.get(name) else { return Ok(usual) };
        text.parse::<usize>().map(|number| number.min(most)).map_err(|_| {
            let text = crate::name::shorten(text);
            Refusal::new(Code::Unsupported, format!("`{name}={text}` is not a number: expected 0 to {most}"))
                .with_status(http::StatusCode::BAD_REQUEST)
        })
    }
}

/// Encodes `text` as a value of a query.
pub(crate) fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
