//! Reads the sections of `handoff.toml`, except the limits.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use super::front;
use super::problem::nearest;
use super::reader::{Field, Section};
use super::{
    Config, ControlConfig, IngressConfig, LogConfig, LogFormat, LogLevel, MetricsConfig, RateConfig, Retention,
    Rooftop, egress, limits, probation, registries, scopes,
};
use handoff_model::limits::StoreLimits;
use handoff_model::names::RooftopName;

const MIB: usize = 1 << 20;
/// The shortest prefix of a network of trusted proxies, in bits.
const PROXY_PREFIX_MIN: u8 = 8;

/// Reads the whole file; returns none only if a problem was reported.
pub(super) fn read(root: &Section<'_>, folder: &Path) -> Option<Config> {
    let host = root.section("host");
    let data = host.field("data").and_then(|field| path(&field, folder)).unwrap_or_else(|| folder.join("data"));
    let allow_shared_data = host.field("allow-shared-data").and_then(|field| field.boolean()).unwrap_or(false);
    host.finish();
    let defined = scopes::Defined::of(root);
    let sources = egress::secrets(&root.section("secrets"), folder, &defined);
    // Includes names of invalid definitions; otherwise each reference to one would be reported too.
    let secrets: BTreeSet<String> =
        root.section("secrets").entries().into_iter().map(|(name, _)| name.to_owned()).collect();
    let rooftops = scopes::rooftops(&root.section("rooftops"), &secrets);
    let ingress = ingress(&root.section("ingress"), folder, &secrets, &rooftops);
    let control = control(&root.section("control"), &data, folder, &secrets);
    let metrics = metrics(&root.section("metrics"), &secrets);
    let groups = scopes::groups(&root.section("groups"), &rooftops, &defined);
    let bounds = root.section("limits");
    let call_limits = limits::read(&bounds.section("call"));
    let migration_limits = limits::read(&bounds.section("migration"));
    let runtime_limits = limits::read(&bounds.section("runtime"));
    let store_limits: StoreLimits = limits::read(&bounds.section("store"));
    let engine_limits = limits::read(&bounds.section("engine"));
    bounds.finish();
    let egress = egress::read(root, folder, sources, (&secrets, &defined), call_limits);
    let retention = retention(&root.section("retention"), store_limits.segment_bytes);
    let probation = probation::read(&root.section("probation"));
    let log = log(&root.section("log"));
    let registries = registries::registries(&root.section("registries"), folder, &secrets);
    let trust = registries::trust(&root.section("trust"));
    let recalls = registries::recalls(&root.section("recalls"));
    root.finish();
    Some(Config {
        data,
        ingress,
        control,
        metrics,
        rooftops,
        groups,
        call_limits,
        migration_limits,
        runtime_limits,
        store_limits,
        engine_limits,
        retention,
        probation,
        log,
        registries,
        trust,
        recalls,
        allow_shared_data,
        egress,
    })
}

/// A path, relative to the file's folder.
pub(super) fn path(field: &Field<'_>, folder: &Path) -> Option<PathBuf> {
    Some(folder.join(field.text()?))
}

/// A reference to a secret; an undefined one is reported.
pub(super) fn secret(field: &Field<'_>, secrets: &BTreeSet<String>) -> Option<String> {
    let text = field.text()?;
    if secrets.contains(text) {
        return Some(text.to_owned());
    }
    if !egress::is_secret_name(text) {
        field.wrong_found(
            format!("a text of {} characters that is not a name", text.chars().count()),
            "the NAME of a `[secrets.NAME]` section, not the secret itself",
            "store the secret in a file, an environment variable or a command's output, and define it in `[secrets.NAME]`",
        );
        return None;
    }
    let advice = match nearest(text, secrets.iter().map(String::as_str)) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "add its `[secrets.NAME]` with `file = …`, `env = …` or `command = …`".to_owned(),
    };
    // A secret written here by mistake can look like a name: show it only if it is similar to one or cannot be a
    // secret.
    let shown = text.len() < 24 && !text.bytes().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    let what = if shown { format!("the undefined secret \"{text}\"") } else { "an undefined secret".to_owned() };
    field.wrong_found(what, "a secret that `[secrets]` defines", advice);
    None
}

fn ingress(
    section: &Section<'_>,
    folder: &Path,
    secrets: &BTreeSet<String>,
    rooftops: &BTreeMap<RooftopName, Rooftop>,
) -> IngressConfig {
    let default = SocketAddr::from(([127, 0, 0, 1], 8080));
    let listen_field = section.field("listen");
    let listen = listen_field.as_ref().and_then(|field| address(field)).unwrap_or(default);
    let token_field = section.field("events-token-secret");
    let events_token_secret = token_field.as_ref().and_then(|field| secret(field, secrets));
    let with_tokens = rooftops.values().filter(|rooftop| rooftop.events_token_secret.is_some()).count();
    let is_open = token_field.is_none() && (rooftops.is_empty() || with_tokens < rooftops.len());
    if let (Some(field), true, false) = (&listen_field, is_open, listen.ip().is_loopback()) {
        field.wrong_found(
            format!("the address {listen}, which other machines can reach, without a token"),
            "`events-token-secret` for an address that is not loopback, because otherwise anyone could post events",
            "add `events-token-secret = \"NAME\"` here or to every rooftop, and `[secrets.NAME]`, or listen on 127.0.0.1 behind a proxy",
        );
    }
    let shared = rooftops
        .iter()
        .find(|(_, rooftop)| events_token_secret.is_some() && rooftop.events_token_secret == events_token_secret);
    if let (Some(field), Some((rooftop, _))) = (&token_field, shared) {
        field.wrong(
            format!("a token of its own: the rooftop `{rooftop}` has this one, and its senders may post to that rooftop only"),
            "define another secret for it",
        );
    }
    let bytes = |key, default| section.field(key).and_then(|field| field.integer(1024..=256 * MIB)).unwrap_or(default);
    let hook_body_bytes = bytes("hook-body-bytes", 8 * MIB);
    let events_body_bytes = bytes("events-body-bytes", 16 * MIB);
    let rate_section = section.section("rate");
    let number =
        |key, default| rate_section.field(key).and_then(|field| field.integer(1..=1_000_000_u32)).unwrap_or(default);
    let rate = RateConfig {
        client_per_second: number("client-per-second", 200),
        client_burst: number("client-burst", 1_000),
        hook_per_second: number("hook-per-second", 100),
        hook_burst: number("hook-burst", 500),
    };
    rate_section.finish();
    let front = front::read(section, folder, listen_field.as_ref().map(|field| (field, listen)));
    let proxies = section.field("trusted-proxies");
    let trusted_proxies = proxies.iter().flat_map(Field::list).filter_map(|field| network(&field)).collect();
    section.finish();
    IngressConfig { listen, events_token_secret, hook_body_bytes, events_body_bytes, rate, trusted_proxies, front }
}

