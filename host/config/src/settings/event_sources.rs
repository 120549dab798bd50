//! Reads the event sources of a settings file: `[hook]`, `[[folders]]` and `[[schedules]]`.

use std::path::{Path, PathBuf};

use super::{Reference, ReferenceKind};
use crate::egress::is_secret_name;
use crate::host::path;
use crate::problem::Location;
use crate::reader::{Field, Section};
use handoff_model::names::RooftopName;
use handoff_policy::cron::parse_cron;
use handoff_policy::ingress::{
    FolderSettings, HookVerify, IngressSettings, JwtAlgorithm, JwtKeys, ScheduleSettings, ScheduleWhen,
    SignatureEncoding,
};

#[derive(Clone, Copy)]
enum Kind {
    None,
    StandardWebhooks,
    BodyHmac,
    Jwt,
}

pub(super) fn read(
    root: &Section<'_>,
    folder: &Path,
    references: &mut Vec<Reference>,
) -> (IngressSettings, Option<Location>) {
    let section = root.section("hook");
    let (hook, location) = if section.is_present() {
        (hook(&section, folder, references), Some(section.location()))
    } else {
        (None, None)
    };
    let sections = root.sections("folders");
    let folders: Vec<_> = sections.iter().filter_map(|section| watched(section, folder)).collect();
    twice(&sections, folders.iter().map(|folder| folder.name.as_str()));
    let sections = root.sections("schedules");
    let schedules: Vec<_> = sections.iter().filter_map(schedule).collect();
    twice(&sections, schedules.iter().map(|schedule| schedule.name.as_str()));
    (IngressSettings { hook, folders, schedules }, location)
}

fn hook(section: &Section<'_>, folder: &Path, references: &mut Vec<Reference>) -> Option<HookVerify> {
    let kinds = [
        ("standard-webhooks", Kind::StandardWebhooks),
        ("body-hmac", Kind::BodyHmac),
        ("jwt", Kind::Jwt),
        ("none", Kind::None),
    ];
    let verify = section.required("verify", "how webhooks are verified", "verify = \"standard-webhooks\"");
    let hook = match verify?.choice(&kinds)? {
        Kind::None => HookVerify::None { id_header: header(section, "id-header") },
        Kind::StandardWebhooks => {
            let tolerance = section.field("tolerance-seconds").and_then(|field| field.integer(1..=3_600_u64));
            let secrets = required_secrets(section, references);
            section.finish();
            HookVerify::StandardWebhooks { secrets: secrets?, tolerance_seconds: tolerance.unwrap_or(300) }
        }
        Kind::BodyHmac => body_hmac(section, references)?,
        Kind::Jwt => jwt(section, folder, references)?,
    };
    if matches!(hook, HookVerify::None { .. }) {
        section.finish();
    }
    Some(hook)
}

fn body_hmac(section: &Section<'_>, references: &mut Vec<Reference>) -> Option<HookVerify> {
    let secrets = required_secrets(section, references);
    section.required("header", "the header with the signature", "header = \"x-signature\"");
    let header_name = header(section, "header");
    let encodings = [("hex", SignatureEncoding::Hex), ("base64", SignatureEncoding::Base64)];
    let encoding = section.required("encoding", "the encoding of the signature", "encoding = \"hex\"");
    let encoding = encoding.and_then(|field| field.choice(&encodings));
    let prefix = section.field("prefix").and_then(|field| field.text().map(str::to_owned)).unwrap_or_default();
    let id_header = header(section, "id-header");
    section.finish();
    Some(HookVerify::BodyHmac { secrets: secrets?, header: header_name?, encoding: encoding?, prefix, id_header })
}

