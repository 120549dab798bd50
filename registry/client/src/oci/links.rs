//! Parses two header fields: `Link` (RFC 8288) and `WWW-Authenticate` (RFC 9110, section 11.6.1). Lenient: what cannot
//! be parsed is ignored.

use http::HeaderMap;
use http::header::{LINK, WWW_AUTHENTICATE};
use std::collections::BTreeMap;

/// Target of the first link with `rel="next"`.
pub(super) fn next(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    // A target cannot contain `<`.
    values.flat_map(|value| value.split('<').skip(1)).find_map(|link| {
        let (target, parameters) = link.split_once('>')?;
        let is_next = parameters.split(';').any(|one| {
            let one = one.trim_matches([' ', '\t', ',']);
            one.strip_prefix("rel=").is_some_and(|rel| rel.trim_matches('"').eq_ignore_ascii_case("next"))
        });
        is_next.then(|| target.to_owned())
    })
}

/// An authentication challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    /// In lower case.
    pub(super) scheme: String,
    /// Names in lower case.
    pub(super) parameters: BTreeMap<String, String>,
}

/// All challenges of a response.
pub(super) fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    for value in headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()) {
        let mut rest = value;
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
            let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
            if word.is_empty() {
                break;
            }
            let word = word.to_ascii_lowercase();
            match behind.trim_start().strip_prefix('=') {
                Some(value) => {
                    let (value, after) = parameter(value.trim_start());
                    if let Some(challenge) = found.last_mut() {
                        challenge.parameters.insert(word, value);
                    }
                    rest = after;
                }
                None => {
                    found.push(Challenge { scheme: word, parameters: BTreeMap::new() });
                    rest = behind;
                }
            }
        }
    }
    found
}

/// A token or quoted string, and the rest of the text.
fn parameter(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t', ',']).unwrap_or(text.len());
        return text.split_at_checked(end).map_or((String::new(), ""), |(value, rest)| (value.to_owned(), rest));
    };
    let (mut value, mut chars) = (String::new(), quoted.chars());
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => value.extend(chars.next()),
            c => value.push(c),
        }
    }
    (value, chars.as_str())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    #[test]
    fn challenges_are_parsed_in_every_notation() {
        let mut headers = HeaderMap::new();
        let bearer =
            r#"Bearer realm="https://auth.example/token",service="reg, \"one\"" , scope=pull, Basic realm="x""#;
        headers.append(WWW_AUTHENTICATE, bearer.parse().unwrap());
        headers.append(WWW_AUTHENTICATE, "Negotiate".parse().unwrap());
        let found = challenges(&headers);
        let schemes: Vec<&str> = found.iter().map(|challenge| challenge.scheme.as_str()).collect();
        assert_eq!(schemes, ["bearer", "basic", "negotiate"]);
        assert_eq!(found[0].parameters["realm"], "https://auth.example/token");
        assert_eq!(found[0].parameters["service"], "reg, \"one\"");
        assert_eq!(found[0].parameters["scope"], "pull");
        for odd in ["", ",,,", "=", "= =", "a=", "a=\"", "Bearer realm=\"x\\", "\u{e4}"] {
            let mut headers = HeaderMap::new();
            headers.append(WWW_AUTHENTICATE, http::HeaderValue::from_bytes(odd.as_bytes()).unwrap());
            challenges(&headers);
        }
    }

    #[test]
    fn the_next_page_is_found_among_links() {
        let mut headers = HeaderMap::new();
        headers.append(
            LINK,
            "</v2/a/tags/list?last=b>; rel=\"prev\", </v2/a/tags/list?last=c,d>; rel=\"next\"".parse().unwrap(),
        );
        assert_eq!(next(&headers).as_deref(), Some("/v2/a/tags/list?last=c,d"));
        headers.clear();
        headers.append(LINK, "</x>; rel=prev".parse().unwrap());
        assert_eq!(next(&headers), None);
    }
}
