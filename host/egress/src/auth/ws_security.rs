//! Inserts a WS-Security UsernameToken into the header of a SOAP message (OASIS Web Services Security UsernameToken
//! Profile 1.0). Pure: callers pass time and nonce. The rest of the message stays unchanged, byte for byte.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quick_xml::NsReader;
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;

use handoff_model::time::Timestamp;
use handoff_policy::egress::WsPassword;

const SOAP: [&str; 2] = ["http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"];
const WSSE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const WSU: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const TOKEN_PROFILE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0";
const BASE64_BINARY: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";

/// The inputs of a token.
pub(super) struct Token<'a> {
    pub(super) username: &'a str,
    pub(super) password: &'a [u8],
    pub(super) form: WsPassword,
    pub(super) created: Timestamp,
    pub(super) nonce: [u8; 16],
}

/// The message with the token in it. The error says what is wrong with the message, never what it contains.
pub(super) fn insert(message: &[u8], token: &Token<'_>) -> Result<Vec<u8>, String> {
    let insertion = find_insertion(message)?;
    let password = std::str::from_utf8(token.password).map_err(|_| "the password is not UTF-8".to_owned())?;
    let security = security(token, password, insertion.prefix.as_deref());
    let qualified =
        |local: &str| insertion.prefix.as_ref().map_or(local.to_owned(), |prefix| format!("{prefix}:{local}"));
    let header = qualified("Header");
    let text = match insertion.kind {
        Kind::Inside => security,
        Kind::Create => format!("<{header}>{security}</{header}>"),
        Kind::Replace => {
            // `<soap:Header attributes/>` keeps its attributes.
            let tag =
                message.get(insertion.at.clone()).and_then(|tag| std::str::from_utf8(tag).ok()).unwrap_or_default();
            let open = tag.trim_end_matches('>').trim_end_matches('/');
            format!("{open}>{security}</{header}>")
        }
    };
    let (before, after) = (message.get(..insertion.at.start), message.get(insertion.at.end..));
    Ok([before.unwrap_or_default(), text.as_bytes(), after.unwrap_or_default()].concat())
}

/// How to insert into the header.
enum Kind {
    Inside,
    Replace,
    Create,
}

struct Insertion {
    kind: Kind,
    at: Range<usize>,
    prefix: Option<String>,
}

