//! Merges customers and undoes merges. A profile never changes: only its customer does, and a log records why.

use handoff_sdk::events::{CUSTOMER_MERGED, CUSTOMER_UNMERGED, IdentityMerge, IdentityUnmerge};
use handoff_sdk::{Context, Event, Failure, NewEvent, StateError};
use serde_json::json;

use crate::{
    book::{Book, hash},
    config::Config,
    record::{MEMBERS_MAX, MergeRecord, OptOut, Profile, Survivor, Undone},
};

/// Why two customers are merged.
pub struct Cause<'a> {
    /// The base of the merge's id: a replay creates the same one.
    pub id_parts: &'a [&'a str],
    /// `manual`, or the rule.
    pub rule: &'a str,
    /// The person.
    pub by: &'a str,
    /// The reason, as a sentence.
    pub reason: &'a str,
}

/// `com.handoff.identity.merge.v1`.
///
/// # Errors
/// Rejects `merge-same-customer`, `customer-unknown`, `already-merged`, `merge-too-large`.
pub fn order(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
    let order: IdentityMerge = event.json()?;
    let book = Book::new(cx.state());
    let root = |field: &str, id: &str| -> Result<String, Failure> {
        let found = book.root(id)?.map(|(id, _)| id);
        found.ok_or_else(|| {
            Failure::reject("customer-unknown", format!("`{field}` names an unknown customer: check the id."))
        })
    };
    if order.keep == order.merge {
        return Err(Failure::reject("merge-same-customer", "`keep` and `merge` name the same customer: name two."));
    }
    let (keep, merged) = (root("keep", &order.keep)?, root("merge", &order.merge)?);
    if keep == merged {
        return Err(Failure::reject("already-merged", "`keep` and `merge` are already one customer: nothing to do."));
    }
    let reason = order.reason.as_deref().unwrap_or_default();
    let cause = Cause { id_parts: &[&event.source, &event.id], rule: "manual", by: &order.by, reason };
    let merge_id = merge(cx, &keep, &merged, &cause)?;
    cx.info("customers merged by a person", &[("merge", &merge_id), ("keep", &keep), ("merged", &merged)]);
    Ok(())
}

/// Merges one customer into another; both must be roots and different. Returns the merge's id.
///
/// # Errors
/// Rejects `merge-too-large` when the result would have too many profiles.
pub fn merge(cx: &Context<'_, Config>, keep: &str, merged: &str, cause: &Cause<'_>) -> Result<String, Failure> {
    let book = Book::new(cx.state());
    let unknown = || Failure::reject("customer-unknown", "a customer to merge is unknown.");
    let mut stays = book.customer(keep)?.ok_or_else(unknown)?;
    let mut goes = book.customer(merged)?.ok_or_else(unknown)?;
    if stays.members.len() + goes.members.len() > MEMBERS_MAX {
        return Err(Failure::reject(
            "merge-too-large",
            format!("a customer is merged from at most {MEMBERS_MAX} others: undo wrong merges first."),
        ));
    }
    let before = (opt_out(book, &stays.members)?, opt_out(book, &goes.members)?);
    for left in &stays.members {
        for right in &goes.members {
            book.set_apart(left, right, false)?;
        }
    }
    let moved = goes.members.clone();
    stays.members.extend(moved.iter().cloned());
    goes.into = Some(keep.to_owned());
    book.put_customer(keep, &stays)?;
    book.put_customer(merged, &goes)?;
    let survivorship = survivorship(book, &stays.members)?;
    let id = format!("m-{}", hash(&[&["merge"], cause.id_parts, &[keep, merged]].concat()));
    let record = MergeRecord {
        keep: keep.to_owned(),
        merged: merged.to_owned(),
        moved,
        at: cx.now(),
        rule: cause.rule.to_owned(),
        by: cut(cause.by),
        reason: cut(cause.reason),
        survivorship,
        undone: None,
    };
    book.put_merge(&id, &record)?;
    let after = opt_out(book, &stays.members)?;
    cx.counter("duplicates-created", 1, &[("rule", cause.rule)]);
    let data = json!({
        "mergeId": id, "keep": keep, "merged": merged, "rule": cause.rule, "by": record.by, "reason": record.reason, "at": record.at,
        "survivorship": record.survivorship, "optOut": after, "optOutBefore": {"keep": before.0, "merged": before.1},
    });
    cx.emit(NewEvent::json(CUSTOMER_MERGED, &data)?.subject(keep).partition_key(keep))?;
    Ok(id)
}

