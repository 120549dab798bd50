//! Rooftops, groups, shares, and what is limited to some of them.

use std::collections::BTreeSet;
use std::path::Path;

use expect_test::{Expect, expect};

use super::lines;
use crate::{Asks, Config, ConfigErrors, Settings, resolve_grants};
use handoff_model::scope::Scope;

const HOST: &str = r#"
[rooftops.north]
time-zone = "America/Chicago"
[rooftops.south]
time-zone = "America/Denver"
[groups.west]
rooftops = ["north", "south"]
time-zone = "America/Denver"
[secrets.any]
env = "A"
[secrets.north-key]
env = "B"
rooftops = ["north"]
[secrets.west-key]
env = "C"
groups = ["west"]
[auth.any]
kind = "bearer"
secret = "any"
[auth.of-secret]
kind = "bearer"
secret = "north-key"
[auth.south-only]
kind = "bearer"
secret = "any"
rooftops = ["south"]
"#;

fn host() -> Config {
    Config::parse(HOST, "handoff.toml").unwrap_or_else(|errors| panic!("{errors}"))
}

fn scope(text: &str) -> Scope {
    text.parse().expect("a scope")
}

fn check_host(text: &str, expected: Expect) {
    expected.assert_eq(&lines(&Config::parse(text, "handoff.toml").expect_err("problems")));
}

#[test]
fn a_group_has_rooftops_and_a_zone_of_its_own() {
    let config = host();
    let zones: Vec<String> = config.zones().into_iter().map(|(scope, zone)| format!("{scope} {}", zone.0)).collect();
    assert_eq!(zones, ["north America/Chicago", "south America/Denver", "group:west America/Denver"]);
    assert!(config.members().contains(&"west".parse().expect("a name"), &"south".parse().expect("a name")));
    assert_eq!(config.zone(&scope("group:east")), None);
}

