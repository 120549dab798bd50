//! Names and texts in the habits of the languages. It knows no schema.

/// `bodyBase64` becomes `body_base64`.
pub(crate) fn snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// `body_base64` becomes `bodyBase64`, as serde does it.
pub(crate) fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |text, word| text + &capital(word))
}

/// `trade-in` becomes `TradeIn`.
pub(crate) fn pascal(name: &str) -> String {
    name.split('-').map(capital).collect()
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// The constant of an event's type: `LEAD_RECEIVED` of `com.handoff.lead.received.v1`. A later version is part of the name.
pub(crate) fn constant(type_name: &str) -> String {
    words(type_name).join("_").to_uppercase()
}

/// The module of an event's type: `lead_received`.
pub(crate) fn module(type_name: &str) -> String {
    words(type_name).join("_")
}

fn words(type_name: &str) -> Vec<&str> {
    let name = type_name.strip_prefix("com.handoff.").unwrap_or(type_name);
    name.strip_suffix(".v1").unwrap_or(name).split(['.', '-']).collect()
}

/// Lines of at most `width` characters, each with a prefix.
pub(crate) fn wrapped(text: &str, prefix: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{prefix}{word}")),
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}
