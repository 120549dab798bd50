//! Finds refusals of a channel in what a customer wrote: "contact by text: no", "please don't call me".
//!
//! It reports only plain refusals: a time, a place or a condition ("don't call before 5") refuses no channel.

use std::collections::BTreeSet;

use serde::Serialize;

/// A way to contact a customer, in the words of the call list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Phone calls.
    Call,
    /// Text messages.
    Text,
    /// E-mail.
    Email,
}

/// Values that refuse what their label names.
const NO: [&str; 11] = ["no", "n", "false", "0", "never", "nope", "not", "declined", "denied", "off", "refused"];
/// Values that confirm what their label names.
const YES: [&str; 6] = ["yes", "y", "true", "1", "on", "please"];
/// Words between a negation and the channel.
const BETWEEN: [&str; 22] = [
    "me",
    "us",
    "be",
    "being",
    "want",
    "wish",
    "like",
    "to",
    "any",
    "a",
    "contact",
    "contacted",
    "reach",
    "by",
    "via",
    "through",
    "send",
    "receive",
    "get",
    "have",
    "please",
    "or",
];
/// Words after the channel that limit the refusal to a time, a place or a number.
const LIMITS: [&str; 27] = [
    "before", "after", "between", "until", "till", "during", "on", "at", "while", "when", "if", "unless", "this",
    "today", "tomorrow", "tonight", "my", "because", "back", "yet", "from", "list", "in", "too", "so", "early", "late",
];

/// The channels that a text refuses.
pub fn refused(text: &str) -> BTreeSet<Channel> {
    let lower = text.to_lowercase().replace(['\u{2019}', '`'], "'");
    let mut found = BTreeSet::new();
    for sentence in lower.split(['\n', '\r', '.', ';', '!', '|']) {
        for clause in sentence.split(',') {
            found.extend(labelled(clause));
        }
        found.extend(negated(sentence));
    }
    found
}

/// The channels that a field with this name and value refuses: `<contactbytext>no</contactbytext>`.
pub fn of_field(name: &str, value: &str) -> BTreeSet<Channel> {
    let value = value.to_lowercase();
    let name = name.to_lowercase();
    let asks = [
        "contact",
        "optin",
        "opt_in",
        "opt-in",
        "optout",
        "opt_out",
        "opt-out",
        "consent",
        "allow",
        "permission",
        "okto",
        "ok_to",
        "ok-to",
        "donot",
        "do_not",
        "do-not",
    ];
    if value.chars().count() > 12 || !asks.iter().any(|word| name.contains(word)) {
        return BTreeSet::new();
    }
    let mut channels = BTreeSet::new();
    for (part, channel) in [
        ("text", Channel::Text),
        ("sms", Channel::Text),
        ("call", Channel::Call),
        ("phone", Channel::Call),
        ("email", Channel::Email),
    ] {
        if name.contains(part) {
            channels.insert(channel);
        }
    }
    if answers(&name.replace(['_', '-'], ""), &value) { channels } else { BTreeSet::new() }
}

/// "contact by text: no", "OK to call? No", "SMS opt-out = yes".
fn labelled(clause: &str) -> BTreeSet<Channel> {
    let parts = clause.split_once([':', '=', '?']).or_else(|| clause.split_once(" - "));
    let Some((label, value)) = parts else { return BTreeSet::new() };
    let words = words(label);
    let channels: BTreeSet<Channel> = words.iter().filter_map(|word| channel(word)).collect();
    // A long label is a sentence, and what follows it is not the answer to it.
    if words.len() > 10 || !answers(&words.concat().replace('-', ""), value) { BTreeSet::new() } else { channels }
}

/// Whether the value refuses what the label (its words joined) asks.
fn answers(label: &str, value: &str) -> bool {
    let value = words(value);
    let Some(first) = value.first() else { return false };
    let is_negative =
        ["optout", "optedout", "donot", "don't", "dont", "unsubscribe", "dnc"].iter().any(|word| label.contains(word));
    let short = value.len() <= 3;
    if is_negative {
        short && YES.contains(first)
    } else {
        short && NO.contains(first) || value.concat().replace('-', "").starts_with("optout")
    }
}

