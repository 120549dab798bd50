//! Identity: determines the customer of a lead, a sale or a consent. It maintains the book of customers and nothing
//! else: it makes no network requests, and it never deletes a record.
//!
//! # Layout
//! `input` (incoming events) → `facts` over `normal` (normal forms) → `find` (candidates) → `score` → `decide` →
//! `identify` and `attach` (effects), driven by `lead`, `sale`, `consent` and `merge`. `record` defines the stored
//! values, `book` their keys.

pub mod attach;
pub mod book;
pub mod config;
pub mod consent;
pub mod decide;
pub mod facts;
pub mod find;
pub mod identify;
pub mod input;
pub mod lead;
pub mod merge;
pub mod normal;
pub mod record;
pub mod sale;
pub mod score;

use handoff_sdk::{Connector, Context, Event, Failure};

/// The connector.
pub struct Identity;

impl Connector for Identity {
    type Config = config::Config;

    fn handle(cx: &Context<'_, Self::Config>, event: &Event) -> Result<(), Failure> {
        match event.type_name.as_str() {
            "com.handoff.lead.received.v1" => lead::receive(cx, event),
            "com.handoff.sale.closed.v1" => sale::close(cx, event),
            "com.handoff.consent.changed.v1" => consent::change(cx, event),
            "com.handoff.identity.merge.v1" => merge::order(cx, event),
            "com.handoff.identity.unmerge.v1" => merge::undo(cx, event),
            other => Err(cx.unexpected_type(other)),
        }
    }

    fn validate(cx: &Context<'_, Self::Config>) -> Result<(), Failure> {
        cx.config().validate()
    }
}

handoff_sdk::export!(Identity);
