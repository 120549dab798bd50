//! The query of a request: names and values, decoded; the first of a name counts unless all are asked for. Decides nothing.

use crate::refusal::{Code, Refusal};

/// Pairs that are read.
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

    /// A number, at most `most`; `usual` if it is not said.
    pub(crate) fn number(&self, name: &str, usual: usize, most: usize) -> Result<usize, Refusal> {
        let Some(text) = self.get(name) else { return Ok(usual) };
        text.parse::<usize>().map(|number| number.min(most)).map_err(|_| {
            let text = crate::name::shorten(text);
            Refusal::new(Code::Unsupported, format!("`{name}={text}` is no number: expected one from 0 to {most}"))
                .with_status(http::StatusCode::BAD_REQUEST)
        })
    }
}

/// `text` as a value of a query.
pub(crate) fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
