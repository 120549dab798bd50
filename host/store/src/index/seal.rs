//! The seal of the index: checksums of its files as of the last checkpoint. Knows files, not sled's contents.
//!
//! sled takes damage for the end of its log, and then returns old rows or none. Between its own syncs it also trusts
//! `sync_file_range`, whose data a power cut may still destroy. So the files are sealed while nothing writes to them,
//! and an index whose seal is broken is rebuilt. While a checkpoint writes, the seal is open and holds the boot id. If
//! only the process died, the kernel still has all of its writes; if the machine restarted, some may be lost.
//!
//! sled cuts unused segments off its file on a thread of its own, milliseconds after a flush has returned, and offers
//! no way to wait for it: the file may become shorter after the seal is closed. A file that lacks whole segments at its
//! end is therefore sound for as long as the machine has not restarted.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files;
use crate::rows::encode;

const NAME: &str = "seal";
/// Bytes covered by one checksum, so that damage can be located: one of sled's segments.
const BLOCK_BYTES: usize = 512 << 10;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Seal {
    /// A process of this boot is writing, or died during a write.
    Open { boot: Option<String> },
    /// Nothing has been written since, but sled may have cut off segments.
    Closed { boot: Option<String>, files: Vec<SealedFile> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct SealedFile {
    name: String,
    bytes: u64,
    /// CRC-32C of each block.
    sums: Vec<u32>,
}

/// The mismatch: the file, the byte where it starts, and the reason.
#[derive(Debug, PartialEq)]
pub(super) struct Broken {
    pub(super) path: PathBuf,
    pub(super) byte: u64,
    pub(super) problem: &'static str,
}

/// The result of comparing the files with the seal.
#[derive(Debug, PartialEq)]
pub(super) enum Check {
    /// They match the seal, or there are none yet.
    Holds,
    /// A process died during a write. All of its writes exist, because the machine has not restarted since.
    IsOpen,
    Broken(Broken),
}

/// Compares the files with their seal.
pub(super) fn check(dir: &Path) -> io::Result<Check> {
    let broken = |path: PathBuf, byte, problem| Ok(Check::Broken(Broken { path, byte, problem }));
    let path = dir.join(NAME);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !dir.join("db").exists() => {
            return Ok(Check::Holds);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return broken(path, 0, "it is missing"),
        Err(error) => return Err(error),
    };
    match parse(&bytes) {
        None => broken(path, 0, "its checksum does not match"),
        Some(Seal::Open { boot }) if is_this_boot(boot.as_deref()) => Ok(Check::IsOpen),
        Some(Seal::Open { .. }) => broken(path, 0, "the machine went down while a checkpoint was written"),
        Some(Seal::Closed { boot, files }) => {
            let may_be_cut = is_this_boot(boot.as_deref());
            for sealed in files {
                let path = dir.join(&sealed.name);
                let found = match sum(&path, &sealed.name) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return broken(path, 0, "it is missing"),
                    found => found?,
                };
                let expected = if may_be_cut && found.is_cut_between_segments(&sealed) {
                    sealed.sums.get(..found.sums.len()).unwrap_or_default()
                } else {
                    &sealed.sums
                };
                let bad = (0..).zip(expected).find(|(index, sum)| found.sums.get(*index) != Some(*sum));
                if let Some((index, _)) = bad {
                    let byte = u64::try_from(index * BLOCK_BYTES).unwrap_or(u64::MAX);
                    return broken(path, byte, "the checksum of this block does not match");
                }
                if expected.len() == sealed.sums.len() && found.bytes != sealed.bytes {
                    return broken(path, found.bytes.min(sealed.bytes), "its length is not what it was");
                }
            }
            Ok(Check::Holds)
        }
    }
}

impl SealedFile {
    /// Whether this file may be the sealed one without its last segments.
    fn is_cut_between_segments(&self, sealed: &Self) -> bool {
        let segment = u64::try_from(BLOCK_BYTES).unwrap_or(u64::MAX);
        0 < self.bytes && self.bytes < sealed.bytes && self.bytes.is_multiple_of(segment)
    }
}

/// Opens the seal: the files may change from here on.
pub(crate) fn open(dir: &Path) -> io::Result<()> {
    write(dir, &Seal::Open { boot: boot_id() })
}

/// Makes all writes durable and closes the seal until [`open`]. Nothing else may write at the same time.
pub(super) fn close(dir: &Path) -> io::Result<()> {
    let mut sealed = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != NAME && entry.file_type()?.is_file() {
            // sled syncs neither its settings nor the names of its files.
            File::open(entry.path())?.sync_all()?;
            sealed.push(sum(&entry.path(), &name)?);
        }
    }
    files::sync_folder(dir)?;
    files::sync_folder_of(dir)?;
    write(dir, &Seal::Closed { boot: boot_id(), files: sealed })
}

