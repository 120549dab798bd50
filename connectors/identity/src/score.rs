//! How strongly two sets of facts indicate the same person: log-likelihood weights after Fellegi and Sunter (1969). It
//! decides nothing.
//!
//! Each outcome of a comparison has a probability `m` for the same person and `u` for two strangers; its weight is
//! `log2(m / u)`. The probabilities are estimates for the customers of one rooftop, not trained on a dealer's data: the
//! thresholds allow for that.

use crate::{
    facts::Facts,
    normal::name::{Likeness, Name},
};

/// The result of comparing two sets of facts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// Sum of the weights, rounded to hundredths.
    pub score: f64,
    /// They share a phone number that is an identity key.
    pub phone: bool,
    /// They share an e-mail address (or mailbox) that is an identity key.
    pub email: bool,
    /// They share a complete address.
    pub address: bool,
    /// One person could have both names.
    pub name_compatible: bool,
    /// Same surname, clearly a different given name.
    pub relative: bool,
    /// Both have at least a given name or a surname.
    pub names_known: bool,
    /// The result of each comparison, for people.
    pub reasons: Vec<String>,
}

/// The probability of an outcome for the same person (`m`) and for two strangers (`u`).
struct Chance {
    m: f64,
    u: f64,
}

impl Chance {
    fn weight(&self) -> f64 {
        (self.m / self.u).log2()
    }
}

const GIVEN_SAME: Chance = Chance { m: 0.85, u: 0.02 };
const GIVEN_CLOSE: Chance = Chance { m: 0.08, u: 0.01 };
const GIVEN_INITIAL: Chance = Chance { m: 0.04, u: 0.04 };
const GIVEN_DIFFERENT: Chance = Chance { m: 0.03, u: 0.93 };
const SURNAME_SAME: Chance = Chance { m: 0.90, u: 0.005 };
const SURNAME_CLOSE: Chance = Chance { m: 0.07, u: 0.005 };
const SURNAME_DIFFERENT: Chance = Chance { m: 0.03, u: 0.99 };
const SUFFIX_CONFLICT: Chance = Chance { m: 0.01, u: 0.6 };
const PHONE_SAME: Chance = Chance { m: 0.6, u: 0.000_5 };
const PHONE_DIFFERENT: Chance = Chance { m: 0.4, u: 0.999_5 };
const EMAIL_SAME: Chance = Chance { m: 0.6, u: 0.000_2 };
const EMAIL_DIFFERENT: Chance = Chance { m: 0.4, u: 0.999_8 };
const ADDRESS_SAME: Chance = Chance { m: 0.7, u: 0.002 };
const ZIP_SAME: Chance = Chance { m: 0.8, u: 0.05 };
const ZIP_SAME_STREET_DIFFERENT: Chance = Chance { m: 0.1, u: 0.05 };
const ZIP_DIFFERENT: Chance = Chance { m: 0.2, u: 0.94 };

/// Compares new facts with known ones. `is_key` says whether a shared phone number or address still identifies
/// somebody: one that several strangers share does not.
pub fn compare(new: &Facts, known: &Facts, is_key: &dyn Fn(&str) -> bool) -> Comparison {
    let mut sheet = Comparison::default();
    compare_names(&mut sheet, new, known);
    compare_keys(&mut sheet, new, known, is_key);
    compare_addresses(&mut sheet, new, known);
    sheet.score = (sheet.score * 100.0).round() / 100.0;
    sheet
}

impl Comparison {
    fn add(&mut self, what: &str, chance: &Chance) {
        let weight = chance.weight();
        self.score += weight;
        self.reasons.push(format!("{what} ({weight:+.1})"));
    }
}

fn compare_names(sheet: &mut Comparison, new: &Facts, known: &Facts) {
    // The known person may have several name variants: the best pair counts.
    let pairs = new.names.iter().flat_map(|left| known.names.iter().map(move |right| (left, right)));
    let best = pairs.map(|(left, right)| (left, right, name_weight(left, right))).max_by(|a, b| a.2.total_cmp(&b.2));
    let Some((left, right, _)) = best else {
        sheet.name_compatible = true;
        sheet.reasons.push("a name is missing (+0.0)".to_owned());
        return;
    };
    sheet.names_known = true;
    sheet.name_compatible = left.is_compatible(right);
    sheet.relative = left.is_relative(right);
    for (what, chance) in name_chances(left, right) {
        sheet.add(what, &chance);
    }
}

