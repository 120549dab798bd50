//! The inputs of a case with their meaning: events, state and recorded answers as the runtime takes them. Every error
//! names the field.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::Value;

use handoff_cases::{
    CaseError, CaseFile, DATA_BYTES_MAX, ErrorKind, EventFile, ExchangeFile, HeaderFile, RequestFile, bytes, pairs,
    read_bytes,
};
use handoff_model::call::{LookUps, StateReadError, StateReader};
use handoff_model::event::{Event, PARTITION_KEY};
use handoff_model::grants::Grants;
use handoff_model::http::{HttpError, Request, Response};
use handoff_model::time::Timestamp;

/// Reads the bytes that a field of the case has.
type ReadBytes<'a> = dyn Fn(&str, &Value) -> Result<Vec<u8>, CaseError> + 'a;

/// One delivery of a case.
pub(super) struct Step {
    /// Its clock; none: as before, and for a timer its due time.
    pub(super) at: Option<Timestamp>,
    pub(super) what: What,
}

/// What is delivered.
pub(super) enum What {
    Event(Box<Event>),
    /// The event of a timer that the case has set.
    Timer(String),
}

/// All inputs of a case.
pub(super) struct Inputs {
    pub(super) steps: Vec<Step>,
    pub(super) state: Arc<CaseState>,
    pub(super) look_ups: Arc<CaseLookUps>,
}

impl Inputs {
    pub(super) fn read(file: &CaseFile, folder: &Path) -> Result<Self, CaseError> {
        let bytes = |field: &str, value: &Value| read_bytes(value, field, folder);
        file.seed_of(0)?;
        let mut steps = Vec::new();
        for (index, event) in file.events.iter().enumerate() {
            steps.push(step(event, index, &bytes)?);
        }
        let mut state = BTreeMap::new();
        for (key, value) in &file.state {
            state.insert(key.clone(), bytes(&format!("state.{key}"), value)?);
        }
        let mut answers = Vec::new();
        for (index, exchange) in file.http.iter().enumerate() {
            answers.push(answer(exchange, index, &bytes)?);
        }
        Ok(Self {
            steps,
            state: Arc::new(CaseState(Mutex::new(state))),
            look_ups: Arc::new(CaseLookUps { answers, asked: Mutex::default() }),
        })
    }
}

pub(super) fn fault(field: &str, text: &str) -> CaseError {
    CaseError::in_case(field, text)
}

fn step(file: &EventFile, index: usize, bytes: &ReadBytes<'_>) -> Result<Step, CaseError> {
    let place = format!("events[{index}]");
    let at = file.at.map(|time| Timestamp(time.0));
    if let Some(key) = file.timer_key(index)? {
        return Ok(Step { at, what: What::Timer(key.clone()) });
    }
    let data = file.data.as_ref().map_or(Ok(Vec::new()), |value| bytes(&format!("{place}.data"), value))?;
    if data.len() > DATA_BYTES_MAX {
        return Err(fault(
            &format!("{place}.data"),
            &format!("{} bytes; expected at most {DATA_BYTES_MAX}", data.len()),
        ));
    }
    let mut extensions = file.extensions.clone();
    if let Some(key) = &file.partitionkey {
        extensions.insert(PARTITION_KEY.to_owned(), key.clone());
    }
    let event = Event {
        id: file.id_at(index),
        source: file.source_or_default(),
        type_name: file.type_name.clone().unwrap_or_default(),
        subject: file.subject.clone(),
        time: file.time.map(|time| Timestamp(time.0)),
        data_content_type: file.media_type(),
        data_schema: file.dataschema.clone(),
        extensions,
        data,
    };
    event.check().map_err(|error| fault(&place, &error.to_string()))?;
    Ok(Step { at, what: What::Event(Box::new(event)) })
}

/// State in memory.
pub(super) struct CaseState(Mutex<BTreeMap<String, Vec<u8>>>);

impl CaseState {
    pub(super) fn apply(&self, writes: &BTreeMap<String, Option<Vec<u8>>>) {
        let mut state = self.0.lock();
        for (key, value) in writes {
            match value {
                Some(value) => drop(state.insert(key.clone(), value.clone())),
                None => drop(state.remove(key)),
            }
        }
    }
}

