//! Ids: each becomes one other id of the same form. Paths and composed keys are masked part by part, so that an id in them
//! becomes what it becomes alone.

use crate::Masker;

/// What separates the parts of a composed key, a path or a URI.
const SEPARATORS: &str = "/:|?#&=;,";

/// Which parts of a composed text are names that programs know, such as `order` in `order/A-1`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// Plain words before the last separator.
    BeforeLast,
    /// All plain words: the path of a URL, a pattern.
    All,
    /// None: the host takes no event from others whose source is its own, such as `/installations/web-leads`.
    None,
}

impl Masker {
    /// An id: letters become letters, digits digits, everything else stays. Hexadecimal digits stay hexadecimal.
    pub(crate) fn id(&self, text: &str) -> String {
        self.count("id");
        if text.chars().all(char::is_alphabetic) {
            return self.word(text);
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.digits(text);
        }
        let is_hex = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        let letters = if is_hex { "abcdef" } else { "abcdefghijkmnpqrstuvwxyz" };
        let mut draw = self.key.draw("id", text);
        // A text of separators and one zero has no other form.
        for _ in 0..64 {
            let mut is_first = true;
            let masked: String = text
                .chars()
                .map(|old| {
                    let new = match old {
                        '0' if is_first => '0',
                        digit if digit.is_ascii_digit() => draw.digit(!is_first),
                        letter if letter.is_uppercase() => draw.one_of(letters).to_ascii_uppercase(),
                        letter if letter.is_alphabetic() => draw.one_of(letters),
                        other => other,
                    };
                    is_first = !old.is_ascii_digit();
                    new
                })
                .collect();
            if masked != text {
                return masked;
            }
        }
        text.to_owned()
    }

    /// A composed text, part by part.
    pub(crate) fn parts(&self, text: &str, words: Words) -> String {
        let last = text.rfind(|letter| SEPARATORS.contains(letter)).map_or(0, |index| index + 1);
        let mut masked = String::new();
        let mut start = 0;
        let ends = text.char_indices().filter(|(_, letter)| SEPARATORS.contains(*letter)).map(|(index, _)| index);
        for end in ends.chain([text.len()]) {
            let part = text.get(start..end).unwrap_or_default();
            let is_known = words == Words::All || words == Words::BeforeLast && start < last;
            if is_known && is_plain(part) && !self.has_name(part) {
                masked.push_str(part);
            } else {
                masked.push_str(&self.token(part));
            }
            masked.push_str(text.get(end..end + 1).unwrap_or_default());
            start = end + 1;
        }
        masked
    }

    /// A URL: scheme, host and the names in its path and query stay; user, ids and values are masked. A host is a system,
    /// not a person.
    pub(crate) fn url(&self, text: &str) -> String {
        let Some((scheme, rest)) = text.split_once("://").filter(|_| is_url(text)) else {
            return self.parts(text, Words::BeforeLast);
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        let user = user.map(|user| self.id(user) + "@").unwrap_or_default();
        let host = if self.has_name(host) { self.words(host) } else { host.to_owned() };
        let (path, query) = rest.find(['?', '#']).map_or((rest, ""), |index| rest.split_at(index));
        format!("{scheme}://{user}{host}{}{}", self.parts(path, Words::All), self.query(query))
    }

    /// `?name=value&name=value`: values are masked.
    fn query(&self, query: &str) -> String {
        let mut masked = String::new();
        for (index, pair) in query.split_inclusive(['?', '&', '#']).enumerate() {
            let (body, mark) = match pair.strip_suffix(['?', '&', '#']) {
                Some(body) => (body, &pair[body.len()..]),
                None => (pair, ""),
            };
            match body.split_once('=') {
                Some((name, value)) if is_plain(name) => {
                    masked.push_str(&format!("{name}={}", self.token(value)));
                }
                _ if index == 0 && body.is_empty() => {}
                _ => masked.push_str(&self.token(body)),
            }
            masked.push_str(mark);
        }
        masked
    }

    /// One part: by its form, else as an id.
    pub(crate) fn token(&self, text: &str) -> String {
        if text.is_empty() || text == "*" || text == "**" {
            return text.to_owned();
        }
        self.by_form(text).unwrap_or_else(|| self.id(text))
    }

    /// A key of a JSON object: a field's name stays, data is masked.
    pub(crate) fn object_key(&self, key: &str) -> String {
        let letters = key.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let is_name = key.len() - letters.len() <= 3
            && key.len() <= 64
            && !letters.is_empty()
            && letters.chars().all(|letter| letter.is_ascii_alphabetic() || "_-$@.: ".contains(letter))
            && !letters.trim_start_matches('@').contains('@');
        if is_name && !self.has_name(key) { key.to_owned() } else { self.parts(key, Words::BeforeLast) }
    }
}

/// Whether a text is an absolute URL with the host of a system (RFC 3986, sections 3.1 and 3.2.2).
pub(crate) fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let is_scheme = (1..=12).contains(&scheme.len())
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-".contains(letter));
    let is_host = host.chars().any(|letter| letter.is_ascii_alphabetic() || letter == '.')
        && host.chars().all(|letter| letter.is_ascii_alphanumeric() || "-.:[]*".contains(letter));
    is_scheme && is_host && !text.contains(char::is_whitespace)
}

/// A name that a program knows: letters, or a version such as `v1`. Anything else with a digit may be an id.
fn is_plain(text: &str) -> bool {
    let is_version = text
        .strip_prefix('v')
        .is_some_and(|digits| (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()));
    let is_word =
        text.len() != 1 && text.chars().all(|letter| letter.is_ascii_alphabetic() || "-_.*$".contains(letter));
    text.len() <= 32 && (is_version || is_word)
}
