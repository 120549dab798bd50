//! Precision and recall on generated people with typing errors. The README states the numbers; this test checks them.

use serde_json::{Value, json};

use crate::book::{Book, id, living_at, person};

const FIRST: [&str; 24] = [
    "James",
    "Mary",
    "Robert",
    "Patricia",
    "John",
    "Jennifer",
    "Michael",
    "Linda",
    "David",
    "Elizabeth",
    "William",
    "Barbara",
    "Richard",
    "Susan",
    "Joseph",
    "Jessica",
    "Thomas",
    "Karen",
    "Daniel",
    "Danielle",
    "Anthony",
    "Maria",
    "Steven",
    "Ana",
];
const LAST: [&str; 24] = [
    "Smith",
    "Johnson",
    "Williams",
    "Brown",
    "Jones",
    "Garcia",
    "Miller",
    "Davis",
    "Rodriguez",
    "Martinez",
    "Hernandez",
    "Lopez",
    "Gonzalez",
    "Wilson",
    "Anderson",
    "Thomas",
    "Taylor",
    "Moore",
    "Jackson",
    "Martin",
    "Lee",
    "Perez",
    "Thompson",
    "White",
];

/// A small generator (Knuth's MMIX constants): the same people on every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    /// Swaps, drops, doubles or replaces one letter after the first.
    fn typo(&mut self, word: &str) -> String {
        let mut letters: Vec<char> = word.chars().collect();
        let at = 1 + self.below(letters.len() - 1);
        match self.below(4) {
            0 if at + 1 < letters.len() => letters.swap(at, at + 1),
            1 if letters.len() > 3 => drop(letters.remove(at)),
            2 => letters.insert(at, letters[at]),
            _ => letters[at] = char::from(b'a' + u8::try_from(self.below(26)).unwrap()),
        }
        letters.into_iter().collect()
    }
}

/// A household of one or two people, each with leads that differ: typing errors, a missing phone or e-mail, an
/// abbreviated street.
fn leads(dice: &mut Dice) -> Vec<(usize, Value)> {
    let mut leads = Vec::new();
    let mut people = 0;
    for home in 0..150_usize {
        let last = LAST[dice.below(24)];
        let landline = format!("312-{}-{:04}", 420 + home % 300, 1000 + home * 7);
        let (street, zip) = (
            format!("{} {} Street", 10 + home, ["Oak", "Elm", "Lake"][dice.below(3)]),
            ["60601", "60602", "60614"][dice.below(3)],
        );
        for member in 0..=dice.below(2) {
            people += 1;
            let first = FIRST[(dice.below(12) * 2 + member) % 24];
            let mobile = format!("773-{}-{:04}", 420 + people % 300, 2000 + people * 3);
            let email = format!("{}.{}{people}@yahoo.com", first.to_lowercase(), last.to_lowercase());
            for visit in 0..=dice.below(3) {
                let typed_first = if visit > 0 && dice.below(3) == 0 { dice.typo(first) } else { first.to_owned() };
                let typed_last = if visit > 0 && dice.below(3) == 0 { dice.typo(last) } else { last.to_owned() };
                let phone = [mobile.as_str(), mobile.as_str(), landline.as_str(), ""][dice.below(4)];
                let mail = if dice.below(3) > 0 { email.as_str() } else { "" };
                let mut customer = person(&typed_first, &typed_last, phone, mail);
                if dice.below(2) == 0 {
                    customer = living_at(
                        customer,
                        &if dice.below(2) == 0 { street.replace("Street", "St.") } else { street.clone() },
                        zip,
                    );
                }
                leads.push((people, customer));
            }
        }
    }
    for index in (1..leads.len()).rev() {
        leads.swap(index, dice.below(index + 1));
    }
    leads
}

#[test]
fn precision_and_recall_match_the_readme() {
    let mut book = Book::with(json!({}));
    let leads = leads(&mut Dice(7));
    let mut reviews = 0;
    for (number, (_, customer)) in leads.iter().enumerate() {
        let identity = book.lead(&format!("L{number}"), customer.clone());
        reviews += usize::from(identity["decision"] == "review");
    }
    // The customer of each lead at the end: a later lead may have merged two customers.
    let found: Vec<String> = (0..leads.len())
        .map(|number| id(&book.full_lead(&json!({"leadId": format!("L{number}"), "customer": {}}))))
        .collect();
    let (mut same_right, mut same_wrong, mut missed, mut missed_with_key) = (0_u32, 0_u32, 0_u32, 0_u32);
    for left in 0..leads.len() {
        for right in 0..left {
            match (leads[left].0 == leads[right].0, found[left] == found[right]) {
                (true, true) => same_right += 1,
                (false, true) => same_wrong += 1,
                (true, false) => {
                    missed += 1;
                    missed_with_key += u32::from(share_a_key(&leads[left].1, &leads[right].1));
                }
                (false, false) => {}
            }
        }
    }
    let precision = f64::from(same_right) / f64::from(same_right + same_wrong);
    let recall = f64::from(same_right) / f64::from(same_right + missed);
    let report = format!(
        "leads {} pairs {} precision {precision:.3} recall {recall:.3} reviews {reviews} missed {missed}, with a shared key {missed_with_key}",
        leads.len(),
        same_right + missed
    );
    println!("{report}");
    assert!(precision >= 0.99 && recall >= 0.65 && missed_with_key <= 24, "{report}");
}

/// Both leads of a pair have one phone number, e-mail address or house number in common.
fn share_a_key(left: &Value, right: &Value) -> bool {
    ["phones", "emails"].iter().any(|field| left.get(field).is_some() && left.get(field) == right.get(field))
        || (left.get("address").is_some() && right.get("address").is_some())
}