/// Parses up to the body's start tag, with namespaces: prefixes differ from vendor to vendor.
fn find_insertion(message: &[u8]) -> Result<Insertion, String> {
    let text = std::str::from_utf8(message).map_err(|_| "the body is not UTF-8; expected a SOAP message".to_owned())?;
    let mut reader = NsReader::from_str(text);
    let mut depth = 0_u32;
    let mut insertion: Option<Insertion> = None;
    loop {
        let start = position(reader.buffer_position())?;
        let (resolved, event) = reader
            .read_resolved_event()
            .map_err(|error| format!("the body is not well-formed XML: {error}; expected a SOAP message"))?;
        let soap = matches!(&resolved, ResolveResult::Bound(namespace) if SOAP.contains(&namespace.as_ref()));
        let wsse = matches!(&resolved, ResolveResult::Bound(namespace) if namespace.as_ref() == WSSE);
        match &event {
            Event::DocType(_) => return Err("the body has a document type, which SOAP forbids".to_owned()),
            Event::Eof => return Err("the body has no SOAP Body element; expected a SOAP message".to_owned()),
            Event::Start(tag) | Event::Empty(tag) => {
                let empty = matches!(event, Event::Empty(_));
                let (local, prefix) = (tag.local_name().as_ref().to_owned(), tag.name().prefix());
                let prefix = prefix.map(|prefix| prefix.as_ref().to_owned());
                let end = || position(reader.buffer_position());
                match (depth, soap, local.as_str()) {
                    (0, true, "Envelope") => {}
                    (0, ..) => return Err("the body's root is not a SOAP Envelope".to_owned()),
                    (1, true, "Header") if empty => {
                        insertion = Some(Insertion { kind: Kind::Replace, at: start..end()?, prefix });
                    }
                    (1, true, "Header") => {
                        let end = end()?;
                        insertion = Some(Insertion { kind: Kind::Inside, at: end..end, prefix });
                    }
                    (2, _, "Security") if wsse => {
                        return Err(
                            "the SOAP header already has a Security element; leave it to the auth profile".to_owned()
                        );
                    }
                    (1, true, "Body") => {
                        return Ok(insertion.unwrap_or(Insertion { kind: Kind::Create, at: start..start, prefix }));
                    }
                    _ => {}
                }
                depth = if empty { depth } else { depth.saturating_add(1) };
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
}

fn position(offset: u64) -> Result<usize, String> {
    usize::try_from(offset).map_err(|_| "the body is too large".to_owned())
}

fn security(token: &Token<'_>, password: &str, soap_prefix: Option<&str>) -> String {
    // An attribute without a prefix has no namespace, so the flag needs that of the envelope.
    let must_understand = soap_prefix.map(|prefix| format!(" {prefix}:mustUnderstand=\"1\"")).unwrap_or_default();
    let username = escape(token.username);
    let credentials = match token.form {
        WsPassword::Text => {
            format!("<wsse:Password Type=\"{TOKEN_PROFILE}#PasswordText\">{}</wsse:Password>", escape(password))
        }
        WsPassword::Digest => {
            let (digest, created) = (digest(token, password), token.created);
            let nonce = STANDARD.encode(token.nonce);
            format!(
                "<wsse:Password Type=\"{TOKEN_PROFILE}#PasswordDigest\">{digest}</wsse:Password>\
                 <wsse:Nonce EncodingType=\"{BASE64_BINARY}\">{nonce}</wsse:Nonce>\
                 <wsu:Created xmlns:wsu=\"{WSU}\">{created}</wsu:Created>"
            )
        }
    };
    format!(
        "<wsse:Security xmlns:wsse=\"{WSSE}\"{must_understand}><wsse:UsernameToken>\
         <wsse:Username>{username}</wsse:Username>{credentials}</wsse:UsernameToken></wsse:Security>"
    )
}

/// `Base64(SHA-1(nonce + created + password))`, section 3.1 of the profile. SHA-1 is what the profile names.
fn digest(token: &Token<'_>, password: &str) -> String {
    let mut hash = ring::digest::Context::new(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(&token.nonce);
    hash.update(token.created.to_string().as_bytes());
    hash.update(password.as_bytes());
    STANDARD.encode(hash.finish())
}

/// Escapes a text for the message.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(form: WsPassword) -> Token<'static> {
        Token { username: "a<b", password: b"p&w", form, created: Timestamp(1_000), nonce: [7; 16] }
    }

    fn inserted(message: &str) -> Result<String, String> {
        let bytes = insert(message.as_bytes(), &token(WsPassword::Text))?;
        Ok(String::from_utf8(bytes).expect("UTF-8"))
    }

    const S: &str = "xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"";

    #[test]
    fn the_token_is_inserted_into_any_form_of_header() {
        let security = security(&token(WsPassword::Text), "p&w", Some("s"));
        assert!(security.contains("<wsse:Username>a&lt;b</wsse:Username>"), "{security}");
        assert!(security.contains("#PasswordText\">p&amp;w</wsse:Password>"), "{security}");
        for (message, expected) in [
            (
                format!("<?xml version=\"1.0\"?>\n<s:Envelope {S}><s:Body/></s:Envelope>"),
                format!(
                    "<?xml version=\"1.0\"?>\n<s:Envelope {S}><s:Header>{security}</s:Header><s:Body/></s:Envelope>"
                ),
            ),
            (
                format!("<s:Envelope {S}><s:Header/><s:Body>x</s:Body></s:Envelope>"),
                format!("<s:Envelope {S}><s:Header>{security}</s:Header><s:Body>x</s:Body></s:Envelope>"),
            ),
            (
                format!("<s:Envelope {S}> <s:Header a=\"/\" /><s:Body>x</s:Body></s:Envelope>"),
                format!("<s:Envelope {S}> <s:Header a=\"/\" >{security}</s:Header><s:Body>x</s:Body></s:Envelope>"),
            ),
            (
                format!("<s:Envelope {S}><s:Header><h:Body xmlns:h=\"h\"/></s:Header><s:Body>x</s:Body></s:Envelope>"),
                format!(
                    "<s:Envelope {S}><s:Header>{security}<h:Body xmlns:h=\"h\"/></s:Header><s:Body>x</s:Body></s:Envelope>"
                ),
            ),
        ] {
            assert_eq!(inserted(&message).expect("inserted"), expected);
        }
        let plain = "<Envelope xmlns=\"http://www.w3.org/2003/05/soap-envelope\"><Body/></Envelope>";
        let plain = inserted(plain).expect("inserted");
        assert!(plain.contains("<Header><wsse:Security xmlns:wsse=") && !plain.contains("mustUnderstand"), "{plain}");
    }

    #[test]
    fn messages_that_are_not_soap_are_refused() {
        for message in [
            "",
            "{}",
            "<a/>",
            "<s:Envelope><s:Body/></s:Envelope>",
            "<!DOCTYPE x []><x/>",
            "<s:Envelope xmlns:s=\"other\"/>",
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\">",
            "\u{0}",
        ] {
            assert!(inserted(message).is_err(), "{message:?} passed");
        }
        let own =
            format!("<s:Envelope {S}><s:Header><w:Security xmlns:w=\"{WSSE}\"/></s:Header><s:Body/></s:Envelope>");
        assert!(inserted(&own).expect_err("refused").contains("already has a Security"));
    }

    #[test]
    fn the_digest_is_over_nonce_time_and_password() {
        // printf '\x07…(16)1970-01-01T00:00:01.000Zp&w' | openssl sha1 -binary | base64
        assert_eq!(digest(&token(WsPassword::Digest), "p&w"), "Jo+eNdGHF9673G6qqwc5ATmIWwE=");
        let text = security(&token(WsPassword::Digest), "p&w", None);
        assert!(
            text.contains("<wsse:Nonce EncodingType=") && text.contains(">BwcHBwcHBwcHBwcHBwcHBw==</wsse:Nonce>"),
            "{text}"
        );
        assert!(text.contains(">1970-01-01T00:00:01.000Z</wsu:Created>") && !text.contains("p&amp;w"), "{text}");
    }
}
