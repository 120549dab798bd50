//! Numbers of cards, accounts and social insurance: they keep length, form and check digits, and name nobody's.

use crate::Masker;

/// Whether a text is a card number: 13 to 19 digits that pass the Luhn check (ISO/IEC 7812-1).
pub(crate) fn is_card(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_written = text.chars().all(|letter| letter.is_ascii_digit() || " -".contains(letter));
    is_written && (13..=19).contains(&digits.len()) && luhn(&digits) == 0
}

/// The Luhn sum of all digits, modulo 10.
fn luhn(digits: &str) -> u32 {
    let sum: u32 = digits
        .chars()
        .rev()
        .filter_map(|digit| digit.to_digit(10))
        .enumerate()
        .map(|(index, digit)| match index % 2 {
            0 => digit,
            _ if digit > 4 => digit * 2 - 9,
            _ => digit * 2,
        })
        .sum();
    sum % 10
}

/// Whether a text is an IBAN with valid check digits (ISO 13616).
pub(crate) fn is_iban(text: &str) -> bool {
    let plain: String = text.chars().filter(|letter| *letter != ' ').collect();
    (15..=34).contains(&plain.len())
        && plain.bytes().take(2).all(|byte| byte.is_ascii_uppercase())
        && plain.bytes().skip(2).take(2).all(|byte| byte.is_ascii_digit())
        && plain.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && remainder(&plain) == Some(1)
}

/// The number of an IBAN modulo 97.
fn remainder(iban: &str) -> Option<u32> {
    let (start, rest) = iban.split_at_checked(4)?;
    let mut sum = 0_u32;
    for letter in rest.chars().chain(start.chars()) {
        let value = letter.to_digit(36)?;
        sum = (sum * if value > 9 { 100 } else { 10 } + value) % 97;
    }
    Some(sum)
}

/// Whether a text is written as a social security number.
pub(crate) fn is_ssn(text: &str) -> bool {
    let mut parts = text.split('-');
    let widths = [3, 2, 4];
    widths.into_iter().all(|width| {
        parts.next().is_some_and(|part| part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit()))
    }) && parts.next().is_none()
}

impl Masker {
    /// A text that [`is_card`]. The masked one begins with 0, which no issuer of cards has.
    pub(crate) fn card(&self, text: &str) -> String {
        self.count("card number");
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let mut draw = self.key.draw("card", &digits);
        let mut masked = "0".to_owned();
        masked.extend((2..digits.len()).map(|_| draw.digit(true)));
        let check = (10 - luhn(&format!("{masked}0"))) % 10;
        masked.push(char::from_digit(check, 10).unwrap_or('0'));
        fill(text, &masked)
    }

    /// A text that [`is_iban`], with its country and valid check digits.
    pub(crate) fn iban(&self, text: &str) -> String {
        self.count("account number");
        let plain: String = text.chars().filter(|letter| *letter != ' ').collect();
        let mut draw = self.key.draw("iban", &plain);
        let account: String = plain
            .chars()
            .skip(4)
            .map(|old| if old.is_ascii_digit() { draw.digit(true) } else { draw.one_of("ABCDEFGHJKLMNPQRSTUVWXYZ") })
            .collect();
        let country: String = plain.chars().take(2).collect();
        let check = 98_u32.saturating_sub(remainder(&format!("{country}00{account}")).unwrap_or(0));
        let masked = format!("{country}{check:02}{account}");
        let mut new = masked.chars();
        text.chars().map(|old| if old == ' ' { old } else { new.next().unwrap_or('0') }).collect()
    }

    /// A text that [`is_ssn`]. No number begins with 000.
    pub(crate) fn ssn(&self, text: &str) -> String {
        self.count("social security number");
        let mut draw = self.key.draw("ssn", text);
        let masked: String = "000".chars().chain((0..6).map(|_| draw.digit(true))).collect();
        fill(text, &masked)
    }
}

/// Puts digits where the old ones are.
fn fill(old: &str, digits: &str) -> String {
    let mut new = digits.chars();
    old.chars().map(|letter| if letter.is_ascii_digit() { new.next().unwrap_or('0') } else { letter }).collect()
}
