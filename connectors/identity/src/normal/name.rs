//! Names of people and businesses: parsing, and the similarity of two names. It looks at nothing but names.

use rphonetic::{DoubleMetaphone, Encoder};
use serde::{Deserialize, Serialize};

use super::{fold::fold, nickname};

/// A name in normal form. All parts are folded and may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Name {
    /// Given name or initial.
    pub given: String,
    /// Middle names or initials.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub middle: String,
    /// Surname; for a business its whole name without the legal form.
    pub surname: String,
    /// `jr`, `sr`, `ii`, `iii`, `iv`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub suffix: String,
    /// A company, not a person.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub business: bool,
}

/// The parts of a name in a lead.
#[derive(Debug, Clone, Default)]
pub struct RawName<'a> {
    /// The whole name.
    pub full: Option<&'a str>,
    /// Given name.
    pub first: Option<&'a str>,
    /// Middle name.
    pub middle: Option<&'a str>,
    /// Surname.
    pub last: Option<&'a str>,
    /// Generation suffix.
    pub suffix: Option<&'a str>,
    /// The sender states that it is a business.
    pub business: bool,
}

/// Similarity of two parts of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// Equal, or a short form.
    Same,
    /// A likely spelling variant.
    Close,
    /// One is the other's initial.
    Initial,
    /// One of them is unknown.
    Missing,
    /// Two different names.
    Different,
}

const TITLES: [&str; 10] = ["mr", "mrs", "ms", "miss", "mx", "dr", "prof", "rev", "sir", "hon"];
const SUFFIXES: [&str; 5] = ["jr", "sr", "ii", "iii", "iv"];
const DEGREES: [&str; 6] = ["md", "phd", "esq", "dds", "cpa", "rn"];
const PARTICLES: [&str; 17] =
    ["van", "von", "der", "den", "de", "la", "las", "los", "del", "della", "di", "da", "dos", "du", "le", "st", "ter"];
const LEGAL_FORMS: [&str; 13] = [
    "llc",
    "inc",
    "corp",
    "corporation",
    "incorporated",
    "ltd",
    "limited",
    "co",
    "company",
    "lp",
    "llp",
    "plc",
    "pllc",
];
/// What people type when there is no name.
const NOBODY: [&str; 16] = [
    "unknown",
    "na",
    "n a",
    "none",
    "no name",
    "noname",
    "test",
    "customer",
    "not given",
    "no",
    "null",
    "anonymous",
    "guest",
    "internet",
    "web lead",
    "x",
];

impl Name {
    /// Parses a name; none if it contains no information (empty, `unknown`, `N/A`).
    pub fn read(raw: &RawName<'_>) -> Option<Self> {
        let part =
            |text: Option<&str>| text.map(fold).filter(|text| !NOBODY.contains(&text.as_str())).unwrap_or_default();
        let (first, last) = (part(raw.first), part(raw.last));
        let full = raw.full.map(str::trim).filter(|text| !NOBODY.contains(&fold(text).as_str())).unwrap_or_default();
        let whole = if full.is_empty() { format!("{first} {last}") } else { fold(full) };
        if raw.business || whole.split(' ').any(|word| LEGAL_FORMS.contains(&word)) && word_count(&whole) > 1 {
            return Self::business(&whole);
        }
        let mut name =
            if first.is_empty() && last.is_empty() { Self::parse(full) } else { Self::from_parts(&first, &last) };
        if name.middle.is_empty() {
            name.middle = part(raw.middle);
        }
        if name.suffix.is_empty() {
            name.suffix = part(raw.suffix).split(' ').find_map(suffix).unwrap_or_default();
        }
        (!name.given.is_empty() || !name.surname.is_empty()).then_some(name)
    }

    fn business(whole: &str) -> Option<Self> {
        let words: Vec<&str> =
            whole.split(' ').filter(|word| !word.is_empty() && !LEGAL_FORMS.contains(word) && *word != "the").collect();
        (!words.is_empty()).then(|| Self { surname: words.join(" "), business: true, ..Self::default() })
    }

