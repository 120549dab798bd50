//! Telephone numbers keep their country and form, and become numbers that reach nobody: ranges that regulators reserve
//! for fiction, elsewhere numbers that begin with zeros, which no plan assigns.

use crate::Masker;

/// Digits of a number with its country (ITU-T E.164), and the fewest of a local one.
const DIGITS_MAX: usize = 15;
const DIGITS_MIN: usize = 7;

/// Reserved ranges: country, length of the national number, its fixed start.
const RESERVED: [(&str, usize, &str); 12] = [
    // Ofcom: numbers for use in drama.
    ("44", 10, "7700900"),
    ("44", 10, "1632960"),
    // Arcep, decision 2018-0881: audiovisual works.
    ("33", 9, "63998"),
    ("33", 9, "19900"),
    // Bundesnetzagentur: numbers for media.
    ("49", 10, "4066969"),
    ("49", 10, "3023125"),
    ("49", 11, "15228817"),
    ("49", 11, "15228895"),
    // ACMA: numbers for fiction.
    ("61", 9, "491570"),
    ("61", 9, "255501"),
    ("61", 9, "355501"),
    ("61", 9, "755501"),
];
/// Countries with codes of one and two digits; others have three.
const SHORT_CODES: [&str; 45] = [
    "7", "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49",
    "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84", "86",
    "90", "91", "92", "93", "94", "95", "98",
];

fn digits_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Whether a text is written as a telephone number.
pub(crate) fn is_phone(text: &str) -> bool {
    let digits = digits_of(text);
    let is_written = text.chars().all(|letter| letter.is_ascii_digit() || "+-./() \u{a0}".contains(letter));
    let starts = text.starts_with(['+', '(']) || text.starts_with(|first: char| first.is_ascii_digit());
    let has_form = text.starts_with('+') || text.chars().any(|letter| "-.() ".contains(letter)) || is_nanp(&digits);
    is_written && starts && has_form && (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len())
}

/// Ten digits of the North American Numbering Plan, or eleven with its 1.
pub(crate) fn is_nanp(digits: &str) -> bool {
    let national = if digits.len() == 11 { digits.strip_prefix('1') } else { Some(digits) };
    let can_start = |digit: Option<u8>| digit.is_some_and(|digit| (b'2'..=b'9').contains(&digit));
    national.is_some_and(|digits| {
        digits.len() == 10 && can_start(digits.bytes().next()) && can_start(digits.as_bytes().get(3).copied())
    })
}

impl Masker {
    /// A number in any form. Forms of one number become forms of one number.
    pub(crate) fn phone(&self, text: &str) -> String {
        self.count("telephone number");
        let digits = digits_of(text);
        let national = |length: usize| digits.get(digits.len().saturating_sub(length)..).unwrap_or(&digits).to_owned();
        let is_international = text.trim_start().starts_with('+') || digits.starts_with("00");
        let code = digits.trim_start_matches("00");
        let masked = if is_nanp(&digits) && (!is_international || code.starts_with('1')) {
            let (kept, old) = digits.split_at(digits.len() - 10);
            format!("{kept}{}", self.nanp(old))
        } else if digits.len() == 7 && !is_international {
            format!("55501{}", self.reserved_digits(&digits, 2))
        } else if is_international {
            let code = &code[..code_length(code).min(code.len())];
            let before = digits.len() - digits.trim_start_matches("00").len() + code.len();
            let length = digits.len() - before;
            format!("{}{}", &digits[..before], self.abroad(code, &national(length)))
        } else {
            self.zeros(&digits)
        };
        let mut new = masked.chars();
        text.chars().map(|old| if old.is_ascii_digit() { new.next().unwrap_or('0') } else { old }).collect()
    }

    /// An area code, 555 and 0100 to 0199.
    fn nanp(&self, old: &str) -> String {
        let mut draw = self.key.draw("phone", old);
        let area = [2 + draw.below(8), draw.below(9), draw.below(10)];
        let area = if area[1] == 1 && area[2] == 1 { [area[0], 0, 2] } else { area };
        let area: String = area.iter().map(ToString::to_string).collect();
        format!("{area}55501{}{}", draw.digit(true), draw.digit(true))
    }

    fn abroad(&self, code: &str, national: &str) -> String {
        let ranges: Vec<&str> = RESERVED
            .iter()
            .filter(|(country, length, _)| *country == code && *length == national.len())
            .map(|(_, _, start)| *start)
            .collect();
        let mut draw = self.key.draw("phone", national);
        let chosen = usize::try_from(draw.below(u32::try_from(ranges.len()).unwrap_or(1))).unwrap_or(0);
        match ranges.get(chosen) {
            Some(start) => format!("{start}{}", self.reserved_digits(national, national.len() - start.len())),
            None => self.zeros(national),
        }
    }

    fn zeros(&self, old: &str) -> String {
        let zeros = old.len().min(3);
        format!("{}{}", "0".repeat(zeros), self.reserved_digits(old, old.len() - zeros))
    }

    fn reserved_digits(&self, old: &str, count: usize) -> String {
        let mut draw = self.key.draw("phone-digits", old);
        (0..count).map(|_| draw.digit(true)).collect()
    }
}

fn code_length(digits: &str) -> usize {
    if digits.starts_with('1') {
        return 1;
    }
    SHORT_CODES.iter().find(|code| digits.starts_with(**code)).map_or(3, |code| code.len())
}
