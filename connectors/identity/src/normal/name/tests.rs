//! Parsing of names, and which names one person can have.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::{Likeness, Name, RawName};

fn full(text: &str) -> Name {
    Name::read(&RawName { full: Some(text), ..RawName::default() }).unwrap()
}

fn parts(text: &str) -> (String, String, String, String) {
    let name = full(text);
    (name.given, name.middle, name.surname, name.suffix)
}

fn four(given: &str, middle: &str, surname: &str, suffix: &str) -> (String, String, String, String) {
    (given.to_owned(), middle.to_owned(), surname.to_owned(), suffix.to_owned())
}

#[test]
fn names_are_parsed_in_either_order_without_titles() {
    assert_eq!(parts("SMITH, JOHN Q"), four("john", "q", "smith", ""));
    assert_eq!(parts("Mr. John Quincy Smith Jr."), four("john", "quincy", "smith", "jr"));
    assert_eq!(parts("John Smith, Jr."), four("john", "", "smith", "jr"));
    assert_eq!(parts("Dr. María de la Cruz"), four("maria", "", "de la cruz", ""));
    assert_eq!(parts("Cher"), four("cher", "", "", ""));
}

#[test]
fn a_placeholder_is_not_a_name() {
    for text in ["", "N/A", "unknown", "Test", "No Name"] {
        assert_eq!(Name::read(&RawName { full: Some(text), ..RawName::default() }), None, "{text}");
    }
    assert_eq!(Name::read(&RawName { first: Some("N/A"), last: Some("unknown"), ..RawName::default() }), None);
}

#[test]
fn businesses_are_distinguished_from_people() {
    let name = full("The Lakeside Plumbing Co., LLC");
    assert!(name.business);
    assert_eq!(name.surname, "lakeside plumbing");
    assert!(!name.is_compatible(&full("Lakeside Plumbing")), "a person with that name is a different party");
    assert!(name.is_compatible(&full("Lakeside Plumbing Inc")));
}

#[test]
fn spelling_variants_and_short_forms_are_compatible() {
    for (left, right) in [
        ("Jon Smyth", "John Smith"),
        ("Bob Miller", "Robert Millar"),
        ("Kathryn O'Brien", "Kathy OBrien"),
        ("Jhon Smith", "John Smith"),
        ("J. Smith", "John Smith"),
        ("Maria Garcia Lopez", "María García"),
        ("Smith John", "John Smith"),
        ("James Smith", "Robert James Smith"),
        ("Steven Lee", "Stephen Lee"),
    ] {
        assert!(full(left).is_compatible(&full(right)), "{left} / {right}");
    }
}

#[test]
fn relatives_are_not_compatible() {
    for (left, right) in [
        ("Daniel Ortiz", "Danielle Ortiz"),
        ("Eric Lee", "Erica Lee"),
        ("John Smith", "Mary Smith"),
        ("John Smith Jr", "John Smith Sr"),
    ] {
        assert!(!full(left).is_compatible(&full(right)), "{left} / {right}");
        assert!(full(left).is_relative(&full(right)), "{left} / {right}");
    }
    assert!(!full("Ann Lee").is_compatible(&full("Ann Kowalski")));
}

#[test]
fn missing_parts_contradict_nothing() {
    let first_only = Name::read(&RawName { first: Some("Mike"), ..RawName::default() }).unwrap();
    assert_eq!(first_only.surname_likeness(&full("Michael Jordan")), Likeness::Missing);
    assert!(first_only.is_compatible(&full("Michael Jordan")));
}

#[test]
fn variants_of_a_surname_share_a_block() {
    let shared =
        |left: &str, right: &str| full(left).block_codes().iter().any(|code| full(right).block_codes().contains(code));
    assert!(shared("John Smith", "John Smyth") && shared("A Schmidt", "A Smith") && shared("A Meyer", "A Maier"));
    assert!(!shared("John Smith", "John Kowalski"));
}
