//! `adf-leads`: ADF/XML 1.0 and lead mails in, one canonical lead event per prospect out.
//!
//! Reading goes one way: `intake` (bytes to elements, with `xml`) → `read` (elements to leads) → `ledger` (new, changed
//! or known) → `handler` (events out). Only `handler` and `ledger` know the SDK; everything before is pure.
//!
//! **Invariant:** nothing is fetched and no entity is expanded but the five predefined ones and numbers.
//! **Invariant:** work is linear in the size of the input, and depth, elements, parts and prospects are bounded.

pub mod config;
pub mod dates;
pub mod handler;
pub mod intake;
pub mod lead;
pub mod lead_id;
pub mod ledger;
pub mod read;
pub mod refusal;
pub mod vin;
pub mod warnings;
pub mod xml;

pub use handler::AdfLeads;

handoff_sdk::export!(AdfLeads);