impl StateReader for CaseState {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateReadError> {
        Ok(self.0.lock().get(key).cloned())
    }

    fn scan(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StateReadError> {
        let state = self.0.lock();
        let is_after = |key: &str| after.is_none_or(|after| key > after);
        let rows = state.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix));
        let rows = rows.filter(|(key, _)| is_after(key)).take(limit);
        Ok(rows.map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

/// The answers of a case: each once, in order; after that, the last one that fits again.
pub(super) struct CaseLookUps {
    answers: Vec<Answer>,
    asked: Mutex<Asked>,
}

#[derive(Default)]
struct Asked {
    used: BTreeSet<usize>,
    missing: Vec<String>,
}

struct Answer {
    request: RequestFile,
    body: Option<Vec<u8>>,
    result: Result<Response, HttpError>,
}

impl Answer {
    /// A field that the case does not give matches anything.
    fn fits(&self, request: &Request) -> bool {
        let has_field = |(name, wanted): (&String, &HeaderFile)| {
            let name = name.to_ascii_lowercase();
            let found: Vec<&String> =
                request.headers.iter().filter(|(known, _)| *known == name).map(|(_, value)| value).collect();
            match wanted {
                HeaderFile::One(value) => found == [value],
                HeaderFile::Several(values) => found.into_iter().eq(values),
            }
        };
        let wanted = &self.request;
        let same_body =
            |wanted: &Vec<u8>| request.body.as_ref().is_some_and(|body| bytes::shown(body) == bytes::shown(wanted));
        wanted.method == request.method
            && wanted.url == request.url
            && wanted.auth.as_ref().is_none_or(|auth| request.auth.as_ref() == Some(auth))
            && wanted.timeout_ms.is_none_or(|ms| request.timeout_ms == Some(ms))
            && wanted.headers.iter().all(has_field)
            && self.body.as_ref().is_none_or(same_body)
    }
}

impl CaseLookUps {
    /// Look-ups without an answer in the case, since the last call.
    pub(super) fn take_missing(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().missing)
    }

    fn answer(&self, request: &Request) -> Result<Response, HttpError> {
        let mut asked = self.asked.lock();
        let all = || self.answers.iter().enumerate().filter(|(_, answer)| answer.fits(request));
        if let Some((index, answer)) =
            all().find(|(index, _)| !asked.used.contains(index)).or_else(|| all().next_back())
        {
            asked.used.insert(index);
            return answer.result.clone();
        }
        let what = format!("{} {}", request.method, request.url);
        asked.missing.push(what.clone());
        Err(HttpError::Unreachable(format!("the case has no answer to {what}: add one under `http`")))
    }
}

impl LookUps for CaseLookUps {
    fn fetch<'a>(&'a self, _: &'a Grants, request: &'a Request) -> BoxFuture<'a, Result<Response, HttpError>> {
        std::future::ready(self.answer(request)).boxed()
    }
}

fn answer(file: &ExchangeFile, index: usize, bytes: &ReadBytes<'_>) -> Result<Answer, CaseError> {
    let place = format!("http[{index}]");
    let result = match file.result(index)? {
        Ok(response) => {
            let field = format!("{place}.response.body");
            let body = response.body.as_ref().map_or(Ok(Vec::new()), |value| bytes(&field, value))?;
            Ok(Response { status: response.status, headers: pairs(&response.headers), body })
        }
        Err(error) => {
            let text = error.message.clone();
            Err(match error.kind {
                ErrorKind::Denied => HttpError::Denied(text),
                ErrorKind::Invalid => HttpError::Invalid(text),
                ErrorKind::Unreachable => HttpError::Unreachable(text),
                ErrorKind::Timeout => HttpError::Timeout(text),
                ErrorKind::ResponseTooLarge => HttpError::ResponseTooLarge(text),
                ErrorKind::Unavailable => HttpError::Unavailable(error.unavailable_ms()),
                ErrorKind::LimitExceeded => HttpError::LimitExceeded(text),
            })
        }
    };
    let field = format!("{place}.request.body");
    let body = file.request.body.as_ref().map(|value| bytes(&field, value)).transpose()?;
    Ok(Answer { request: file.request.clone(), body, result })
}
