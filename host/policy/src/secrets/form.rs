//! Signs that a secret was stored in another form than it was issued in: editors and shells add marks and line ends that
//! nobody sees. Never shows a part of the secret.

/// Why a password, token or key cannot be what was issued. One line end at the end of a file was removed before.
pub fn check_form(secret: &[u8]) -> Result<(), &'static str> {
    if secret.starts_with(b"\xef\xbb\xbf") {
        return Err("begins with a byte order mark (BOM): save it as UTF-8 without BOM");
    }
    if secret.starts_with(b"\xff\xfe") || secret.starts_with(b"\xfe\xff") {
        return Err("is UTF-16: save it as UTF-8");
    }
    let Some((first, last)) = secret.first().zip(secret.last()) else { return Err("is empty: store the secret there") };
    if matches!(last, b'\n' | b'\r') {
        return Err("ends in more than one line end: remove all of them");
    }
    if first.is_ascii_whitespace() || last.is_ascii_whitespace() {
        return Err("begins or ends with white space: remove it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_marks_are_found_and_nothing_else() {
        for sound in ["s3cret", "pass word", "-----BEGIN-----\nabc", "\u{e4}"] {
            assert_eq!(check_form(sound.as_bytes()), Ok(()), "{sound}");
        }
        for (secret, sign) in [
            (b"\xef\xbb\xbfs3cret".as_slice(), "byte order mark"),
            (b"\xff\xfes\0", "UTF-16"),
            (b"", "empty"),
            (b"s3cret\n", "line end"),
            (b"s3cret\r", "line end"),
            (b"s3cret ", "white space"),
            (b"\ts3cret", "white space"),
        ] {
            let problem = check_form(secret).expect_err(sign);
            assert!(problem.contains(sign) && !problem.contains("s3cret"), "{sign}: {problem}");
        }
    }
}
