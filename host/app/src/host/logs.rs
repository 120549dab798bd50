//! Lists log messages of connectors.

use crate::error::AppError;
use crate::page::{Names, find_id, page_size};
use crate::shard::Shard;
use handoff_control::host::logs::{LogCursor, LogList, LogQuery, LogView};
use handoff_model::effects::LogLevel;
use handoff_store::LoggedLine;

/// Messages per page if the request gives no limit.
const PAGE: u32 = 100;

impl Shard {
    /// Lists messages after a cursor, or the newest ones. Does not wait for new messages.
    pub fn list_logs(&self, query: &LogQuery) -> Result<LogList, AppError> {
        let installation = find_id(&self.store, query.installation.as_ref())?;
        let from = query.after.map(|cursor| (cursor.segment, cursor.offset));
        let least = query.level.unwrap_or(LogLevel::Debug);
        let page = self.store.logs(from, installation, least, page_size(query.limit, PAGE))?;
        let names = Names::of(&self.store);
        let (segment, offset) = page.next;
        Ok(LogList {
            lines: page.lines.into_iter().map(|line| view(&names, line)).collect(),
            next: LogCursor { segment, offset },
            missed: page.missed,
        })
    }

    /// Whether the log has messages after a cursor.
    #[must_use]
    pub fn has_logged_after(&self, cursor: LogCursor) -> bool {
        self.store.log_end() > (cursor.segment, cursor.offset)
    }
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
