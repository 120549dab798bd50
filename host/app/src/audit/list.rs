//! Lists the audit log.

use super::entries::{each, head, view};
use crate::error::AppError;
use crate::page::{PAGE, page_size};
use crate::shard::Shard;
use handoff_control::audit::{AuditList, AuditQuery};
use handoff_store::AuditEntry;

impl Shard {
    /// Lists audit entries: those after a number, or the newest ones.
    pub fn list_audit(&self, query: &AuditQuery) -> Result<AuditList, AppError> {
        let most = page_size(query.limit, PAGE);
        let wanted = |entry: &AuditEntry| {
            query.installation.as_deref().is_none_or(|name| entry.subject.split(' ').any(|subject| subject == name))
                && query.rooftop.as_ref().is_none_or(|wanted| entry.scopes.contains(wanted))
        };
        let mut found = std::collections::VecDeque::new();
        let mut more = false;
        each(&self.store, query.after.unwrap_or(0), |entry| {
            if !wanted(&entry) {
                return true;
            }
            if found.len() == most {
                if query.after.is_some() {
                    more = true;
                    return false;
                }
                // The query asks for the newest entries.
                found.pop_front();
            }
            found.push_back(entry);
            true
        })?;
        Ok(AuditList { entries: found.iter().map(view).collect(), more, head: head(&self.store) })
    }
}
