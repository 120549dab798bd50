//! What is generated from the schemas is up to date, and the schemas hold what they promise.

use std::fs;
use std::path::Path;

use expect_test::expect_file;
use handoff_event_schemas::{Events, generate, texts};
use serde_json::{Value, json};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// `UPDATE_EXPECT=1` writes the files.
#[test]
fn generated_types_and_pages_are_up_to_date() {
    let files = generate(&texts()).expect("types");
    for file in &files {
        let path = root().join(&file.path);
        if !path.exists() && std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(&path, "").expect("a file");
        }
        expect_file![path].assert_eq(&file.text);
    }
    let folder = root().join("sdk/rust/src/events");
    for entry in fs::read_dir(&folder).expect("the folder").flatten() {
        let path = format!("sdk/rust/src/events/{}", entry.file_name().to_string_lossy());
        assert!(files.iter().any(|file| file.path == path), "{path} is not generated any more: delete it");
    }
}

#[test]
fn every_example_fits_its_schema() {
    let (closed, mut count) = (Events::closed(), 0);
    for (name, text) in texts() {
        let schema: Value = serde_json::from_str(&text).expect("JSON");
        // Types that events share are no events.
        for example in schema["examples"].as_array().into_iter().flatten() {
            closed
                .check_as(schema["title"].as_str().expect("a title"), example)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            count += 1;
        }
    }
    assert!(count + 1 >= closed.names().count(), "{count} examples");
}

#[test]
fn a_newer_sender_may_add_fields_but_not_change_them() {
    let schema = texts().into_iter().find(|(name, _)| name.starts_with("com.handoff.call.due")).expect("the schema").1;
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let good = &schema["examples"][0];
    let with = |field: &str, value: Value| {
        let mut event = good.clone();
        event["data"][field] = value;
        event
    };
    let (published, closed) = (Events::published(), Events::closed());
    assert_eq!(published.check(&with("priority", json!(3))), Ok(()));
    let unknown = closed.check(&with("priority", json!(3))).expect_err("a field that the schema does not name");
    assert!(unknown.contains("'priority' was unexpected"), "{unknown}");
    for (field, value) in [("level", json!(0)), ("level", json!("1")), ("leadId", json!(7))] {
        assert!(published.check(&with(field, value.clone())).is_err(), "{field} {value}");
    }
}

#[test]
fn a_schema_beyond_the_subset_is_refused() {
    let (name, good) =
        texts().into_iter().find(|(name, _)| name.starts_with("com.handoff.call.due")).expect("the schema");
    let refused = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        generate(&[(name.clone(), good.replacen(from, to, 1))]).expect_err("refused")
    };
    for (from, to, expected) in [
        ("\"minimum\": 1", "\"multipleOf\": 5", "unknown field `multipleOf`"),
        ("\"minimum\": 1,", "", "`level`: `integer` has no type; an integer needs `minimum` 0 or more"),
        ("\"title\": \"com.handoff", "\"title\": \"org.handoff", "file name, `$id` and `title` differ"),
        ("\"leadId\",", "\"leadID\",", "requires `leadID`, which it does not describe"),
        ("\"description\": \"The lead.\"", "\"minLength\": 1", "`leadId`: expected a description"),
        (
            "\"type\": \"string\",\n          \"description\": \"The lead.\"",
            "\"type\": \"object\",\n          \"description\": \"The lead.\"",
            "objects are in `$defs`",
        ),
        ("\"$ref\": \"#/$defs/CallDue\"", "\"$ref\": \"#/$defs/CallDue\", \"oneOf\": []", "unknown field `oneOf`"),
    ] {
        let error = refused(from, to);
        assert!(error.contains(expected), "{error}\n expected {expected}");
    }
}
