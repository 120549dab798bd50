//! Plain words: retired terms and phrases must not come back, and test names stay short. It checks text only.

use crate::tree::{File, files, none};

/// Files that contain such words for a reason: the list below, the frozen contract, measured tables, documents of senders.
const EXEMPT: [&str; 4] =
    ["tests/tests/tidy/words.rs", "wit/handoff-connector-", "BENCHMARKS.md", "connectors/adf-leads/tests/cases/"];

/// Endings of files that people read.
const READ_BY_PEOPLE: [&str; 6] = [".rs", ".md", ".toml", ".json", ".html", ".txt"];

/// Retired words in lower case, and what to write instead. `_` in identifiers counts as a space.
const RETIRED: [(&str, &str); 35] = [
    ("aftermath", "rollback job"),
    ("anew", "again, or a verb with re-: rebuilt, rewritten"),
    ("at work", "active or running"),
    ("bells", "wakeups"),
    ("business figure", "metric"),
    ("business figures", "metrics"),
    ("cut off deliveries", "aborted deliveries"),
    ("for ever", "forever or permanently"),
    ("handed on", "passed on"),
    ("handed out", "returned"),
    ("handed over", "passed or delivered"),
    ("in so many words", "explicitly"),
    ("in truth", "actually"),
    ("let be", "ignored"),
    ("nobody is to", "must not"),
    ("nobody knows", "unknown"),
    ("noroom", "CapacityExceeded"),
    ("of which nobody", "a sentence of its own"),
    ("of which nothing", "a sentence of its own"),
    ("puts back", "restores or rolls back"),
    ("so many times", "a number of times, or a factor"),
    ("so manieth", "n-th"),
    ("taken back", "rolled back"),
    ("takes back", "rolls back"),
    ("the version before", "the previous version"),
    ("told apart", "distinguished"),
    ("way back", "remediation or rollback"),
    ("way out", "egress"),
    ("wayout", "Outbound"),
    ("ways in", "ingress or event sources"),
    ("what became of", "the result of"),
    ("what becomes of", "the result of"),
    ("what came of", "the result of"),
    ("what comes of", "the result of"),
    ("whoever", "the caller, the client, everybody who"),
];

/// Longer names are hard to read in a list of results.
const TEST_NAME_CHARS_MAX: usize = 70;

#[test]
fn retired_words_do_not_come_back() {
    let mut found = Vec::new();
    for file in checked() {
        let text = Words::of(&file.text());
        for (word, instead) in RETIRED {
            found.extend(text.lines_with(word).map(|line| format!("{}:{line}: `{word}`: write {instead}", file.path)));
        }
    }
    none(&found, "write plain words: standard terms, subject-verb-object");
}

#[test]
fn test_names_are_short_sentences() {
    let mut found = Vec::new();
    for file in checked().into_iter().filter(|file| file.path.ends_with(".rs")) {
        for name in test_names(&file.text()).into_iter().filter(|name| name.len() >= TEST_NAME_CHARS_MAX) {
            found.push(format!("{}: {name} has {} characters", file.path, name.len()));
        }
    }
    none(
        &found,
        &format!("name the behaviour in under {TEST_NAME_CHARS_MAX} characters; split a test with two stories"),
    );
}

#[test]
fn words_are_found_across_lines_and_in_identifiers() {
    let text = Words::of("//! One way\n//! out of here.\nlet is_at_work = 1;\nlet always_in = 2;\n");
    assert_eq!(text.lines_with("way out").collect::<Vec<_>>(), [1], "a phrase may span lines of a comment");
    assert_eq!(text.lines_with("at work").collect::<Vec<_>>(), [3], "an identifier is several words");
    assert_eq!(text.lines_with("ways in").count(), 0, "a part of a word does not count");
    assert_eq!(test_names("#[tokio::test]\nasync fn a_b() {}\nfn c() {}\n"), ["a_b"]);
}

fn checked() -> Vec<File> {
    let is_checked = |path: &str| {
        READ_BY_PEOPLE.iter().any(|ending| path.ends_with(ending))
            && !EXEMPT.iter().any(|prefix| path.starts_with(prefix))
    };
    files("").into_iter().filter(|file| is_checked(&file.path)).collect()
}

/// A text in lower case without comment markers and line breaks, with the start of each line.
struct Words {
    text: String,
    starts: Vec<usize>,
}

impl Words {
    fn of(source: &str) -> Self {
        let (mut text, mut starts) = (String::new(), Vec::new());
        for line in source.lines() {
            starts.push(text.len());
            let line = line.trim().trim_start_matches(['/', '!', '#', '>', '*', '-']).trim_end_matches('\\').trim();
            text.push_str(&line.to_lowercase().replace('_', " "));
            text.push(' ');
        }
        Self { text, starts }
    }

    /// Numbers of the lines in which the phrase begins, from 1.
    fn lines_with<'w>(&'w self, phrase: &'w str) -> impl Iterator<Item = usize> + 'w {
        let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        self.text
            .match_indices(phrase)
            .filter(move |(at, _)| {
                let (before, after) = (self.text.get(..*at), self.text.get(at + phrase.len()..));
                !is_letter(before.and_then(|text| text.chars().next_back()))
                    && !is_letter(after.and_then(|text| text.chars().next()))
            })
            .map(|(at, _)| self.starts.partition_point(|start| *start <= at))
    }
}

/// Names of the functions under a test attribute.
fn test_names(source: &str) -> Vec<String> {
    let (mut names, mut is_test) = (Vec::new(), false);
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test && !line.starts_with("//")) {
            names.push(rest.split(['(', '<']).next().unwrap_or_default().to_owned());
            is_test = false;
        }
    }
    names
}
