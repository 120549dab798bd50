//! What the first bytes of a file say: whether it is a component, and what it is instead. It reads no section.

use super::PackageError;
use std::fmt;

/// How much of a file to look at to recognize text.
const TEXT_BYTES_READ: usize = 4 * 1024;

/// What the bytes are instead of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// No bytes at all.
    Empty,
    /// A core module.
    CoreModule,
    /// The text format.
    Text,
    /// Compressed with gzip.
    Gzip,
    /// WebAssembly of another binary version, such as a component of an early draft.
    OtherVersion,
    /// Something else.
    Other,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the file is empty; it may not have been copied or downloaded to the end",
            Self::CoreModule => "it is a core module, which a component contains; build the connector with `handoff build`",
            Self::Text => "it is WebAssembly text (WAT); build the connector with `handoff build`, or convert it with `wasm-tools parse`",
            Self::Gzip => "it is compressed with gzip; decompress it first",
            Self::OtherVersion => "it is WebAssembly of another binary version; build the connector with `handoff build`",
            Self::Other => "it does not begin with `\\0asm`; name the `.wasm` file that `handoff build` wrote",
        })
    }
}

/// Checks that the bytes begin as a component does. Nothing after the first bytes is read.
///
/// # Errors
/// They do not; the error says what they are instead.
pub fn check_header(bytes: &[u8]) -> Result<(), PackageError> {
    let instead = if let Some(rest) = bytes.strip_prefix(b"\0asm") {
        // Version and layer (component model, binary format). A shorter file is damaged, which the parser reports.
        match rest.first_chunk::<4>() {
            None | Some([0x0d, 0, 1, 0]) => return Ok(()),
            Some([1, 0, 0, 0]) => Found::CoreModule,
            Some(_) => Found::OtherVersion,
        }
    } else if bytes.is_empty() {
        Found::Empty
    } else if bytes.starts_with(&[0x1f, 0x8b]) {
        Found::Gzip
    } else if is_text(bytes) {
        Found::Text
    } else {
        Found::Other
    };
    Err(PackageError::NotComponent(instead))
}

/// Whether this is the text format: `(component` or `(module` after blanks and comments.
fn is_text(bytes: &[u8]) -> bool {
    let begin = bytes.get(..TEXT_BYTES_READ).unwrap_or(bytes);
    let text = String::from_utf8_lossy(begin);
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let comment = if rest.starts_with(";;") {
            rest.split_once('\n')
        } else if rest.starts_with("(;") {
            rest.split_once(";)")
        } else {
            return rest
                .strip_prefix('(')
                .map(str::trim_start)
                .is_some_and(|rest| ["component", "module"].iter().any(|word| rest.starts_with(word)));
        };
        let Some((_, after)) = comment else { return false };
        rest = after.trim_start();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use crate::Package;
    use wasm_encoder::Module;

    #[test]
    fn what_is_no_component_is_named() {
        for (bytes, expected) in [
            (Vec::new(), Found::Empty),
            (Module::new().finish(), Found::CoreModule),
            (b"(module (func))".to_vec(), Found::Text),
            (b"\xef\xbb\xbf;; made by hand\n(; twice ;)\n  (component $c)".to_vec(), Found::Text),
            (b"\x1f\x8b\x08\0\0\0\0\0".to_vec(), Found::Gzip),
            (b"\0asm\x0a\0\x01\0".to_vec(), Found::OtherVersion),
            (b"PK\x03\x04".to_vec(), Found::Other),
            (b"(display 1)".to_vec(), Found::Other),
            (b";; only a comment".to_vec(), Found::Other),
        ] {
            let refused = [Package::read(&bytes).map(drop), check_header(&bytes)];
            for refused in refused {
                assert!(
                    matches!(&refused, Err(PackageError::NotComponent(found)) if *found == expected),
                    "{refused:?}"
                );
                let text = refused.unwrap_err().to_string();
                assert!(text.starts_with("this is not a WebAssembly component: ") && text.len() > 60, "{text}");
            }
        }
    }
}
