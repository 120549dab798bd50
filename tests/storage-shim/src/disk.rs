//! Models a disk while operations run, and the state after a power cut. Memory only; it accesses files only to read a
//! folder and to write an image.
//!
//! Strict: data is durable once its own file was synced (`fsync`, `fdatasync`; never `sync_file_range`), a name once
//! its folder was. What is not durable may be kept, lost, or partly kept, per sector of 512 bytes, in any order.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Unit of an atomic disk write.
const SECTOR_BYTES: usize = 512;

/// Identifies a file or folder during its life. The root is 0.
pub type Id = u32;

/// A recorded change.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Op {
    Create {
        dir: Id,
        name: String,
        id: Id,
        is_dir: bool,
    },
    Rename {
        dir: Id,
        name: String,
        to_dir: Id,
        to_name: String,
    },
    Unlink {
        dir: Id,
        name: String,
    },
    Write {
        id: Id,
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        id: Id,
        bytes: usize,
    },
    Sync {
        id: Id,
    },
    /// The sync failed: data that was not durable never will be, though it can still be read.
    SyncFailed {
        id: Id,
    },
}

/// What happens to data that is not durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// All of it is kept, as after a kill.
    All,
    /// None of it is kept.
    Nothing,
    /// Some changes are kept, others are not; the last one may have been written first.
    Some,
    /// Some sectors of each change are kept.
    Torn,
    /// One of the above per file and folder.
    Mixed,
}

impl Keep {
    /// All variants.
    pub const EVERY: [Self; 5] = [Self::All, Self::Nothing, Self::Some, Self::Torn, Self::Mixed];
}

/// Files and folders with their names and contents: as programs see them, and the durable part.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    nodes: BTreeMap<Id, Node>,
}

#[derive(Clone, Debug)]
enum Node {
    File { seen: Vec<u8>, durable: Vec<u8>, pending: Vec<Change> },
    Dir { seen: BTreeMap<String, Id>, durable: BTreeMap<String, Id>, pending: Vec<Change> },
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
    Link(String, Id),
    Unlink(String),
    Move(String, String, Id),
}

/// A repeatable source of choices (splitmix64).
#[derive(Clone, Debug)]
pub struct Choices(pub u64);

impl Choices {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 if there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.number() % bound).unwrap_or(0)
    }

    /// A random boolean.
    pub fn coin(&mut self) -> bool {
        self.number() & 1 == 1
    }
}

impl Disk {
    /// An empty disk.
    #[must_use]
    pub fn empty() -> Self {
        Self { nodes: BTreeMap::from([(0, Node::folder())]) }
    }

    /// Reads a folder; all of it is durable. Returns the paths below it with their ids.
    pub fn read(root: &Path) -> io::Result<(Self, BTreeMap<PathBuf, Id>)> {
        let mut disk = Self::empty();
        let mut paths = BTreeMap::from([(PathBuf::new(), 0)]);
        let mut folders = vec![(root.to_path_buf(), PathBuf::new(), 0)];
        while let Some((folder, below, dir)) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let id = Id::try_from(disk.nodes.len()).map_err(io::Error::other)?;
                let is_dir = entry.file_type()?.is_dir();
                disk.apply(&Op::Create { dir, name: name.clone(), id, is_dir });
                paths.insert(below.join(&name), id);
                if is_dir {
                    folders.push((entry.path(), below.join(&name), id));
                } else {
                    disk.apply(&Op::Write { id, offset: 0, bytes: fs::read(entry.path())? });
                    disk.apply(&Op::Sync { id });
                }
            }
            disk.apply(&Op::Sync { id: dir });
        }
        Ok((disk, paths))
    }

    /// Applies a recorded operation.
    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Create { dir, name, id, is_dir } => {
                self.nodes.insert(*id, if *is_dir { Node::folder() } else { Node::file() });
                self.change(*dir, Change::Link(name.clone(), *id));
            }
            Op::Rename { dir, name, to_dir, to_name } => {
                let Some(Node::Dir { seen, .. }) = self.nodes.get(dir) else { return };
                let Some(id) = seen.get(name).copied() else { return };
                if dir == to_dir {
                    self.change(*dir, Change::Move(name.clone(), to_name.clone(), id));
                } else {
                    self.change(*dir, Change::Unlink(name.clone()));
                    self.change(*to_dir, Change::Link(to_name.clone(), id));
                }
            }
            Op::Unlink { dir, name } => self.change(*dir, Change::Unlink(name.clone())),
            Op::Write { id, offset, bytes } => self.change(*id, Change::Write(*offset, bytes.clone())),
            Op::Truncate { id, bytes } => self.change(*id, Change::Truncate(*bytes)),
            Op::Sync { id } => {
                if let Some(node) = self.nodes.get_mut(id) {
                    node.sync();
                }
            }
            Op::SyncFailed { id } => {
                // For a folder, the names stay pending: not durable yet.
                if let Some(Node::File { pending, .. }) = self.nodes.get_mut(id) {
                    pending.clear();
                }
            }
        }
    }

    fn change(&mut self, id: Id, change: Change) {
        match self.nodes.get_mut(&id) {
            Some(Node::File { seen, pending, .. }) => {
                change.to_file(seen);
                pending.push(change);
            }
            Some(Node::Dir { seen, pending, .. }) => {
                change.to_folder(seen);
                pending.push(change);
            }
            None => {}
        }
    }

    /// Whether a power cut now could leave a different state than a kill.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        self.nodes.values().any(|node| match node {
            Node::File { pending, .. } | Node::Dir { pending, .. } => !pending.is_empty(),
        })
    }

    /// Writes the state after a power cut into an empty folder.
    pub fn write_image(&self, to: &Path, keep: Keep, choices: &mut Choices) -> io::Result<()> {
        self.write_node(0, to, keep, choices)
    }

    fn write_node(&self, id: Id, to: &Path, keep: Keep, choices: &mut Choices) -> io::Result<()> {
        let Some(node) = self.nodes.get(&id) else { return Ok(()) };
        match node {
            Node::File { .. } => fs::write(to, node.left_of_file(keep, choices)),
            Node::Dir { .. } => {
                fs::create_dir_all(to)?;
                for (name, id) in node.left_of_folder(keep, choices) {
                    self.write_node(id, &to.join(name), keep, choices)?;
                }
                Ok(())
            }
        }
    }

    /// The first difference between the model and a folder: a change was not watched.
    pub fn difference(&self, root: &Path) -> io::Result<Option<PathBuf>> {
        self.difference_of(0, root)
    }

    fn difference_of(&self, id: Id, at: &Path) -> io::Result<Option<PathBuf>> {
        match self.nodes.get(&id) {
            Some(Node::File { seen, .. }) => Ok((fs::read(at)? != *seen).then(|| at.to_path_buf())),
            Some(Node::Dir { seen, .. }) => {
                let mut found = Vec::new();
                for entry in fs::read_dir(at)? {
                    found.push(entry?.file_name().to_string_lossy().into_owned());
                }
                found.sort();
                if !found.iter().eq(seen.keys()) {
                    return Ok(Some(at.to_path_buf()));
                }
                for (name, id) in seen {
                    if let Some(path) = self.difference_of(*id, &at.join(name))? {
                        return Ok(Some(path));
                    }
                }
                Ok(None)
            }
            None => Ok(Some(at.to_path_buf())),
        }
    }
}

