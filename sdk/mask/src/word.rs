//! Words of names: each becomes an invented word of the same length and case. Accents and case do not matter, so that the
//! parts of an e-mail address become the words that its owner's name becomes.

use crate::Masker;
use crate::key::Draw;

const CONSONANTS: &str = "bcdfghjklmnprstvwz";
const VOWELS: &str = "aeiou";
/// Titles and suffixes say nothing about who it is.
const KEPT: [&str; 9] = ["mr", "mrs", "ms", "dr", "jr", "sr", "ii", "iii", "iv"];
/// Shorter words are in everything.
const NAME_LENGTH_MIN: usize = 3;

impl Masker {
    /// The words of a name or an address. Digits become other digits, everything else stays.
    pub(crate) fn words(&self, text: &str) -> String {
        let mut masked = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let takes: fn(char) -> bool = match first {
                letter if letter.is_alphabetic() => {
                    |letter| letter.is_alphabetic() || "'’\u{301}\u{308}".contains(letter)
                }
                digit if digit.is_ascii_digit() => |digit| digit.is_ascii_digit(),
                _ => |other| !other.is_alphabetic() && !other.is_ascii_digit(),
            };
            let end = rest.find(|letter| !takes(letter)).unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            if first.is_alphabetic() {
                masked.push_str(&self.word(run));
            } else if first.is_ascii_digit() {
                masked.push_str(&self.digits(run));
            } else {
                masked.push_str(run);
            }
            rest = after;
        }
        masked
    }

    /// One word.
    pub(crate) fn word(&self, word: &str) -> String {
        let folded = folded(word);
        if KEPT.contains(&folded.as_str()) {
            return word.to_owned();
        }
        if folded.chars().count() >= NAME_LENGTH_MIN {
            self.names.borrow_mut().insert(folded.clone());
        }
        let invented = self.invented(&folded);
        let mut letters = invented.chars();
        word.chars()
            .map(|letter| if letter.is_alphabetic() { like(letter, letters.next().unwrap_or('a')) } else { letter })
            .collect()
    }

    /// A word of the same length that is not the word.
    fn invented(&self, folded: &str) -> String {
        let mut draw = self.key.draw("word", folded);
        loop {
            let mut vowel = draw.below(2) == 0;
            let invented: String = folded.chars().map(|_| letter(&mut draw, &mut vowel)).collect();
            if invented != folded {
                return invented;
            }
        }
    }

    /// Digits of the same length that are not the digits. A leading zero stays, and none is added.
    pub(crate) fn digits(&self, digits: &str) -> String {
        let mut draw = self.key.draw("digits", digits);
        if digits.is_empty() || digits == "0" {
            return digits.to_owned();
        }
        loop {
            let masked: String = digits
                .chars()
                .enumerate()
                .map(|(index, digit)| match (index, digit) {
                    (0, '0') => '0',
                    (0, _) => draw.digit(digits.len() == 1 && digit == '0'),
                    _ => draw.digit(true),
                })
                .collect();
            if masked != digits || digits.chars().all(|digit| digit == '0') {
                return masked;
            }
        }
    }

    /// Whether a text has a word of a name that was met.
    pub(crate) fn has_name(&self, text: &str) -> bool {
        let names = self.names.borrow();
        text.split(|letter: char| !letter.is_alphabetic())
            .filter(|word| !word.is_empty())
            .any(|word| names.contains(&folded(word)))
    }

    /// `jane.roe@mail.example` with the words of its local part, at a reserved domain (RFC 2606).
    pub(crate) fn email(&self, text: &str) -> String {
        self.count("e-mail address");
        let (local, domain) = text.rsplit_once('@').unwrap_or((text, ""));
        format!("{}@{}.example", self.words(local).replace(['\'', '’'], ""), self.invented_domain(domain))
    }

    fn invented_domain(&self, domain: &str) -> String {
        let mut draw = self.key.draw("domain", &domain.to_lowercase());
        let mut vowel = false;
        (0..8).map(|_| letter(&mut draw, &mut vowel)).collect()
    }
}

/// A letter, in turn a consonant and a vowel.
pub(crate) fn letter(draw: &mut Draw<'_>, vowel: &mut bool) -> char {
    let letters = if *vowel { VOWELS } else { CONSONANTS };
    *vowel = !*vowel;
    draw.one_of(letters)
}

/// A letter in the case of another one.
pub(crate) fn like(old: char, new: char) -> char {
    if old.is_uppercase() { new.to_ascii_uppercase() } else { new }
}

/// Lower case without accents and apostrophes, letter by letter.
pub(crate) fn folded(word: &str) -> String {
    let fold = |letter: char| match letter {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ą' | 'æ' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'ď' | 'đ' | 'ð' => 'd',
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => 'e',
        'ğ' => 'g',
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' => 'i',
        'ł' => 'l',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ő' | 'œ' => 'o',
        'ř' => 'r',
        'ś' | 'š' | 'ş' | 'ß' => 's',
        'ť' | 'ţ' => 't',
        'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    };
    let lower = |letter: char| letter.to_lowercase().next().unwrap_or(letter);
    word.chars().filter(|letter| letter.is_alphabetic()).map(|letter| fold(lower(letter))).collect()
}