#[test]
fn groups_and_limits_name_what_is_defined() {
    check_host(
        r#"
[rooftops.north]
time-zone = "America/Chicago"
events-token-secret = "a"
[rooftops.south]
time-zone = "America/Chicago"
events-token-secret = "a"
[groups.west]
rooftops = ["nort", "north", "north"]
zone = "UTC"
[groups.East]
rooftops = []
time-zone = "UTC"
[ingress]
events-token-secret = "a"
[secrets.a]
env = "A"
rooftops = ["north"]
groups = ["wst"]
[auth.crm]
kind = "bearer"
secret = "a"
rooftops = ["south"]
[auth.dms]
kind = "bearer"
secret = "a"
roofs = ["south"]
"#,
        expect![[r#"
            7:23 rooftops.south.events-token-secret | a string of 1 characters | a token of its own: `north` has this one | define another secret for it
            8:1 groups.west.time-zone | nothing | the time zone of the group's own schedules | add `time-zone = "America/Chicago"`
            9:13 groups.west.rooftops[0] | the undefined rooftop "nort" | one that `[rooftops]` defines | did you mean "north"?
            9:30 groups.west.rooftops[2] | "north" | each rooftop once | remove the second
            10:1 groups.west.zone | the unknown field `zone` | one of `rooftops`, `time-zone`, `title` | remove it, or choose one of these
            11:1 groups.East | the group name "East" | a name | `East` is not a name: expected 1 to 63 lower-case letters, digits and inner hyphens, for example `web-leads`
            12:12 groups.East.rooftops | a list | at least one rooftop | write it like ["north", "south"]
            15:23 ingress.events-token-secret | a string of 1 characters | a token of its own: the rooftop `north` has this one, and its senders may post to that rooftop only | define another secret for it
            19:11 secrets.a.groups[0] | the undefined group "wst" | one that `[groups]` defines | did you mean "west"?
            20:1 auth.crm | rooftops or groups that may not use its secret | some of those of the secret | extend `rooftops` or `groups` of the secret, or shorten them here
            27:9 auth.dms.roofs | an unusable field: unknown field `roofs`, expected `secret` | a field of this section | see `handoff check --example` for every field
        "#]],
    );
    // Beyond loopback, every rooftop needs a token, of its own or of the host.
    let open = "[ingress]\nlisten = \"0.0.0.0:80\"\nplaintext = true\n[secrets.a]\nenv = \"A\"\n[rooftops.north]\ntime-zone = \"UTC\"\n";
    assert!(Config::parse(open, "handoff.toml").is_err());
    let closed = format!("{open}events-token-secret = \"a\"\n");
    assert!(Config::parse(&closed, "handoff.toml").is_ok());
    assert!(Config::parse(&format!("{closed}[rooftops.south]\ntime-zone = \"UTC\"\n"), "handoff.toml").is_err());
}

#[test]
fn settings_are_for_a_rooftop_or_for_a_group() {
    let parse = |text: &str| Settings::parse(text, "leads.toml");
    assert_eq!(parse("rooftop = \"north\"\n").expect("settings").scope, scope("north"));
    assert_eq!(parse("group = \"west\"\n").expect("settings").scope, scope("group:west"));
    let mut seen = String::new();
    for text in ["", "rooftop = \"north\"\ngroup = \"west\"\n", "group = \"West\"\n", "grup = \"west\"\n"] {
        seen.push_str(&lines(&parse(text).expect_err("problems")));
    }
    expect![[r#"
        1:1 rooftop | nothing | the rooftop, or `group` | add `rooftop = "main-street"`
        1:11 rooftop | `rooftop` beside `group` | one of them | remove the one that is not meant
        1:9 group | "West" | a group's name | write it like `west`
        1:1 rooftop | nothing | the rooftop, or `group` | add `rooftop = "main-street"`
        1:1 grup | the unknown field `grup` | one of `accept-shared`, `config`, `folders`, `grants`, `group`, `hook`, `rooftop`, `schedules`, `share` | did you mean `group`?
    "#]].assert_eq(&seen);
}

#[test]
fn a_group_given_beside_the_file_must_be_the_only_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let load = |text: &str| {
        let path = folder.path().join("leads.toml");
        std::fs::write(&path, text).expect("written");
        Settings::load(Path::new(&path), Some(&"west".parse().expect("a name")))
    };
    for text in ["", "group = \"west\"\n"] {
        assert_eq!(load(text).expect("settings").scope, scope("group:west"));
    }
    for text in ["rooftop = \"west\"\n", "rooftop = \"north\"\n", "group = \"east\"\n"] {
        let problems = load(text).expect_err("problems").problems;
        assert_eq!((problems.len(), problems[0].advice.as_str()), (1, "remove it"), "{text}");
    }
}

fn resolved(text: &str) -> Result<handoff_model::shares::Shares, ConfigErrors> {
    let types = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let asks =
        Asks { accepts: types(&["lead", "call"]), emits: types(&["entry"]), hook_verify: None, http: Vec::new() };
    let settings = Settings::parse(text, "leads.toml")?;
    settings.check_references(&host())?;
    Ok(resolve_grants(&settings, &asks).map_err(ConfigErrors::new)?.shares)
}

#[test]
fn shares_are_limited_to_granted_types_and_defined_scopes() {
    let shares = resolved(
        r#"
rooftop = "north"
share = [{ type = "entry", with = ["south", "group:west"] }, { type = "entry", with = "south" }]
[[accept-shared]]
type = "lead"
from = ["south"]
"#,
    );
    let shares = shares.unwrap_or_else(|errors| panic!("{errors}"));
    assert!(shares.shares_with("entry", &scope("group:west")) && shares.shares_with("entry", &scope("south")));
    assert!(shares.accepts_from("lead", &scope("south")) && !shares.accepts_from("call", &scope("south")));
    let mut seen = String::new();
    for text in [
        "[[share]]\ntype = \"entry\"\nwith = [\"north\", \"North\", \"group:\"]\n",
        "[[share]]\nwith = []\n[[accept-shared]]\ntype = \"lead\"\nwith = [\"south\"]\n",
        "[[share]]\ntype = \"entry\"\nwith = [\"sout\", \"group:wst\"]\n",
        "[[share]]\ntype = \"entri\"\nwith = [\"south\"]\n[[accept-shared]]\ntype = \"entry\"\nfrom = [\"south\"]\n",
    ] {
        seen.push_str(&lines(&resolved(&format!("rooftop = \"north\"\n{text}")).expect_err("problems")));
        seen.push('\n');
    }
    expect![[r#"
        4:9 share[0].with[0] | "north" | another rooftop or group | remove it: events of its own reach an installation without a share
        4:18 share[0].with[1] | "North" | a rooftop, or `group:` and a group | write it like `group:west`
        4:27 share[0].with[2] | "group:" | a rooftop, or `group:` and a group | write it like `group:west`

        2:1 share[0].type | nothing | an event type | add `type = "com.handoff.lead.received.v1"`
        3:8 share[0].with | a list | 1 to 1000 rooftops or groups | write it like ["south", "group:west"]
        4:1 accept-shared[0].from | nothing | rooftops or groups | add `from = ["south", "group:west"]`
        6:1 accept-shared[0].with | the unknown field `with` | one of `from`, `type` | remove it, or choose one of these

        4:9 share[0].with[0] | the undefined rooftop "sout" | one that `[rooftops]` of handoff.toml defines | did you mean "south"?
        4:17 share[0].with[1] | the undefined group "wst" | one that `[groups]` of handoff.toml defines | did you mean "west"?

        2:1 share[0] | the event type "entri" | an event type that the installation may emit: `entry` | did you mean "entry"?
        5:1 accept-shared[0] | the event type "entry" | an event type that the installation accepts: `call`, `lead` | remove it: it would have no effect

    "#]].assert_eq(&seen);
    let many = "[[share]]\ntype = \"entry\"\nwith = [\"south\"]\n".repeat(101);
    assert!(resolved(&format!("rooftop = \"north\"\n{many}")).is_err());
    let wide = format!("[[share]]\ntype = \"entry\"\nwith = [{}]\n", "\"south\",".repeat(1_001));
    assert!(resolved(&format!("rooftop = \"north\"\n{wide}")).is_err());
}

#[test]
fn a_limited_secret_or_profile_is_refused_elsewhere() {
    let config = host();
    let uses = |of: &str, secret: &str, profile: &str| {
        let text = format!(
            "{of}\n[hook]\nverify = \"standard-webhooks\"\nsecret = \"{secret}\"\n[[grants.http]]\nname = \"crm\"\n\
             auth = [\"{profile}\"]\n"
        );
        Settings::parse(&text, "leads.toml").expect("settings").check_references(&config)
    };
    let (north, south, west) = ("rooftop = \"north\"", "rooftop = \"south\"", "group = \"west\"");
    for (of, secret, profile) in [
        (north, "any", "any"),
        (south, "any", "south-only"),
        (west, "west-key", "any"),
        (north, "north-key", "of-secret"),
    ] {
        assert!(uses(of, secret, profile).is_ok(), "{of} {secret} {profile}");
    }
    let mut seen = String::new();
    for (of, secret, profile) in
        [(south, "north-key", "of-secret"), (north, "west-key", "south-only"), (west, "north-key", "of-secret")]
    {
        seen.push_str(&lines(&uses(of, secret, profile).expect_err("problems")));
        seen.push('\n');
    }
    expect![[r#"
        4:10 hook.secret | the secret "north-key", which is not for `south` | one that installations of `south` may use | use another one, or extend `rooftops` of it and of its secret in handoff.toml
        7:9 grants.http[0].auth[0] | the auth profile "of-secret", which is not for `south` | one that installations of `south` may use | use another one, or extend `rooftops` of it and of its secret in handoff.toml

        4:10 hook.secret | the secret "west-key", which is not for `north` | one that installations of `north` may use | use another one, or extend `rooftops` of it and of its secret in handoff.toml
        7:9 grants.http[0].auth[0] | the auth profile "south-only", which is not for `north` | one that installations of `north` may use | use another one, or extend `rooftops` of it and of its secret in handoff.toml

        4:10 hook.secret | the secret "north-key", which is not for `group:west` | one that installations of `group:west` may use | use another one, or extend `groups` of it and of its secret in handoff.toml
        7:9 grants.http[0].auth[0] | the auth profile "of-secret", which is not for `group:west` | one that installations of `group:west` may use | use another one, or extend `groups` of it and of its secret in handoff.toml

    "#]].assert_eq(&seen);
}
