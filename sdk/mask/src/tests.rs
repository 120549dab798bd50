//! What masking keeps and what it hides, on data that looks real.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use serde_json::{Value, json};

use crate::vin::check_digit;
use crate::{Key, Masker, Rules};

fn masker(byte: u8) -> Masker {
    Masker::new(Key::new([byte; 32]), Rules::default())
}

fn lead() -> Value {
    json!({
        "specversion": "1.0", "id": "lead-88123", "source": "/hooks/web-leads", "type": "com.handoff.lead.received.v1",
        "time": "2026-03-30T15:30:20Z", "subject": "lead/88123", "datacontenttype": "application/json",
        "data": {
            "customer": {
                "firstName": "Jane", "lastName": "O'Brien", "email": "Jane.OBrien@mail.example.net",
                "phone": "+1 (312) 867-4309", "dob": "1984-07-09", "notes": "Jane asked for Tuesday, call 312-867-4309 soon",
                "street": "1180 North Elm Street", "city": "Springfield", "zip": "62704", "ssn": "123-45-6789",
                "income": 84500, "nickname": "Janie"
            },
            "vehicle": {"vin": "1HGCM82633A004352", "make": "Honda", "year": 2003, "mileage": 48211},
            "card": "4111 1111 1111 1111", "iban": "DE89370400440532013000", "phoneNumber": 3128674309_u64,
            "status": "open", "stage": "proposal", "createdAt": 1774884620000_u64, "soldOn": "03/28/2026",
            "homepage": "https://crm.example/customers/88123?email=jane.obrien@mail.example.net&view=full",
            "byCustomer": {"jane.obrien@mail.example.net": 3},
            "adf": "<?xml version=\"1.0\"?><adf><prospect><id source=\"web\">88123</id><customer><contact>\
                <name part=\"first\">Jane</name><name part=\"last\">O&apos;Brien</name>\
                <email>jane.obrien@mail.example.net</email><phone type=\"voice\">3128674309</phone></contact>\
                <comments>Ask for Jane &amp; Bob</comments></customer></prospect></adf>",
            "raw": "{\"contact\": \"Jane O'Brien\", \"vin\": \"1HGCM82633A004352\"}"
        }
    })
}

/// Values of persons that must be nowhere in the output.
const PERSONAL: [&str; 20] = [
    "Jane",
    "jane",
    "Brien",
    "brien",
    "867-4309",
    "8674309",
    "1984-07-09",
    "1180",
    "Elm",
    "Springfield",
    "62704",
    "6789",
    "84500",
    "Tuesday",
    "A004352",
    "4111 1111",
    "532013000",
    "88123",
    "mail.example.net",
    "Bob",
];

fn masked(masker: &Masker, event: &Value) -> Value {
    serde_json::from_str(&masker.events(&event.to_string()).unwrap()).unwrap()
}

#[test]
fn no_personal_value_is_left() {
    let text = masker(1).events(&lead().to_string()).unwrap();
    for value in PERSONAL {
        assert!(lead().to_string().contains(value), "the test looks for what is not there: {value}");
        assert!(!text.contains(value), "{value} is left: {text}");
    }
}

