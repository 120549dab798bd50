//! Converts ADF elements to canonical leads, one module per group of elements.
//!
//! It knows no bytes, mails or state. An invalid prospect is reported separately from the valid ones.

mod address;
mod choice;
mod contact;
mod customer;
mod links;
mod money;
mod node;
mod party;
mod prospect;
mod vehicle;

use std::collections::BTreeSet;

use crate::config::Config;
use crate::dates::Zone;
use crate::intake::Document;
use crate::lead::Lead;
use crate::refusal::{Refusal, RefusalCode};
use crate::warnings::Warnings;
use node::{Node, Reading};

/// Inputs of reading besides the document.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The installation's config.
    pub config: &'a Config,
    /// The rules of the rooftop's zone, for dates without an offset.
    pub zone: &'a dyn Zone,
}

/// A lead, and whether its sender marked it as resent.
#[derive(Debug, Clone)]
pub struct Prospect {
    /// The lead as if it were new: revision 1.
    pub lead: Lead,
    /// `prospect@status="resend"`.
    pub is_resend: bool,
    /// Its path: `prospect[0]`.
    pub path: String,
}

/// A refused prospect.
#[derive(Debug, Clone)]
pub struct RefusedProspect {
    /// Its path: `prospect[1]`.
    pub path: String,
    /// The reason.
    pub refusal: Refusal,
}

/// The prospects of a document.
#[derive(Debug, Clone, Default)]
pub struct Prospects {
    /// The leads.
    pub good: Vec<Prospect>,
    /// The refused ones.
    pub refused: Vec<RefusedProspect>,
}

/// Reads every prospect. Paths are numbered across all documents of one event.
///
/// Fails as a whole only if there is no prospect, or too many.
pub fn read_documents(documents: &[Document], options: &Options<'_>) -> Result<Prospects, Refusal> {
    let mut found = Prospects::default();
    let mut number = 0;
    for document in documents {
        let adf = Node::new(&document.adf, "adf".to_owned());
        let mut notes = document.notes.clone();
        for child in document.adf.children().filter(|child| child.name != "prospect") {
            let message = format!("`<{}>` is not part of `<adf>` and is ignored", child.name);
            notes.add("tag-unknown", format!("{}.{}", adf.path, child.name), message);
        }
        let prospects = document.adf.children().filter(|child| child.name == "prospect");
        for (within, element) in prospects.enumerate() {
            if number >= options.config.max_prospects {
                let message = format!(
                    "more than `max-prospects` = {} prospects; send fewer at a time",
                    options.config.max_prospects
                );
                return Err(Refusal::new(RefusalCode::TooManyProspects, message));
            }
            let node = Node::new(element, format!("prospect[{number}]"));
            number += 1;
            read_one(&node, notes.for_prospect(within, &node.path), options, &mut found);
        }
    }
    if number == 0 {
        let message = "`<adf>` contains no `<prospect>`; expected at least one";
        return Err(Refusal::new(RefusalCode::NoProspect, message));
    }
    Ok(found)
}

fn read_one(node: &Node<'_>, notes: Warnings, options: &Options<'_>, found: &mut Prospects) {
    let mut reading = Reading { options, warnings: notes, comments: Vec::new(), refused: BTreeSet::new() };
    match prospect::read(node, &mut reading) {
        Ok((mut lead, is_resend)) => {
            lead.warnings = reading.warnings.into_entries();
            found.good.push(Prospect { lead, is_resend, path: node.path.clone() });
        }
        Err(refusal) => found.refused.push(RefusedProspect { path: node.path.clone(), refusal }),
    }
}