fn jwt(section: &Section<'_>, folder: &Path, references: &mut Vec<Reference>) -> Option<HookVerify> {
    let jwks = section.field("jwks-file");
    let public_key = section.field("public-key-file");
    let secrets = secrets(section, references);
    let keys = match (&jwks, &public_key, &secrets) {
        (Some(field), None, None) => whole_path(field, folder).map(|path| JwtKeys::JwksFile { path }),
        (None, Some(field), None) => whole_path(field, folder).map(|path| JwtKeys::PublicKeyFile { path }),
        (None, None, Some(secrets)) => Some(JwtKeys::Secrets { secrets: secrets.clone() }),
        _ => {
            section.wrong(
                "none or several of `jwks-file`, `public-key-file` and `secret`",
                "exactly one of them",
                "name the source of the keys, for example `jwks-file = \"vendor-jwks.json\"`",
            );
            None
        }
    };
    let text = |key, expected, example| {
        section.required(key, expected, example).and_then(|field| field.text().map(str::to_owned))
    };
    let issuer = text("issuer", "the required claim `iss`", "issuer = \"https://id.example.com\"");
    let audience = text("audience", "the required claim `aud`", "audience = \"handoff\"");
    let algorithms = section.required("algorithms", "the algorithms that may sign", "algorithms = [\"RS256\"]");
    let algorithms = algorithms.and_then(|field| algorithms_of(&field, keys.as_ref()));
    let leeway = section.field("leeway-seconds").and_then(|field| field.integer(0..=600_u64));
    let id_header = header(section, "id-header");
    section.finish();
    Some(HookVerify::Jwt {
        keys: keys?,
        algorithms: algorithms?,
        issuer: issuer?,
        audience: audience?,
        leeway_seconds: leeway.unwrap_or(60),
        id_header,
    })
}

/// Only algorithms of the keys' family: using a public key as a shared secret is the classic forgery.
fn algorithms_of(field: &Field<'_>, keys: Option<&JwtKeys>) -> Option<Vec<JwtAlgorithm>> {
    use JwtAlgorithm::{ES256, ES384, EdDSA, HS256, HS384, HS512, PS256, PS384, PS512, RS256, RS384, RS512};
    let shared = [("HS256", HS256), ("HS384", HS384), ("HS512", HS512)];
    let public = [
        ("RS256", RS256),
        ("RS384", RS384),
        ("RS512", RS512),
        ("PS256", PS256),
        ("PS384", PS384),
        ("PS512", PS512),
        ("ES256", ES256),
        ("ES384", ES384),
        ("EdDSA", EdDSA),
    ];
    let choices: &[_] = if matches!(keys, Some(JwtKeys::Secrets { .. })) { &shared } else { &public };
    let list = field.list();
    let algorithms: Vec<_> = list.iter().filter_map(|field| field.choice(choices)).collect();
    if list.is_empty() {
        field.wrong("at least one algorithm", "use for example [\"RS256\"]");
    }
    (!algorithms.is_empty()).then_some(algorithms)
}

/// `secret = "name"` or, during a rotation, `secret = ["new", "old"]`.
fn secrets(section: &Section<'_>, references: &mut Vec<Reference>) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for field in section.field("secret")?.list() {
        let Some(text) = field.text() else { continue };
        if !is_secret_name(text) {
            field.wrong_found(
                format!("a text of {} characters that is not a name", text.chars().count()),
                "the NAME of a `[secrets.NAME]` section of handoff.toml, not the secret itself",
                "store the secret in a file, an environment variable or a command's output, and define it there",
            );
            continue;
        }
        references.push(Reference { kind: ReferenceKind::Secret, name: text.to_owned(), location: field.location() });
        names.push(text.to_owned());
    }
    Some(names)
}

fn required_secrets(section: &Section<'_>, references: &mut Vec<Reference>) -> Option<Vec<String>> {
    section.required("secret", "the name of the secret that signs", "secret = \"leads-hook\"")?;
    let names = secrets(section, references)?;
    (!names.is_empty()).then_some(names)
}

/// The name of a header, lower-case.
fn header(section: &Section<'_>, key: &'static str) -> Option<String> {
    let name: http::HeaderName = section.field(key)?.parse("the name of an HTTP header", "x-signature")?;
    Some(name.as_str().to_owned())
}

