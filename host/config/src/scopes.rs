//! Reads rooftops and groups, their time zones, and what is limited to some of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use super::host::secret;
use super::problem::nearest;
use super::reader::{Field, Section};
use super::{Group, Rooftop};
use handoff_model::delivery::zone::TimeZone;
use handoff_model::names::{GroupName, RooftopName};
use handoff_model::scope::Scope;

/// `[rooftops.NAME]`. `secrets` are the names of the secrets that the file defines.
pub(super) fn rooftops(section: &Section<'_>, secrets: &BTreeSet<String>) -> BTreeMap<RooftopName, Rooftop> {
    let mut rooftops = BTreeMap::<RooftopName, Rooftop>::new();
    for (name, field) in section.entries() {
        let key = name.parse::<RooftopName>();
        if let Err(error) = &key {
            field.wrong_found(format!("the rooftop name {name:?}"), "a name", error.to_string());
        }
        let Some(table) = field.section() else { continue };
        let zone = table.required("time-zone", "the rooftop's time zone", "time-zone = \"America/Chicago\"");
        let time_zone = zone.and_then(|field| time_zone(&field));
        let title = table.field("title").and_then(|field| field.text().map(str::to_owned));
        let token_field = table.field("events-token-secret");
        let events_token_secret = token_field.as_ref().and_then(|field| secret(field, secrets));
        table.finish();
        let other = rooftops
            .iter()
            .find(|(_, other)| events_token_secret.is_some() && other.events_token_secret == events_token_secret);
        if let (Some(field), Some((other, _))) = (&token_field, other) {
            field.wrong(format!("a token of its own: `{other}` has this one"), "define another secret for it");
        }
        if let (Ok(key), Some(time_zone)) = (key, time_zone) {
            rooftops.insert(key, Rooftop { time_zone, title, events_token_secret });
        }
    }
    rooftops
}

/// `[groups.NAME]`. Their rooftops must be defined.
pub(super) fn groups(
    section: &Section<'_>,
    rooftops: &BTreeMap<RooftopName, Rooftop>,
    defined: &Defined,
) -> BTreeMap<GroupName, Group> {
    let mut groups = BTreeMap::new();
    for (name, field) in section.entries() {
        let key = name.parse::<GroupName>();
        if let Err(error) = &key {
            field.wrong_found(format!("the group name {name:?}"), "a name", error.to_string());
        }
        let Some(table) = field.section() else { continue };
        let list = table.required("rooftops", "the group's rooftops", "rooftops = [\"north\", \"south\"]");
        let members =
            list.as_ref().map(|list| members::<RooftopName>(list, "rooftop", &defined.rooftops)).unwrap_or_default();
        let zone = table.required(
            "time-zone",
            "the time zone of the group's own schedules",
            "time-zone = \"America/Chicago\"",
        );
        let time_zone = zone.and_then(|field| time_zone(&field));
        let title = table.field("title").and_then(|field| field.text().map(str::to_owned));
        table.finish();
        if let (Ok(key), Some(time_zone)) = (key, time_zone) {
            let rooftops = members.into_iter().filter(|name| rooftops.contains_key(name)).collect();
            groups.insert(key, Group { rooftops, time_zone, title });
        }
    }
    groups
}

/// The names that a file defines. Includes names of invalid definitions; otherwise each reference to one would be reported
/// too.
pub(super) struct Defined {
    rooftops: BTreeSet<String>,
    groups: BTreeSet<String>,
}

impl Defined {
    pub(super) fn of(root: &Section<'_>) -> Self {
        let names = |key| root.section(key).entries().into_iter().map(|(name, _)| name.to_owned()).collect();
        Self { rooftops: names("rooftops"), groups: names("groups") }
    }
}

/// `rooftops` and `groups` of a section: whose installations may use what it defines. None if it has neither: then those of
/// every rooftop and group may.
pub(super) fn restriction(section: &Section<'_>, defined: &Defined) -> Option<BTreeSet<Scope>> {
    let rooftops = section.field("rooftops").map(|list| members::<RooftopName>(&list, "rooftop", &defined.rooftops));
    let groups = section.field("groups").map(|list| members::<GroupName>(&list, "group", &defined.groups));
    if rooftops.is_none() && groups.is_none() {
        return None;
    }
    let rooftops = rooftops.unwrap_or_default().into_iter().map(Scope::Rooftop);
    Some(rooftops.chain(groups.unwrap_or_default().into_iter().map(Scope::Group)).collect())
}

/// The names of a list; undefined ones are reported.
fn members<N: FromStr + Ord + Display>(list: &Field<'_>, kind: &str, defined: &BTreeSet<String>) -> BTreeSet<N> {
    let fields = list.list();
    if fields.is_empty() {
        list.wrong(format!("at least one {kind}"), "write it like [\"north\", \"south\"]");
    }
    let mut members = BTreeSet::new();
    for field in fields {
        let Some(name) = field.parse::<N>(&format!("a {kind}'s name"), "main-street") else { continue };
        let text = name.to_string();
        if !defined.contains(&text) {
            let advice = match nearest(&text, defined.iter().map(String::as_str)) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("add `[{kind}s.{text}]`"),
            };
            field.wrong_found(
                format!("the undefined {kind} \"{text}\""),
                format!("one that `[{kind}s]` defines"),
                advice,
            );
        }
        if !members.insert(name) {
            field.wrong(format!("each {kind} once"), "remove the second");
        }
    }
    members
}

/// A time zone that has daylight saving where the location has it: the database's old short names have none.
fn time_zone(field: &Field<'_>) -> Option<TimeZone> {
    let text = field.text()?;
    match text.parse::<chrono_tz::Tz>() {
        Ok(zone) if text.contains('/') || text == "UTC" => Some(TimeZone(zone)),
        Ok(_) => {
            field.wrong(
                "a zone by region and city",
                "short names such as `EST` have no daylight saving: use for example \"America/New_York\"",
            );
            None
        }
        Err(_) => {
            field.wrong("an IANA time zone", suggest_zone(text));
            None
        }
    }
}

fn suggest_zone(text: &str) -> String {
    let wanted = text.trim().replace(' ', "_");
    let names = || chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).filter(|name| name.contains('/'));
    let us = match wanted.to_lowercase().trim_end_matches("_time") {
        "eastern" | "et" | "edt" => Some("America/New_York"),
        "central" | "ct" | "cst" | "cdt" => Some("America/Chicago"),
        "mountain" | "mt" | "mdt" => Some("America/Denver"),
        "pacific" | "pt" | "pst" | "pdt" => Some("America/Los_Angeles"),
        _ => None,
    };
    let city = |name: &&str| name.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(&wanted));
    let near = us.or_else(|| names().find(city)).or_else(|| nearest(&wanted, names()));
    match near {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "use region and city, for example \"America/Chicago\"".to_owned(),
    }
}