/// `com.handoff.identity.unmerge.v1`.
///
/// # Errors
/// Rejects `merge-unknown`, `already-unmerged`.
pub fn undo(cx: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
    let order: IdentityUnmerge = event.json()?;
    let reason = order.reason.as_deref().unwrap_or_default();
    let book = Book::new(cx.state());
    let unknown =
        || Failure::reject("merge-unknown", "`mergeId` is unknown: take it from the event that reported the merge.");
    let mut record = book.merge(&order.merge_id)?.ok_or_else(unknown)?;
    if record.undone.is_some() {
        return Err(Failure::reject("already-unmerged", "this merge was undone before: nothing to do."));
    }
    let (root_id, mut root) = book.root(&record.merged)?.ok_or_else(unknown)?;
    let mut restored = book.customer(&record.merged)?.ok_or_else(unknown)?;
    // Later merges may have extended the merged customer, or merged the whole into a third one.
    let (mut back, mut rest) = (Vec::new(), Vec::new());
    for member in root.members {
        if book.is_under(&member, &record.merged)? { back.push(member) } else { rest.push(member) }
    }
    root.members = rest;
    restored.members = back;
    restored.into = None;
    for left in &root.members {
        for right in &restored.members {
            book.set_apart(left, right, true)?;
        }
    }
    book.put_customer(&root_id, &root)?;
    book.put_customer(&record.merged, &restored)?;
    let explanation = explain(book, &record, &root_id, &root.members, &restored.members)?;
    record.undone = Some(Undone { at: cx.now(), by: cut(&order.by), reason: cut(reason) });
    book.put_merge(&order.merge_id, &record)?;
    cx.counter("duplicates-retracted", 1, &[("rule", &record.rule)]);
    cx.info(
        "merge undone by a person",
        &[("merge", &order.merge_id), ("keep", &root_id), ("restored", &record.merged)],
    );
    let data = json!({
        "mergeId": order.merge_id, "keep": root_id, "restored": record.merged, "rule": record.rule, "by": cut(&order.by), "reason": cut(reason),
        "at": cx.now(), "explanation": explanation,
        "optOut": {"keep": opt_out(book, &root.members)?, "restored": opt_out(book, &restored.members)?},
    });
    cx.emit(NewEvent::json(CUSTOMER_UNMERGED, &data)?.subject(record.merged.as_str()).partition_key(root_id.as_str()))?;
    Ok(())
}

/// Closed channels of a customer: closed on any of its profiles.
///
/// # Errors
/// State limits.
pub fn opt_out(book: Book<'_>, members: &[String]) -> Result<OptOut, StateError> {
    members.iter().try_fold(OptOut::default(), |sum, member| {
        Ok(sum.or(book.profile(member)?.map(|profile| profile.consents.opt_out()).unwrap_or_default()))
    })
}

/// Whether a profile has a value.
type HasField = fn(&Profile) -> bool;

/// The profile whose value is shown for each field: the one seen last among those with a value.
fn survivorship(book: Book<'_>, members: &[String]) -> Result<Vec<Survivor>, StateError> {
    let mut profiles = Vec::new();
    for member in members {
        profiles.extend(book.profile(member)?.map(|profile| (member, profile)));
    }
    let fields: [(&str, HasField); 4] = [
        ("name", |profile| !profile.facts.names.is_empty()),
        ("phone", |profile| !profile.facts.phones.is_empty()),
        ("email", |profile| !profile.facts.emails.is_empty()),
        ("address", |profile| !profile.facts.addresses.is_empty()),
    ];
    let leader = |has: HasField| {
        profiles.iter().rev().filter(|(_, profile)| has(profile)).max_by_key(|(_, profile)| profile.seen_at)
    };
    Ok(fields
        .into_iter()
        .filter_map(|(field, has)| Some(Survivor { field: field.to_owned(), from: leader(has)?.0.clone() }))
        .collect())
}

/// Says where the leads went that were received while the two were merged.
fn explain(
    book: Book<'_>,
    record: &MergeRecord,
    root_id: &str,
    kept: &[String],
    restored: &[String],
) -> Result<Vec<String>, StateError> {
    let mut lines = vec![format!(
        "the merge of {} into {} ({}) is undone: both are restored",
        record.merged, record.keep, record.rule
    )];
    for (customer, members) in [(root_id, kept), (record.merged.as_str(), restored)] {
        for member in members {
            let Some(profile) = book.profile(member)? else { continue };
            let since = profile.leads.iter().filter(|lead| lead.at > record.at);
            lines.extend(since.map(|lead| {
                format!(
                    "lead {} was received in between and belongs to {customer}, whose facts match best",
                    lead.lead_id
                )
            }));
        }
    }
    lines.push("opt-outs received in between apply to both".to_owned());
    Ok(lines)
}

/// Shortens people's texts.
fn cut(text: &str) -> String {
    text.chars().take(300).collect()
}
