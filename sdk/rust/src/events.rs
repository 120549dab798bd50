//! The events of the host and of the reference connectors: their types and the shapes of their data. Generated from
//! `sdk/schemas/events`; do not edit.
//!
//! A newer sender may add fields and values: unknown fields are ignored, and an unknown value of an enum is `Other`. Absent
//! fields are `None` or an empty list.
//!
//! ```
//! use handoff_sdk::events::{LEAD_RECEIVED, Lead};
//! use handoff_sdk::{Event, Failure};
//!
//! fn make(event: &Event) -> Result<Option<String>, Failure> {
//!     if event.type_name != LEAD_RECEIVED {
//!         return Ok(None);
//!     }
//!     let lead: Lead = event.json()?;
//!     Ok(lead.vehicles.into_iter().next().and_then(|vehicle| vehicle.make))
//! }
//! ```

mod call_closed;
mod call_due;
mod call_escalated;
mod call_listed;
mod call_refused;
mod consent_changed;
mod contact;
mod customer_merged;
mod customer_unmerged;
mod identity_merge;
mod identity_unmerge;
mod lead_identified;
mod lead_received;
mod outbox_answered;
mod sale_closed;
mod schedule_ticked;

pub use call_closed::{CallClosed, CallEnd};
pub use call_due::CallDue;
pub use call_escalated::CallEscalated;
pub use call_listed::CallListed;
pub use call_refused::{CallOperation, CallRefused};
pub use consent_changed::{ConsentChanged, ConsentChannel};
pub use contact::{ContactChannel, EmailAddress, NameKind, PersonName, PhoneKind, PhoneNumber, PostalAddress};
pub use customer_merged::{CustomerMerged, MergedOptOuts, SurvivingField};
pub use customer_unmerged::{CustomerUnmerged, UnmergedOptOuts};
pub use identity_merge::IdentityMerge;
pub use identity_unmerge::IdentityUnmerge;
pub use lead_identified::{
    CustomerVehicle, Identity, IdentityCandidate, IdentityDecision, LeadIdentified, OptOut, OwnershipPeriod,
    VehicleRole,
};
pub use lead_received::{
    Finance, FinanceAmount, FinanceKind, FinanceLimit, Lead, LeadCustomer, LeadProvider, LeadReference, LeadStatus,
    LeadTimeframe, LeadVehicle, LeadVendor, LeadWarning, Odometer, OdometerUnits, PriceDelta, PriceKind, VehicleColors,
    VehicleCondition, VehicleInterest, VehiclePrice, VinCheck,
};
pub use outbox_answered::{OutboxAnswered, OutboxOutcome};
pub use sale_closed::{SaleClosed, SaleCustomer, SaleEmail, SalePhone};
pub use schedule_ticked::ScheduleTicked;

/// A person has contacted the customer, or the lead is not on the list any more. Data: [`CallClosed`].
pub const CALL_CLOSED: &str = "com.handoff.call.closed.v1";

/// A timer of bdc-list: the next level of escalation is due. Data: [`CallDue`].
pub const CALL_DUE: &str = "com.handoff.call.due.v1";

/// A customer was not contacted in time. Data: [`CallEscalated`].
pub const CALL_ESCALATED: &str = "com.handoff.call.escalated.v1";

/// The CRM has taken a lead into its call list. Data: [`CallListed`].
pub const CALL_LISTED: &str = "com.handoff.call.listed.v1";

/// The CRM refused a request. The lead is not lost: the clock continues. Data: [`CallRefused`].
pub const CALL_REFUSED: &str = "com.handoff.call.refused.v1";

/// A person allowed or forbade a channel. At least one of `customerId`, `phone` and `email` says whom it is about.
/// Data: [`ConsentChanged`].
pub const CONSENT_CHANGED: &str = "com.handoff.consent.changed.v1";

/// Two customers are one person, by a person's decision or by the evidence of a lead. Data: [`CustomerMerged`].
pub const CUSTOMER_MERGED: &str = "com.handoff.customer.merged.v1";

/// A merge was wrong and is undone: both customers are restored. Data: [`CustomerUnmerged`].
pub const CUSTOMER_UNMERGED: &str = "com.handoff.customer.unmerged.v1";

/// A file that another system put into a watched folder, with its content. The settings name the folder in
/// `[[folders]]`. Data: bytes.
pub const FILE_DROPPED: &str = "com.handoff.file.dropped.v1";

/// A webhook that the host verified, with its body as it was sent. Its connector needs `[hook]` in the manifest,
/// its installation `[hook]` in the settings. Data: bytes.
pub const HOOK_RECEIVED: &str = "com.handoff.hook.received.v1";

/// An order of a person: these two customers are the same person. Data: [`IdentityMerge`].
pub const IDENTITY_MERGE: &str = "com.handoff.identity.merge.v1";

/// An order of a person: this merge was wrong. Data: [`IdentityUnmerge`].
pub const IDENTITY_UNMERGE: &str = "com.handoff.identity.unmerge.v1";

/// A lead with its customer. `lead` is the data of com.handoff.lead.received.v1 as it was received. Data:
/// [`LeadIdentified`].
pub const LEAD_IDENTIFIED: &str = "com.handoff.lead.identified.v1";

/// A lead from a web site, a manufacturer or a lead service. A changed or repeated lead is emitted again with a
/// higher `revision`. Data: [`Lead`].
pub const LEAD_RECEIVED: &str = "com.handoff.lead.received.v1";

/// The outcome of an outbox request that was sent with `answer`: the target's response, or why the host gave up.
/// Data: [`OutboxAnswered`].
pub const OUTBOX_ANSWERED: &str = "com.handoff.outbox.answered.v1";

/// A car has a new owner. The same car at the same time is the same sale. Data: [`SaleClosed`].
pub const SALE_CLOSED: &str = "com.handoff.sale.closed.v1";

/// A schedule of the settings (`[[schedules]]`) is due. Of ticks that were missed while the host was down, only the
/// latest is delivered. Data: [`ScheduleTicked`].
pub const SCHEDULE_TICKED: &str = "com.handoff.schedule.ticked.v1";
