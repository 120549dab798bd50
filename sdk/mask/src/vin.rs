//! Vehicle identification numbers (ISO 3779, 49 CFR 565): the manufacturer and the model year stay, everything else is
//! replaced, and a valid check digit stays valid.

use crate::Masker;

const LENGTH: usize = 17;
/// The place of the check digit.
const CHECK: usize = 8;
/// The place of the model year.
const YEAR: usize = 9;
const LETTERS: &str = "ABCDEFGHJKLMNPRSTUVWXYZ";
/// 49 CFR 565.15(c), table IV.
const WEIGHTS: [u32; LENGTH] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];

/// Whether a text has the form of a VIN.
pub(crate) fn is_vin(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    text.len() == LENGTH
        && upper.chars().all(|letter| letter.is_ascii_digit() || LETTERS.contains(letter))
        && upper.chars().any(|letter| letter.is_ascii_digit())
        && upper.chars().any(|letter| letter.is_ascii_uppercase())
}

/// The check digit that the other sixteen give.
pub(crate) fn check_digit(vin: &str) -> Option<char> {
    let value = |letter: char| match letter.to_ascii_uppercase() {
        digit @ '0'..='9' => digit.to_digit(10),
        letter @ 'A'..='H' => Some(u32::from(letter) - u32::from('A') + 1),
        letter @ 'J'..='R' if letter != 'O' && letter != 'Q' => Some(u32::from(letter) - u32::from('J') + 1),
        letter @ 'S'..='Z' => Some(u32::from(letter) - u32::from('S') + 2),
        _ => None,
    };
    let mut sum = 0;
    for (letter, weight) in vin.chars().zip(WEIGHTS) {
        sum += value(letter)? * weight;
    }
    match sum % 11 {
        10 => Some('X'),
        digit => char::from_digit(digit, 10),
    }
}

impl Masker {
    /// A text that [`is_vin`].
    pub(crate) fn vin(&self, text: &str) -> String {
        self.count("VIN");
        let upper = text.to_ascii_uppercase();
        let old: Vec<char> = upper.chars().collect();
        let is_valid = old.get(CHECK).copied() == check_digit(&upper);
        // Manufacturers of few vehicles have a 9 there, and the rest of their code at places 12 to 14.
        let is_small = old.get(2) == Some(&'9');
        let mut draw = self.key.draw("vin", &upper);
        let mut masked: Vec<char> = old
            .iter()
            .enumerate()
            .map(|(index, letter)| match index {
                0..3 | YEAR => *letter,
                11..14 if is_small => *letter,
                _ if letter.is_ascii_digit() => draw.digit(true),
                _ => draw.one_of(LETTERS),
            })
            .collect();
        let expected = check_digit(&masked.iter().collect::<String>()).unwrap_or('0');
        if let Some(check) = masked.get_mut(CHECK) {
            while is_valid != (*check == expected) {
                *check = if is_valid { expected } else { draw.digit(true) };
            }
        }
        let is_lower = text.chars().any(|letter| letter.is_ascii_lowercase());
        let masked: String = masked.into_iter().collect();
        if is_lower { masked.to_ascii_lowercase() } else { masked }
    }
}
