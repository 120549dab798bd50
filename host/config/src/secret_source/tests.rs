//! Sources of secrets and their rotation.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use handoff_model::time::{Clock, SystemClock, Timestamp};
use handoff_policy::secrets::Secrets;

struct HandClock(std::sync::atomic::AtomicU64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

fn one(source: SecretSource) -> Secrets {
    Secrets::new(readers(&BTreeMap::from([("s".to_owned(), source)])), Arc::new(SystemClock)).unwrap()
}

fn shell(text: &str) -> SecretSource {
    SecretSource::Command(["sh", "-c", text].map(str::to_owned).to_vec())
}

#[tokio::test]
async fn a_rotated_file_is_read_again_after_a_few_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "old-value\n").unwrap();
    let clock = Arc::new(HandClock(std::sync::atomic::AtomicU64::new(1_000_000)));
    let sources = BTreeMap::from([("s".to_owned(), SecretSource::File(path.clone()))]);
    let secrets = Secrets::new(readers(&sources), Arc::<HandClock>::clone(&clock)).unwrap();
    assert_eq!(secrets.read("s").await.unwrap().expose(), b"old-value");
    std::fs::write(&path, "new-value\r\n").unwrap();
    assert_eq!(secrets.read("s").await.unwrap().expose(), b"old-value");
    clock.0.fetch_add(5_000, Ordering::SeqCst);
    assert_eq!(secrets.read("s").await.unwrap().expose(), b"new-value");
    assert_eq!(secrets.redactor().text("old-value new-value"), "[redacted] [redacted]");
}

#[tokio::test]
async fn commands_are_limited_and_errors_hide_their_output() {
    assert_eq!(one(shell("echo hush-hush")).read("s").await.unwrap().expose(), b"hush-hush");
    let error = one(shell("echo hush-hush; echo hush-hush >&2; exit 3")).read("s").await.unwrap_err().to_string();
    assert!(error.contains("secret `s` from command sh: failed: exit status: 3"), "{error}");
    assert!(!error.contains("hush"), "{error}");
    let error = one(shell("head -c 70000 /dev/zero")).read("s").await.unwrap_err().to_string();
    assert!(error.contains("more than 65536 bytes"), "{error}");
    assert!(one(shell("true")).read("s").await.unwrap_err().to_string().contains("is empty"));
}

#[tokio::test]
async fn missing_sources_are_explained() {
    let error = one(SecretSource::Env("HANDOFF_TEST_UNSET".to_owned())).read("s").await.unwrap_err();
    assert_eq!(error.to_string(), "secret `s` from environment variable HANDOFF_TEST_UNSET: is not set");
    let error = one(shell("true")).read("other").await.unwrap_err().to_string();
    assert!(error.contains("add `[secrets.other]`"), "{error}");
    assert!(Secrets::new(readers(&BTreeMap::from([("a b".to_owned(), shell("x"))])), Arc::new(SystemClock)).is_err());
}

#[test]
fn sources_parse_from_toml() {
    let parse = |text: &str| toml::from_str::<BTreeMap<String, SecretSource>>(text);
    let parsed =
        parse("[a]\nfile = \"/run/a\"\n[b]\nenv = \"B\"\n[c]\ncommand = [\"pass\", \"show\", \"c\"]\n").unwrap();
    assert_eq!(parsed["a"], SecretSource::File("/run/a".into()));
    assert_eq!(parsed["b"], SecretSource::Env("B".to_owned()));
    assert!(parse("[a]\nfile = \"/run/a\"\nenv = \"B\"\n").is_err());
    assert!(parse("[a]\nvalue = \"in the clear\"\n").is_err());
}
