//! Splits an mbox (RFC 4155 and its variants) into mails. It reads nothing inside a mail except `>From ` at line starts.

/// Whether the bytes begin like an mbox: a `From ` line and a header after it.
pub fn looks_like_mbox(bytes: &[u8]) -> bool {
    let mut lines = bytes.trim_ascii_start().split(|byte| *byte == b'\n');
    lines.next().is_some_and(|line| line.starts_with(b"From ")) && lines.next().is_some_and(is_header)
}

/// The mails without their `From ` lines, `>From ` restored.
pub fn mails(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut mails: Vec<Vec<u8>> = Vec::new();
    let mut is_after_blank = true;
    let mut lines = bytes.trim_ascii_start().split_inclusive(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        if starts_mail(line, is_after_blank, lines.peek().copied().unwrap_or_default()) {
            mails.push(Vec::new());
        } else if let Some(mail) = mails.last_mut() {
            mail.extend_from_slice(unquoted(line));
        }
        is_after_blank = line.trim_ascii().is_empty();
    }
    mails
}

/// Whether a line separates two mails. A sentence that begins with `From` has no date, or no header after it.
fn starts_mail(line: &[u8], is_after_blank: bool, next: &[u8]) -> bool {
    line.starts_with(b"From ") && is_header(next) && (has_date(line) || is_after_blank && is_mail_header(next))
}

/// A time and a year, as in `From a@b.example Sun Nov 29 10:15:02 2026`.
fn has_date(line: &[u8]) -> bool {
    let words = || line.split(u8::is_ascii_whitespace);
    let is_digits = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_digit);
    words().any(|word| word.contains(&b':') && word.split(|byte| *byte == b':').all(is_digits))
        && words().any(|word| word.len() == 4 && is_digits(word))
}

fn is_header(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    name.len() < line.len() && !name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'<')
}

fn is_mail_header(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    super::mail::MAIL_HEADERS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name)) || name.starts_with(b"X-")
}

/// Removes one `>` of `>From `, `>>From ` …, which programs add to lines of the text.
fn unquoted(line: &[u8]) -> &[u8] {
    let quotes = line.iter().take_while(|byte| **byte == b'>').count();
    let is_quoted = quotes > 0 && line.get(quotes..).is_some_and(|rest| rest.starts_with(b"From "));
    if is_quoted { line.get(1..).unwrap_or_default() } else { line }
}

#[cfg(test)]
mod tests {
    use super::{looks_like_mbox, mails};

    #[test]
    fn mails_are_split_at_from_lines_only() {
        let text = "From a@b.example Sun Nov 29 10:15:02 2026\nSubject: 1\n\nFrom now on: call me.\n>From here\n>>From there\n\n\
                    From - Sun Nov 29 10:15:03 2026\nSubject: 2\n\ntext\nFrom 2024: a year\n\nFrom c@d.example\nSubject: 3\n\nend\n";
        assert!(looks_like_mbox(text.as_bytes()));
        let found: Vec<String> =
            mails(text.as_bytes()).into_iter().map(|mail| String::from_utf8(mail).expect("UTF-8")).collect();
        assert_eq!(
            found,
            [
                "Subject: 1\n\nFrom now on: call me.\nFrom here\n>From there\n\n",
                "Subject: 2\n\ntext\nFrom 2024: a year\n\n",
                "Subject: 3\n\nend\n"
            ]
        );
        assert!(!looks_like_mbox(b"From now on\nplease call"));
    }
}
