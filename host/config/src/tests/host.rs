//! `handoff.toml`.

use std::path::Path;
use std::sync::Arc;

use expect_test::{Expect, expect};
use handoff_package::reference::RegistryRef;
use proptest::prelude::*;

use super::lines;
use crate::{Config, example};
use handoff_model::limits::{CallLimits, EngineLimits, MigrationLimits, RuntimeLimits, StoreLimits};
use handoff_model::time::SystemClock;

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&lines(&Config::parse(text, "/etc/handoff/handoff.toml").expect_err("problems")));
}

#[test]
fn an_empty_file_gives_a_host_with_defaults() {
    let config = Config::parse("", "/etc/handoff/handoff.toml").expect("a config");
    assert_eq!(config.data, Path::new("/etc/handoff/data"));
    assert_eq!(config.control.socket, Path::new("/etc/handoff/data/control.sock"));
    assert_eq!(config.engine_limits, EngineLimits::default());
    assert!(config.ingress.listen.ip().is_loopback());
}

#[test]
fn the_example_parses_and_shows_the_defaults() {
    let text = example();
    let config = Config::parse(&text, "handoff.toml").unwrap_or_else(|errors| panic!("{errors}"));
    let defaults = Config::parse("", "handoff.toml").expect("a config");
    // Every commented field is valid and shows its default.
    let uncommented: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(field) if !field.starts_with(' ') => format!("{field}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert!(uncommented.lines().count() == text.lines().count() && uncommented != text);
    let spelled_out = Config::parse(&uncommented, "handoff.toml").unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(spelled_out, config);
    assert_eq!(config.ingress.rate, defaults.ingress.rate);
    assert_eq!((config.retention, config.log), (defaults.retention, defaults.log));
    assert_eq!((config.trust, config.recalls), (defaults.trust, defaults.recalls));
    assert_eq!(config.call_limits, CallLimits::default());
    assert_eq!(config.migration_limits, MigrationLimits::default());
    assert_eq!(config.runtime_limits, RuntimeLimits::default());
    assert_eq!(config.store_limits, StoreLimits::default());
    let secrets = config.secrets(Arc::new(SystemClock)).expect("secrets");
    let options = config.egress_options(secrets);
    assert_eq!(options.check(), Ok(()));
    assert_eq!((options.auth.len(), options.hosts.len()), (2, 2));
}

#[test]
fn metrics_beyond_loopback_need_a_token() {
    check(
        "[metrics]\nlisten = \"0.0.0.0:9464\"\n",
        expect![[r#"
            2:10 metrics.listen | the address 0.0.0.0:9464, which other machines can reach, without a token | `token-secret` for an address that is not loopback, because metrics name installations and targets | add `token-secret = "NAME"` and `[secrets.NAME]`, or listen on 127.0.0.1
        "#]],
    );
    let sound = "[metrics]\nlisten = \"0.0.0.0:9464\"\ntoken-secret = \"scraper\"\n[secrets.scraper]\nfile = \"s\"\n";
    assert!(Config::parse(sound, "/etc/handoff/handoff.toml").is_ok());
}

#[test]
fn all_problems_are_reported_at_once_with_their_positions() {
    check(
        r#"
[host]
dta = "x"
[ingress]
listen = "0.0.0.0:8080"
hook-body-bytes = "2 MiB"
[control]
listen = "localhost"
[rooftops.main-street]
time-zone = "America/Chicgo"
[rooftops.Upper]
time-zone = "EST"
[rooftops.east]
title = ""
[limits.engine]
max-attemps = 3
concurrency-per-installation = 0
[retention]
days = -1
[log]
format = "jsn"
[lgo]
"#,
        expect![[r#"
            3:1 host.dta | the unknown field `dta` | one of `allow-shared-data`, `data` | did you mean `data`?
            5:10 ingress.listen | the address 0.0.0.0:8080, which other machines can reach, without a token | `events-token-secret` for an address that is not loopback, because otherwise anyone could post events | add `events-token-secret = "NAME"` here or to every rooftop, and `[secrets.NAME]`, or listen on 127.0.0.1 behind a proxy
            5:10 ingress.listen | the address 0.0.0.0:8080, which other machines can reach, without TLS | `tls` with `certificate` and `key` for an address that is not loopback, because tokens and customers' data would be readable on the way | add `tls = { certificate = "…", key = "…" }`, listen on 127.0.0.1 behind a proxy, or, if a proxy on another machine ends TLS, add `plaintext = true`
            6:19 ingress.hook-body-bytes | "2 MiB" | a whole number from 1024 to 268435456 | write a number of this range without quotes
            8:10 control.listen | a TCP address without a token | `token-secret` together with `listen`, because otherwise anyone who can reach the address could install connectors | add `token-secret = "NAME"` and `[secrets.NAME]`, or remove `listen` and use the socket
            8:10 control.listen | "localhost" | an IP address and a port | write it like `127.0.0.1:8080`
            10:13 rooftops.main-street.time-zone | "America/Chicgo" | an IANA time zone | did you mean "America/Chicago"?
            11:1 rooftops.Upper | the rooftop name "Upper" | a name | `Upper` is not a name: expected 1 to 63 lower-case letters, digits and inner hyphens, for example `web-leads`
            12:13 rooftops.Upper.time-zone | "EST" | a zone by region and city | short names such as `EST` have no daylight saving: use for example "America/New_York"
            13:1 rooftops.east.time-zone | nothing | the rooftop's time zone | add `time-zone = "America/Chicago"`
            14:9 rooftops.east.title | an empty string | a non-empty string in quotes | write it as "…"
            16:15 limits.engine.max-attemps | the unknown limit `max-attemps` | one of the documented limits | did you mean `max-attempts`?
            17:32 limits.engine.concurrency-per-installation | the number 0 | a whole number from 1 to 9007199254740992 | write a number of this range without quotes
            19:8 retention.days | the number -1 | a whole number from 1 to 3650 | write a number of this range without quotes
            21:10 log.format | "jsn" | one of "text", "json" | did you mean "json"?
            22:2 lgo | the unknown field `lgo` | one of `auth`, `control`, `egress`, `groups`, `host`, `hosts`, `ingress`, `limits`, `log`, `metrics`, `probation`, `recalls`, `registries`, `retention`, `rooftops`, `secrets`, `trust` | did you mean `log`?
        "#]],
    );
}

#[test]
fn secrets_and_profiles_are_checked_against_each_other() {
    check(
        r#"
[ingress]
events-token-secret = "S3cretS3cretS3cret/+"
[control]
listen = "127.0.0.1:1"
token-secret = "contrl"
password = "hunter2hunter2"
[secrets]
direct = "hunter2hunter2"
[secrets.control]
file = "x"
env = "Y"
[secrets.other]
vault = "x"
[auth.crm]
kind = "basik"
username = "me"
secret = "control"
[auth.dms]
kind = "basic"
username = "a:b"
secret = "control"
[auth.old]
kind = "bearer"
token = "hunter2hunter2"
[auth.new]
kind = "bearer"
secret = "nowhere"
[hosts."api.example.com"]
burst = 0
[hosts.x]
requests-per-secnd = 1
[egress]
proxi = "x"
"#,
        expect![[r#"
            3:23 ingress.events-token-secret | a text of 20 characters that is not a name | the NAME of a `[secrets.NAME]` section, not the secret itself | store the secret in a file, an environment variable or a command's output, and define it in `[secrets.NAME]`
            6:16 control.token-secret | the undefined secret "contrl" | a secret that `[secrets]` defines | did you mean "control"?
            7:1 control.password | what looks like a secret in the file itself | secrets outside the file, referenced by name | define it in `[secrets.NAME]` as `file = …`, `env = …` or `command = …`, reference NAME, and change the secret, because files get copied
            9:10 secrets.direct | what looks like a secret in the file itself | a section `[secrets.direct]` | write `file = …`, `env = …` or `command = ["…"]` there, and change the secret, because files get copied
            10:1 secrets.control | none or several of `file`, `env` and `command` | exactly one of them | set where the secret is stored
            13:1 secrets.other | none or several of `file`, `env` and `command` | exactly one of them | set where the secret is stored
            14:1 secrets.other.vault | the unknown field `vault` | one of `command`, `env`, `file`, `groups`, `rooftops` | remove it, or choose one of these
            16:8 auth.crm.kind | an unusable field: unknown variant `basik`, expected one of `basic`, `bearer`, `api-key`, `oauth2-client-credentials`, `ws-security`, `hmac` | a field of this section | did you mean `basic`?
            25:9 auth.old.token | what looks like a secret in the file itself | `secret = "NAME"` and a section `[secrets.NAME]` | define it in `[secrets.NAME]` as `file = …`, `env = …` or `command = …`, and change the secret, because files get copied
            28:10 auth.new.secret | the undefined secret "nowhere" | a secret that `[secrets]` defines | add its `[secrets.NAME]` with `file = …`, `env = …` or `command = …`
            30:9 hosts."api.example.com".burst | 0; expected at least 1 | a valid value | correct it, or see `handoff check --example`
            32:22 hosts.x.requests-per-secnd | an unusable field: unknown field `requests-per-secnd`, expected one of `requests-per-second`, `burst`, `daily`, `quota-after-ms`, `retry-after-max-ms`, `failures-to-open`, `open-ms` | a field of this section | did you mean `requests-per-second`?
            34:9 egress.proxi | an unusable field: unknown field `proxi`, expected one of `extra-ca-files`, `native-roots`, `proxy`, `connect-timeout-ms`, `idle-timeout-ms`, `idle-connections`, `response-headers`, `response-header-bytes` | a field of this section | did you mean `proxy`?
        "#]],
    );
}

#[test]
fn registries_are_checked_individually_and_together() {
    check(
        r#"
[secrets.pull]
file = "pull"
[registries.Main]
url = "https://registry.example.com"
[registries.plain]
url = "http://registry.example.com"
[registries.secretive]
url = "https://me:hunter2@registry.example.com"
[registries.nowhere]
ca-file = "ca.pem"
[registries.one]
url = "https://one.example"
auth = { kind = "basic", secret = "pull" }
default = true
[registries.two]
url = "http://127.0.0.1:5000/prefix"
auth = { kind = "token", username = "me", secret = "pul" }
default = true
[registries.stick]
url = "packages"
auth = { kind = "token", secret = "pull" }
[trust]
require-signatures = true
[recalls]
every-s = -1
list-max-age-days = 3651
"#,
        expect![[r#"
            4:1 registries.Main | the registry name "Main" | 1 to 63 lower-case letters, digits and inner hyphens | rename it, for example `main`
            7:7 registries.plain.url | an http URL to another machine | an https URL, or the path of a folder | use https: plain HTTP would expose the credentials; http is only for loopback addresses
            9:7 registries.secretive.url | a URL with a user or a password in it | an https URL, or the path of a folder | name the user in `auth`, and the secret in `[secrets.NAME]`
            10:1 registries.nowhere.url | nothing | where the registry is | add `url = "https://registry.example.com"`
            14:8 registries.one.auth | no `username` | `username` with `kind = "basic"` | add `username = "…"`
            18:37 registries.two.auth.username | a `username` with a token | only `secret` | remove it, or use `kind = "basic"`
            18:52 registries.two.auth.secret | the undefined secret "pul" | a secret that `[secrets]` defines | did you mean "pull"?
            19:11 registries.two.default | a second `default = true` | one default registry | keep it on one of them
            22:8 registries.stick.auth | authentication for a folder | no `auth`: file permissions decide | remove it
            24:1 trust.require-signatures | the unknown field `require-signatures` | one of `require-signature-for-files` | remove it, or choose one of these
            26:11 recalls.every-s | the number -1 | a whole number from 0 to 604800 | write a number of this range without quotes
            27:21 recalls.list-max-age-days | the number 3651 | a whole number from 0 to 3650 | write a number of this range without quotes
        "#]],
    );
}

#[test]
fn the_only_registry_is_the_default() {
    let config =
        Config::parse("[registries.stick]\nurl = \"packages\"\n", "/etc/handoff/handoff.toml").expect("a config");
    assert_eq!(config.registries.default.as_deref(), Some("stick"));
    let location = &config.registries.by_name["stick"].location;
    assert_eq!(*location, RegistryRef::Folder("/etc/handoff/packages".into()));
    let two = "[registries.a]\nurl = \"a\"\n[registries.b]\nurl = \"https://b.example/x\"\n";
    assert_eq!(Config::parse(two, "handoff.toml").expect("a config").registries.default, None);
}

#[test]
fn no_problem_ever_shows_a_secret() {
    for text in [
        "[control]\npassword = \"hunter2hunter2\"",
        "[secrets]\nx = \"hunter2hunter2\"",
        "[auth.a]\nkind = \"bearer\"\nsecret = \"hunter2hunter2\"",
        "[auth.a]\nkind = \"bearer\"\ntoken = \"hunter2hunter2\"",
        "[ingress]\nevents-token-secret = \"hunter2hunter2\"",
        "[control]\nclient-secret = \"hunter2hunter2\" oops",
        "[a]\nb = { password = \"hunter2hunter2\", x = }",
        "[registries.a]\nurl = \"https://me:hunter2hunter2@registry.example\"",
    ] {
        let errors = Config::parse(text, "handoff.toml").expect_err(text);
        let shown = format!("{errors}\n{}", errors.to_json());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn problems_are_drawn_under_the_line() {
    let errors = Config::parse("[rooftops.a]\ntime-zone = \"Central\"\n", "handoff.toml").expect_err("a problem");
    expect![[r#"
        handoff.toml:2:13: rooftops.a.time-zone: found "Central", expected an IANA time zone
           |
         2 | time-zone = "Central"
           |             ^^^^^^^^^
           do: did you mean "America/Chicago"?

        1 problem found; nothing was changed"#]]
    .assert_eq(&errors.to_string());
    let json: serde_json::Value = serde_json::from_str(&errors.to_json()).expect("JSON");
    assert_eq!(json["problems"][0]["line"], 2);
    assert_eq!(json["problems"][0]["field"], "rooftops.a.time-zone");
}

#[test]
fn an_unreadable_file_is_reported_as_a_problem() {
    let errors = Config::load(Path::new("/nonexistent/handoff.toml")).expect_err("a problem");
    assert!(errors.to_string().starts_with("/nonexistent/handoff.toml:1:1: the file: found No such file"), "{errors}");
}

proptest! {
    #[test]
    fn no_text_causes_a_panic(text in "([a-z\\[\\]{}=\"'.#\n é0-9-]|\\[ingress\\]\n|\\[\\[x\\]\\]\n|listen = |limits\\.call){0,60}") {
        if let Err(errors) = Config::parse(&text, "handoff.toml") {
            prop_assert!(!errors.problems.is_empty());
            prop_assert!(!errors.to_string().is_empty());
        }
    }
}

#[test]
fn problems_are_short_and_without_control_characters() {
    let long = r"\u001b".repeat(5_000);
    let text = format!("[log]\nlevel = \"\\u001b[2J\"\n\"\\u001b]0;\\u0007\" = 1\n\"{long}\" = 1\n\tformat = 7\n");
    let errors = Config::parse(&text, "handoff.toml").expect_err("problems");
    assert_eq!(errors.problems.len(), 4);
    let shown = errors.to_string();
    assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
    assert!(shown.len() < 6_000 && shown.contains(r"\u{1b}"), "{shown}");
}
