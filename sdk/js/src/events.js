// Generated from sdk/schemas/events; do not edit.
// Types of events. The shapes of their data are in ../events.d.ts.

export const CALL_CLOSED = "com.handoff.call.closed.v1";
export const CALL_DUE = "com.handoff.call.due.v1";
export const CALL_ESCALATED = "com.handoff.call.escalated.v1";
export const CALL_LISTED = "com.handoff.call.listed.v1";
export const CALL_REFUSED = "com.handoff.call.refused.v1";
export const CONSENT_CHANGED = "com.handoff.consent.changed.v1";
export const CUSTOMER_MERGED = "com.handoff.customer.merged.v1";
export const CUSTOMER_UNMERGED = "com.handoff.customer.unmerged.v1";
export const FILE_DROPPED = "com.handoff.file.dropped.v1";
export const HOOK_RECEIVED = "com.handoff.hook.received.v1";
export const IDENTITY_MERGE = "com.handoff.identity.merge.v1";
export const IDENTITY_UNMERGE = "com.handoff.identity.unmerge.v1";
export const LEAD_IDENTIFIED = "com.handoff.lead.identified.v1";
export const LEAD_RECEIVED = "com.handoff.lead.received.v1";
export const OUTBOX_ANSWERED = "com.handoff.outbox.answered.v1";
export const SALE_CLOSED = "com.handoff.sale.closed.v1";
export const SCHEDULE_TICKED = "com.handoff.schedule.ticked.v1";
