//! The layout of a frame on disk. Reads and writes byte slices only.
//!
//! ```text
//! length u32 | crc32c u32 | synced u32 | payload
//! ```
//!
//! Numbers are little-endian. The checksum (CRC-32C, RFC 3720 appendix B.4) covers length, `synced` and payload.
//! `synced` is the offset up to which the segment was durable when the frame was written. It distinguishes a torn tail
//! from damage: a bad frame before the `synced` of a later valid frame was acknowledged; a bad frame after it was not.

/// Bytes before the payload.
pub(crate) const HEADER_BYTES: usize = 12;
/// The largest payload: larger bodies are stored in separate files.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 64 << 20;

/// A frame as found in a segment.
pub(crate) struct Frame<'a> {
    pub(crate) payload: &'a [u8],
    /// Offset of the byte after it, counted from the frame's start.
    pub(crate) length: usize,
}

/// Appends a frame to `out`. The caller has checked the payload's size.
pub(crate) fn write(out: &mut Vec<u8>, payload: &[u8], synced: u32) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    let synced = synced.to_le_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&checksum(&length, &synced, payload).to_le_bytes());
    out.extend_from_slice(&synced);
    out.extend_from_slice(payload);
}

/// Reads the frame at the start of `bytes`, or returns what is wrong with it.
pub(crate) fn read(bytes: &[u8]) -> Result<Frame<'_>, &'static str> {
    let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or("its header is incomplete")?;
    let [l0, l1, l2, l3, c0, c1, c2, c3, s0, s1, s2, s3] = *header;
    let (length, synced) = ([l0, l1, l2, l3], [s0, s1, s2, s3]);
    let size = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if size == 0 || size > PAYLOAD_BYTES_MAX {
        return Err("its length is impossible");
    }
    let payload = rest.get(..size).ok_or("its payload is incomplete")?;
    if checksum(&length, &synced, payload) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Err("its checksum does not match");
    }
    Ok(Frame { payload, length: HEADER_BYTES + size })
}

/// The `synced` field of the frame at the start of `bytes`, without validation.
pub(crate) fn synced(bytes: &[u8]) -> Option<u32> {
    bytes.get(8..HEADER_BYTES)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn checksum(length: &[u8; 4], synced: &[u8; 4], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(crc32c::crc32c(length), synced), payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_back_and_any_flipped_bit_is_noticed() {
        let mut bytes = Vec::new();
        write(&mut bytes, b"repair order", 77);
        let frame = read(&bytes).expect("sound");
        assert_eq!((frame.payload, frame.length, synced(&bytes)), (&b"repair order"[..], bytes.len(), Some(77)));

        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&flipped).is_err(), "bit {bit}");
        }
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
}
