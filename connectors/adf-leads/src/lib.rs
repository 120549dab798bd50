//! `adf-leads`: converts ADF/XML 1.0 and lead mails to one canonical lead event per prospect.
//!
//! Processing goes one way: `intake` (bytes to elements, with `xml`) → `read` (elements to leads) → `ledger` (new,
//! changed or known) → `handler` (events). Only `handler` and `ledger` use the SDK; the rest is pure.
//!
//! **Invariant:** nothing is fetched, and no entity is expanded except those of XML and HTML and character references;
//! none of them holds markup or another entity.
//! **Invariant:** work is linear in the size of the input, and depth, elements, parts and prospects are limited.

pub mod config;
pub mod dates;
pub mod handler;
pub mod intake;
pub mod lead;
pub mod lead_id;
pub mod ledger;
pub mod placeholder;
pub mod preferences;
pub mod read;
pub mod refusal;
pub mod vin;
pub mod warnings;
pub mod xml;

pub use handler::AdfLeads;

handoff_sdk::export!(AdfLeads);