/// "do not call or text me", "no texts please", "stop calling".
fn negated(sentence: &str) -> BTreeSet<Channel> {
    let words = words(sentence);
    let mut found = BTreeSet::new();
    for (at, negation) in words.iter().copied().enumerate() {
        let before = at.checked_sub(1).and_then(|at| words.get(at)).copied().unwrap_or_default();
        let is_refusal = match negation {
            "don't" | "dont" | "never" | "stop" | "quit" => before != "i" || words.get(at + 1) == Some(&"want"),
            "not" => matches!(before, "do" | "please" | "rather" | "prefer" | "to" | ""),
            "no" => true,
            _ => false,
        };
        if !is_refusal {
            continue;
        }
        let mut rest = words.iter().skip(at + 1).skip_while(|word| BETWEEN.contains(word)).copied().peekable();
        let mut channels = BTreeSet::new();
        while let Some(word) = rest.next_if(|word| {
            channel(word).is_some() || matches!(*word, "or" | "and" | "nor" | "me" | "us" | "messages" | "message")
        }) {
            // "I got no call" and "I have no phone" say what was, not what is wanted.
            let is_fact = negation == "no" && matches!(word, "call" | "phone" | "telephone" | "email" | "e-mail");
            if !is_fact || rest.peek().is_some_and(|next| channel(next).is_some()) {
                channels.extend(channel(word));
            }
        }
        if rest.peek().is_none_or(|word| !LIMITS.contains(word)) {
            found.extend(channels);
        }
    }
    found
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '-')))
        .map(|word| word.trim_matches(['\'', '-']))
        .filter(|word| !word.is_empty())
        .collect()
}

fn channel(word: &str) -> Option<Channel> {
    match word {
        "call" | "calls" | "called" | "calling" | "phone" | "phoned" | "telephone" | "voice" | "ring" => {
            Some(Channel::Call)
        }
        "text" | "texts" | "texted" | "texting" | "sms" => Some(Channel::Text),
        "email" | "emails" | "emailed" | "emailing" | "e-mail" | "e-mails" | "e-mailed" => Some(Channel::Email),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Channel, of_field, refused};

    #[test]
    fn plain_refusals_of_a_channel_are_found() {
        use Channel::{Call, Email, Text};
        let check = |text: &str, expected: &[Channel]| {
            assert_eq!(refused(text).into_iter().collect::<Vec<_>>(), expected, "{text}")
        };
        check("Contact by text: no", &[Text]);
        check("Contact by phone: No\nContact by text: Yes", &[Call]);
        check("contact by text: no, contact by email: no, contact by phone: yes", &[Text, Email]);
        check("OK to text? No", &[Text]);
        check("SMS opt-in = false", &[Text]);
        check("Text opt-out: yes", &[Text]);
        check("Text opt-out: no", &[]);
        check("Please don't call me. Text is fine.", &[Call]);
        check("Please don\u{2019}t text", &[Text]);
        check("do not call or text me", &[Call, Text]);
        check("I do not want to be called", &[Call]);
        check("No texts please, e-mail is better", &[Text]);
        check("no phone calls", &[Call]);
        check("Stop texting me!", &[Text]);
        check("Do not contact me by phone", &[Call]);
        check("I'd rather not be texted", &[Text]);
    }

    #[test]
    fn other_sentences_refuse_nothing() {
        for text in [
            "Please call me after 5",
            "Do not hesitate to call",
            "Don't call before 9",
            "do not call me at the office",
            "I got no call back",
            "You did not call me",
            "I don't text and drive",
            "Is there no text on the sticker?",
            "Contact by text: yes",
            "No, please call me",
            "1+1=2 & more",
        ] {
            assert!(refused(text).is_empty(), "{text}: {:?}", refused(text));
        }
    }

    #[test]
    fn fields_of_their_own_refuse_too() {
        assert!(of_field("contactbytext", "no").contains(&Channel::Text));
        assert!(of_field("sms_opt_in", "false").contains(&Channel::Text));
        assert!(of_field("donotcall", "true").contains(&Channel::Call));
        assert!(of_field("smsoptin", "true").is_empty());
        assert!(of_field("textcolor", "no").is_empty());
    }
}
