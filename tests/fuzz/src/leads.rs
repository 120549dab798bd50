//! Documents and mails with leads: any bytes give leads or a refusal, both of limited size, and the normal form of a
//! lead is stable.

use adf_leads::AdfLeads;
use adf_leads::config::Config;
use adf_leads::dates::{FixedOffset, read_moment};
use adf_leads::intake::{self, Origin};
use adf_leads::lead::Lead;
use adf_leads::read::{self, Options, Prospects};
use adf_leads::refusal::Refusal;
use adf_leads::vin;
use adf_leads::warnings::{MAX_WARNINGS, WARNING_CODES};
use handoff_sdk::testkit::{Bench, event};
use serde_json::{Value, json};

use crate::{memory, text};

const ZONE: FixedOffset = FixedOffset(-5 * 3600);
const BYTES_MAX: usize = 1 << 20;

/// A document in a webhook, with the media types that affect parsing.
pub fn adf(data: &[u8]) {
    for content_type in [None, Some("text/html"), Some("application/x-www-form-urlencoded")] {
        read(data, content_type);
    }
    deliver(data, "application/xml");
}

/// A mail, and the same bytes as a multipart form.
pub fn mail(data: &[u8]) {
    for content_type in ["message/rfc822", "multipart/form-data; boundary=xyz"] {
        read(data, Some(content_type));
    }
    deliver(data, "message/rfc822");
}

fn read(data: &[u8], content_type: Option<&str>) {
    let open = || -> Result<Prospects, Refusal> {
        let config = Config::default();
        let options = Options { config: &config, zone: &ZONE };
        let documents = intake::open(data, Origin { content_type, file_name: None }, BYTES_MAX)?;
        read::read_documents(&documents, &options)
    };
    match memory::within((4 << 20) + 512 * data.len(), open) {
        Ok(Prospects { good, refused }) => {
            assert!((1..=Config::default().max_prospects).contains(&(good.len() + refused.len())));
            for prospect in &good {
                lead(&prospect.lead, &prospect.path, data.len());
            }
            for bad in &refused {
                assert!(bad.path.starts_with("prospect["), "{}", bad.path);
                refusal(&bad.refusal);
            }
        }
        Err(bad) => refusal(&bad),
    }
}

fn refusal(bad: &Refusal) {
    text::check(&bad.message, 1024);
}

fn lead(lead: &Lead, path: &str, input_bytes: usize) {
    assert!(path.starts_with("prospect["), "{path}");
    assert!(lead.lead_id.len() == 32 && lead.lead_id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", lead.lead_id);
    let json = serde_json::to_string(lead).expect("JSON");
    // A warning has a few hundred bytes, a text at most doubles as JSON, and UTF-8 triples windows-1252.
    let bound = (64 << 10) + 6 * input_bytes;
    assert!(json.len() <= bound, "a lead of {} bytes from {input_bytes}", json.len());
    assert!(lead.warnings.len() <= MAX_WARNINGS + 1, "{} warnings", lead.warnings.len());
    for warning in &lead.warnings {
        assert!(WARNING_CODES.contains(&warning.code), "{}", warning.code);
        assert!(warning.message.len() <= 1024, "{}", warning.message);
    }
    if let Some(date) = &lead.requested_at {
        // A date without a time stays one.
        assert!(date.len() == 10 || date.parse::<handoff_sdk::Timestamp>().is_ok(), "{date}");
        assert_eq!(read_moment(date, &ZONE).map(|date| date.value).as_ref(), Some(date));
    }
    for vehicle in lead.vehicles.iter().chain(&lead.trade_ins) {
        assert_eq!(vin::check(vehicle.vin.as_deref().unwrap_or_default()), vehicle.vin_check, "{vehicle:?}");
        if let Some(price) = &vehicle.price {
            decimal(&price.amount);
        }
    }
    let customer = &lead.customer;
    let by_wire = !customer.emails.is_empty() || !customer.phones.is_empty();
    assert!(customer.name.is_some() || by_wire || customer.address.is_some(), "no contact data: {customer:?}");
}

/// Money is digits with at most one point, so that every reader understands it.
fn decimal(amount: &str) {
    let digits = amount.strip_prefix('-').unwrap_or(amount);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    assert!(all(whole) && all(fraction), "{amount}");
}

/// Through the whole connector: the test kit runs it twice and enforces the contract's limits, and a repeated document
/// emits no lead.
fn deliver(data: &[u8], content_type: &str) {
    let mut bench = Bench::<AdfLeads>::new(json!({}));
    let hook =
        |id: &str| event("com.handoff.hook.received.v1").source("/hooks/x").id(id).bytes(content_type, data).build();
    let first = bench.deliver(&hook("1"));
    let emitted: Vec<Value> = first.emitted_json("com.handoff.lead.received.v1");
    if first.result.is_ok() {
        let again = bench.deliver(&hook("2"));
        again.expect_ok();
        let repeated: Vec<Value> = again.emitted_json("com.handoff.lead.received.v1");
        let resent = String::from_utf8_lossy(data).to_ascii_lowercase().contains("resend");
        assert!(resent || repeated.is_empty() || emitted.len() != 1, "emitted again: {repeated:?}");
    } else {
        assert!(emitted.is_empty(), "a refused document emits nothing");
    }
}
