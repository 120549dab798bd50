//! Recognises what looks like a secret, so that it is refused in files and never shown. Errs on the side of caution in
//! what it masks and on the side of sense in what it refuses.

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

/// Whether a text is shaped like a secret whatever its key says.
pub(super) fn is_secret_value(text: &str) -> bool {
    text.starts_with("whsec_")
        || text.starts_with("Bearer ")
        || (text.contains("-----BEGIN ") && text.contains("PRIVATE KEY"))
        || text.starts_with("eyJ") && text.matches('.').count() == 2
}

/// Whether a text under a secret's key can be the secret itself and not a word about it.
pub(super) fn is_literal(text: &str) -> bool {
    text.len() >= 8 && !text.contains(char::is_whitespace)
}

/// A line of a file with everything after `=` masked if it may be a secret.
pub(super) fn mask(line: &str) -> String {
    match line.split_once('=') {
        Some((key, value)) => {
            let value = value.trim().trim_matches(['"', '\'']);
            let words: Vec<_> = key.split(|c: char| !(c.is_alphanumeric() || "-_".contains(c))).collect();
            let inner = value.split(['{', ',']).filter_map(|part| part.split_once('='));
            let nested = inner.into_iter().any(|(key, _)| is_secret_key(key.trim()));
            if nested || is_secret_value(value) || words.into_iter().any(is_secret_key) {
                hide(line)
            } else {
                line.to_owned()
            }
        }
        None if is_secret_value(line.trim().trim_matches(['"', '\''])) => "…".to_owned(),
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
    fn keys_that_name_secrets_are_known_in_every_spelling() {
        for key in ["password", "clientSecret", "API_KEY", "api-key", "crm.token", "signing_key", "apikey"] {
            assert!(is_secret_key(key), "{key}");
        }
        for key in ["token-url", "secretary", "key", "tokenizer", "password-policy", "listen"] {
            assert!(!is_secret_key(key), "{key}");
        }
    }

    #[test]
    fn masked_lines_keep_the_key_only() {
        assert_eq!(mask("password = \"hunter2hunter2\""), "password = …");
        assert_eq!(mask("a = { user = \"x\", password = \"hunter2\" }"), "a = …");
        assert_eq!(mask("key = \"whsec_MfKQ9r8GKYqrTwjU\""), "key = …");
        assert_eq!(mask("listen = \"127.0.0.1:8080\""), "listen = \"127.0.0.1:8080\"");
    }
}
