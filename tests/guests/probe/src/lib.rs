//! A guest that does what its event's data says: one command per line, well-behaved or hostile. The result of each
//! command becomes a log message, so that a test can check it.
//!
//! It uses the contract's raw bindings, not the SDK, because the SDK would refuse hostile calls.

use handoff::connector::{context, http, log, metrics, outbox, state, types};

wit_bindgen::generate!({ path: "../../../wit/handoff-connector-1.0.0", world: "connector" });

struct Probe;
export!(Probe);

impl exports::handoff::connector::handler::Guest for Probe {
    fn handle(event: types::Event) -> Result<(), types::Failure> {
        run_script(&String::from_utf8_lossy(&event.data))
    }
}

impl exports::handoff::connector::lifecycle::Guest for Probe {
    /// The config is the script, if it is not empty.
    fn validate() -> Result<(), types::Failure> {
        let config = context::config();
        // Settings give an object, which it accepts; tests of the runtime give a script.
        if config.starts_with('{') { Ok(()) } else { run_script(&config) }
    }

    /// The state key `migration` is the script, if present, with `;` for a line break and `+` for a space.
    fn migrate(from_schema: u32) -> Result<(), types::Failure> {
        let script = state::get("migration").ok().flatten().unwrap_or_default();
        run_script(&String::from_utf8_lossy(&script).replace(';', "\n").replace('+', " "))?;
        run_script(&format!("set schema {from_schema}"))
    }
}

fn run_script(script: &str) -> Result<(), types::Failure> {
    for line in script.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let result = run(&words, script)?;
        log::write(log::Level::Info, &format!("{line} = {result}"), &[]);
    }
    Ok(())
}

fn run(words: &[&str], script: &str) -> Result<String, types::Failure> {
    let result = match *words {
        ["get", key] => said(state::get(key).map(|value| value.map(|bytes| text(&bytes)))),
        ["set", key, value] => said(state::set(key, value.as_bytes())),
        ["set-size", key, size] => said(state::set(key, &vec![b'v'; number(size)])),
        ["set-many", count] => last((0..number(count)).map(|i| state::set(&format!("many-{i:05}"), b"v"))),
        ["delete", key] => said(state::delete(key)),
        ["scan", prefix, after, limit] => {
            let after = (after != "-").then_some(after);
            said(state::scan(prefix, after, limit.parse().unwrap_or(0)).map(|page| {
                let entries = page.entries.iter().map(|entry| format!("{}:{}", entry.key, text(&entry.value)));
                (entries.collect::<Vec<_>>().join(","), page.more)
            }))
        }
        ["emit", type_name, data] => said(outbox::emit(&event(type_name, data.as_bytes().to_vec()))),
        ["emit-with", type_name, name, value] => {
            let mut event = event(type_name, Vec::new());
            event.extensions.push((name.to_owned(), value.to_owned()));
            said(outbox::emit(&event))
        }
        ["echo", count, type_name] => {
            let event = event(type_name, script.as_bytes().to_vec());
            last((0..number(count)).map(|_| outbox::emit(&types::NewEvent { partition_key: None, ..event.clone() })))
        }
        ["emit-many", count, type_name, size] => {
            let event = event(type_name, vec![b'e'; number(size)]);
            last((0..number(count)).map(|_| outbox::emit(&event)))
        }
        ["schedule", key, at, type_name] => {
            said(outbox::schedule(&event(type_name, Vec::new()), at.parse().unwrap_or(0), key))
        }
        ["cancel", key] => said(outbox::cancel(key)),
        ["send", key, method, url] => said(outbox::send(&request(method, url), key, true, Some("lead-1"))),
        ["send-many", count, url] => {
            last((0..number(count)).map(|i| outbox::send(&request("POST", url), &format!("k{i}"), false, None)))
        }
        ["send-sized", fields, field_bytes, body_bytes] => {
            let mut request = request("POST", "https://crm.example/leads/1");
            let value = "f".repeat(number(field_bytes));
            request.headers = (0..number(fields)).map(|i| (format!("x-{i}"), value.clone())).collect();
            request.body = Some(vec![b'b'; number(body_bytes)]);
            said(outbox::send(&request, "sized", false, None))
        }
        ["fetch", method, url] => {
            said(http::fetch(&request(method, url)).map(|answer| (answer.status, text(&answer.body))))
        }
        ["fetch-many", count, url] => last((0..number(count)).map(|_| http::fetch(&request("GET", url)).map(|_| ()))),
        ["config"] => context::config(),
        ["delivery"] => format!("{:?}", context::delivery()),
        ["random", count] => format!("{:02x?}", context::random(count.parse().unwrap_or(0))),
        ["counter", name, add] => {
            metrics::counter(name, add.parse().unwrap_or(0), &[("rooftop-kind".into(), "main".into())]);
            String::new()
        }
        ["gauge", name, value] => {
            metrics::gauge(name, value.parse().unwrap_or(0.0), &[]);
            metrics::histogram(name, value.parse().unwrap_or(0.0), &[]);
            String::new()
        }
        ["log-many", count] => {
            (0..number(count)).for_each(|_| log::write(log::Level::Debug, "again", &[]));
            String::new()
        }
        ["log-size", size] => {
            log::write(log::Level::Warn, &"x".repeat(number(size)), &[("field".into(), "\u{1b}[2J".into())]);
            String::new()
        }
        ["retry", code, after_ms] => {
            let (code, after_ms) = (code.to_owned(), after_ms.parse().ok());
            return Err(types::Failure::Retry(types::Retry { code, message: "later\u{7}".repeat(1000), after_ms }));
        }
        ["misconfigured", message] => {
            return Err(types::Failure::Misconfigured(types::Misconfigured { message: message.to_owned() }));
        }
        ["work", rounds] => format!("{}", (0..number(rounds)).fold(0, |sum, i| std::hint::black_box(sum ^ i))),
        ["allocate", bytes] => format!("{}", std::hint::black_box(vec![1_u8; number(bytes)]).len()),
        ["metrics", from, to] => {
            for i in number(from)..number(to) {
                metrics::counter("leads", 1, &[("lead".into(), format!("{i}"))]);
            }
            String::new()
        }
        ["schedule-many", from, to, at, type_name] => {
            let (event, at) = (event(type_name, Vec::new()), at.parse().unwrap_or(0));
            last((number(from)..number(to)).map(|i| outbox::schedule(&event, at, &format!("t{i}"))))
        }
        ["loop"] => endless(),
        ["recurse-to", depth] => format!("{}", recurse_to(number(depth))),
        ["recurse"] => format!("{}", recurse(1)),
        ["recurse-narrowly"] => format!("{}", recurse_narrowly(1)),
        ["grow"] => grow(),
        ["grow-softly"] => {
            let refused = (0..10_000).any(|_| core::arch::wasm32::memory_grow::<0>(16) == usize::MAX);
            format!("refused {refused}")
        }
        ["panic"] => deliberately_fails(),
        ref unknown => panic!("unknown command {unknown:?}"),
    };
    Ok(result)
}