/// The address of a proxy, or the network of several.
fn network(field: &Field<'_>) -> Option<IpNet> {
    let text = field.text()?;
    let one = text.trim().parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical()));
    let network = one.or_else(|| text.trim().parse().ok());
    if network.is_none_or(|network: IpNet| network.prefix_len() < PROXY_PREFIX_MIN) {
        field.wrong(
            format!("the address of a proxy, or a network of proxies with a prefix of at least {PROXY_PREFIX_MIN} bits"),
            "write it like `10.0.0.5` or `10.1.0.0/16`, as narrow as possible: a sender in it can pretend to be any other",
        );
        return None;
    }
    network
}

fn control(section: &Section<'_>, data: &Path, folder: &Path, secrets: &BTreeSet<String>) -> ControlConfig {
    let socket_field = section.field("socket");
    let socket =
        socket_field.as_ref().and_then(|field| path(field, folder)).unwrap_or_else(|| data.join("control.sock"));
    // sockaddr_un holds 108 bytes on Linux and 104 on other systems, terminator included (unix(7)).
    if let Some(field) = socket_field.filter(|_| socket.as_os_str().len() > 103) {
        field.wrong("a path of at most 103 bytes, the limit of a Unix socket", "choose a shorter path");
    }
    let listen = section.field("listen");
    let token = section.field("token-secret");
    let token_secret = token.as_ref().and_then(|field| secret(field, secrets));
    match (&listen, &token) {
        (Some(listen), None) => listen.wrong_found(
            "a TCP address without a token",
            "`token-secret` together with `listen`, because otherwise anyone who can reach the address could install connectors",
            "add `token-secret = \"NAME\"` and `[secrets.NAME]`, or remove `listen` and use the socket",
        ),
        (None, Some(token)) => token.wrong_found(
            "a token without a TCP address",
            "`listen` together with `token-secret`; the socket needs no token",
            "add `listen = \"127.0.0.1:9080\"` or remove `token-secret`",
        ),
        _ => {}
    }
    let address = listen.as_ref().and_then(address);
    let front = front::read(section, folder, listen.as_ref().zip(address));
    section.finish();
    ControlConfig { socket, listen: address, token_secret, front }
}

fn metrics(section: &Section<'_>, secrets: &BTreeSet<String>) -> MetricsConfig {
    let listen_field = section.field("listen");
    let listen = listen_field.as_ref().and_then(address);
    let token_field = section.field("token-secret");
    let token_secret = token_field.as_ref().and_then(|field| secret(field, secrets));
    match (&listen_field, listen, &token_field) {
        (Some(field), Some(listen), None) if !listen.ip().is_loopback() => field.wrong_found(
            format!("the address {listen}, which other machines can reach, without a token"),
            "`token-secret` for an address that is not loopback, because metrics name installations and targets",
            "add `token-secret = \"NAME\"` and `[secrets.NAME]`, or listen on 127.0.0.1",
        ),
        (None, _, Some(token)) => token.wrong_found(
            "a token without an address",
            "`listen` together with `token-secret`",
            "add `listen = \"127.0.0.1:9464\"` or remove `token-secret`",
        ),
        _ => {}
    }
    section.finish();
    MetricsConfig { listen, token_secret }
}

fn address(field: &Field<'_>) -> Option<SocketAddr> {
    field.parse("an IP address and a port", "127.0.0.1:8080")
}

fn retention(section: &Section<'_>, segment_bytes: u32) -> Retention {
    let days = section.field("days").and_then(|field| field.integer(1..=3_650_u32)).unwrap_or(30);
    // With fewer segments the journal could not hold the waiting events.
    let least = 4 * u64::from(segment_bytes);
    let bytes = section.field("bytes").and_then(|field| field.integer(least..=1_u64 << 50)).unwrap_or(20 << 30);
    section.finish();
    Retention { days, bytes }
}

fn log(section: &Section<'_>) -> LogConfig {
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    let levels = [
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
        ("trace", LogLevel::Trace),
    ];
    let format = section.field("format").and_then(|field| field.choice(&formats)).unwrap_or(LogFormat::Text);
    let level = section.field("level").and_then(|field| field.choice(&levels)).unwrap_or(LogLevel::Info);
    section.finish();
    LogConfig { format, level }
}