fn name_weight(left: &Name, right: &Name) -> f64 {
    name_chances(left, right).iter().map(|(_, chance)| chance.weight()).sum()
}

fn name_chances(left: &Name, right: &Name) -> Vec<(&'static str, Chance)> {
    if left.is_swapped(right) {
        return vec![
            ("given name and surname are swapped", GIVEN_SAME),
            ("surname and given name are swapped", SURNAME_CLOSE),
        ];
    }
    let mut chances = Vec::new();
    match left.given_likeness(right) {
        Likeness::Same => chances.push(("given name is the same or a short form", GIVEN_SAME)),
        Likeness::Close => chances.push(("given name is a spelling variant", GIVEN_CLOSE)),
        Likeness::Initial => chances.push(("given name is an initial", GIVEN_INITIAL)),
        Likeness::Different => chances.push(("given name differs", GIVEN_DIFFERENT)),
        Likeness::Missing => {}
    }
    match left.surname_likeness(right) {
        Likeness::Same => chances.push(("surname is the same", SURNAME_SAME)),
        Likeness::Close => chances.push(("surname is a spelling variant", SURNAME_CLOSE)),
        Likeness::Different => chances.push(("surname differs", SURNAME_DIFFERENT)),
        Likeness::Initial | Likeness::Missing => {}
    }
    if left.suffix_conflicts(right) {
        chances.push(("junior and senior", SUFFIX_CONFLICT));
    }
    chances
}

fn compare_keys(sheet: &mut Comparison, new: &Facts, known: &Facts, is_key: &dyn Fn(&str) -> bool) {
    let shared_phone = new.phones.iter().find(|phone| known.phones.contains(phone));
    match shared_phone {
        Some(phone) if is_key(phone) => {
            sheet.phone = true;
            sheet.add("phone number is the same", &PHONE_SAME);
        }
        Some(_) => sheet.reasons.push("the phone number is shared by strangers: not counted".to_owned()),
        None if !new.phones.is_empty() && !known.phones.is_empty() => {
            sheet.add("phone number differs", &PHONE_DIFFERENT)
        }
        None => {}
    }
    let shared_email = new.emails.iter().find(|email| known.emails.contains(email));
    let shared_mailbox = new.mailboxes().find(|mailbox| known.mailboxes().any(|other| other == *mailbox));
    match (shared_email, shared_mailbox) {
        (Some(email), _) if is_key(email) => {
            sheet.email = true;
            sheet.add("e-mail address is the same", &EMAIL_SAME);
        }
        (None, Some(mailbox)) if is_key(mailbox) => {
            sheet.email = true;
            sheet.add("e-mail reaches the same mailbox", &EMAIL_SAME);
        }
        (None, None) if !new.emails.is_empty() && !known.emails.is_empty() => {
            sheet.add("e-mail address differs", &EMAIL_DIFFERENT)
        }
        (None, None) => {}
        _ => sheet.reasons.push("the e-mail address is shared by strangers: not counted".to_owned()),
    }
}

fn compare_addresses(sheet: &mut Comparison, new: &Facts, known: &Facts) {
    if new.addresses.is_empty() || known.addresses.is_empty() {
        return;
    }
    let key = |facts: &Facts| facts.addresses.iter().filter_map(|a| a.key()).collect::<Vec<_>>();
    let zips =
        |facts: &Facts| facts.addresses.iter().map(|a| a.zip.clone()).filter(|zip| !zip.is_empty()).collect::<Vec<_>>();
    let (new_keys, known_keys) = (key(new), key(known));
    if new_keys.iter().any(|key| known_keys.contains(key)) {
        sheet.address = true;
        return sheet.add("address is the same", &ADDRESS_SAME);
    }
    let (new_zips, known_zips) = (zips(new), zips(known));
    if new_zips.is_empty() || known_zips.is_empty() {
        return;
    }
    if !new_zips.iter().any(|zip| known_zips.contains(zip)) {
        sheet.add("postal code differs", &ZIP_DIFFERENT);
    } else if new_keys.is_empty() || known_keys.is_empty() {
        sheet.add("postal code is the same", &ZIP_SAME);
    } else {
        sheet.add("postal code is the same, street differs", &ZIP_SAME_STREET_DIFFERENT);
    }
}
