//! A connector of the first release: built against `wit/handoff-connector-1.0.0` with raw bindings only, it uses every
//! function of the contract and reports the results. It must load and run on every later host; it does not follow later
//! SDKs, manifests or contracts.

use handoff::connector::{context, http, log, metrics, outbox, state, types};

wit_bindgen::generate!({ path: "../../../wit/handoff-connector-1.0.0", world: "connector" });

const TOLD: &str = "com.example.first.told.v1";
const RUNG: &str = "com.example.first.rung.v1";

struct First;
export!(First);

impl exports::handoff::connector::lifecycle::Guest for First {
    fn validate() -> Result<(), types::Failure> {
        if context::config().contains("\"desk\":") {
            return Ok(());
        }
        Err(types::Failure::Misconfigured(types::Misconfigured { message: "`desk` is missing".to_owned() }))
    }

    fn migrate(from_schema: u32) -> Result<(), types::Failure> {
        failed(state::set("migrated-from", from_schema.to_string().as_bytes()))
    }
}

impl exports::handoff::connector::handler::Guest for First {
    fn handle(event: types::Event) -> Result<(), types::Failure> {
        let data = String::from_utf8_lossy(&event.data).into_owned();
        match (event.type_name.as_str(), data.as_str()) {
            (RUNG, _) => tell("rung", &data),
            ("com.handoff.outbox.answered.v1", _) => tell("answered", &data),
            (_, "reject") => {
                let (code, message) = ("not-wanted".to_owned(), "the event asks for it".to_owned());
                Err(types::Failure::Reject(types::Reject { code, message }))
            }
            (_, "retry once") if context::delivery().attempt == 1 => {
                let (code, message) = ("not-yet".to_owned(), "the event asks for it".to_owned());
                Err(types::Failure::Retry(types::Retry { code, message, after_ms: Some(10) }))
            }
            _ => everything(&event),
        }
    }
}

/// Calls every function of the contract once.
fn everything(event: &types::Event) -> Result<(), types::Failure> {
    let info = context::delivery();
    let desk = context::config().split('"').find(|part| part.starts_with("http")).unwrap_or_default().to_owned();
    failed(state::set("kept/one", b"1"))?;
    failed(state::set("kept/two", b"2"))?;
    failed(state::delete("kept/one"))?;
    let one = failed(state::get("kept/one"))?.is_none();
    let page = failed(state::scan("kept/", None, 10))?;
    let keys: Vec<&str> = page.entries.iter().map(|entry| entry.key.as_str()).collect();
    let asked = http::fetch(&request("GET", &format!("{desk}/desk/ask"), None));
    let asked = asked.map(|answer| (answer.status, String::from_utf8_lossy(&answer.body).into_owned()));
    let told = request("POST", &format!("{desk}/desk/tell"), Some(b"told".to_vec()));
    failed(outbox::send(&told, &format!("tell/{}", event.id), true, Some("lane")))?;
    failed(outbox::schedule(&new_event(RUNG, "after a while"), info.time + 50, "bell"))?;
    failed(outbox::schedule(&new_event(RUNG, "never"), info.time + 60_000, "never"))?;
    failed(outbox::cancel("never"))?;
    log::write(log::Level::Info, "everything was used", &[("id".to_owned(), event.id.clone())]);
    metrics::counter("used", 1, &[]);
    metrics::gauge("level", 0.5, &[]);
    metrics::histogram("took", 1.5, &[("kind".to_owned(), "all".to_owned())]);
    let (rooftop, zone, offset) = (&info.rooftop, &info.time_zone, info.utc_offset_seconds % 900);
    let random = context::random(16).len();
    tell(
        "everything",
        &format!(
            "{} {} of {} at {rooftop} in {zone} ({offset}), dry run {}, random {random}, deleted {one}, keys {keys:?} more {}, \
             asked {asked:?}",
            event.type_name, event.id, info.installation, info.dry_run, page.more
        ),
    )
}

fn tell(what: &str, data: &str) -> Result<(), types::Failure> {
    failed(outbox::emit(&new_event(TOLD, &format!("{what}: {data}"))))
}

fn failed<T, E: std::fmt::Debug>(result: Result<T, E>) -> Result<T, types::Failure> {
    result.map_err(|error| {
        types::Failure::Reject(types::Reject { code: "import-failed".to_owned(), message: format!("{error:?}") })
    })
}

fn new_event(type_name: &str, data: &str) -> types::NewEvent {
    types::NewEvent {
        type_name: type_name.to_owned(),
        subject: Some("first".to_owned()),
        time: None,
        data_content_type: Some("text/plain".to_owned()),
        data_schema: None,
        partition_key: Some("lane".to_owned()),
        extensions: vec![("firstrelease".to_owned(), "1".to_owned())],
        data: data.as_bytes().to_vec(),
    }
}

fn request(method: &str, url: &str, body: Option<Vec<u8>>) -> types::Request {
    types::Request {
        method: method.to_owned(),
        url: url.to_owned(),
        headers: vec![("accept".to_owned(), "text/plain".to_owned())],
        body,
        auth: None,
        timeout_ms: Some(2_000),
    }
}
