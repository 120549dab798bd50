//! XML: text and values of attributes are masked by the names of elements and attributes; markup stays, comments go. What
//! is not well-formed is not XML here.

use crate::Masker;

/// Depth of elements.
const DEPTH_MAX: usize = 128;
/// Attributes whose values say what a text is, as in `<name part="first">`.
const QUALIFIERS: [&str; 2] = ["part", "type"];

impl Masker {
    /// A document; none if it is not well-formed.
    pub(crate) fn xml(&self, path: &[String], text: &str) -> Option<String> {
        let mut path = path.to_vec();
        let outside = path.len();
        let mut masked = String::new();
        let mut rest = text;
        while let Some(start) = rest.find('<') {
            let (content, markup) = rest.split_at(start);
            masked.push_str(&self.content(&path, content)?);
            if let Some(after) = markup.strip_prefix("<!--") {
                rest = &after[after.find("-->")? + 3..];
            } else if let Some(after) = markup.strip_prefix("<![CDATA[") {
                let end = after.find("]]>")?;
                let value = self.string(&path, &after[..end]).replace("]]>", "]]]]><![CDATA[>");
                masked.push_str(&format!("<![CDATA[{value}]]>"));
                rest = &after[end + 3..];
            } else if markup.starts_with("<?") {
                let end = markup.find("?>")? + 2;
                masked.push_str(&markup[..end]);
                rest = &markup[end..];
            } else if markup.starts_with("<!") {
                // A document type may define entities: such a document is masked as text.
                return None;
            } else if let Some(after) = markup.strip_prefix("</") {
                let end = after.find('>')?;
                (path.len() > outside && path.pop().as_deref() == Some(after[..end].trim())).then_some(())?;
                masked.push_str(&format!("</{}>", after[..end].trim()));
                rest = &after[end + 1..];
            } else {
                let tag = self.tag(&path, markup)?;
                masked.push_str(&tag.masked);
                if !tag.is_empty {
                    path.push(tag.name);
                }
                rest = tag.after;
            }
            if path.len() - outside > DEPTH_MAX {
                return None;
            }
        }
        (path.len() == outside && rest.trim().is_empty()).then(|| masked + rest)
    }

    fn content(&self, path: &[String], text: &str) -> Option<String> {
        if text.trim().is_empty() {
            return Some(text.to_owned());
        }
        Some(escaped(&self.string(path, &unescaped(text)?)))
    }

    fn tag<'a>(&self, path: &[String], markup: &'a str) -> Option<Tag<'a>> {
        let mut rest = markup.get(1..)?;
        let end = rest.find(|letter: char| letter.is_whitespace() || letter == '>' || letter == '/')?;
        let name = &rest[..end];
        let is_name = |text: &str| {
            !text.is_empty()
                && text.chars().all(|letter| letter.is_alphanumeric() || "_-:.".contains(letter))
                && !text.starts_with(|first: char| first.is_ascii_digit())
        };
        is_name(name).then_some(())?;
        rest = &rest[end..];
        let mut masked = format!("<{name}");
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix("/>") {
                return Some(Tag { name: name.to_owned(), masked: masked + "/>", is_empty: true, after });
            }
            if let Some(after) = rest.strip_prefix('>') {
                return Some(Tag { name: name.to_owned(), masked: masked + ">", is_empty: false, after });
            }
            let (attribute, after) = rest.split_once('=')?;
            let attribute = attribute.trim();
            is_name(attribute).then_some(())?;
            let after = after.trim_start();
            let quote = after.chars().next().filter(|letter| "\"'".contains(*letter))?;
            let (value, after) = after[1..].split_once(quote)?;
            let value = unescaped(value)?;
            let mut inner = path.to_vec();
            inner.extend([name.to_owned(), attribute.to_owned()]);
            let is_technical = attribute.starts_with("xmlns") || QUALIFIERS.contains(&attribute);
            let value = if is_technical && !self.has_name(&value) { value } else { self.string(&inner, &value) };
            masked.push_str(&format!(" {attribute}=\"{}\"", escaped(&value)));
            rest = after;
        }
    }
}

struct Tag<'a> {
    name: String,
    masked: String,
    is_empty: bool,
    after: &'a str,
}

fn unescaped(text: &str) -> Option<String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        plain.push_str(&rest[..start]);
        let (entity, after) = rest[start + 1..].split_once(';')?;
        plain.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            number => {
                let code = number.strip_prefix('#')?;
                let code = match code.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => code.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        rest = after;
    }
    Some(plain + rest)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