impl Node {
    fn file() -> Self {
        Self::File { seen: Vec::new(), durable: Vec::new(), pending: Vec::new() }
    }

    fn folder() -> Self {
        Self::Dir { seen: BTreeMap::new(), durable: BTreeMap::new(), pending: Vec::new() }
    }

    fn sync(&mut self) {
        match self {
            Self::File { durable, pending, .. } => pending.drain(..).for_each(|change| change.to_file(durable)),
            Self::Dir { durable, pending, .. } => pending.drain(..).for_each(|change| change.to_folder(durable)),
        }
    }

    fn left_of_file(&self, keep: Keep, choices: &mut Choices) -> Vec<u8> {
        let Self::File { seen, durable, pending } = self else { return Vec::new() };
        let mut left = match one(keep, choices) {
            Keep::All => return seen.clone(),
            keep => {
                let mut left = durable.clone();
                for change in pending {
                    match keep {
                        Keep::Torn => change.to_file_torn(&mut left, choices),
                        Keep::Some if choices.coin() => change.to_file(&mut left),
                        _ => {}
                    }
                }
                left
            }
        };
        left.shrink_to_fit();
        left
    }

    fn left_of_folder(&self, keep: Keep, choices: &mut Choices) -> BTreeMap<String, Id> {
        let Self::Dir { seen, durable, pending } = self else { return BTreeMap::new() };
        let keep = one(keep, choices);
        if keep == Keep::All {
            return seen.clone();
        }
        let mut left = durable.clone();
        for change in pending {
            if keep != Keep::Nothing && choices.coin() {
                change.to_folder(&mut left);
            }
        }
        left
    }
}

/// The variant for one file or folder.
fn one(keep: Keep, choices: &mut Choices) -> Keep {
    match keep {
        Keep::Mixed => {
            [Keep::All, Keep::Nothing, Keep::Some, Keep::Torn].get(choices.below(4)).copied().unwrap_or(keep)
        }
        keep => keep,
    }
}

impl Change {
    fn to_file(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write(offset, bytes) => put(content, *offset, bytes),
            Self::Truncate(bytes) => content.resize(*bytes, 0),
            Self::Link(..) | Self::Unlink(_) | Self::Move(..) => {}
        }
    }

    /// Only some sectors arrive; the length may be known before the data, which then reads as zeroes.
    fn to_file_torn(&self, content: &mut Vec<u8>, choices: &mut Choices) {
        let Self::Write(offset, bytes) = self else {
            if choices.coin() {
                self.to_file(content);
            }
            return;
        };
        if choices.coin() && content.len() < offset + bytes.len() {
            content.resize(offset + bytes.len(), 0);
        }
        let mut from = 0;
        while from < bytes.len() {
            let to = bytes.len().min(from + SECTOR_BYTES - (offset + from) % SECTOR_BYTES);
            if let Some(sector) = bytes.get(from..to).filter(|_| choices.coin()) {
                put(content, offset + from, sector);
            }
            from = to;
        }
    }

    fn to_folder(&self, names: &mut BTreeMap<String, Id>) {
        match self {
            Self::Link(name, id) => drop(names.insert(name.clone(), *id)),
            Self::Unlink(name) => drop(names.remove(name)),
            Self::Move(from, to, id) => {
                names.remove(from);
                names.insert(to.clone(), *id);
            }
            Self::Write(..) | Self::Truncate(_) => {}
        }
    }
}

fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    if let Some(place) = content.get_mut(offset..end) {
        place.copy_from_slice(bytes);
    }
}
