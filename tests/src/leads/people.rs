//! Generated people and cars. The same number gives the same person on every machine. Phone numbers never contain 555,
//! which identity matching treats as "no number".

use super::{Lead, Vehicle};

const FIRST: [&str; 40] = [
    "Dana", "Luis", "Mei", "Priya", "Robert", "Aisha", "Carla", "Derek", "Elena", "Frank", "Grace", "Hector", "Ingrid",
    "Jamal", "Karen", "Leon", "Maria", "Nadia", "Oscar", "Paula", "Quinn", "Rosa", "Samir", "Tanya", "Ulrich", "Vera",
    "Walter", "Ximena", "Yusuf", "Zoe", "Bernard", "Chloe", "Dmitri", "Esther", "Felix", "Gloria", "Hugo", "Irene",
    "Jorge", "Keiko",
];
const LAST: [&str; 53] = [
    "Reyes",
    "Ortiz",
    "Chen",
    "Natarajan",
    "Kowalski",
    "Okafor",
    "Lindqvist",
    "Brennan",
    "Castillo",
    "Dubois",
    "Eriksen",
    "Fontaine",
    "Gallagher",
    "Hoffmann",
    "Ibarra",
    "Jankowski",
    "Kaplan",
    "Larsen",
    "Mbeki",
    "Novak",
    "O'Neill",
    "Petrov",
    "Quigley",
    "Romano",
    "Schneider",
    "Tanaka",
    "Underwood",
    "Vasquez",
    "Whitfield",
    "Yamamoto",
    "Zielinski",
    "Abernathy",
    "Bianchi",
    "Cortez",
    "Delgado",
    "Espinoza",
    "Fitzgerald",
    "Grover",
    "Hassan",
    "Iverson",
    "Jimenez",
    "Kensington",
    "Lombardi",
    "Montague",
    "Nakamura",
    "Oyelaran",
    "Pemberton",
    "Rasmussen",
    "Sorensen",
    "Thibodeaux",
    "Ulyanov",
    "Villanueva",
    "Wojcik",
];
const CARS: [(&str, u16, &str, &str); 8] = [
    ("new", 2026, "Honda", "Accord"),
    ("used", 2021, "Toyota", "RAV4"),
    ("new", 2026, "Ford", "F-150"),
    ("used", 2019, "Subaru", "Outback"),
    ("new", 2025, "Hyundai", "Ioniq 5"),
    ("used", 2022, "Chevrolet", "Tahoe"),
    ("new", 2026, "Kia", "Telluride"),
    ("used", 2020, "Mazda", "CX-5"),
];
const WISHES: [&str; 6] = [
    "Is it still available?",
    "What is your best price with tax & title?",
    "I would like to test drive it on Saturday.",
    "Please text, don't call. I work nights.",
    "Does it have heated seats?",
    "Looking for a lease below 400 a month.",
];

/// A new person. No two numbers below 2,000 share a name, phone number or address.
pub fn stranger(number: u64) -> Lead {
    let (first, last) = (pick(&FIRST, number), pick(&LAST, number));
    let (status, year, make, model) = *pick(&CARS, number / 3);
    let handle = format!("{}.{}{number}", first, last.replace('\'', "")).to_lowercase();
    Lead {
        id: format!("CF-{number:06}"),
        resend: false,
        requested_at: format!("2026-03-30T{:02}:{:02}:20-05:00", 8 + number % 12, number % 60),
        first: (*first).to_owned(),
        last: (*last).to_owned(),
        phone: Some(phone(number)),
        email: (number % 4 != 3).then(|| format!("{handle}@mail-{}.net", number % 7)),
        address: number.is_multiple_of(2).then(|| {
            [
                format!("{} Elm Street", 100 + number * 3),
                "Chicago".into(),
                "IL".into(),
                format!("6{:04}", 600 + number % 50),
            ]
        }),
        vehicle: Vehicle { status, year, make, model, vin: None },
        trade_in: None,
        comments: (*pick(&WISHES, number / 2)).to_owned(),
    }
}

/// A valid North American number, in an informal notation.
fn phone(number: u64) -> String {
    let (exchange, line) = (220 + number / 90 % 30, 2000 + number * 7 % 7919);
    match number % 3 {
        0 => format!("(312) {exchange}-{line}"),
        1 => format!("312-{exchange}-{line}"),
        _ => format!("+1 312 {exchange} {line}"),
    }
}

/// A car to trade in, with a valid check digit.
pub fn trade_in(number: u64) -> Vehicle {
    let serial = format!("1HGCM826_3A{:06}", 100_000 + number);
    Vehicle { status: "used", year: 2003, make: "Honda", model: "Accord", vin: Some(with_check_digit(&serial)) }
}

/// Replaces `_` with the check digit of 49 CFR 565.15.
fn with_check_digit(vin: &str) -> String {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let value = |letter: char| match letter {
        'A' | 'J' => 1,
        'B' | 'K' | 'S' => 2,
        'C' | 'L' | 'T' => 3,
        'D' | 'M' | 'U' => 4,
        'E' | 'N' | 'V' => 5,
        'F' | 'W' => 6,
        'G' | 'P' | 'X' => 7,
        'H' | 'Y' => 8,
        'R' | 'Z' => 9,
        digit => digit.to_digit(10).unwrap_or(0),
    };
    let sum: u32 = vin.chars().zip(WEIGHTS).map(|(letter, weight)| value(letter) * weight).sum();
    let digit = match sum % 11 {
        10 => "X".to_owned(),
        digit => digit.to_string(),
    };
    vin.replace('_', &digit)
}

fn pick<T>(from: &[T], number: u64) -> &T {
    let index = usize::try_from(number).unwrap_or(0) % from.len();
    &from[index]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_check_digit_matches_the_published_example() {
        assert_eq!(with_check_digit("1HGCM826_3A004352"), "1HGCM82633A004352");
    }

    #[test]
    fn generated_people_have_nothing_in_common() {
        let people: Vec<Lead> = (0..2000).map(stranger).collect();
        let names: BTreeSet<_> = people.iter().map(|one| (&one.first, &one.last)).collect();
        let phones: BTreeSet<_> = people
            .iter()
            .map(|one| {
                one.phone
                    .iter()
                    .flat_map(|text| text.chars().filter(char::is_ascii_digit))
                    .rev()
                    .take(10)
                    .collect::<String>()
            })
            .collect();
        assert_eq!((names.len(), phones.len()), (2000, 2000));
    }
}
