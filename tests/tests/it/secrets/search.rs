//! Searches bytes for secrets in every encoding. It has its own list of encodings: the host's would always agree with
//! itself.

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Texts to find, each in all its encodings.
pub(super) struct Search {
    /// Name and encoding of each pattern, for reports.
    patterns: Vec<(String, Vec<u8>)>,
    /// By their first two bytes.
    beginnings: Vec<Vec<usize>>,
}

impl Search {
    /// For named texts: ASCII of at least 12 bytes.
    pub(super) fn of(canaries: &[(&str, &str)]) -> Self {
        let mut search = Self { patterns: Vec::new(), beginnings: vec![Vec::new(); 1 << 16] };
        for (name, text) in canaries {
            for (form, bytes) in forms(text) {
                let place = beginning(bytes[0], bytes[1]);
                search.beginnings[place].push(search.patterns.len());
                search.patterns.push((format!("{name} as {form}"), bytes));
            }
        }
        search
    }

    /// The patterns found in these bytes.
    pub(super) fn find(&self, bytes: &[u8]) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        for (at, pair) in bytes.windows(2).enumerate() {
            for index in &self.beginnings[beginning(pair[0], pair[1])] {
                let (name, pattern) = &self.patterns[*index];
                if bytes[at..].starts_with(pattern) {
                    found.insert(name.as_str());
                }
            }
        }
        found
    }

    /// The patterns found in the files and file names of a folder, except in one subfolder.
    pub(super) fn find_below(&self, folder: &Path, except: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let kind = entry.file_type().expect("a kind");
            if path == except {
                continue;
            }
            let mut seen = self.find(entry.file_name().as_encoded_bytes());
            if kind.is_dir() {
                self.find_below(&path, except, found);
            } else if kind.is_file() {
                // A file that is removed meanwhile was searched before or contains nothing.
                let bytes = std::fs::read(&path).unwrap_or_default();
                let inside: Vec<String> = self.find(&bytes).into_iter().map(str::to_owned).collect();
                found.extend(inside.into_iter().map(|name| format!("{name} in {}", path.display())));
            }
            found.extend(
                std::mem::take(&mut seen).into_iter().map(|name| format!("{name} in the name of {}", path.display())),
            );
        }
    }
}

fn beginning(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

/// All encodings of a text, each with its name.
pub(super) fn forms(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = text.as_bytes();
    let hex = |upper: bool| {
        let digits = |byte: &u8| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") };
        bytes.iter().map(digits).collect::<String>().into_bytes()
    };
    let wide = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let escaped =
        |before: &str| bytes.iter().map(|byte| format!("{before}{byte:02x}")).collect::<String>().into_bytes();
    let mut forms = vec![
        ("itself", bytes.to_vec()),
        ("lower case", text.to_lowercase().into_bytes()),
        ("capitals", text.to_uppercase().into_bytes()),
        ("backwards", text.bytes().rev().collect()),
        ("hexadecimal digits", hex(false)),
        ("hexadecimal DIGITS", hex(true)),
        ("UTF-16, little endian", wide(u16::to_le_bytes)),
        ("UTF-16, big endian", wide(u16::to_be_bytes)),
        ("percent-encoding of every byte", escaped("%")),
        ("JSON escapes of every letter", escaped("\\u00")),
        ("a list of numbers", bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(",").into_bytes()),
        ("a list of numbers, spaced", bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ").into_bytes()),
    ];
    // Three variants, depending on the bytes before it; without the ends, which depend on the neighbours.
    for before in 0..3 {
        let shifted = [vec![b'x'; before], bytes.to_vec()].concat();
        let (from, until) = ((before * 8).div_ceil(6), shifted.len() * 8 / 6);
        forms.push(("base64", STANDARD_NO_PAD.encode(&shifted).as_bytes()[from..until].to_vec()));
        forms.push(("base64 for URLs", URL_SAFE_NO_PAD.encode(&shifted).as_bytes()[from..until].to_vec()));
    }
    forms
}

#[test]
fn every_encoding_is_found_at_any_position() {
    let search = Search::of(&[("a", "Planted/Secret+0001"), ("b", "another-secret-0002")]);
    let noise: Vec<u8> =
        (0..4_000_u32).map(|i| u8::try_from(i.wrapping_mul(2_654_435_761) >> 24).expect("a byte")).collect();
    assert!(search.find(&noise).is_empty());
    for text in ["Planted/Secret+0001", "another-secret-0002"] {
        for (form, bytes) in forms(text) {
            for at in [0, 1, 2_001, noise.len()] {
                let planted = [&noise[..at], bytes.as_slice(), &noise[at..]].concat();
                assert!(search.find(&planted).iter().any(|name| name.ends_with(form)), "{form} at {at}");
            }
        }
    }
    for whole in ["Basic user:Planted/Secret+0001", "xx Planted/Secret+0001 yy", "Planted/Secret+0001"] {
        assert!(!search.find(STANDARD_NO_PAD.encode(whole).as_bytes()).is_empty(), "{whole}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(folder.path().join("deep/er")).expect("a folder");
    std::fs::write(folder.path().join("deep/er/file"), b"..another-secret-0002..").expect("a file");
    std::fs::write(folder.path().join("another-secret-0002"), b"").expect("a file");
    let mut found = Vec::new();
    search.find_below(folder.path(), Path::new("/none"), &mut found);
    // Its own lower case is the same as itself.
    assert_eq!(found.len(), 4, "{found:?}");
}