fn watched(section: &Section<'_>, folder: &Path) -> Option<FolderSettings> {
    let name = name(section);
    let location = section.required("path", "the folder to watch", "path = \"/srv/drops/leads\"");
    let path = location.as_ref().and_then(|field| whole_path(field, folder));
    let archive = section.field("archive").and_then(|field| whole_path(&field, folder));
    let pattern = section.required("pattern", "the file names to accept", "pattern = \"*.xml\"");
    let pattern = pattern.and_then(|field| match field.text()? {
        text if text.contains('/') => {
            field.wrong("a file name pattern without `/`", "name the folder in `path`; subfolders are not watched");
            None
        }
        text => Some(text.to_owned()),
    });
    let content_type = section.field("content-type").and_then(|field| match field.text()? {
        text if text.contains('/') && http::HeaderValue::from_str(text).is_ok() => Some(text.to_owned()),
        _ => {
            field.wrong("a media type", "write it like \"application/xml\"");
            None
        }
    });
    let settle_ms = section.field("settle-ms").and_then(|field| field.integer(100..=3_600_000_u64)).unwrap_or(2_000);
    let done_days = section.field("done-days").and_then(|field| field.integer(0..=3_650_u32)).unwrap_or(30);
    section.finish();
    Some(FolderSettings { name: name?, path: path?, archive, pattern: pattern?, content_type, settle_ms, done_days })
}

/// A generation outlives the folder from which someone installed: its paths are absolute.
fn whole_path(field: &Field<'_>, folder: &Path) -> Option<PathBuf> {
    let path = path(field, folder)?;
    if !path.is_absolute() {
        field.wrong("an absolute path, or one relative to a file whose folder is known", "use an absolute path");
        return None;
    }
    Some(path)
}

fn schedule(section: &Section<'_>) -> Option<ScheduleSettings> {
    let name = name(section);
    let cron = section.field("cron");
    let every = section.field("every");
    let when = match (&cron, &every) {
        (Some(field), None) => cron_pattern(field),
        (None, Some(field)) => duration(field, 60_000, 366 * 86_400_000).map(ScheduleWhen::EveryMs),
        _ => {
            section.wrong(
                "both or neither of `cron` and `every`",
                "one of them",
                "write `cron = \"0 8 * * MON-FRI\"` for local times or `every = \"15m\"` for an interval",
            );
            None
        }
    };
    let jitter_ms = section.field("jitter").and_then(|field| duration(&field, 0, 3_600_000)).unwrap_or(0);
    section.finish();
    Some(ScheduleSettings { name: name?, when: when?, jitter_ms })
}

fn cron_pattern(field: &Field<'_>) -> Option<ScheduleWhen> {
    let text = field.text()?;
    match parse_cron(text) {
        Ok(_) => Some(ScheduleWhen::Cron(text.to_owned())),
        Err(problem) => {
            field.wrong(
                "a cron pattern of five fields: minute, hour, day of month, month, day of week",
                format!("{problem}; use for example \"0 8 * * MON-FRI\""),
            );
            None
        }
    }
}

/// `90s`, `15m`, `2h`, `1d` in milliseconds.
fn duration(field: &Field<'_>, least_ms: u64, most_ms: u64) -> Option<u64> {
    let text = field.text()?;
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.get(digits.len()..).unwrap_or_default();
    let factor = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000_u64)];
    let factor = factor.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
    let ms = digits.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    let ms = ms.filter(|ms| (least_ms..=most_ms).contains(ms));
    if ms.is_none() {
        let expected = format!("a duration from {} to {} seconds with its unit", least_ms / 1_000, most_ms / 1_000);
        field.wrong(expected, "write it like \"90s\", \"15m\", \"2h\" or \"1d\"");
    }
    ms
}

fn name(section: &Section<'_>) -> Option<String> {
    let field = section.required("name", "a name, unique in this file", "name = \"inbox\"")?;
    field.parse::<RooftopName>("a name of lower-case letters, digits and hyphens", "inbox").map(|name| name.to_string())
}

/// Names are part of event sources: a duplicate would mix up deliveries.
fn twice<'n>(sections: &[Section<'_>], names: impl Iterator<Item = &'n str> + Clone) {
    for (index, name) in names.clone().enumerate() {
        if names.clone().take(index).any(|other| other == name) {
            let Some(section) = sections.iter().find(|s| s.field("name").and_then(|f| f.value.as_str()) == Some(name))
            else {
                continue;
            };
            section.wrong(format!("the duplicate name \"{name}\""), "a unique name", "rename one of them");
        }
    }
}
