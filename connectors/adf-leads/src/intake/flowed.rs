//! Joins the lines of `format=flowed` text (RFC 3676). It knows no charset: the marks are ASCII.

/// The text with soft line breaks joined and space-stuffing removed. With `delsp` the space before a break goes, too.
pub fn unfold(text: &[u8], delsp: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let (line, end): (&[u8], &[u8]) = match line {
            [line @ .., b'\r', b'\n'] => (line, b"\r\n"),
            [line @ .., b'\n'] => (line, b"\n"),
            line => (line, b""),
        };
        let depth = line.iter().take_while(|byte| **byte == b'>').count();
        let line = line.get(depth..).unwrap_or_default();
        let line = line.strip_prefix(b" ").unwrap_or(line);
        // A paragraph ends where the depth of quotes changes, and a signature is a line of its own.
        if open.is_some_and(|before| before != depth || line == b"-- ") {
            out.extend_from_slice(b"\r\n");
        }
        let is_soft = line.ends_with(b" ") && line != b"-- ";
        if is_soft {
            out.extend_from_slice(if delsp { line.strip_suffix(b" ").unwrap_or(line) } else { line });
            open = Some(depth);
        } else {
            out.extend_from_slice(line);
            out.extend_from_slice(end);
            open = None;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::unfold;

    #[test]
    fn soft_breaks_are_joined() {
        let check = |text: &str, delsp: bool, expected: &str| {
            assert_eq!(String::from_utf8(unfold(text.as_bytes(), delsp)).expect("UTF-8"), expected, "{text}");
        };
        check("Nils \r\nHolm\r\n", false, "Nils Holm\r\n");
        check("2T1B \r\nURHE\r\n", true, "2T1BURHE\r\n");
        check("one\r\n From two\r\n-- \r\nthree\r\n", false, "one\r\nFrom two\r\n-- \r\nthree\r\n");
        check("> a \n> b\nc", false, "a b\nc");
        check("> a \nb", false, "a \r\nb");
        check("a \n-- \nb", false, "a \r\n-- \nb");
    }
}
