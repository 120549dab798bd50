//! A guest that attempts what its event's data says, one attempt per line, and emits the result of each. It uses the
//! contract's raw bindings, not the SDK, because the SDK would refuse hostile calls.
//!
//! A line is words separated by tabs. In a word `\n`, `\r`, `\t`, `\0` and `\\` have the same meaning as in Rust,
//! `\*N;c` is N times the character c, and a single `-` means none.

use handoff::connector::{context, http, log, outbox, state, types};

wit_bindgen::generate!({ path: "../../../wit/handoff-connector-1.0.0", world: "connector" });

/// Maximum number of characters of one result.
const TOLD_CHARACTERS: usize = 20_000;

struct Escape;
export!(Escape);

// Like the SDK's macro: the host reads the interface before it compiles anything.
#[unsafe(link_section = "handoff:interface")]
#[used]
static INTERFACE: [u8; 23] = *b"handoff:connector@1.0.0";

impl exports::handoff::connector::handler::Guest for Escape {
    fn handle(event: types::Event) -> Result<(), types::Failure> {
        let data = String::from_utf8_lossy(&event.data).into_owned();
        let told = if event.type_name == "com.handoff.outbox.answered.v1" {
            data
        } else {
            let mut told = String::new();
            for line in data.lines() {
                let words: Vec<String> = line.split('\t').map(unescaped).collect();
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let result: String = attempt(&words)?.chars().take(TOLD_CHARACTERS).collect();
                told.push_str(&result);
                told.push('\n');
            }
            told
        };
        // Also log it: secrets must not reach the log either.
        log::write(log::Level::Info, &told, &[("saw".to_owned(), told.clone())]);
        let saw = types::NewEvent { data: told.into_bytes(), ..new_event("com.example.escape.saw.v1", &event.id) };
        outbox::emit(&saw).map_err(|error| rejected(&format!("{error:?}")))
    }
}

impl exports::handoff::connector::lifecycle::Guest for Escape {
    /// A new installation has no state: anything that it sees belongs to another one.
    fn validate() -> Result<(), types::Failure> {
        match state::scan("", None, 1000) {
            Ok(page) if page.entries.is_empty() => Ok(()),
            seen => Err(types::Failure::Misconfigured(types::Misconfigured { message: format!("{seen:?}") })),
        }
    }

    fn migrate(_: u32) -> Result<(), types::Failure> {
        Ok(())
    }
}

fn attempt(words: &[&str]) -> Result<String, types::Failure> {
    Ok(match *words {
        ["get", key] => format!("{:?}", state::get(key).map(|value| value.map(text))),
        ["set", key, value] => format!("{:?}", state::set(key, value.as_bytes())),
        ["delete", key] => format!("{:?}", state::delete(key)),
        ["scan", prefix, after] => {
            let page = state::scan(prefix, optional(after).as_deref(), 1000);
            format!(
                "{:?}",
                page.map(|page| page
                    .entries
                    .into_iter()
                    .map(|entry| (entry.key, text(entry.value)))
                    .collect::<Vec<_>>())
            )
        }
        ["emit", type_name, name, value] => {
            let mut event = new_event(type_name, "forged");
            event.extensions.extend(optional(name).map(|name| (name, value.to_owned())));
            format!("{:?}", outbox::emit(&event))
        }
        ["schedule", key, type_name] => {
            let at = context::delivery().time + 86_400_000;
            format!("{:?}", outbox::schedule(&new_event(type_name, "timer"), at, key))
        }
        ["cancel", key] => format!("{:?}", outbox::cancel(key)),
        ["fetch", method, url, auth, body, ref headers @ ..] => {
            let answer = http::fetch(&request(method, url, auth, body, headers));
            format!("{:?}", answer.map(|answer| (answer.status, answer.headers, text(answer.body))))
        }
        ["send", key, method, url, auth, body, ref headers @ ..] => {
            format!("{:?}", outbox::send(&request(method, url, auth, body, headers), key, true, None))
        }
        ["about"] => format!("{} {:?}", context::config(), context::delivery()),
        ["panic-with", method, url, auth] => {
            let answer = http::fetch(&request(method, url, auth, "-", &[]));
            panic!("{:?}", answer.map(|answer| (answer.headers, text(answer.body))));
        }
        ["reject-with", method, url, auth] => {
            let answer = http::fetch(&request(method, url, auth, "-", &[]));
            return Err(rejected(&format!("{:?}", answer.map(|answer| (answer.headers, text(answer.body))))));
        }
        _ => return Err(rejected("unknown attempt")),
    })
}

fn request(method: &str, url: &str, auth: &str, body: &str, headers: &[&str]) -> types::Request {
    let pairs = headers.chunks_exact(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned()));
    types::Request {
        method: method.to_owned(),
        url: url.to_owned(),
        headers: pairs.collect(),
        body: optional(body).map(String::into_bytes),
        auth: optional(auth),
        timeout_ms: Some(3_000),
    }
}

fn new_event(type_name: &str, subject: &str) -> types::NewEvent {
    types::NewEvent {
        type_name: type_name.to_owned(),
        subject: Some(subject.to_owned()),
        time: None,
        data_content_type: Some("text/plain".to_owned()),
        data_schema: None,
        partition_key: None,
        extensions: Vec::new(),
        data: Vec::new(),
    }
}

fn rejected(message: &str) -> types::Failure {
    types::Failure::Reject(types::Reject { code: "escape-failed".to_owned(), message: message.to_owned() })
}

fn optional(word: &str) -> Option<String> {
    (word != "-").then(|| word.to_owned())
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

fn unescaped(word: &str) -> String {
    let mut out = String::new();
    let mut letters = word.chars();
    while let Some(letter) = letters.next() {
        match (letter, if letter == '\\' { letters.next() } else { None }) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('r')) => out.push('\r'),
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some('0')) => out.push('\0'),
            ('\\', Some('*')) => {
                let count: String = letters.by_ref().take_while(|digit| digit.is_ascii_digit()).collect();
                let repeated = letters.next().unwrap_or('x').to_string();
                out.push_str(&repeated.repeat(count.parse().unwrap_or(0)));
            }
            ('\\', Some(other)) => out.push(other),
            (other, _) => out.push(other),
        }
    }
    out
}