/// Acts as if the machine had restarted since.
#[cfg(test)]
pub(crate) fn forget_boot(dir: &Path) {
    let seal = match fs::read(dir.join(NAME)).ok().and_then(|bytes| parse(&bytes)) {
        None => return,
        Some(Seal::Open { .. }) => Seal::Open { boot: None },
        Some(Seal::Closed { files, .. }) => Seal::Closed { boot: None, files },
    };
    write(dir, &seal).expect("a folder of the test's own");
}

fn write(dir: &Path, seal: &Seal) -> io::Result<()> {
    let mut bytes = encode(seal);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    files::replace(&dir.join(NAME), |file| file.write_all(&bytes))
}

fn parse(bytes: &[u8]) -> Option<Seal> {
    let (seal, sum) = bytes.split_last_chunk::<4>()?;
    (crc32c::crc32c(seal) == u32::from_le_bytes(*sum)).then(|| postcard::from_bytes(seal).ok()).flatten()
}

fn sum(path: &Path, name: &str) -> io::Result<SealedFile> {
    let file = File::open(path)?;
    let mut sealed = SealedFile { name: name.to_owned(), bytes: 0, sums: Vec::new() };
    let mut block = Vec::with_capacity(BLOCK_BYTES);
    loop {
        block.clear();
        let most = u64::try_from(BLOCK_BYTES).unwrap_or(u64::MAX);
        if (&file).take(most).read_to_end(&mut block)? == 0 {
            return Ok(sealed);
        }
        sealed.bytes += u64::try_from(block.len()).unwrap_or(0);
        sealed.sums.push(crc32c::crc32c(&block));
    }
}

fn is_this_boot(boot: Option<&str>) -> bool {
    boot.is_some() && boot == boot_id().as_deref()
}

