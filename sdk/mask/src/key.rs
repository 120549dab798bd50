//! The key, and what is drawn from it: HMAC-SHA-256 over a kind of value and the value.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of a key.
const BYTES: usize = 32;

/// The text is not a key. It never contains the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits and nothing else")]
pub struct KeyError;

/// The secret that decides what values become. It has no printed form.
pub struct Key(Zeroizing<[u8; BYTES]>);

impl Key {
    /// A key of these bytes, which must be random.
    #[must_use]
    pub fn new(bytes: [u8; BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads the text of a key file.
    ///
    /// # Errors
    /// It is not 64 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let mut bytes = Zeroizing::new([0_u8; BYTES]);
        if text.len() != BYTES * 2 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(KeyError);
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| KeyError)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| KeyError)?;
        }
        Ok(Self(bytes))
    }

    /// The text of a key file.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n")
    }

    /// Numbers that follow from a value of a kind.
    pub(crate) fn draw(&self, kind: &'static str, value: &str) -> Draw<'_> {
        Draw { key: self, kind, value: value.to_owned(), block: [0; 32], used: 32, blocks: 0 }
    }
}

/// An endless sequence of numbers.
pub(crate) struct Draw<'a> {
    key: &'a Key,
    kind: &'static str,
    value: String,
    block: [u8; 32],
    used: usize,
    blocks: u64,
}

impl Draw<'_> {
    /// A number below `end`, which is small: the bias of the remainder does not matter.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        if self.used + 4 > self.block.len() {
            // Any length of key is valid.
            if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&*self.key.0) {
                mac.update(self.kind.as_bytes());
                mac.update(&[0]);
                mac.update(&self.blocks.to_be_bytes());
                mac.update(self.value.as_bytes());
                self.block = mac.finalize().into_bytes().into();
            }
            self.blocks += 1;
            self.used = 0;
        }
        let number = self.block[self.used..].iter().take(4).fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
        self.used += 4;
        number % end.max(1)
    }

    /// One of these characters.
    pub(crate) fn one_of(&mut self, letters: &str) -> char {
        let count = u32::try_from(letters.chars().count()).unwrap_or(1);
        let index = usize::try_from(self.below(count)).unwrap_or(0);
        letters.chars().nth(index).unwrap_or('x')
    }

    /// A digit; not 0 if it must not be.
    pub(crate) fn digit(&mut self, zero: bool) -> char {
        let number = if zero { self.below(10) } else { self.below(9) + 1 };
        char::from_digit(number, 10).unwrap_or('1')
    }
}
