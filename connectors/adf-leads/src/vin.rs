//! Vehicle identification numbers: the check digit of 49 CFR 565.15, and its interpretation.
//!
//! It decodes and changes nothing: a suggestion for a mistyped VIN is only text in a warning.

use serde::Serialize;

use crate::placeholder;

/// The result of checking a VIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum VinCheck {
    /// Well-formed with a matching check digit.
    Valid,
    /// Malformed, or a North American VIN whose check digit does not match.
    Invalid,
    /// Well-formed, from outside North America, where no check digit is required.
    Foreign,
    /// No VIN given.
    Absent,
}

/// Positions 1 to 17 as in 49 CFR 565.15 table IV; the check digit itself has weight 0.
const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];

/// Checks a VIN as written; case-insensitive, but surrounding white space matters.
pub fn check(vin: &str) -> VinCheck {
    if vin.is_empty() {
        return VinCheck::Absent;
    }
    let Some(expected) = check_digit(vin) else { return VinCheck::Invalid };
    // Zeros and ones pass the arithmetic, and no maker builds such a car.
    if placeholder::is_repeated(vin) {
        return VinCheck::Invalid;
    }
    let found = vin.chars().nth(8).map(|c| c.to_ascii_uppercase());
    if found == Some(expected) {
        VinCheck::Valid
    } else if is_north_american(vin) {
        VinCheck::Invalid
    } else {
        VinCheck::Foreign
    }
}

/// The correct check digit for position 9, or `None` if the text does not have the form of a VIN.
pub fn check_digit(vin: &str) -> Option<char> {
    if vin.chars().count() != WEIGHTS.len() {
        return None;
    }
    let mut sum = 0;
    for (character, weight) in vin.chars().zip(WEIGHTS) {
        sum += transliterate(character)? * weight;
    }
    match sum % 11 {
        10 => Some('X'),
        digit => char::from_digit(digit, 10),
    }
}

/// The VIN that was probably meant: I for 1, O and Q for 0, spaces and dashes removed.
///
/// Only if its check digit matches, so that a guess is never worse than the original.
pub fn proposal(vin: &str) -> Option<String> {
    let repaired: String = vin
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c.to_ascii_uppercase() {
            'I' => '1',
            'O' | 'Q' => '0',
            other => other,
        })
        .collect();
    (repaired != vin.to_ascii_uppercase() && check(&repaired) == VinCheck::Valid).then_some(repaired)
}

/// Whether the maker's code is from the United States, Canada or Mexico (first character 1 to 5, ISO 3780).
fn is_north_american(vin: &str) -> bool {
    vin.starts_with(|c: char| ('1'..='5').contains(&c))
}

/// Letter values of 49 CFR 565.15 table III; I, O and Q have none.
fn transliterate(character: char) -> Option<u32> {
    match character.to_ascii_uppercase() {
        digit @ '0'..='9' => digit.to_digit(10),
        'A' | 'J' => Some(1),
        'B' | 'K' | 'S' => Some(2),
        'C' | 'L' | 'T' => Some(3),
        'D' | 'M' | 'U' => Some(4),
        'E' | 'N' | 'V' => Some(5),
        'F' | 'W' => Some(6),
        'G' | 'P' | 'X' => Some(7),
        'H' | 'Y' => Some(8),
        'R' | 'Z' => Some(9),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{VinCheck, check, proposal};

    #[test]
    fn real_vins_pass_the_check_digit() {
        for vin in [
            "1HGCM82633A004352",
            "1M8GDM9AXKP042788",
            "5GZCZ43D13S812715",
            "2G4WF52L6S1472882",
            "1B3BR65EXSV201546",
            "JN1AR5EF9LM100439",
            "ZACCJBBB2HPF21828",
            "JH4KA7561PC008269",
            "5YJSA1DG9DFP14705",
            "KM8SRDHF6EU074761",
            "JTDKB20U887718156",
            "1GNEK13ZX3R298984",
            "19UUA65694A043249",
            "1HGBH41JXMN109186",
            "jtdkb20u887718156",
        ] {
            assert_eq!(check(vin), VinCheck::Valid, "{vin}");
        }
    }

    #[test]
    fn wrong_vins_are_distinguished_from_foreign_ones() {
        for vin in [
            "11111111111111111",
            "00000000000000000",
            "1HGCM82633A004353",
            "1FA6P8CF0H5100000",
            "1HGCM82633A00435",
            "IHGCM82633A004352",
            "N/A",
            "ÄÖÜ",
        ] {
            assert_eq!(check(vin), VinCheck::Invalid, "{vin}");
        }
        assert_eq!(check("WP0ZZZ99ZTS392124"), VinCheck::Foreign);
        assert_eq!(check(""), VinCheck::Absent);
    }

    #[test]
    fn a_correction_is_suggested_only_if_its_check_digit_matches() {
        assert_eq!(proposal("IHGCM82633AOO4352").as_deref(), Some("1HGCM82633A004352"));
        assert_eq!(proposal("1HGCM-82633-A004352").as_deref(), Some("1HGCM82633A004352"));
        assert_eq!(proposal("1HGCM82633A004353"), None);
        assert_eq!(proposal("1HGCM82633A004352"), None);
    }
}
