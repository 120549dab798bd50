//! Sources, rotation and redaction.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::borrow::Cow;

use super::*;
use crate::model::time::SystemClock;

struct HandClock(std::sync::atomic::AtomicU64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}

fn one(source: SecretSource) -> Secrets {
    Secrets::new(BTreeMap::from([("s".to_owned(), source)]), Arc::new(SystemClock)).unwrap()
}

fn shell(text: &str) -> SecretSource {
    SecretSource::Command(["sh", "-c", text].map(str::to_owned).to_vec())
}

#[tokio::test]
async fn a_rotated_file_is_seen_after_a_few_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "old-value\n").unwrap();
    let clock = Arc::new(HandClock(std::sync::atomic::AtomicU64::new(1_000_000)));
    let sources = BTreeMap::from([("s".to_owned(), SecretSource::File(path.clone()))]);
    let secrets = Secrets::new(sources, Arc::<HandClock>::clone(&clock)).unwrap();
    assert_eq!(secrets.read("s").await.unwrap().expose(), b"old-value");
    std::fs::write(&path, "new-value\r\n").unwrap();
    assert_eq!(secrets.read("s").await.unwrap().expose(), b"old-value");
    clock.0.fetch_add(5_000, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(secrets.read("s").await.unwrap().expose(), b"new-value");
    assert_eq!(secrets.redactor().text("old-value new-value"), "[redacted] [redacted]");
}

#[tokio::test]
async fn commands_are_bounded_and_their_failures_say_nothing_of_the_output() {
    assert_eq!(one(shell("echo hush-hush")).read("s").await.unwrap().expose(), b"hush-hush");
    let error = one(shell("echo hush-hush; echo hush-hush >&2; exit 3")).read("s").await.unwrap_err().to_string();
    assert!(error.contains("secret `s` from command sh: failed: exit status: 3"), "{error}");
    assert!(!error.contains("hush"), "{error}");
    let error = one(shell("head -c 70000 /dev/zero")).read("s").await.unwrap_err().to_string();
    assert!(error.contains("more than 65536 bytes"), "{error}");
    assert!(one(shell("true")).read("s").await.unwrap_err().to_string().contains("is empty"));
}

#[tokio::test]
async fn missing_sources_teach() {
    let error = one(SecretSource::Env("HANDOFF_TEST_UNSET".to_owned())).read("s").await.unwrap_err();
    assert_eq!(error.to_string(), "secret `s` from environment variable HANDOFF_TEST_UNSET: is not set");
    let error = one(shell("true")).read("other").await.unwrap_err().to_string();
    assert!(error.contains("add `[secrets.other]`"), "{error}");
    assert!(Secrets::new(BTreeMap::from([("a b".to_owned(), shell("x"))]), Arc::new(SystemClock)).is_err());
}

#[test]
fn sources_read_as_toml() {
    let parse = |text: &str| toml::from_str::<BTreeMap<String, SecretSource>>(text);
    let parsed =
        parse("[a]\nfile = \"/run/a\"\n[b]\nenv = \"B\"\n[c]\ncommand = [\"pass\", \"show\", \"c\"]\n").unwrap();
    assert_eq!(parsed["a"], SecretSource::File("/run/a".into()));
    assert_eq!(parsed["b"], SecretSource::Env("B".to_owned()));
    assert!(parse("[a]\nfile = \"/run/a\"\nenv = \"B\"\n").is_err());
    assert!(parse("[a]\nvalue = \"in the clear\"\n").is_err());
}

#[test]
fn no_spelling_leaves_the_tail_of_a_longer_secret_behind() {
    let redactor = Redactor::default();
    redactor.learn("secret short", &Secret::new(b"hunter22".to_vec()));
    redactor.learn("secret long", &Secret::new(b"hunter22-and-more".to_vec()));
    assert_eq!(redactor.text("a hunter22-and-more b hunter22 c"), "a [redacted] b [redacted] c");
}

#[test]
fn new_tokens_of_one_origin_do_not_make_the_others_forgotten() {
    let redactor = Redactor::default();
    redactor.learn("secret crm-key", &Secret::new(b"the-crm-key".to_vec()));
    redactor.learn("secret shared", &Secret::new(b"token-number-0".to_vec()));
    for number in 0..2_000 {
        redactor.learn("token evil", &Secret::new(format!("token-number-{number}").into_bytes()));
    }
    assert_eq!(redactor.text("the-crm-key token-number-0 token-number-1999"), "[redacted] [redacted] [redacted]");
    assert_eq!(redactor.text("token-number-7"), "token-number-7", "the bound of one origin");
    assert_eq!(format!("{redactor:?}"), "Redactor(10 secrets)");
}

#[test]
fn a_secret_that_is_no_text_is_removed_from_texts() {
    let redactor = Redactor::default();
    let latin = b"p\xe4ssword-in-latin-1".to_vec();
    redactor.learn("secret latin", &Secret::new(latin.clone()));
    assert_eq!(redactor.text(&String::from_utf8_lossy(&latin)), "[redacted]");
}

#[test]
fn every_spelling_of_a_secret_is_removed() {
    let redactor = Redactor::default();
    redactor.learn("secret a", &Secret::new(b"p&ss/w\"rd <\xc3\xa9>?".to_vec()));
    redactor.learn("secret b", &Secret::new(b"abc".to_vec()));
    for text in [
        "p&ss/w\"rd <é>?",
        "cCZzcy93InJkIDzDqT4/",
        "cCZzcy93InJkIDzDqT4_",
        "p%26ss%2Fw%22rd+%3C%C3%A9%3E%3F",
        "p%26ss%2Fw%22rd%20%3C%C3%A9%3E%3F",
        "p%26ss%2fw%22rd%20%3c%c3%a9%3e%3f",
        "p&ss/w\\\"rd <é>?",
        "p&amp;ss/w&quot;rd &lt;é&gt;?",
        "70267373",
    ] {
        let clean = redactor.text(&format!("before {text} after {text}")).into_owned();
        if text == "70267373" {
            assert!(clean.contains(text), "a part is not a secret: {clean}");
        } else {
            assert_eq!(clean, "before [redacted] after [redacted]", "{text}");
        }
    }
    assert!(matches!(redactor.bytes(b"nothing, abc"), Cow::Borrowed(_)));
    assert_eq!(format!("{:?} {:?}", redactor, Secret::new(b"abcd".to_vec())), "Redactor(1 secrets) Secret([redacted])");
}
