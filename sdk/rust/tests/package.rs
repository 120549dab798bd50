//! The crate is complete: the contract that it is built against is inside it, and equal to the published one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn contract(folder: &Path) -> BTreeMap<String, String> {
    let versions = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).flatten();
    versions
        .map(|version| version.path())
        .filter(|path| path.is_dir())
        .map(|path| {
            let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            let text = fs::read_to_string(path.join("connector.wit"));
            (name, text.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        })
        .collect()
}

#[test]
fn the_contract_in_the_crate_is_the_published_one() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (inside, published) = (contract(&own.join("wit")), contract(&own.join("../../wit")));
    assert!(!inside.is_empty());
    assert_eq!(inside, published, "copy the folders of wit/ to sdk/rust/wit/");
}
