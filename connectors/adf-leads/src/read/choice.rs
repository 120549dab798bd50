//! Attributes with a fixed list of values, and the variants that senders use.

use super::node::{Node, Reading};
use crate::warnings::excerpt;

/// The values of an attribute: those of ADF, and other notations with their meaning.
pub(crate) struct Choice {
    pub(crate) attribute: &'static str,
    pub(crate) values: &'static [&'static str],
    pub(crate) synonyms: &'static [(&'static str, &'static str)],
}

pub(crate) const INTEREST: Choice = Choice {
    attribute: "interest",
    values: &["buy", "lease", "sell", "trade-in", "test-drive"],
    synonyms: &[
        ("trade", "trade-in"),
        ("tradein", "trade-in"),
        ("trade_in", "trade-in"),
        ("trade in", "trade-in"),
        ("testdrive", "test-drive"),
        ("test drive", "test-drive"),
        ("purchase", "buy"),
        ("finance", "buy"),
    ],
};

pub(crate) const VEHICLE_STATUS: Choice = Choice {
    attribute: "status",
    values: &["new", "used"],
    synonyms: &[
        ("n", "new"),
        ("u", "used"),
        ("preowned", "used"),
        ("pre-owned", "used"),
        ("certified", "used"),
        ("cpo", "used"),
    ],
};

pub(crate) const PROSPECT_STATUS: Choice = Choice {
    attribute: "status",
    values: &["new", "resend"],
    synonyms: &[("resent", "resend"), ("update", "resend"), ("updated", "resend"), ("duplicate", "resend")],
};

pub(crate) const PHONE_TYPE: Choice = Choice {
    attribute: "type",
    values: &["voice", "fax", "cellphone", "pager"],
    synonyms: &[
        ("home", "voice"),
        ("work", "voice"),
        ("business", "voice"),
        ("day", "voice"),
        ("evening", "voice"),
        ("phone", "voice"),
        ("office", "voice"),
        ("mobile", "cellphone"),
        ("cell", "cellphone"),
        ("cellular", "cellphone"),
    ],
};

pub(crate) const PHONE_TIME: Choice = Choice {
    attribute: "time",
    values: &["morning", "afternoon", "evening", "nopreference", "day"],
    synonyms: &[("any", "nopreference"), ("anytime", "nopreference"), ("night", "evening")],
};

pub(crate) const PREFERRED_CONTACT: Choice = Choice {
    attribute: "preferredcontact",
    values: &["0", "1"],
    synonyms: &[("true", "1"), ("yes", "1"), ("y", "1"), ("false", "0"), ("no", "0"), ("n", "0")],
};

pub(crate) const NAME_TYPE: Choice = Choice {
    attribute: "type",
    values: &["individual", "business"],
    synonyms: &[("person", "individual"), ("company", "business")],
};

pub(crate) const NAME_PART: Choice = Choice {
    attribute: "part",
    values: &["first", "middle", "last", "suffix", "full"],
    synonyms: &[
        ("surname", "last"),
        ("family", "last"),
        ("lastname", "last"),
        ("firstname", "first"),
        ("given", "first"),
    ],
};

pub(crate) const ODOMETER_UNITS: Choice = Choice {
    attribute: "units",
    values: &["km", "mi"],
    synonyms: &[
        ("miles", "mi"),
        ("mile", "mi"),
        ("m", "mi"),
        ("kilometers", "km"),
        ("kilometres", "km"),
        ("kms", "km"),
    ],
};

pub(crate) const ODOMETER_STATUS: Choice =
    Choice { attribute: "status", values: &["unknown", "rolledover", "replaced", "original"], synonyms: &[] };

pub(crate) const PRICE_TYPE: Choice = Choice {
    attribute: "type",
    values: &["quote", "offer", "msrp", "invoice", "call", "appraisal", "asking"],
    synonyms: &[("list", "msrp"), ("internet", "quote"), ("selling", "asking")],
};

pub(crate) const PRICE_DELTA: Choice =
    Choice { attribute: "delta", values: &["absolute", "relative", "percentage"], synonyms: &[] };

pub(crate) const PRICE_RELATIVE_TO: Choice =
    Choice { attribute: "relativeto", values: &["msrp", "invoice"], synonyms: &[] };

pub(crate) const AMOUNT_TYPE: Choice = Choice {
    attribute: "type",
    values: &["downpayment", "monthly", "total"],
    synonyms: &[("down", "downpayment"), ("down-payment", "downpayment"), ("payment", "monthly")],
};

pub(crate) const AMOUNT_LIMIT: Choice = Choice {
    attribute: "limit",
    values: &["maximum", "minimum", "exact"],
    synonyms: &[("max", "maximum"), ("min", "minimum")],
};

pub(crate) const BALANCE_TYPE: Choice = Choice { attribute: "type", values: &["finance", "residual"], synonyms: &[] };

impl Reading<'_> {
    /// The attribute's value; `None` if absent, or unknown (which is warned about).
    pub(crate) fn choice(&mut self, node: &Node<'_>, choice: &Choice) -> Option<&'static str> {
        let written = node.attribute(choice.attribute)?;
        let lower = written.to_lowercase();
        if let Some(value) = choice.values.iter().find(|value| **value == lower) {
            if *value != written {
                let message = format!("`{}` is read as `{value}`; ADF values are lower case", excerpt(written));
                self.warn("attribute-value", node.at(choice.attribute), message);
            }
            return Some(value);
        }
        let synonym = choice.synonyms.iter().find(|(other, _)| *other == lower);
        let message = match synonym {
            Some((_, value)) => format!("`{}` is read as `{value}`", excerpt(written)),
            None => format!("`{}` is not one of {}", excerpt(written), choice.values.join(", ")),
        };
        self.warn("attribute-value", node.at(choice.attribute), message);
        synonym.map(|(_, value)| *value)
    }
}
