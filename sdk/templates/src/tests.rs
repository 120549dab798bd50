//! What a new project contains, for every language and template.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::fs;

use handoff_package::Manifest;

use super::*;

#[test]
fn every_template_has_a_valid_manifest_and_a_case() {
    let languages = languages();
    assert!(languages.keys().copied().eq(["js", "python", "rust", "ts"]), "{languages:?}");
    for (language, templates) in &languages {
        assert!(templates.iter().copied().eq(["event", "file", "poll", "webhook"]), "{language}: {templates:?}");
        for template in templates {
            let folder = tempfile::tempdir().unwrap();
            let folder = folder.path().join("order-intake");
            let name = "acme/order-intake".parse().unwrap();
            let written = create(&folder, &name, language, template).unwrap();
            let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
            let manifest = Manifest::from_toml_with(&read("connector.toml"), |file| Ok(read(file))).unwrap();
            assert_eq!(manifest.package.name.to_string(), "acme/order-intake");
            for file in &written {
                // In JavaScript, a type in a comment begins with two braces and a blank.
                let text = read(file);
                let mut after = text.split("{{").skip(1);
                let is_word = |rest: &str| rest.starts_with(|first: char| first.is_ascii_lowercase());
                assert!(!after.any(is_word), "{language}/{template}: {file} has a placeholder");
            }
            for needed in ["README.md", ".gitignore", ".editorconfig", ".vscode/settings.json", "settings.toml"] {
                assert!(written.iter().any(|file| file == needed), "{language}/{template}: no {needed}");
            }
            let cases: Vec<_> = written.iter().filter(|file| file.ends_with("/case.json")).collect();
            assert!(!cases.is_empty());
            for schema in ["case-1", "expected-1"] {
                assert!(folder.join(format!("handoff-sdk/schemas/{schema}.schema.json")).is_file());
            }
            let again = create(&folder, &name, language, template).unwrap_err().to_string();
            assert!(again.contains("is not empty"), "{again}");
        }
    }
}

#[test]
fn the_sdk_of_a_project_depends_on_no_workspace() {
    let files = sdk::files(Language::Rust);
    for (manifest, dependency) in [("Cargo.toml", "wit-bindgen"), ("cases/Cargo.toml", "serde_json")] {
        let manifest = files.iter().find(|(path, _)| path == manifest).map(|(_, bytes)| bytes.clone()).unwrap();
        let manifest = String::from_utf8(manifest).unwrap();
        assert!(!manifest.contains("workspace") && manifest.contains(dependency), "{manifest}");
        assert!(!manifest.contains("sdk/cases"), "{manifest}");
    }
    for needed in ["src/lib.rs", "cases/src/lib.rs", "README.md", "wit/handoff-connector-1.0.0/connector.wit"] {
        assert!(files.iter().any(|(path, _)| path == needed), "no {needed}");
    }
}

#[test]
fn no_build_product_is_part_of_an_sdk() {
    for (language, needed) in [
        (Language::JavaScript, &["package.json", "index.d.ts", "src/index.js", "build/build.js", "README.md"][..]),
        (Language::Python, &["handoff_sdk-0.1.0-py3-none-any.whl", "README.md"]),
    ] {
        let files = sdk::files(language);
        for needed in needed {
            assert!(files.iter().any(|(path, _)| path == needed), "no {needed}");
        }
        for (path, bytes) in files {
            for stray in ["node_modules", "__pycache__", "egg-info", ".pyc"] {
                assert!(!path.contains(stray), "{path}");
                // Names in an archive are bytes of it.
                let is_inside =
                    path.ends_with(".whl") && bytes.windows(stray.len()).any(|part| part == stray.as_bytes());
                assert!(!is_inside, "{path}: {stray}");
            }
        }
    }
}

#[test]
fn unknown_names_are_answered_with_the_known_ones() {
    let folder = tempfile::tempdir().unwrap();
    let name = "acme/order-intake".parse().unwrap();
    let refused = |language, template| create(folder.path(), &name, language, template).unwrap_err().to_string();
    assert!(refused("cobol", "webhook").starts_with("there is no language `cobol`; there are "));
    assert_eq!(refused("rust", "mail"), "there is no template `mail`; there are event, file, poll, webhook");
}
