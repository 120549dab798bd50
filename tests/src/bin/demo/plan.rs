//! What the demonstration sends: about 210 documents, always the same, and the expected results. It sends nothing
//! itself.

use handoff_tests::leads::{self, Lead, people, wrap};

/// How a document is delivered.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// Posted to the webhook, signed.
    Posted,
    /// Dropped into the folder under this name.
    Dropped(String),
}

/// One document.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) way: Way,
    pub(crate) body: String,
    /// Marks of its leads.
    pub(crate) marks: Vec<String>,
}

/// Documents of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) what: &'static str,
    pub(crate) documents: Vec<Document>,
}

/// All documents and the expected results.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Documents of unknown people.
    pub(crate) first: Vec<Batch>,
    /// Documents of known people, and broken ones.
    pub(crate) second: Vec<Batch>,
    /// Leads that must be listed exactly once.
    pub(crate) listed: Vec<Lead>,
    /// Leads that must not be listed, because the customer opted out of everything.
    pub(crate) opted_out: Vec<Lead>,
    /// Leads that may be contacted, but not by phone.
    pub(crate) no_calls: Vec<Lead>,
    /// Pairs of leads of the same person: the later and the earlier one.
    pub(crate) same_person: Vec<(Lead, Lead)>,
    /// Leads that were resent with other comments.
    pub(crate) resent: usize,
    /// Repeated documents.
    pub(crate) same_bytes: usize,
    /// Repeated leads in other documents.
    pub(crate) same_lead: usize,
    /// Expected codes of the dead letters, sorted.
    pub(crate) broken: Vec<&'static str>,
}

fn posted(body: String, leads: &[Lead]) -> Document {
    Document { way: Way::Posted, body, marks: leads.iter().map(Lead::mark).collect() }
}

fn dropped(name: &str, body: String, leads: &[Lead]) -> Document {
    Document { way: Way::Dropped(name.to_owned()), body, marks: leads.iter().map(Lead::mark).collect() }
}

/// One document per lead.
fn each(what: &'static str, leads: &[Lead], document: impl Fn(usize, &Lead) -> Document) -> Batch {
    Batch { what, documents: leads.iter().enumerate().map(|(number, lead)| document(number, lead)).collect() }
}

/// The plan.
pub(crate) fn plan() -> Plan {
    let strangers: Vec<Lead> = (0..176)
        .map(|number| match number {
            115..130 => Lead { trade_in: Some(people::trade_in(number)), ..Lead::new(number) },
            _ => Lead::new(number),
        })
        .collect();
    let of = |from: usize, to: usize| strangers.get(from..to).unwrap_or_default();
    let pairs = Batch {
        what: "documents with two prospects each",
        documents: of(130, 146).chunks(2).map(|pair| posted(leads::adf(pair), pair)).collect(),
    };
    let mail = |name: &'static str, wrapped: fn(&str, &str) -> String| {
        move |number: usize, lead: &Lead| {
            let subject = format!("New lead {}", lead.id);
            dropped(&format!("{name}-{number:02}.eml"), wrapped(&subject, &lead.adf()), std::slice::from_ref(lead))
        }
    };
    let alone = |_: usize, lead: &Lead| posted(lead.adf(), std::slice::from_ref(lead));
    let in_html = |_: usize, lead: &Lead| posted(wrap::html(&lead.adf()), std::slice::from_ref(lead));
    let first = vec![
        each("leads as plain ADF", of(0, 100), alone),
        each("leads inside an HTML page", of(100, 115), in_html),
        each("leads with a trade-in", of(115, 130), alone),
        pairs,
        each("mails with ADF as text", of(146, 156), mail("text", wrap::plain_mail)),
        each("mails with ADF attached in base64", of(156, 166), mail("attached", wrap::mail_with_attachment)),
        each("mails with ADF in their HTML part", of(166, 176), mail("html", wrap::mail_with_html)),
    ];

    let resent: Vec<Lead> = of(0, 10).iter().map(|lead| lead.resent("Please call me after 5 pm.")).collect();
    let again: Vec<(Lead, Lead)> =
        (200..).zip(of(20, 32)).map(|(number, lead)| (returning(number, lead), lead.clone())).collect();
    let opted_out: Vec<Lead> = (220..).zip(of(40, 43)).map(|(number, lead)| returning(number, lead)).collect();
    let no_calls: Vec<Lead> = (230..).zip(of(44, 46)).map(|(number, lead)| returning(number, lead)).collect();
    let later: Vec<Lead> = again.iter().map(|(later, _)| later.clone()).collect();
    let (broken, codes) = broken();
    let second = vec![
        each("leads resent with other comments", &resent, alone),
        each("known leads in another packaging", of(10, 16), in_html),
        each("repeated documents", of(16, 20), alone),
        each("new leads of known people, spelled differently", &later, alone),
        each("leads of people who opted out of everything", &opted_out, alone),
        each("leads of people who opted out of calls", &no_calls, alone),
        broken,
    ];
    let mut listed = [&strangers[10..], &resent, &later, &no_calls].concat();
    listed.sort_by(|one, other| one.id.cmp(&other.id));
    Plan {
        first,
        second,
        listed,
        opted_out,
        no_calls,
        same_person: again,
        resent: resent.len(),
        same_bytes: 4,
        same_lead: 6,
        broken: codes,
    }
}

