//! Recognizes what looks like a secret, so that it is refused in files and never shown. It masks generously and refuses
//! conservatively.

/// Last words of keys that name secrets.
const WORDS: [&str; 13] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "secrets",
    "token",
    "apikey",
    "api-key",
    "private-key",
    "access-key",
    "signing-key",
    "secret-key",
    "credentials",
];

/// Whether a key names a secret: `api_key`, `clientSecret`, `password`.
pub(super) fn is_secret_key(key: &str) -> bool {
    let words = kebab(key);
    WORDS.iter().any(|word| words == *word || words.ends_with(&format!("-{word}")))
}

/// Whether a text has the form of a secret, whatever its key.
pub(super) fn is_secret_value(text: &str) -> bool {
    text.starts_with("whsec_")
        || text.starts_with("Bearer ")
        || has_password(text)
        || (text.contains("-----BEGIN ") && text.contains("PRIVATE KEY"))
        || text.starts_with("eyJ") && text.matches('.').count() == 2
}

/// Whether a text should not be shown. Broader than what is refused: many of these are ids.
pub(super) fn may_be_secret(text: &str) -> bool {
    is_secret_value(text) || looks_random(text)
}

/// Whether the value of a field is hidden in reports and histories: its key names a secret, or the value or a part of
/// it may be one.
#[must_use]
pub fn hides(key: &str, text: &str) -> bool {
    is_secret_key(key) || may_be_secret(text) || text.split(['"', '\'', ',', ' ']).any(may_be_secret)
}

/// Whether a text looks random: letters and digits without an order.
fn looks_random(text: &str) -> bool {
    let count = |what: fn(&u8) -> bool| text.bytes().filter(what).count();
    let (digits, small, capital) =
        (count(u8::is_ascii_digit), count(u8::is_ascii_lowercase), count(u8::is_ascii_uppercase));
    let whole = text.len() >= 16 && !text.contains(char::is_whitespace) && !text.contains("://");
    let one_word = text.len() >= 20 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (whole && digits >= 2 && small >= 2 && capital >= 2) || (one_word && digits >= 4 && small + capital >= 2)
}

/// Whether it contains a URL with a password, `https://user:password@host` (RFC 3986 section 3.2.1).
fn has_password(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', '"', '\'']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

/// Whether a value of a secret's key can be the secret itself and not a word about it.
pub(super) fn is_literal(text: &str) -> bool {
    text.len() >= 8 && !text.contains(char::is_whitespace)
}

/// A line of a file, with everything after `=` masked if it may be a secret.
pub(super) fn mask(line: &str) -> String {
    match line.split_once('=') {
        Some((key, value)) => {
            let value = value.trim().trim_matches(['"', '\'']);
            let words: Vec<_> = key.split(|c: char| !(c.is_alphanumeric() || "-_".contains(c))).collect();
            let inner = value.split(['{', ',']).filter_map(|part| part.split_once('='));
            let nested = inner.into_iter().any(|(key, _)| is_secret_key(key.trim()));
            let texts = line.split(['"', '\'', '/', '@']);
            if nested
                || is_secret_value(value)
                || texts.into_iter().any(may_be_secret)
                || words.into_iter().any(is_secret_key)
            {
                hide(line)
            } else {
                line.to_owned()
            }
        }
        None if line.split(['"', '\'']).any(may_be_secret) => "…".to_owned(),
        None => line.to_owned(),
    }
}

/// A line with everything after its first `=` masked.
pub(super) fn hide(line: &str) -> String {
    line.split_once('=').map_or_else(|| "…".to_owned(), |(key, _)| format!("{key}= …"))
}

/// `clientSecret`, `client_secret` and `CLIENT_SECRET` as `client-secret`.
fn kebab(key: &str) -> String {
    let mut words = String::with_capacity(key.len() + 4);
    let mut lower_before = false;
    for c in key.chars() {
        if c == '_' || c == '-' || c == '.' || c == ' ' {
            words.push('-');
            lower_before = false;
        } else {
            if c.is_uppercase() && lower_before {
                words.push('-');
            }
            lower_before = c.is_lowercase() || c.is_ascii_digit();
            words.extend(c.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_name_secrets_are_recognized_in_every_case_style() {
        for key in ["password", "clientSecret", "API_KEY", "api-key", "crm.token", "signing_key", "apikey"] {
            assert!(is_secret_key(key), "{key}");
        }
        for key in ["token-url", "secretary", "key", "tokenizer", "password-policy", "listen"] {
            assert!(!is_secret_key(key), "{key}");
        }
    }

    #[test]
    fn masked_lines_keep_only_the_key() {
        assert_eq!(mask("password = \"hunter2hunter2\""), "password = …");
        assert_eq!(mask("a = { user = \"x\", password = \"hunter2\" }"), "a = …");
        assert_eq!(mask("key = \"whsec_MfKQ9r8GKYqrTwjU\""), "key = …");
        assert_eq!(mask("x = \"pk7Qx9ZwKp31AbC0\""), "x = …");
        assert_eq!(mask("a = [\"0f9a8b7c6d5e4f3a2b1c\"]"), "a = …");
        assert_eq!(mask("time-zone = \"America/Chicago\""), "time-zone = \"America/Chicago\"");
        assert_eq!(mask("path = \"/srv/leads/2026-Q1\""), "path = \"/srv/leads/2026-Q1\"");
        assert_eq!(mask("proxy = \"http://user:hunter2@proxy.example:3128\""), "proxy = …");
        assert_eq!(mask("crm-url = \"https://crm.example/a@b:c\""), "crm-url = \"https://crm.example/a@b:c\"");
        assert_eq!(mask("listen = \"127.0.0.1:8080\""), "listen = \"127.0.0.1:8080\"");
    }
}
