//! The host's random bytes, so that a recorded delivery gets the same ones: ChaCha20 (RFC 8439 section 2.3, with the
//! original 64-bit counter and nonce, both from zero) keyed with the delivery's seed. Each request takes whole words of
//! four bytes.

/// Bytes from the word at `position` on, and the position after them.
pub(super) fn bytes(seed: &[u8; 32], position: u64, count: usize) -> (Vec<u8>, u64) {
    let mut bytes = Vec::with_capacity(count.saturating_add(64));
    let mut block_number = position / 16;
    let skip = usize::try_from(position % 16).unwrap_or(0) * 4;
    while bytes.len() < skip + count {
        bytes.extend(block(seed, block_number).iter().flat_map(|word| word.to_le_bytes()));
        block_number += 1;
    }
    let words = u64::try_from(count.div_ceil(4)).unwrap_or(u64::MAX);
    (bytes.into_iter().skip(skip).take(count).collect(), position.saturating_add(words))
}

fn block(seed: &[u8; 32], number: u64) -> [u32; 16] {
    let mut state = [0_u32; 16];
    state[..4].copy_from_slice(&[0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]);
    for (word, bytes) in state[4..12].iter_mut().zip(seed.chunks_exact(4)) {
        *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    let [low, high] = [number & 0xffff_ffff, number >> 32].map(|half| u32::try_from(half).unwrap_or(0));
    (state[12], state[13]) = (low, high);
    let mut mixed = state;
    for _ in 0..10 {
        for [a, b, c, d] in [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15]] {
            quarter(&mut mixed, a, b, c, d);
        }
        for [a, b, c, d] in [[0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]] {
            quarter(&mut mixed, a, b, c, d);
        }
    }
    for (word, start) in mixed.iter_mut().zip(state) {
        *word = word.wrapping_add(start);
    }
    mixed
}

fn quarter(state: &mut [u32; 16], a: usize, b: usize, c: usize, d: usize) {
    for (add, xor, by) in [(b, d, 16), (d, b, 12), (b, d, 8), (d, b, 7)] {
        let (sum, turned) = if xor == d { (a, d) } else { (c, b) };
        state[sum] = state[sum].wrapping_add(state[add]);
        state[turned] = (state[turned] ^ state[sum]).rotate_left(by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key stream of an all-zero key: RFC 8439, appendix A.1, test vectors 1 and 2.
    #[test]
    fn the_stream_matches_the_specification() {
        let (all, position) = bytes(&[0; 32], 0, 128);
        assert_eq!(all[..8], [0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90]);
        assert_eq!(all[64..72], [0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a]);
        assert_eq!(position, 32);
        // Six bytes take two words.
        assert_eq!(bytes(&[0; 32], 0, 6), (all[..6].to_vec(), 2));
        assert_eq!(bytes(&[0; 32], 15, 8), (all[60..68].to_vec(), 17));
    }
}
