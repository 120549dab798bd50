//! What a field's name says about its value.

use crate::Rules;

/// What a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    /// Technical or public: passed, unless its form is personal.
    Keep,
    /// A person demands that it passes.
    KeepAlways,
    /// A person demands that it is masked.
    Mask,
    /// A telephone number in any form.
    Phone,
    /// A VIN.
    Vin,
    /// Names and addresses: word by word.
    Words,
    /// Free text.
    Text,
    /// Digits that say who somebody is, or about somebody's life: masked also as numbers.
    Digits,
    /// A number that composes ids.
    Id,
    /// Nothing.
    None,
}

/// Names whose values are passed, in lower case without separators.
const KEEP: [&str; 42] = [
    "contenttype",
    "country",
    "countrycode",
    "currency",
    "currencycode",
    "datacontenttype",
    "dataschema",
    "digest",
    "doors",
    "drivetrain",
    "encoding",
    "fueltype",
    "interest",
    "kind",
    "lang",
    "language",
    "locale",
    "make",
    "mediatype",
    "method",
    "model",
    "modelyear",
    "odometerunit",
    "part",
    "package",
    "preferredcontact",
    "schema",
    "sequence",
    "specversion",
    "state",
    "timezone",
    "transmission",
    "trim",
    "type",
    "typename",
    "unit",
    "units",
    "vehicletype",
    "version",
    "year",
    "zone",
    "$schema",
];
/// Parts of names, and what they say. The first that fits decides.
const PARTS: [(&str, Hint); 45] = [
    ("vin", Hint::Vin),
    ("phone", Hint::Phone),
    ("mobile", Hint::Phone),
    ("telefon", Hint::Phone),
    ("cellular", Hint::Phone),
    ("fax", Hint::Phone),
    ("comment", Hint::Text),
    ("note", Hint::Text),
    ("remark", Hint::Text),
    ("description", Hint::Text),
    ("message", Hint::Text),
    ("complaint", Hint::Text),
    ("summary", Hint::Text),
    ("ssn", Hint::Digits),
    ("socialsecurity", Hint::Digits),
    ("account", Hint::Digits),
    ("routing", Hint::Digits),
    ("iban", Hint::Digits),
    ("card", Hint::Digits),
    ("license", Hint::Digits),
    ("licence", Hint::Digits),
    ("passport", Hint::Digits),
    ("zip", Hint::Digits),
    ("postal", Hint::Digits),
    ("postcode", Hint::Digits),
    ("latitude", Hint::Digits),
    ("longitude", Hint::Digits),
    ("birth", Hint::Digits),
    ("income", Hint::Digits),
    ("salary", Hint::Digits),
    ("creditscore", Hint::Digits),
    ("plate", Hint::Digits),
    ("taxid", Hint::Digits),
    ("address", Hint::Words),
    ("street", Hint::Words),
    ("city", Hint::Words),
    ("town", Hint::Words),
    ("county", Hint::Words),
    ("name", Hint::Words),
    ("customer", Hint::Words),
    ("contact", Hint::Words),
    ("owner", Hint::Words),
    ("advisor", Hint::Words),
    ("salesperson", Hint::Words),
    ("technician", Hint::Words),
];
/// Short names, which are parts of other words, too.
const WHOLE: [(&str, Hint); 12] = [
    ("tel", Hint::Phone),
    ("cell", Hint::Phone),
    ("sms", Hint::Phone),
    ("dob", Hint::Digits),
    ("age", Hint::Digits),
    ("lat", Hint::Digits),
    ("lon", Hint::Digits),
    ("lng", Hint::Digits),
    ("pin", Hint::Digits),
    ("text", Hint::Text),
    ("body", Hint::Text),
    ("id", Hint::Id),
];

/// What the last name of a path says.
pub(crate) fn hint(path: &[String], rules: &Rules) -> Hint {
    if rules.keep.iter().any(|rule| fits(rule, path)) {
        return Hint::KeepAlways;
    }
    if rules.mask.iter().any(|rule| fits(rule, path)) {
        return Hint::Mask;
    }
    let Some(name) = path.iter().rev().find(|name| !name.is_empty()) else { return Hint::None };
    let name: String =
        name.chars().filter(|letter| letter.is_alphanumeric() || *letter == '$').flat_map(char::to_lowercase).collect();
    if KEEP.contains(&name.as_str()) {
        return Hint::Keep;
    }
    let whole = WHOLE.iter().find(|(known, _)| *known == name);
    let part = || PARTS.iter().find(|(known, _)| name.contains(known));
    whole.or_else(part).map_or(Hint::None, |(_, hint)| *hint)
}

/// Whether a rule names the end of a path. Positions in arrays have no name.
fn fits(rule: &str, path: &[String]) -> bool {
    let mut names = path.iter().rev().filter(|name| !name.is_empty());
    rule.split('.').rev().all(|part| names.next().is_some_and(|name| name.eq_ignore_ascii_case(part)))
}