    /// `LAST, FIRST M` or `First M Last`.
    fn parse(full: &str) -> Self {
        if let Some((last, rest)) = full.split_once(',') {
            let rest_is_suffix = fold(rest).split(' ').all(|word| suffix(word).is_some() || DEGREES.contains(&word));
            if !rest_is_suffix {
                return Self::from_parts(&fold(rest), &fold(last));
            }
        }
        let folded = fold(full);
        let (words, generation) = plain_words(&folded);
        // A single word is more often a given name than a surname: "Mike".
        let mut start = words.len().saturating_sub(1).max(1);
        while start > 1 && words.get(start - 1).is_some_and(|word| PARTICLES.contains(word)) {
            start -= 1;
        }
        let (given, surname) = words.split_at_checked(start).unwrap_or((&[], &words));
        Self::assemble(given, surname, generation)
    }

    fn from_parts(first: &str, last: &str) -> Self {
        let (given, first_generation) = plain_words(first);
        let (surname, last_generation) = plain_words(last);
        Self::assemble(&given, &surname, last_generation.or(first_generation))
    }

    fn assemble(given: &[&str], surname: &[&str], generation: Option<String>) -> Self {
        let cut = |text: String| text.chars().take(60).collect::<String>();
        let (first, middle) = given.split_first().map_or(("", &[] as &[&str]), |(first, rest)| (*first, rest));
        Self {
            given: cut(first.to_owned()),
            middle: cut(middle.join(" ")),
            surname: cut(surname.join(" ")),
            suffix: generation.unwrap_or_default(),
            business: false,
        }
    }

    /// Similarity of the given names; middle names count, because some people use them.
    pub fn given_likeness(&self, other: &Self) -> Likeness {
        let direct = given_pair(&self.given, &other.given);
        let by_middle = || {
            let goes_by = |given: &str, middle: &str| given.len() > 1 && middle.split(' ').any(|word| word == given);
            goes_by(&self.given, &other.middle) || goes_by(&other.given, &self.middle)
        };
        if direct == Likeness::Different && by_middle() { Likeness::Close } else { direct }
    }

    /// Similarity of the surnames.
    pub fn surname_likeness(&self, other: &Self) -> Likeness {
        let direct = surname_pair(&self.surname, &other.surname);
        // "Maria Garcia Lopez" as one text: the first of two surnames looks like a middle name.
        let among = |surname: &str, middle: &str| surname.len() >= 4 && middle.split(' ').any(|word| word == surname);
        let first_surname = among(&self.surname, &other.middle) || among(&other.surname, &self.middle);
        if direct == Likeness::Different && first_surname { Likeness::Close } else { direct }
    }

    /// Whether one person could have both names. Missing parts contradict nothing; junior and senior, or a person and a
    /// business, do.
    pub fn is_compatible(&self, other: &Self) -> bool {
        if self.business || other.business {
            return self.business == other.business && self.surname_likeness(other) != Likeness::Different;
        }
        let alike =
            self.given_likeness(other) != Likeness::Different && self.surname_likeness(other) != Likeness::Different;
        !self.suffix_conflicts(other) && (alike || self.is_swapped(other))
    }

    /// Given name and surname are swapped.
    pub fn is_swapped(&self, other: &Self) -> bool {
        !self.given.is_empty() && !self.surname.is_empty() && self.given == other.surname && self.surname == other.given
    }

    /// Both have a generation suffix and they differ; no suffix and `sr` may be one person, no suffix and `jr` too.
    pub fn suffix_conflicts(&self, other: &Self) -> bool {
        !self.suffix.is_empty() && !other.suffix.is_empty() && self.suffix != other.suffix
    }

    /// Same surname and clearly a different given name: two people of one family.
    pub fn is_relative(&self, other: &Self) -> bool {
        !self.business
            && !other.business
            && matches!(self.surname_likeness(other), Likeness::Same | Likeness::Close)
            && (self.given_likeness(other) == Likeness::Different || self.suffix_conflicts(other))
    }