fn said<T: std::fmt::Debug, E: std::fmt::Debug>(result: Result<T, E>) -> String {
    format!("{result:?}")
}

/// The first error and its index, or the number of successes.
fn last<E: std::fmt::Debug>(results: impl Iterator<Item = Result<(), E>>) -> String {
    let mut count = 0;
    for result in results {
        if let Err(error) = result {
            return format!("{count} then {error:?}");
        }
        count += 1;
    }
    format!("{count}")
}

fn number(word: &str) -> usize {
    word.parse().unwrap_or(0)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned()
}

fn event(type_name: &str, data: Vec<u8>) -> types::NewEvent {
    types::NewEvent {
        type_name: type_name.to_owned(),
        subject: Some("lead-1".to_owned()),
        time: None,
        data_content_type: Some("text/plain".to_owned()),
        data_schema: None,
        partition_key: Some("lead-1".to_owned()),
        extensions: Vec::new(),
        data,
    }
}

fn request(method: &str, url: &str) -> types::Request {
    types::Request {
        method: method.to_owned(),
        url: url.to_owned(),
        headers: vec![("Accept".to_owned(), "application/json".to_owned())],
        body: None,
        auth: None,
        timeout_ms: None,
    }
}

#[inline(never)]
fn endless() -> String {
    loop {
        std::hint::black_box(());
    }
}

#[inline(never)]
fn recurse(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 16]);
    if frame[0] == 0 { 0 } else { recurse(frame[1] + 1) + frame[2] }
}

/// Keeps nothing in memory, so that it exhausts only the WebAssembly stack.
#[inline(never)]
fn recurse_narrowly(depth: u64) -> u64 {
    static NEVER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    if NEVER.load(std::sync::atomic::Ordering::Relaxed) == depth {
        return 0;
    }
    recurse_narrowly(depth + 1).rotate_left(3) ^ depth
}

/// Recurses exactly this deep.
#[inline(never)]
fn recurse_to(depth: usize) -> usize {
    if std::hint::black_box(depth) == 0 { 0 } else { recurse_to(depth - 1).rotate_left(3) ^ depth }
}

#[inline(never)]
fn grow() -> String {
    let mut kept = Vec::new();
    loop {
        kept.push(std::hint::black_box(vec![1_u8; 1 << 20]));
    }
}

#[inline(never)]
fn deliberately_fails() -> String {
    let nothing: Option<String> = std::hint::black_box(None);
    nothing.expect("a value that never exists")
}
