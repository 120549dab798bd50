//! What connectors log.

use super::{Names, find_id, page_size};
use crate::error::AppError;
use handoff_control::logs::{LogCursor, LogList, LogQuery, LogView};
use handoff_model::effects::LogLevel;
use handoff_store::{LoggedLine, Store};

/// Messages of a page when nobody says how many.
const PAGE: u32 = 100;

/// Messages from a cursor on, or the newest. Waits for nothing.
pub fn logs(store: &Store, query: &LogQuery) -> Result<LogList, AppError> {
    let installation = find_id(store, query.installation.as_ref())?;
    let from = query.after.map(|cursor| (cursor.segment, cursor.offset));
    let least = query.level.unwrap_or(LogLevel::Debug);
    let page = store.logs(from, installation, least, page_size(query.limit, PAGE))?;
    let names = Names::of(store);
    let (segment, offset) = page.next;
    Ok(LogList {
        lines: page.lines.into_iter().map(|line| view(&names, line)).collect(),
        next: LogCursor { segment, offset },
        missed: page.missed,
    })
}

/// Whether anything was written after a cursor: if not, there is no use in looking.
#[must_use]
pub fn is_past(store: &Store, cursor: LogCursor) -> bool {
    store.log_end() > (cursor.segment, cursor.offset)
}

fn view(names: &Names, logged: LoggedLine) -> LogView {
    LogView {
        at: logged.at.into(),
        level: logged.line.level,
        installation: names.get(logged.installation),
        position: Some(logged.position),
        message: logged.line.message,
        fields: logged.line.fields,
    }
}
