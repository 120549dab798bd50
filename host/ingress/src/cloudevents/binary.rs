//! Binary content mode: attributes in `ce-*` headers, data in the body.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::{IngressError, empty, invalid, require, set};
use handoff_model::event::{Event, check_extension_name};

/// Parses one event.
pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Event, IngressError> {
    let mut event = empty();
    for name in headers.keys() {
        let Some(attribute) = name.as_str().strip_prefix("ce-") else { continue };
        let mut values = headers.get_all(name).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(invalid(attribute, "appears twice; expected once".to_owned()));
        };
        if attribute == "datacontenttype" {
            return Err(invalid(attribute, "must be in the header `content-type`".to_owned()));
        }
        let own = ["specversion", "id", "source", "type", "subject", "time", "dataschema"];
        if !own.contains(&attribute)
            && let Err(error) = check_extension_name(attribute)
        {
            return Err(invalid(attribute, error.problem));
        }
        set(&mut event, attribute, decode(attribute, value.as_bytes())?)?;
    }
    require(&[
        ("id", headers.contains_key("ce-id")),
        ("source", headers.contains_key("ce-source")),
        ("type", headers.contains_key("ce-type")),
    ])?;
    // Anything but printable ASCII was refused before.
    event.data_content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    event.data = body.to_vec();
    Ok(event)
}

/// Decodes a quoted string, then one round of percent-encoding (HTTP protocol binding 1.0.2, section 3.1.3.2).
fn decode(attribute: &str, bytes: &[u8]) -> Result<String, IngressError> {
    let wrong = |problem: &str| invalid(attribute, problem.to_owned());
    let unquoted = match bytes {
        [b'"', inner @ .., b'"'] => unescape(inner).ok_or_else(|| wrong("is an invalid quoted string"))?,
        _ => bytes.to_vec(),
    };
    let mut decoded = Vec::with_capacity(unquoted.len());
    let mut rest = unquoted.iter();
    let digit = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    while let Some(byte) = rest.next() {
        if *byte == b'%' {
            let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
                return Err(wrong("has a `%` without two hexadecimal digits; write `%25` for the character"));
            };
            decoded.push(high << 4 | low);
        } else {
            decoded.push(*byte);
        }
    }
    String::from_utf8(decoded).map_err(|_| wrong("is not UTF-8 after percent-decoding"))
}

fn unescape(inner: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(inner.len());
    let mut rest = inner.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' => text.push(*rest.next()?),
            b'"' => return None,
            byte => text.push(*byte),
        }
    }
    Some(text)
}