    /// The phonetic codes (Double Metaphone, both variants) of the surname's block.
    pub fn block_codes(&self) -> Vec<String> {
        let letters: String = self.surname.chars().filter(char::is_ascii_alphabetic).take(40).collect();
        if letters.is_empty() {
            return Vec::new();
        }
        let result = DoubleMetaphone::default().double_metaphone(&letters);
        let mut codes = vec![result.primary()];
        if !codes.contains(&result.alternate()) {
            codes.push(result.alternate());
        }
        codes.retain(|code| !code.is_empty());
        codes
    }
}

fn word_count(text: &str) -> usize {
    text.split(' ').filter(|word| !word.is_empty()).count()
}

fn suffix(word: &str) -> Option<String> {
    let word = match word {
        "junior" | "2nd" => "jr",
        "senior" => "sr",
        "3rd" => "iii",
        other => other,
    };
    SUFFIXES.contains(&word).then(|| word.to_owned())
}

/// The words without titles, degrees and suffix, and the suffix.
fn plain_words(folded: &str) -> (Vec<&str>, Option<String>) {
    let mut words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    while words.len() > 1 && words.first().is_some_and(|word| TITLES.contains(word)) {
        words.remove(0);
    }
    let mut generation = None;
    while words.len() > 1 {
        let Some(last) = words.last().copied() else { break };
        match suffix(last) {
            Some(found) => generation = Some(found),
            None if DEGREES.contains(&last) => {}
            None => break,
        }
        words.pop();
    }
    (words, generation)
}

fn given_pair(left: &str, right: &str) -> Likeness {
    if left.is_empty() || right.is_empty() {
        return Likeness::Missing;
    }
    if nickname::same(left, right) {
        return Likeness::Same;
    }
    let initial = |short: &str, long: &str| short.chars().count() == 1 && long.starts_with(short);
    if initial(left, right) || initial(right, left) {
        return Likeness::Initial;
    }
    if nickname::is_known(left) && nickname::is_known(right) {
        return Likeness::Different;
    }
    let alike = strsim::jaro_winkler(left, right);
    let close = alike >= 0.92 || (alike >= 0.8 && sounds_same(left, right)) || is_one_typo(left, right);
    if close { Likeness::Close } else { Likeness::Different }
}

/// One letter swapped, dropped, added or replaced, in a word long enough that it is not another name by chance.
fn is_one_typo(left: &str, right: &str) -> bool {
    left.chars().count().min(right.chars().count()) >= 4 && strsim::osa_distance(left, right) == 1
}

fn surname_pair(left: &str, right: &str) -> Likeness {
    if left.is_empty() || right.is_empty() {
        return Likeness::Missing;
    }
    let (tight_left, tight_right) = (left.replace(' ', ""), right.replace(' ', ""));
    if tight_left == tight_right {
        return Likeness::Same;
    }
    let initial = |short: &str, long: &str| short.chars().count() == 1 && long.starts_with(short);
    if initial(left, right) || initial(right, left) {
        return Likeness::Initial;
    }
    // Double surnames: Garcia Lopez is also Garcia or Lopez, Smith-Jones is also Smith.
    let part_of = |short: &str, long: &str| short.len() >= 4 && long.split(' ').any(|word| word == short);
    if part_of(left, right) || part_of(right, left) {
        return Likeness::Close;
    }
    let alike = strsim::jaro_winkler(&tight_left, &tight_right);
    let close = alike >= 0.93
        || (alike >= 0.8 && sounds_same(&tight_left, &tight_right))
        || is_one_typo(&tight_left, &tight_right);
    if close { Likeness::Close } else { Likeness::Different }
}

fn sounds_same(left: &str, right: &str) -> bool {
    let code = |text: &str| {
        let letters: String = text.chars().filter(char::is_ascii_alphabetic).take(40).collect();
        (!letters.is_empty()).then(|| DoubleMetaphone::new(Some(8)).encode(&letters)).filter(|code| code.len() > 1)
    };
    code(left).is_some_and(|left| code(right) == Some(left))
}

#[cfg(test)]
mod tests;