#[test]
fn a_person_stays_one_person_in_every_form() {
    let masker = masker(2);
    let event = masked(&masker, &lead());
    let data = &event["data"];
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{value} in {event:#}")).to_owned();
    let (first, last) = (text(&data["customer"]["firstName"]), text(&data["customer"]["lastName"]));
    let email = text(&data["customer"]["email"]).to_lowercase();
    let plain = format!("{first}.{last}").to_lowercase().replace('\'', "");
    assert!(email.starts_with(&format!("{plain}@")) && email.ends_with(".example"), "{email} of {first} {last}");
    let adf = text(&data["adf"]);
    assert!(adf.contains(&format!(">{first}<")) && adf.contains(&email), "{adf}");
    assert!(text(&data["raw"]).contains(&format!("{first} {last}")), "{data:#}");
    assert!(data["byCustomer"].as_object().unwrap().contains_key(&email), "{data:#}");
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let phone = digits(&text(&data["customer"]["phone"]));
    assert_eq!(phone, format!("1{}", data["phoneNumber"]));
    assert!(digits(&text(&data["customer"]["notes"])).contains(&phone[1..]) && adf.contains(&phone[1..]), "{data:#}");
    assert_eq!(text(&event["subject"]), format!("lead/{}", text(&data["homepage"]).split(['/', '?']).nth(4).unwrap()));

    let other =
        json!({"specversion": "1.0", "id": "x", "source": "/b", "type": "t", "data": {"owner": "JANE O’BRIEN"}});
    let owner = text(&masked(&masker, &other)["data"]["owner"]).replace('’', "'");
    assert_eq!(owner, format!("{first} {last}").to_uppercase(), "in another file, too");
}

#[test]
fn forms_are_kept() {
    let event = masked(&masker(3), &lead());
    let data = &event["data"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let vin = text(&data["vehicle"]["vin"]);
    assert!(vin.len() == 17 && vin.starts_with("1HG") && vin.chars().nth(8) == check_digit(&vin), "{vin}");
    let phone = text(&data["customer"]["phone"]);
    assert!(phone.starts_with("+1 (") && phone[9..].starts_with("555-01") && phone.len() == 17, "{phone}");
    let card: Vec<u32> = text(&data["card"]).chars().filter_map(|digit| digit.to_digit(10)).collect();
    let sum: u32 =
        card.iter().rev().enumerate().map(|(at, d)| if at % 2 == 0 { *d } else { d * 2 / 10 + d * 2 % 10 }).sum();
    assert!(card.len() == 16 && card[0] == 0 && sum.is_multiple_of(10), "{card:?}");
    assert!(crate::number::is_iban(&text(&data["iban"])), "{data:#}");
    assert!(text(&data["customer"]["ssn"]).starts_with("000-"), "{data:#}");
    for (field, kept) in [("make", json!("Honda")), ("year", json!(2003)), ("mileage", json!(48211))] {
        assert_eq!(data["vehicle"][field], kept);
    }
    assert_eq!((&data["status"], &event["type"]), (&json!("open"), &lead()["type"]));
    assert_ne!(data["stage"], "proposal", "an unknown text is masked");
    assert!(text(&data["homepage"]).starts_with("https://crm.example/customers/"), "{data:#}");
}

#[test]
fn ids_in_urls_and_keys_are_those_of_the_records() {
    let event = json!({"specversion": "1.0", "id": "e", "source": "/installations/web-leads", "type": "t", "data": {
        "order": "A-1", "url": "https://parts.example/api/v1/orders/A-1/lines?order=A-1", "key": "order/A-1",
        "outcome": "answered", "status": 201
    }});
    let masked = masked(&masker(12), &event);
    let data = &masked["data"];
    let order = data["order"].as_str().unwrap();
    assert!(order != "A-1" && order.len() == 3, "{data:#}");
    assert_eq!(data["url"], format!("https://parts.example/api/v1/orders/{order}/lines?order={order}"));
    assert_eq!(data["key"], format!("order/{order}"));
    assert_eq!((&data["outcome"], &data["status"]), (&json!("answered"), &json!(201)));
    assert!(!masked["source"].as_str().unwrap().starts_with("/installations/"), "the host's own sources are reserved");
}

#[test]
fn dates_move_together() {
    let event = masked(&masker(4), &lead());
    let data = &event["data"];
    let day = |text: &str, form: &str| chrono::NaiveDate::parse_from_str(text, form).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let time = text(&event["time"]);
    assert!(time.ends_with("T15:30:20Z"), "{time}");
    let shift = day("2026-03-30", "%Y-%m-%d") - day(&time[..10], "%Y-%m-%d");
    assert!(shift.num_days() >= 364 && shift.num_days() % 7 == 0, "{shift}");
    assert_eq!(day("1984-07-09", "%Y-%m-%d") - day(&text(&data["customer"]["dob"]), "%Y-%m-%d"), shift);
    assert_eq!(day("2026-03-28", "%Y-%m-%d") - day(&text(&data["soldOn"]), "%m/%d/%Y"), shift);
    assert_eq!(1_774_884_620_000 - data["createdAt"].as_i64().unwrap(), shift.num_milliseconds());
}

#[test]
fn the_key_decides() {
    let (one, again, other) = (masked(&masker(5), &lead()), masked(&masker(5), &lead()), masked(&masker(6), &lead()));
    assert_eq!(one, again);
    for pointer in
        ["/id", "/time", "/data/customer/lastName", "/data/customer/email", "/data/vehicle/vin", "/data/card"]
    {
        assert_ne!(one.pointer(pointer), other.pointer(pointer), "{pointer}");
    }
    assert_ne!(masked(&masker(5), &one)["data"]["customer"], one["data"]["customer"], "masking is not idempotent");
}

#[test]
fn a_person_can_add_to_the_rules() {
    let rules = Rules { mask: vec!["mileage".to_owned()], keep: vec!["stage".to_owned(), "customer.city".to_owned()] };
    let data = masked(&Masker::new(Key::new([7; 32]), rules), &lead())["data"].clone();
    assert_ne!(data["vehicle"]["mileage"], 48211);
    assert_eq!((&data["stage"], &data["customer"]["city"]), (&json!("proposal"), &json!("Springfield")));
}

#[test]
fn many_people_stay_distinct_and_none_is_left() {
    let masker = masker(8);
    let people: Vec<Value> = (0..500_u64)
        .map(|n| {
            let (first, last) = (format!("Given{}", letters(n)), format!("Family{}", letters(n * 7 + 3)));
            json!({"specversion": "1.0", "id": format!("p-{n}"), "source": "/crm", "type": "com.example.person.v1",
                "data": {"name": format!("{first} {last}"), "email": format!("{first}.{last}@dealer.example"),
                    "phone": format!("({:03}) 345-{:04}", 201 + n % 700, n), "when": "2026-01-02"}})
        })
        .collect();
    let text = masker.events(&Value::from(people.clone()).to_string()).unwrap();
    let masked: Vec<Value> = serde_json::from_str(&text).unwrap();
    let distinct = |field: &str| {
        let values = masked.iter().map(|event| event["data"][field].to_string());
        values.collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!((masked.len(), distinct("name"), distinct("email")), (500, 500, 500));
    assert!(distinct("phone") > 490, "{} telephone numbers of 500", distinct("phone"));
    for person in &people {
        for field in ["name", "email", "phone"] {
            assert!(!text.contains(person["data"][field].as_str().unwrap()), "{person}");
        }
    }
}

fn letters(mut number: u64) -> String {
    let mut text = String::new();
    for _ in 0..4 {
        text.push(char::from(b'a' + u8::try_from(number % 26).unwrap()));
        number /= 26;
    }
    text
}

#[test]
fn odd_documents_are_masked_as_text() {
    let masker = masker(9);
    for odd in [
        "<name>Jane Roe",
        "<a><b>Jane Roe</a></b>",
        "{\"name\": \"Jane Roe\"",
        "<!DOCTYPE x [<!ENTITY j \"Jane Roe\">]><x>&j;</x>",
        "name,phone\nJane Roe,312-867-4309\n",
        "Jane\u{301} Roe says hello to \u{1f600}",
        "<x>&unknown; Jane Roe</x>",
        "((((((+",
        "Jane Roe <jane.roe@mail.example.net>",
    ] {
        let event = json!({"specversion": "1.0", "id": "1", "source": "/a", "type": "t", "data": {"payload": odd}});
        let text = masker.events(&event.to_string()).unwrap();
        for value in ["Jane", "Roe", "867-4309", "jane.roe"] {
            assert!(!text.contains(value), "{odd}: {text}");
        }
    }
}

#[test]
fn what_is_no_event_is_refused_without_its_data() {
    for (text, told) in [
        ("{\"name\": \"Jane Roe\"}", "event 1: expected a CloudEvent with `specversion`, `id`, `source` and `type`"),
        (
            "Jane Roe",
            "line 1, column 1: this is not JSON: expected CloudEvents as one object, an array, or one on each line",
        ),
    ] {
        assert_eq!(masker(1).events(text).unwrap_err().to_string(), told);
    }
    assert_eq!(
        Key::parse("Jane Roe").err().map(|error| error.to_string()).unwrap(),
        "expected 64 hexadecimal digits and nothing else"
    );
}

#[test]
fn a_case_is_masked_with_its_expectations() {
    let case = json!({
        "$schema": "case-1.schema.json", "config": {"crm-url": "https://crm.example"}, "stateSchema": 2,
        "state": {"customer/C-7": {"name": "Jane Roe"}}, "usedKeys": ["lead/88123"], "time": "2026-03-30T15:00:00Z",
        "timeZone": "America/Chicago", "installation": "web-leads", "seed": "00", "about": {"package": "acme/x", "by": "Jane Roe"},
        "events": [{"type": "com.example.lead.v1", "data": {"id": "88123", "customer": "Jane Roe"}}],
        "http": [{"request": {"method": "GET", "url": "https://crm.example/customers/88123"},
            "response": {"status": 200, "headers": {"content-type": "application/json", "x-for": "Jane Roe"}, "body": {"owner": "Jane Roe"}}}]
    });
    let expected = json!({"$schema": "expected-1.schema.json", "deliveries": [
        {"commit": {"emitted": [{"type": "com.example.known.v1", "data": {"customer": "Jane Roe"}}],
            "requests": [{"key": "lead/88123", "request": {"method": "POST", "url": "https://crm.example/leads", "body": {"$text": "<n>Jane Roe</n>"}}}]}},
        {"failure": {"kind": "reject", "code": "no-such-lead", "message": "no lead of Jane Roe"}}
    ]});
    let masked = masker(10).case(&case, Some(&expected));
    let (case, expected) = (masked.case, masked.expected.unwrap());
    assert_eq!(case["about"], json!({"package": "acme/x"}));
    for value in ["Jane", "Roe", "88123", "C-7"] {
        assert!(
            !case.to_string().contains(value) && !expected.to_string().contains(value),
            "{value}: {case:#} {expected:#}"
        );
    }
    let name = &case["events"][0]["data"]["customer"];
    assert_eq!(&expected["deliveries"][0]["commit"]["emitted"][0]["data"]["customer"], name);
    assert_eq!(case["usedKeys"][0], expected["deliveries"][0]["commit"]["requests"][0]["key"]);
    let url = case["http"][0]["request"]["url"].as_str().unwrap();
    assert_eq!(url, format!("https://crm.example/customers/{}", case["events"][0]["data"]["id"].as_str().unwrap()));
    assert_eq!(expected["deliveries"][1]["failure"], json!({"kind": "reject", "code": "no-such-lead"}));
    assert_eq!(
        (&case["timeZone"], &case["stateSchema"], &case["seed"]),
        (&json!("America/Chicago"), &json!(2), &json!("00"))
    );
    assert_eq!(case["config"]["crm-url"], "https://crm.example");
}

#[test]
fn broken_documents_neither_panic_nor_leak() {
    let text = lead().to_string();
    // A sequence without a seed of the system: the same inputs each time.
    let mut number = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |end: usize| {
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        usize::try_from(number % u64::try_from(end).unwrap()).unwrap()
    };
    let odd = ["<", ">", "&", "\"", "\\", "é", "@", "+", "0", "://", "\u{301}", "]]>", "{", "}", "(", " "];
    for _ in 0..1_000 {
        let mut payload = text.clone();
        for _ in 0..4 {
            let at = (0..=next(payload.len())).rev().find(|at| payload.is_char_boundary(*at)).unwrap();
            payload.insert_str(at, odd[next(odd.len())]);
        }
        let event = json!({"specversion": "1.0", "id": "1", "source": "/a", "type": "t", "data": {"payload": payload}});
        let masked = masker(11).events(&event.to_string()).unwrap();
        assert!(!masked.contains("1HGCM82633A004352") && !masked.contains("jane.obrien@mail"), "{payload}\n{masked}");
        let _ = masker(11).events(&payload);
    }
}
