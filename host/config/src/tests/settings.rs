//! Settings files of installations, and grants against manifests.

use expect_test::{Expect, expect};
use handoff_package::Manifest;
use proptest::prelude::*;

use super::lines;
use crate::{Asks, Config, ConfigErrors, Settings, missing_grants, resolve_grants};
use handoff_policy::ingress::{HookVerify, IngressSettings};

const GOOD: &str = r#"
rooftop = "main-street"
[config]
dealer = "4711"
since = 2026-03-30
nested = { list = [1, 2.5, true, 2026-03-30T10:00:00-05:00] }
[grants]
emits = ["com.handoff.lead.received.v1"]
[[grants.http]]
name = "crm"
host = "API.crm.example.com"
paths = ["/leads/new"]
auth = { crm = "crm-north" }
[hook]
verify = "body-hmac"
secret = ["hook-new", "hook-old"]
header = "X-Signature"
encoding = "hex"
prefix = "sha256="
[[folders]]
name = "drops"
path = "/srv/drops"
pattern = "*.xml"
[[schedules]]
name = "morning"
cron = "0 8 * * MON-FRI"
jitter = "5m"
[[schedules]]
name = "often"
every = "15m"
"#;

const MANIFEST: &str = r#"
[package]
name = "handoff/adf-leads"
version = "1.0.0"
title = "Web leads (ADF)"
summary = "Turns web leads into call-list entries."
license = "Apache-2.0 OR MIT"
[events]
accepts = ["com.handoff.hook.received.v1", "com.handoff.file.dropped.v1"]
emits = ["com.handoff.lead.received.v1"]
[hook]
verify = ["standard-webhooks", "body-hmac"]
[[http]]
name = "crm"
host = "*"
methods = ["GET", "POST"]
paths = ["/leads/*"]
auth = ["crm"]
why = "Posts call-list entries."
[[http]]
name = "vin"
host = "vin.example.com"
methods = ["GET"]
paths = ["/decode/**"]
why = "Decodes vehicle numbers."
"#;

fn asks() -> Asks {
    Asks::from(&Manifest::from_toml(MANIFEST).expect("a manifest"))
}

fn settings(text: &str) -> Settings {
    Settings::parse(text, "/etc/handoff/leads.toml").unwrap_or_else(|errors| panic!("{errors}"))
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&lines(&Settings::parse(text, "/etc/handoff/leads.toml").expect_err("problems")));
}

