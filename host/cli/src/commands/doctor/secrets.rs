//! Checks that the secrets of the configuration can be read and used. Shows no secret.

use super::Finding;
use handoff_app::secrets::{SecretCheck, UnusableSecret};
use handoff_config::Config;

const NAME: &str = "secrets";

/// One finding for each secret that cannot be used; if there is none, one that reports success.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let count = config.secret_names().count();
    let unusable = match SecretCheck::new(config) {
        Ok(check) => check.config().await,
        Err(error) => return vec![Finding::fail(NAME, error.chain(), "correct [secrets] in handoff.toml")],
    };
    if unusable.is_empty() {
        let found = match count {
            0 => "handoff.toml names none".to_owned(),
            1 => "the only one can be read and used".to_owned(),
            count => format!("all {count} can be read and used"),
        };
        return vec![Finding::ok(NAME, found)];
    }
    let finding = |one: &UnusableSecret| {
        let found = format!("{one} ({})", one.used_by);
        Finding::fail(NAME, found, "correct it, or look as the user and with the environment of the host")
    };
    unusable.iter().map(finding).collect()
}