/// The id of the current boot. None if the kernel does not provide it.
fn boot_id() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoreError;
    use crate::buffer::Layer;
    use crate::index::Index;
    use crate::keys::Key;

    #[test]
    fn a_seal_breaks_if_a_bit_flips_a_byte_is_lost_or_power_fails_while_open() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("db");
        let is_broken = || matches!(check(dir.path()).expect("readable"), Check::Broken(_));
        assert_eq!(check(dir.path()).expect("readable"), Check::Holds, "nothing is there yet");
        let content = vec![7_u8; BLOCK_BYTES + 100];
        fs::write(&file, &content).expect("writable");
        assert!(is_broken(), "files without a seal");
        close(dir.path()).expect("sealed");
        assert_eq!(check(dir.path()).expect("readable"), Check::Holds);
        for (place, byte) in [(0, 0), (BLOCK_BYTES - 1, 0), (BLOCK_BYTES + 99, BLOCK_BYTES)] {
            let mut flipped = content.clone();
            flipped[place] ^= 0x40;
            fs::write(&file, flipped).expect("writable");
            let Check::Broken(broken) = check(dir.path()).expect("readable") else { panic!("byte {place}: it holds") };
            assert_eq!((broken.path.as_path(), broken.byte), (file.as_path(), byte as u64));
        }
        for length in [content.len() - 1, BLOCK_BYTES - 1, 0] {
            fs::write(&file, &content[..length]).expect("writable");
            assert!(is_broken(), "cut to {length}");
        }
        open(dir.path()).expect("opened");
        assert_eq!(check(dir.path()).expect("readable"), Check::IsOpen, "a killed process leaves all it wrote");
        forget_boot(dir.path());
        assert!(is_broken(), "a machine that went down may not");
    }

    #[test]
    fn segments_that_are_cut_off_break_a_seal_only_once_the_machine_restarts() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("db");
        let is_broken = || matches!(check(dir.path()).expect("readable"), Check::Broken(_));
        let content = vec![7_u8; 3 * BLOCK_BYTES + 100];
        fs::write(&file, &content).expect("writable");
        close(dir.path()).expect("sealed");
        for segments in [3, 1] {
            let mut rest = content[..segments * BLOCK_BYTES].to_vec();
            fs::write(&file, &rest).expect("writable");
            assert_eq!(check(dir.path()).expect("readable"), Check::Holds, "{segments} segments are left");
            rest[10] ^= 0x40;
            fs::write(&file, &rest).expect("writable");
            assert!(is_broken(), "a bit in what is left of {segments} segments");
        }
        fs::write(&file, &content[..BLOCK_BYTES]).expect("writable");
        forget_boot(dir.path());
        assert!(is_broken(), "after a restart, the disk may have cut it");
        fs::write(&file, &content).expect("writable");
        assert_eq!(check(dir.path()).expect("readable"), Check::Holds, "the whole file is sound on any boot");
    }

    #[test]
    fn the_seal_notices_what_the_database_library_does_not() {
        let (place, number) = (tempfile::tempdir().expect("a folder"), 4_000_u32);
        let (sound, copy) = (place.path().join("sound"), place.path().join("copy"));
        let rows: Layer = (0..number).map(|row| (Key::from_slice(&row.to_be_bytes()), Some(vec![7; 500]))).collect();
        let index = Index::open(&sound, 1 << 20, crate::options::Steps::small().index_watch).expect("opened");
        index.checkpoint(&rows, (Key::from_slice(b"last"), vec![1])).expect("written");
        drop(index);
        let bytes = fs::read(sound.join("db")).expect("readable");
        let mut unnoticed = 0;
        for part in 1..12 {
            drop(fs::remove_dir_all(&copy));
            fs::create_dir(&copy).expect("a folder");
            for entry in fs::read_dir(&sound).expect("readable").flatten().filter(|entry| entry.path().is_file()) {
                fs::copy(entry.path(), copy.join(entry.file_name())).expect("copied");
            }
            let mut flipped = bytes.clone();
            flipped[bytes.len() / 12 * part] ^= 1;
            fs::write(copy.join("db"), flipped).expect("writable");
            let refused = Index::open(&copy, 1 << 20, crate::options::Steps::small().index_watch).map(drop);
            assert!(matches!(refused, Err(StoreError::BrokenIndex { .. })), "part {part}: {refused:?}");
            // Acts as if there were no seal.
            close(&copy).expect("sealed");
            let opened = std::panic::catch_unwind(|| {
                let (index, mut found) = (Index::open(&copy, 1 << 20, crate::options::Steps::small().index_watch)?, 0);
                index.each(|_, _| {
                    found += 1;
                    Ok(())
                })?;
                Ok::<u32, StoreError>(found)
            });
            unnoticed += u32::from(matches!(opened, Ok(Ok(found)) if found <= number));
        }
        println!("{unnoticed} of 11 flipped bits went unnoticed");
        assert!(unnoticed > 0, "nothing else notices: the seal is worth its cost");
    }

    #[test]
    fn reading_what_was_sealed_writes_nothing() {
        let place = tempfile::tempdir().expect("a folder");
        let index = Index::open(place.path(), 64 << 20, crate::options::Steps::small().index_watch).expect("opened");
        let mut random = 1_u64;
        let mut next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            random
        };
        let mut keys = Vec::new();
        for round in 0..3 {
            let mut row = || {
                let key = Key::from_vec([next().to_be_bytes(), next().to_be_bytes()].concat());
                keys.push(key.clone());
                (key, Some(vec![7; usize::try_from((next() >> 32) % 4_000).expect("small")]))
            };
            let mut rows: Layer = (0..5_000).map(|_| row()).collect();
            // Deletes every second key of the previous round.
            rows.extend(keys.iter().rev().skip(5_000).take(5_000).step_by(2).map(|key| (key.clone(), None)));
            index.checkpoint(&rows, (Key::from_slice(b"last"), vec![1])).expect("written");
            index.each(|_, _| Ok(())).expect("read");
            keys.iter().for_each(|key| drop(index.get(key).expect("read")));
            assert_eq!(index.db.flush().expect("flushed"), 0, "round {round}: bytes for the sealed file");
        }
    }
}