#[test]
fn valid_settings_become_config_grants_and_event_sources() {
    let settings = settings(GOOD);
    expect![[r#"{"dealer":"4711","nested":{"list":[1,2.5,true,"2026-03-30T10:00:00-05:00"]},"since":"2026-03-30"}"#]]
        .assert_eq(&settings.config_json());
    let grants = resolve_grants(&settings, &asks()).expect("grants");
    expect![[r#"{"accepts":["com.handoff.file.dropped.v1","com.handoff.hook.received.v1"],"emits":["com.handoff.lead.received.v1"],"http":[{"name":"crm","host":"api.crm.example.com","port":null,"plaintext":false,"privateAddresses":false,"methods":["GET","POST"],"paths":["/leads/new"],"lookUps":[],"auth":{"crm":"crm-north"}}],"shares":{"with":{},"from":{}}}"#]].assert_eq(&serde_json::to_string(&grants).expect("JSON"));
    let json = settings.ingress.to_json();
    expect![[r#"{"hook":{"verify":"body-hmac","secrets":["hook-new","hook-old"],"header":"x-signature","encoding":"hex","prefix":"sha256=","idHeader":null},"folders":[{"name":"drops","path":"/srv/drops","archive":null,"pattern":"*.xml","contentType":null,"settleMs":2000,"doneDays":30}],"schedules":[{"name":"morning","when":{"cron":"0 8 * * MON-FRI"},"jitterMs":300000},{"name":"often","when":{"everyMs":900000},"jitterMs":0}]}"#]].assert_eq(&json);
    assert_eq!(IngressSettings::from_json(&json).expect("read back"), settings.ingress);
    assert_eq!(settings.ingress.secrets(), ["hook-new", "hook-old"]);
}

#[test]
fn all_problems_of_settings_are_reported_at_once() {
    check(
        r#"
rooftop = "Main Street"
[config]
api-key = "hunter2hunter2"
token-url = "https://id.example.com/token"
rate = nan
[grants]
accepts = "com.handoff.hook.received.v1"
[[grants.http]]
host = "https://crm.example.com"
methods = ["GTE"]
paths = []
[[grants.http]]
name = "crm"
host = "*.example.com"
port = 70000
auth = ["Not A Name"]
[hook]
verify = "jwt"
secret = "whsec_AAAA"
algorithms = ["none"]
tolerance-seconds = 3
[[folders]]
name = "drops"
pattern = "in/*.xml"
settle-ms = 1
[[schedules]]
name = "a"
cron = "0 0 31 2 *"
[[schedules]]
name = "a"
every = "15"
[[schedules]]
name = "b"
"#,
        expect![[r#"
            2:11 rooftop | "Main Street" | a rooftop's name | write it like `main-street`
            4:11 config.api-key | what looks like a secret | no secrets in a connector's config: the host adds them when it sends | define it in `[secrets.NAME]` and an `[auth.NAME]` profile of handoff.toml, grant the profile with `auth = ["NAME"]`, and change the secret, because files get copied
            6:8 config.rate | the number nan | a finite number | JSON has neither infinity nor `nan`
            9:1 grants.http[0].name | nothing | the manifest's name of the target | add `name = "crm"`
            10:8 grants.http[0].host | "https://crm.example.com" | a host name or an IP address | remove scheme and path; `plaintext = true` allows http, and `paths` lists the paths
            11:12 grants.http[0].methods[0] | "GTE" | one of "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" | did you mean "GET"?
            12:9 grants.http[0].paths | a list | at least one path | remove `paths` to grant what the manifest requests
            15:8 grants.http[1].host | "*.example.com" | a host name or an IP address | add one `[[grants.http]]` per host: a grant has no wildcards
            16:8 grants.http[1].port | the number 70000 | a whole number from 1 to 65535 | write a number of this range without quotes
            17:9 grants.http[1].auth[0] | "Not A Name" | an auth profile's name | write it like `crm`
            18:1 hook.issuer | nothing | the required claim `iss` | add `issuer = "https://id.example.com"`
            18:1 hook.audience | nothing | the required claim `aud` | add `audience = "handoff"`
            21:15 hook.algorithms[0] | "none" | one of "HS256", "HS384", "HS512" | choose one of these words
            22:1 hook.tolerance-seconds | the unknown field `tolerance-seconds` | one of `algorithms`, `audience`, `id-header`, `issuer`, `jwks-file`, `leeway-seconds`, `public-key-file`, `secret`, `verify` | remove it, or choose one of these
            23:1 folders[0].path | nothing | the folder to watch | add `path = "/srv/drops/leads"`
            25:11 folders[0].pattern | "in/*.xml" | a file name pattern without `/` | name the folder in `path`; subfolders are not watched
            26:13 folders[0].settle-ms | the number 1 | a whole number from 100 to 3600000 | write a number of this range without quotes
            29:8 schedules[0].cron | "0 0 31 2 *" | a cron pattern of five fields: minute, hour, day of month, month, day of week | no such day exists; use for example "0 8 * * MON-FRI"
            32:9 schedules[1].every | "15" | a duration from 60 to 31622400 seconds with its unit | write it like "90s", "15m", "2h" or "1d"
            33:1 schedules[2] | both or neither of `cron` and `every` | one of them | write `cron = "0 8 * * MON-FRI"` for local times or `every = "15m"` for an interval
        "#]],
    );
}

#[test]
fn a_public_key_is_never_used_with_a_shared_secret_algorithm() {
    let text = |algorithms: &str| {
        format!(
            "rooftop = \"a\"\n[hook]\nverify = \"jwt\"\njwks-file = \"k.json\"\nissuer = \"i\"\naudience = \"a\"\n\
             algorithms = [{algorithms}]\n"
        )
    };
    check(
        &text("\"HS256\""),
        expect![[r#"
        7:15 hook.algorithms[0] | "HS256" | one of "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA" | did you mean "RS256"?
    "#]],
    );
    let good = settings(&text("\"RS256\", \"EdDSA\""));
    assert!(matches!(good.ingress.hook, Some(HookVerify::Jwt { leeway_seconds: 60, .. })));
}

#[test]
fn grants_beyond_the_manifest_are_refused_and_explained() {
    let settings = settings(
        r#"
rooftop = "a"
[grants]
accepts = ["com.handoff.hook.recieved.v1"]
[[grants.http]]
name = "crn"
host = "x.example.com"
[[grants.http]]
name = "crm"
methods = ["GET", "DELETE"]
paths = ["/leads/**", "/admin"]
auth = ["dms"]
[[grants.http]]
name = "vin"
host = "evil.example.com"
[hook]
verify = "jwt"
secret = "x"
issuer = "i"
audience = "a"
algorithms = ["HS256"]
"#,
    );
    let problems = resolve_grants(&settings, &asks()).expect_err("problems");
    expect![[r#"
        4:12 grants.accepts[0] | the event type "com.handoff.hook.recieved.v1" | an event type that the package's manifest accepts: `com.handoff.file.dropped.v1`, `com.handoff.hook.received.v1` | did you mean "com.handoff.hook.received.v1"?
        5:1 grants.http[0] | the target "crn" | a target of the manifest: `crm`, `vin` | did you mean "crm"?
        8:1 grants.http[1] | no host for "crm" | a host, because the manifest leaves the choice to the operator | add `host = "…"`; purpose: Posts call-list entries.
        8:1 grants.http[1] | methods with "DELETE" | at most what the manifest requests for "crm": `GET`, `POST` | remove it, or ask the publisher for a version whose manifest requests it
        8:1 grants.http[1] | paths with "/leads/**" | at most what the manifest requests for "crm": `/leads/*` | remove it, or ask the publisher for a version whose manifest requests it
        8:1 grants.http[1] | paths with "/admin" | at most what the manifest requests for "crm": `/leads/*` | remove it, or ask the publisher for a version whose manifest requests it
        8:1 grants.http[1] | auth with "dms" | at most what the manifest requests for "crm": `crm` | remove it, or ask the publisher for a version whose manifest requests it
        13:1 grants.http[2] | the host "evil.example.com" | "vin.example.com", the only host that the manifest requests for "vin" | remove `host`
        16:1 hook | `verify = "jwt"` | a kind that the manifest supports: `standard-webhooks`, `body-hmac` | choose one of them
    "#]].assert_eq(&lines(&ConfigErrors::new(problems)));
}

#[test]
fn without_a_grants_section_events_are_granted_but_no_targets() {
    let grants = resolve_grants(&settings("rooftop = \"a\"\n"), &asks()).expect("grants");
    assert_eq!((grants.accepts.len(), grants.emits.len(), grants.http.len()), (2, 1, 0));
}

#[test]
fn references_must_be_defined_in_the_hosts_config() {
    let config = Config::parse(
        "[rooftops.main-stret]\ntime-zone = \"America/Chicago\"\n[secrets.hook-new]\nenv = \"X\"\n",
        "handoff.toml",
    )
    .expect("a config");
    let errors = settings(GOOD).check_references(&config).expect_err("problems");
    expect![[r#"
        2:11 rooftop | the undefined rooftop "main-street" | one that `[rooftops]` of handoff.toml defines | did you mean "main-stret"?
        13:16 grants.http[0].auth.crm | the undefined auth profile "crm-north" | one that `[auth]` of handoff.toml defines | add `[auth.crm-north]` with its kind and secrets to handoff.toml
        16:23 hook.secret[1] | the undefined secret "hook-old" | one that `[secrets]` of handoff.toml defines | add `[secrets.hook-old]` with `file = …`, `env = …` or `command = …` to handoff.toml
    "#]].assert_eq(&lines(&errors));
}

proptest! {
    #[test]
    fn no_settings_cause_a_panic(
        section in "hook|grants|config|\\[folders\\]|\\[schedules\\]|\\[grants.http\\]",
        key in "verify|secret|cron|every|path|pattern|host|paths|name|jitter",
        value in "\"[ -~é]{0,20}\"|[0-9]{1,25}|\\[\"[a-z/*]{0,5}\"\\]|\\{ a = 1 \\}|2026-01-01",
    ) {
        let text = format!("rooftop = \"a\"\n[{section}]\n{key} = {value}\n");
        let _ = Settings::parse(&text, "leads.toml");
    }
}

#[test]
fn grants_that_can_never_work_are_refused_with_what_to_write() {
    let mut found = Vec::new();
    for (host, more) in [
        ("127.0.0.1", ""),
        ("localhost", ""),
        ("169.254.169.254", "private-addresses = true"),
        ("0x7f.1", "private-addresses = true"),
        ("127.0.0.1", "private-addresses = true"),
        ("crm.example.com", ""),
    ] {
        let text = format!("rooftop = \"main-street\"\n[[grants.http]]\nname = \"crm\"\nhost = \"{host}\"\n{more}\n");
        let problems = Settings::parse(&text, "leads.toml").err().map(|errors| lines(&errors)).unwrap_or_default();
        found.push(format!("{host}: {problems}"));
    }
    expect![[r#"
        127.0.0.1: 4:8 grants.http[0].host | the host "127.0.0.1", which is loopback, in a grant for public addresses | a host that a request can be sent to | add `private-addresses = true`, or write the public host of the target

        localhost: 4:8 grants.http[0].host | the host "localhost", which is loopback, in a grant for public addresses | a host that a request can be sent to | add `private-addresses = true`, or write the public host of the target

        169.254.169.254: 4:8 grants.http[0].host | the host "169.254.169.254", which is a cloud metadata service: no grant allows it | a host that a request can be sent to | write the address of the target system

        0x7f.1: 4:8 grants.http[0].host | the host "0x7f.1", which a URL writes as "127.0.0.1" | a host that a request can be sent to | write host = "127.0.0.1"

        127.0.0.1: 
        crm.example.com: "#]].assert_eq(&found.join("\n"));
}

#[test]
fn missing_grants_are_named_with_what_to_add() {
    let asks = Asks::from(&Manifest::from_toml(MANIFEST).expect("a manifest"));
    let settings = |grants: &str| {
        Settings::parse(&format!("rooftop = \"main-street\"\n{grants}"), "leads.toml").expect("settings")
    };
    let none = missing_grants(&settings(""), &asks);
    expect![[r#"
        the target `crm` is not granted, so that requests to it are refused (Posts call-list entries.): to allow them, add `[[grants.http]]` with `name = "crm"`, `host = "…"`, `auth = ["crm"]` to the settings
        the target `vin` is not granted, so that requests to it are refused (Decodes vehicle numbers.): to allow them, add `[[grants.http]]` with `name = "vin"` to the settings"#]].assert_eq(&none.join("\n"));
    let no_auth = "[[grants.http]]\nname = \"crm\"\nhost = \"crm.example.com\"\n[[grants.http]]\nname = \"vin\"\n";
    expect![[r#"requests to `crm` have no credentials of `crm`: to allow them, add `auth = ["crm"]` to its `[[grants.http]]`, with `[auth.NAME]` in handoff.toml"#]].assert_eq(&missing_grants(&settings(no_auth), &asks).join("\n"));
}

#[test]
fn urls_in_a_config_need_a_grant_that_allows_them() {
    let manifest = MANIFEST
        .replace("auth = [\"crm\"]\n", "auth = [\"crm\"]\nconfig-urls = [\"crm-url\", \"others.url\"]\n")
        + r#"
[config.schema]
type = "object"
[config.schema.properties.crm-url]
type = "string"
[config.schema.properties.others]
type = "array"
items = { type = "object", properties = { url = { type = "string" } } }
"#;
    let asks = Asks::from(&Manifest::from_toml(&manifest).expect("a manifest"));
    let granted = "[[grants.http]]\nname = \"crm\"\nhost = \"crm.example.com\"\n";
    let mut found = String::new();
    for (config, grants) in [
        ("crm-url = \"https://crm.example.com/leads\"\n", granted),
        ("crm-url = \"https://crm.example.com:8443\"\n", granted),
        ("crm-url = \"http://crm.example.com\"\n", granted),
        ("crm-url = \"https://crm.example.com/api/v2\"\n", granted),
        ("crm-url = \"crm.example.com\"\n", granted),
        ("others = [{ url = \"https://crm.example.com\" }, { url = \"https://other.example.com\" }]\n", granted),
        ("crm-url = \"http://crm.example.com:8080\"\n", ""),
        ("other-url = \"https://nowhere.example.com\"\n", granted),
    ] {
        let text = format!("rooftop = \"main-street\"\n[config]\n{config}{grants}");
        found.push_str(config);
        if let Err(problems) = resolve_grants(&settings(&text), &asks) {
            found.push_str(&format!("  {}\n", lines(&ConfigErrors::new(problems)).trim_end()));
        }
    }
    expect![[r#"
        crm-url = "https://crm.example.com/leads"
        crm-url = "https://crm.example.com:8443"
          3:11 config.crm-url | a URL at https://crm.example.com:8443 | a URL that the grant for `crm` allows: https://crm.example.com | correct the URL, or add another `[[grants.http]]` with `name = "crm"`, `host = "crm.example.com"`, `port = 8443`
        crm-url = "http://crm.example.com"
          3:11 config.crm-url | a URL at http://crm.example.com | a URL that the grant for `crm` allows: https://crm.example.com | correct the URL, or add another `[[grants.http]]` with `name = "crm"`, `host = "crm.example.com"`, `plaintext = true`
        crm-url = "https://crm.example.com/api/v2"
          3:11 config.crm-url | a URL whose path begins no granted one | the beginning of `/leads/*` | correct the path, or the paths of the grant
        crm-url = "crm.example.com"
          3:11 config.crm-url | a faulty url: `crm.example.com` is not absolute; expected `https://host/path` | a URL of the target `crm` | correct it: requests would be refused
        others = [{ url = "https://crm.example.com" }, { url = "https://other.example.com" }]
          3:56 config.others[1].url | a URL at https://other.example.com | a URL that the grant for `crm` allows: https://crm.example.com | correct the URL, or add another `[[grants.http]]` with `name = "crm"`, `host = "other.example.com"`
        crm-url = "http://crm.example.com:8080"
          3:11 config.crm-url | a URL at http://crm.example.com:8080 | a grant for the target `crm`, because this is its URL | add `[[grants.http]]` with `name = "crm"`, `host = "crm.example.com"`, `port = 8080`, `plaintext = true`
        other-url = "https://nowhere.example.com"
    "#]].assert_eq(&found);
}

/// Loopback, shared, benchmark and metadata addresses in every spelling, from the registries of special addresses (RFC 6890)
/// and the forms that embed IPv4 (RFC 4291, 6052, 8215, 3056, 4380); and what is no host name (RFC 3986, section 3.2.2).
#[test]
fn no_spelling_of_an_inner_address_passes_as_a_grant() {
    let never = [
        "169.254.169.254",
        "100.100.100.200",
        "fd00:ec2::254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "fe80::1%eth0",
        "user@127.0.0.1",
        "crm.example.com@127.0.0.1",
        "crm.example.com:8443",
        "crm.example.com/path",
        "crm.example.com#x",
        "crm.example.com\\\\@127.0.0.1",
        "crm example.com",
        "*.example.com",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "0",
        "127.0.0.1.",
    ];
    let private = [
        "127.0.0.1",
        "localhost",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "100.64.0.1",
        "198.18.0.1",
        "192.0.0.8",
        "localhost.",
        "LOCALHOST",
        "[::1]",
    ];
    let passes = |host: &str, more: &str| {
        let text = format!("rooftop = \"main-street\"\n[[grants.http]]\nname = \"crm\"\nhost = \"{host}\"\n{more}");
        Settings::parse(&text, "leads.toml").is_ok()
    };
    for host in never {
        assert!(!passes(host, "private-addresses = true\n"), "{host} passes with private addresses");
    }
    for host in never.iter().chain(&private) {
        assert!(!passes(host, ""), "{host} passes");
    }
    assert!(passes("crm.example.com", ""));
}