/// A new lead of a known person: another car, and name and number in another notation.
fn returning(number: u64, known: &Lead) -> Lead {
    let digits: String = known.phone.iter().flat_map(|text| text.chars()).filter(char::is_ascii_digit).collect();
    let local = digits.get(digits.len().saturating_sub(10)..).unwrap_or_default();
    let dotted: Vec<&str> = [(0, 3), (3, 6), (6, 10)].iter().filter_map(|(from, to)| local.get(*from..*to)).collect();
    let (first, last) = match number % 3 {
        0 => (known.first.to_uppercase(), known.last.to_uppercase()),
        1 => (known.first.chars().take(1).collect::<String>() + ".", known.last.clone()),
        _ => (known.first.to_lowercase(), known.last.replace('\'', " ")),
    };
    Lead {
        id: format!("CF-{number:06}"),
        first,
        last,
        phone: Some(dotted.join(".")),
        email: known.email.as_ref().map(|text| text.to_uppercase()),
        address: None,
        comments: "I asked about another car before.".to_owned(),
        ..Lead::new(number)
    }
}

/// Documents that cannot be leads, with the expected codes.
fn broken() -> (Batch, Vec<&'static str>) {
    let lead = Lead::new(300).adf();
    let cut = lead.get(..lead.len() * 2 / 3).unwrap_or_default().to_owned();
    let bomb = lead.replacen("<adf>", "<!DOCTYPE adf [<!ENTITY a \"aaaa\">]>\n<adf>", 1);
    let nobody =
        Lead { first: String::new(), last: String::new(), phone: None, email: None, address: None, ..Lead::new(301) };
    let secret = "From: leads@carfinder.example\r\nTo: leads@mainstreet.example\r\nSubject: Lead\r\nMIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data; name=\"smime.p7m\"\r\nContent-Transfer-Encoding: base64\r\n\r\nMIIBHgYJKoZIhvcNAQcDoIIBDzCCAQsCAQAxgcAwgb0CAQAwJjASMRAwDgYDVQQD\r\n";
    let holiday = wrap::plain_mail("Out of office", "I am back on Monday.");
    let documents = vec![
        posted(cut, &[]),
        posted(bomb, &[]),
        posted(leads::adf(&[]), &[]),
        posted(nobody.adf(), &[]),
        dropped("secret.eml", secret.to_owned(), &[]),
        dropped("holiday.eml", holiday, &[]),
    ];
    let mut codes = vec![
        "adf-truncated",
        "adf-entity-declaration",
        "adf-no-prospect",
        "lead-without-contact",
        "mail-encrypted",
        "adf-not-found",
    ];
    codes.sort_unstable();
    (Batch { what: "broken documents", documents }, codes)
}
