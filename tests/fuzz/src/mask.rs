//! Masking: nothing panics, events stay events, the same input gives the same output, and no e-mail address is left.

use handoff_mask::{Key, Masker, Rules};
use serde_json::{Value, json};

fn masker() -> Masker {
    Masker::new(Key::new([7; 32]), Rules::default())
}

/// As events, as the data of one, and as the files of a case.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        assert_eq!(masker().attachment(data).len(), data.len());
        return;
    };
    if let Ok(masked) = masker().events(text) {
        let again = masker().events(text);
        assert_eq!(again.as_deref(), Ok(masked.as_str()), "the same key gives the same");
        assert!(masker().events(&masked).is_ok(), "masked events are events: {masked}");
    }
    let payload = json!([text, { "payload": text, "mail": "jane.roe@mail.example" }]);
    let event = json!({ "specversion": "1.0", "id": text, "source": "/a", "type": "t", "data": payload });
    let masked = masker().events(&event.to_string()).expect("an event");
    assert!(!masked.contains("jane.roe@mail.example"), "{masked}");
    if let Ok(case) = serde_json::from_str::<Value>(text) {
        let _ = masker().case(&case, Some(&case));
    }
}
