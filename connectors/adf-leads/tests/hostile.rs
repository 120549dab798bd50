//! Random and mutated bytes, and inputs built to be slow: the connector never panics and never takes long.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use adf_leads::config::Config;
use adf_leads::dates::FixedOffset;
use adf_leads::intake::{self, Origin};
use adf_leads::read::{self, Options};
use proptest::prelude::*;

const MAX_BYTES: usize = 8 * 1024 * 1024;

fn run(bytes: &[u8], content_type: Option<&str>) -> Option<usize> {
    let config = Config::default();
    let options = Options { config: &config, zone: &FixedOffset(-5 * 3600) };
    let documents = intake::open(bytes, Origin { content_type, file_name: None }, MAX_BYTES).ok()?;
    let found = read::read_documents(&documents, &options).ok()?;
    Some(found.good.len())
}

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut inputs: Vec<_> = fs::read_dir(folder)
        .expect("the cases are there")
        .flat_map(|case| fs::read_dir(case.expect("readable").path()).expect("a folder"))
        .map(|file| file.expect("readable").path())
        .filter(|path| path.file_stem().is_some_and(|stem| stem == "input"))
        .collect();
    inputs.sort();
    inputs.iter().map(|path| fs::read(path).expect("readable")).collect()
}

const CONTENT_TYPES: [Option<&str>; 6] = [
    None,
    Some("message/rfc822"),
    Some("text/html"),
    Some("multipart/mixed; boundary=xyz"),
    Some("application/x-www-form-urlencoded"),
    Some("application/xml; charset=utf-16"),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000), kind in 0..6usize) {
        run(&bytes, CONTENT_TYPES[kind]);
    }

    #[test]
    fn random_markup_never_panics(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "<adf>", "</adf>", "<prospect>", "</prospect>", "<![CDATA[", "]]>", "<!--", "-->", "<?adf", "?>", "&lt;",
                "&amp;", "&#x3c;", "&", "<", ">", "\"", "'", "<!DOCTYPE adf [", "<name part=\"first\">x", "</name>", "<br>",
                "<customer><contact>", "=?", "\r\n\r\n", "--xyz\r\n", "--xyz--", "Content-Type: message/rfc822\r\n",
                "Content-Transfer-Encoding: base64\r\n", "é", "\u{0}", "<requestdate>3/30/26 pm", "<vin>IOQ",
                "<price>-,.", "<a:adf ", "x=<y", "\u{feff}",
            ]),
            0..60,
        ),
        kind in 0..6usize,
    ) {
        run(pieces.concat().as_bytes(), CONTENT_TYPES[kind]);
    }

    #[test]
    fn mutated_documents_never_panic(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..12),
        kind in 0..6usize,
    ) {
        let corpus = corpus();
        let mut bytes = which.get(&corpus).clone();
        for (at, byte, how) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                2 => bytes.insert(at, byte),
                _ => bytes.truncate(at),
            }
        }
        run(&bytes, CONTENT_TYPES[kind]);
        run(&bytes, None);
    }
}

#[test]
fn no_prefix_of_a_document_causes_a_panic() {
    for document in corpus() {
        for end in (0..document.len()).step_by(37) {
            run(document.get(..end).expect("in range"), None);
        }
    }
}

#[test]
fn inputs_built_to_be_slow_are_fast() {
    let million = |piece: &str| piece.repeat(2_000_000 / piece.len());
    let mut slow = Vec::new();
    for piece in [
        "<adf>",
        "<adf/>",
        "<",
        "</",
        "&lt;",
        "<!--",
        "<![CDATA[",
        "<!doctype ",
        "<adf><prospect>",
        "</a>",
        "&",
        "<a ",
        "<?adf ",
        "&amp;lt;",
        "<prospect/>",
        "--xyz\r\n",
        "Content-Type: message/rfc822\r\n\r\n",
        "a:",
        "<!-- -->",
        "]]>",
    ] {
        slow.push(million(piece));
        slow.push(format!("<adf><prospect><customer>{}", million(piece)));
        slow.push(format!("From: a@b\r\nContent-Type: multipart/mixed; boundary=xyz\r\n\r\n{}", million(piece)));
        slow.push(format!("{}<adf/>", million(piece)));
    }
    slow.push(format!("<adf><prospect><customer {}></customer></prospect></adf>", million("a='b' ")));
    slow.push(format!(
        "<adf><prospect><customer><contact>{}</contact></customer></prospect></adf>",
        million("<name>x</name>")
    ));
    for document in slow {
        let start = Instant::now();
        run(document.as_bytes(), None);
        let took = start.elapsed();
        // A quadratic step over 2 MB takes minutes; the limit leaves room for a busy machine.
        assert!(took < Duration::from_secs(10), "{took:?} for {:?}…", document.chars().take(60).collect::<String>());
    }
}

#[test]
fn messages_contain_no_control_characters() {
    let check = |text: &str| assert!(!text.contains(char::is_control), "{text:?}");
    for document in [
        "<adf><?\u{81}\u{1b}[2Jx",
        "From: a@b\nContent-Type: application/pkcs7-mime\u{1b}[2J; name=x\n\nx",
        "<adf><prospect><\u{85}\u{9b}x/><customer><contact><name>x</name></contact></customer></prospect></adf>",
    ] {
        let config = Config::default();
        let options = Options { config: &config, zone: &FixedOffset(0) };
        let opened = intake::open(document.as_bytes(), Origin::default(), MAX_BYTES);
        match opened.and_then(|documents| read::read_documents(&documents, &options)) {
            Ok(found) => {
                found.refused.iter().for_each(|refused| check(&refused.refusal.message));
                let warnings = found.good.iter().flat_map(|prospect| &prospect.lead.warnings);
                warnings
                    .for_each(|warning| [&warning.field, &warning.message].into_iter().for_each(|text| check(text)));
            }
            Err(refusal) => check(&refusal.message),
        }
    }
}
