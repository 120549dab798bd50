//! Phone numbers: E.164 form, and numbers that identify nobody. It does not know who holds a number.
//!
//! North American numbers are checked against the numbering plan (area code and exchange `[2-9]XX`, no N11), because
//! most dealers' numbers are from there. Numbers of other countries are accepted in international form (`+44 …`, `0044
//! …`, `011 44 …`) with a plausible length. The `phonenumber` crate knows every country's plan, but its metadata and
//! regular expressions make the component several times larger and the first number in every fresh instance slower.

/// A number in E.164 form with its extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone {
    /// `+` and 8 to 15 digits.
    pub e164: String,
    /// Digits after `x`, `ext` or `#`, if any. Not part of the identity.
    pub extension: Option<String>,
}

/// Why a number does not identify a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneFlaw {
    /// Not a number of the numbering plan, or too few digits.
    Malformed,
    /// 800, 833, 844, 855, 866, 877, 888: a company's number.
    TollFree,
    /// 555-0100 to 555-0199 and 555-1212: reserved for fiction and tests, and directory assistance.
    Fictional,
    /// One digit repeated, or a run such as 2345678: typed to get past a form.
    Filler,
}

impl PhoneFlaw {
    /// For the explanation of a decision.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "is not a valid number",
            Self::TollFree => "is toll-free: a company's number",
            Self::Fictional => "is reserved for tests",
            Self::Filler => "is a filler",
        }
    }
}

/// Area codes of toll-free numbers (North American Numbering Plan).
const TOLL_FREE: [&str; 7] = ["800", "833", "844", "855", "866", "877", "888"];

/// Parses a number as a person wrote it. `region` is an ISO country code; in `US`, `CA` and the other members of the
/// North American plan ten digits are a complete number, any other region requires the international form.
///
/// # Errors
/// The number identifies nobody; the error says why.
pub fn read(text: &str, region: &str) -> Result<Phone, PhoneFlaw> {
    let (number, extension) = split_extension(text);
    let digits: String =
        number.chars().filter_map(|c| c.to_digit(10)).filter_map(|d| char::from_digit(d, 10)).take(20).collect();
    let letters = number.chars().any(char::is_alphabetic);
    if letters {
        return Err(PhoneFlaw::Malformed);
    }
    let e164 = if number.trim_start().starts_with('+') {
        digits
    } else if let Some(rest) = digits.strip_prefix("011").filter(|rest| rest.len() >= 9) {
        rest.to_owned()
    } else if let Some(rest) = digits.strip_prefix("00").filter(|rest| rest.len() >= 9) {
        rest.to_owned()
    } else if !is_north_american(region) {
        return Err(PhoneFlaw::Malformed);
    } else if digits.len() == 10 {
        format!("1{digits}")
    } else if digits.len() == 11 && digits.starts_with('1') {
        digits
    } else {
        return Err(PhoneFlaw::Malformed);
    };
    check(&e164)?;
    Ok(Phone { e164: format!("+{e164}"), extension })
}

/// Whether ten digits are a complete number in this region.
pub fn is_north_american(region: &str) -> bool {
    matches!(region, "US" | "CA" | "PR" | "VI" | "GU" | "AS" | "MP" | "BS" | "BB" | "BM" | "DO" | "JM" | "TT")
}

fn split_extension(text: &str) -> (&str, Option<String>) {
    let lower = text.to_ascii_lowercase();
    let cut = ["ext", "x", "#", ";"].iter().filter_map(|mark| lower.find(mark)).min();
    match cut.and_then(|at| Some((text.get(..at)?, text.get(at..)?))) {
        Some((number, rest)) if !number.trim().is_empty() => {
            let digits: String = rest.chars().filter(char::is_ascii_digit).take(10).collect();
            (number, (!digits.is_empty()).then_some(digits))
        }
        _ => (text, None),
    }
}

