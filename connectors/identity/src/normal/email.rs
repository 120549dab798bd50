//! E-mail addresses: normal form, a secondary form by provider rules, and addresses that identify nobody. It does not
//! know who holds an address.

/// An address in its two forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// Trimmed, lower case, `local@domain`.
    pub address: String,
    /// The mailbox to which the provider delivers, if different: without `+tag`, for Gmail without dots and with one
    /// domain.
    pub mailbox: Option<String>,
}

/// Why an address does not identify a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailFlaw {
    /// Not `local@domain.tld`.
    Malformed,
    /// On the list of addresses that staff type when there is none, or similar to them.
    Placeholder,
    /// On the dealer's own domain: an employee's address or an invented one.
    DealerDomain,
}

impl EmailFlaw {
    /// For the explanation of a decision.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "is not a valid address",
            Self::Placeholder => "is a placeholder",
            Self::DealerDomain => "is on the dealer's own domain",
        }
    }
}

/// Local parts that mean "there is none". Seen in real stores: none@none.com, noemail@noemail.com, noemail@gmail.com,
/// none@gmail.com, noname@noname.com, and the codes NA and CD.
const PLACEHOLDER_LOCAL_PARTS: [&str; 22] = [
    "none",
    "noemail",
    "noemail1",
    "noname",
    "nomail",
    "na",
    "nc",
    "cd",
    "null",
    "unknown",
    "test",
    "asdf",
    "abc",
    "donotemail",
    "declined",
    "refused",
    "nobody",
    "noone",
    "noreply",
    "customer",
    "dummy",
    "fake",
];

/// Domains without mailboxes: invented by staff, or reserved (RFC 2606).
const PLACEHOLDER_DOMAINS: [&str; 17] = [
    "none.com",
    "noemail.com",
    "noname.com",
    "nomail.com",
    "na.com",
    "no.com",
    "none.net",
    "email.com.com",
    "example.com",
    "example.org",
    "example.net",
    "test.com",
    "test.test",
    "asdf.com",
    "abc.abc",
    "declined.com",
    "unknown.com",
];

/// Parses an address as a person wrote it. `dealer_domains` and `blocked` come from the config, in lower case.
///
/// # Errors
/// The address identifies nobody; the error says why.
pub fn read(text: &str, dealer_domains: &[String], blocked: &[String]) -> Result<Email, EmailFlaw> {
    let address: String =
        text.trim().trim_start_matches("mailto:").chars().flat_map(char::to_lowercase).take(255).collect();
    let bare: String = address.chars().filter(|c| c.is_alphanumeric()).collect();
    if PLACEHOLDER_LOCAL_PARTS.contains(&bare.as_str()) {
        return Err(EmailFlaw::Placeholder);
    }
    let (local, domain) = address.rsplit_once('@').ok_or(EmailFlaw::Malformed)?;
    if !is_well_formed(local, domain) {
        return Err(EmailFlaw::Malformed);
    }
    if dealer_domains.iter().any(|dealer| is_within(domain, dealer)) {
        return Err(EmailFlaw::DealerDomain);
    }
    let plain: String = local.chars().filter(|c| !matches!(c, '.' | '-' | '_')).collect();
    let reserved = domain.ends_with(".invalid") || domain.ends_with(".test") || domain.ends_with(".example");
    if reserved
        || PLACEHOLDER_LOCAL_PARTS.contains(&plain.as_str())
        || PLACEHOLDER_DOMAINS.contains(&domain)
        || blocked.contains(&address)
    {
        return Err(EmailFlaw::Placeholder);
    }
    let mailbox = mailbox(local, domain).filter(|mailbox| *mailbox != address);
    Ok(Email { address, mailbox })
}

fn is_within(domain: &str, dealer: &str) -> bool {
    domain == dealer || domain.strip_suffix(dealer).is_some_and(|rest| rest.ends_with('.'))
}

fn is_well_formed(local: &str, domain: &str) -> bool {
    let clean = |text: &str| {
        !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '@' | ',' | ';' | '<' | '>' | '"'))
    };
    let labels_ok =
        domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    let top = domain.rsplit('.').next().unwrap_or_default();
    (1..=64).contains(&local.len())
        && domain.len() <= 180
        && clean(local)
        && clean(domain)
        && labels_ok
        && domain.contains('.')
        && top.chars().count() >= 2
        && !top.chars().all(|c| c.is_ascii_digit())
}

/// Gmail ignores dots; Gmail, Outlook, iCloud, Fastmail and Proton deliver `name+tag` to `name`; Yahoo uses `name-tag`,
/// which may also be a separate name and therefore stays.
fn mailbox(local: &str, domain: &str) -> Option<String> {
    let tagless = local.split('+').next().unwrap_or_default();
    let name = match domain {
        "gmail.com" | "googlemail.com" => tagless.replace('.', ""),
        "outlook.com" | "hotmail.com" | "live.com" | "icloud.com" | "me.com" | "fastmail.com" | "proton.me"
        | "protonmail.com" => tagless.to_owned(),
        _ => return None,
    };
    let domain = if domain == "googlemail.com" { "gmail.com" } else { domain };
    (!name.is_empty()).then(|| format!("{name}@{domain}"))
}

#[cfg(test)]
mod tests {
    use super::{Email, EmailFlaw, read};

    fn check(text: &str) -> Result<Email, EmailFlaw> {
        read(text, &["mainstreetmotors.com".to_owned()], &["front.desk@aol.com".to_owned()])
    }

    #[test]
    fn case_and_space_do_not_distinguish_addresses() {
        assert_eq!(check("  Pat.Lee@Yahoo.COM ").map(|e| e.address).as_deref(), Ok("pat.lee@yahoo.com"));
    }

    #[test]
    fn provider_rules_only_make_a_second_form() {
        let email = check("Pat.Lee+cars@GoogleMail.com").expect("a valid address");
        assert_eq!(email.address, "pat.lee+cars@googlemail.com");
        assert_eq!(email.mailbox.as_deref(), Some("patlee@gmail.com"));
        assert_eq!(check("pat+x@yahoo.com").expect("a valid address").mailbox, None);
    }

    #[test]
    fn placeholders_blocked_and_dealer_addresses_identify_nobody() {
        for text in [
            "none@none.com",
            "noemail@noemail.com",
            "noemail@gmail.com",
            "none@gmail.com",
            "noname@noname.com",
            "NA",
            "CD",
            "no.email@gmail.com",
            "N/A",
            "front.desk@aol.com",
            "x@example.com",
            "someone@nowhere.invalid",
        ] {
            assert_eq!(check(text), Err(EmailFlaw::Placeholder), "{text}");
        }
        assert_eq!(check("sales@mainstreetmotors.com"), Err(EmailFlaw::DealerDomain));
        assert_eq!(check("x@crm.mainstreetmotors.com"), Err(EmailFlaw::DealerDomain));
        assert!(check("x@notmainstreetmotors.com").is_ok());
    }

    #[test]
    fn what_is_not_an_address_is_malformed() {
        for text in
            ["", "pat", "pat@", "@x.com", "pat@x", "pat lee@x.com", "pat@x..com", "a@b@c.com,d@e.com", "pat@1.2.3.4"]
        {
            assert_eq!(check(text), Err(EmailFlaw::Malformed), "{text}");
        }
    }
}
