//! Postal addresses: the form in which two notations of one address are equal. It does not geocode or correct.

use serde::{Deserialize, Serialize};

use super::fold::fold;

/// A postal address in normal form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// House number, street and unit, folded and abbreviated (`12 n main st apt 4`). Empty if unknown.
    pub street: String,
    /// Five-digit ZIP code, or another country's code in upper case without spaces. Empty if unknown.
    pub zip: String,
}

impl Address {
    /// None if neither street nor postal code is usable.
    pub fn read(street_lines: &[String], apartment: Option<&str>, postal_code: Option<&str>) -> Option<Self> {
        let mut words: Vec<String> = Vec::new();
        for line in street_lines.iter().take(4).map(String::as_str) {
            words.extend(
                fold(&line.replace('#', " apt "))
                    .split(' ')
                    .filter(|w| !w.is_empty())
                    .map(|w| abbreviate(w).to_owned()),
            );
        }
        if let Some(unit) = apartment.map(|unit| fold(&unit.replace('#', " "))).filter(|unit| !unit.is_empty()) {
            let unit: Vec<&str> = unit.split(' ').map(abbreviate).filter(|word| *word != "apt").collect();
            if !words.ends_with(&unit.iter().map(|&w| w.to_owned()).collect::<Vec<_>>()) {
                words.push("apt".to_owned());
                words.extend(unit.into_iter().map(str::to_owned));
            }
        }
        words.dedup();
        let mut street = words.join(" ");
        if !street.chars().any(|c| c.is_ascii_digit()) {
            street.clear(); // Without a house number it is a street, not an address.
        }
        let zip = zip(postal_code.unwrap_or_default());
        (!street.is_empty() || !zip.is_empty()).then_some(Self { street, zip })
    }

    /// The whole address as one key, if it is complete enough to identify a home.
    pub fn key(&self) -> Option<String> {
        (!self.street.is_empty() && !self.zip.is_empty()).then(|| format!("{}|{}", self.street, self.zip))
    }
}

fn zip(text: &str) -> String {
    let code: String =
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).take(10).collect();
    let code = match code.len() {
        5 | 9 if code.bytes().all(|b| b.is_ascii_digit()) => code.get(..5).unwrap_or_default().to_owned(),
        _ => code,
    };
    let filler = code.bytes().all(|b| b == b'0') || code.bytes().all(|b| b == b'9');
    if code.len() < 3 || filler { String::new() } else { code }
}

/// The postal abbreviation of a word (USPS Publication 28, the frequent ones), or the word itself.
fn abbreviate(word: &str) -> &str {
    match word {
        "street" | "str" => "st",
        "avenue" | "av" => "ave",
        "road" => "rd",
        "drive" | "drv" => "dr",
        "lane" => "ln",
        "court" => "ct",
        "boulevard" | "boul" => "blvd",
        "place" => "pl",
        "terrace" => "ter",
        "circle" => "cir",
        "parkway" => "pkwy",
        "highway" => "hwy",
        "square" => "sq",
        "trail" => "trl",
        "north" => "n",
        "south" => "s",
        "east" => "e",
        "west" => "w",
        "northeast" => "ne",
        "northwest" => "nw",
        "southeast" => "se",
        "southwest" => "sw",
        "apartment" | "unit" | "suite" | "ste" | "no" => "apt",
        "first" => "1st",
        "second" => "2nd",
        "third" => "3rd",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    fn key(street: &str, unit: Option<&str>, zip: &str) -> Option<String> {
        Address::read(&[street.to_owned()], unit, Some(zip)).and_then(|address| address.key())
    }

    #[test]
    fn notations_of_one_address_are_equal() {
        let expected = Some("12 n main st apt 4|60601".to_owned());
        assert_eq!(key("12 North Main Street, Apartment 4", None, "60601-1234"), expected);
        assert_eq!(key("12 N. Main St. #4", None, "60601"), expected);
        assert_eq!(key("12 N Main St", Some("Apt 4"), " 60601"), expected);
        assert_eq!(key("12 N Main St Unit 4", Some("4"), "60601"), expected);
    }

    #[test]
    fn different_units_are_different_homes() {
        assert_ne!(key("12 N Main St", Some("4"), "60601"), key("12 N Main St", Some("5"), "60601"));
        assert_eq!(key("Main Street", None, "60601"), None);
        assert_eq!(key("12 Main St", None, "00000"), None);
    }
}