/// `digits` is the number with its country code and without `+`.
fn check(digits: &str) -> Result<(), PhoneFlaw> {
    let Some(national) = digits.strip_prefix('1') else {
        let plausible = (8..=15).contains(&digits.len()) && !digits.starts_with('0');
        let body = digits.get(2..).unwrap_or_default();
        return match plausible {
            false => Err(PhoneFlaw::Malformed),
            true if is_filler(body) => Err(PhoneFlaw::Filler),
            true => Ok(()),
        };
    };
    let (Some(area), Some(exchange), Some(line)) = (national.get(..3), national.get(3..6), national.get(6..)) else {
        return Err(PhoneFlaw::Malformed);
    };
    if national.len() != 10 {
        return Err(PhoneFlaw::Malformed);
    }
    if is_filler(national) || (is_repeated(exchange) && is_repeated(line) && exchange.get(..1) == line.get(..1)) {
        return Err(PhoneFlaw::Filler);
    }
    if [area, exchange].iter().any(|code| code.starts_with(['0', '1']) || code.ends_with("11")) {
        return Err(PhoneFlaw::Malformed);
    }
    if TOLL_FREE.contains(&area) {
        return Err(PhoneFlaw::TollFree);
    }
    if exchange == "555" && (line.starts_with("01") || line == "1212") {
        return Err(PhoneFlaw::Fictional);
    }
    Ok(())
}

fn is_repeated(digits: &str) -> bool {
    let mut bytes = digits.bytes();
    bytes.next().is_some_and(|first| bytes.all(|byte| byte == first))
}

fn is_filler(digits: &str) -> bool {
    is_repeated(digits)
        || (digits.len() >= 7 && ("01234567890123456789".contains(digits) || "98765432109876543210".contains(digits)))
}

#[cfg(test)]
mod tests {
    use super::{PhoneFlaw, read};

    fn e164(text: &str) -> Result<String, PhoneFlaw> {
        read(text, "US").map(|phone| phone.e164)
    }

    #[test]
    fn notations_of_one_number_have_one_form() {
        for text in [
            "(312) 867-2368",
            "312.867.2368",
            "1-312-867-2368",
            "+1 312 867 2368",
            "312 867 2368 ext. 12",
            "3128672368x7",
        ] {
            assert_eq!(e164(text).as_deref(), Ok("+13128672368"), "{text}");
        }
        let phone = read("312-867-2368 ext. 12", "US").expect("a valid number");
        assert_eq!(phone.extension.as_deref(), Some("12"), "the extension must be separate");
    }

    #[test]
    fn numbers_of_other_countries_need_the_international_form() {
        assert_eq!(e164("+44 20 7946 0958").as_deref(), Ok("+442079460958"));
        assert_eq!(e164("011 44 20 7946 0958").as_deref(), Ok("+442079460958"));
        assert_eq!(e164("0044 20 7946 0958").as_deref(), Ok("+442079460958"));
        assert_eq!(e164("020 7946 0958"), Err(PhoneFlaw::Malformed));
        assert_eq!(read("3128672368", "GB"), Err(PhoneFlaw::Malformed));
    }

    #[test]
    fn toll_free_test_and_filler_numbers_identify_nobody() {
        assert_eq!(e164("800-234-9876"), Err(PhoneFlaw::TollFree));
        assert_eq!(e164("+1 (888) 234-9876"), Err(PhoneFlaw::TollFree));
        assert_eq!(e164("312-555-0142"), Err(PhoneFlaw::Fictional));
        assert_eq!(e164("312-555-1212"), Err(PhoneFlaw::Fictional));
        assert_eq!(e164("999-999-9999"), Err(PhoneFlaw::Filler));
        assert_eq!(e164("312-222-2222"), Err(PhoneFlaw::Filler));
        assert_eq!(e164("123-456-7890"), Err(PhoneFlaw::Filler));
        assert_eq!(e164("0000000000"), Err(PhoneFlaw::Filler));
    }

    #[test]
    fn numbers_outside_the_numbering_plan_are_malformed() {
        for text in ["", "12", "112-867-2368", "312-067-2368", "312-411-2368", "911-867-2368", "call me", "31286723681"]
        {
            assert_eq!(e164(text), Err(PhoneFlaw::Malformed), "{text}");
        }
    }
}
