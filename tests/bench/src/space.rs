//! Disk usage of handled events: journal, index and export, before and after retention.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use handoff_model::time::Timestamp;

use crate::embedded::{DATA_BYTES, Embedded};
use crate::goals::{Goals, Verdict};
use crate::guest::Taker;
use crate::results::{number, plain};
use crate::{Load, say};

const BATCH: u64 = 250;
/// The smallest `[retention] bytes` that the configuration accepts.
const KEEP_BYTES: u64 = 256 << 20;
/// Maximum number of waiting events while the space is filled.
const WAITING_MAX: u64 = 50_000;

/// Disk usage in bytes: allocated blocks, not lengths.
#[derive(Clone, Copy)]
struct Space {
    journal: f64,
    index: f64,
    export: f64,
}

/// Delivers, writes a checkpoint, lets retention remove old segments, and measures the disk.
pub(crate) async fn measure(load: Load, taker: &Taker, goals: &mut Goals) {
    say("Space on disk");
    let embedded = Embedded::start("").await;
    let id = embedded.install("taker", &taker.package).await;
    let mut published = 0;
    while published < load.space_events {
        embedded.publish_batches(WAITING_MAX, BATCH).await;
        published += WAITING_MAX;
        embedded.wait_committed(&[id], published).await;
    }
    let store = embedded.host.store();
    store.checkpoint().await.expect("a checkpoint");
    let before = Space::of(&embedded.data());
    let mut forgotten = 0;
    loop {
        let done = store.retain(Timestamp(0), KEEP_BYTES).await.expect("retention");
        forgotten += done.forgotten;
        if done.segments == 0 {
            break;
        }
    }
    store.checkpoint().await.expect("a checkpoint");
    let after = Space::of(&embedded.data());
    embedded.stop().await;
    let kept = published - forgotten;
    let (all, left) = (before.per_event(published), after.per_event(kept));
    let payload = number(DATA_BYTES);
    let what = "Journal and sled a kept event, after retention";
    let against = format!("{DATA_BYTES} bytes of payload; {kept} of {published} events kept");
    let times = left.total() / payload;
    let value = format!("{} bytes", plain(left.total()));
    goals.row(
        what,
        &value,
        &against,
        &format!("{} times", plain(times)),
        "at most 1.5 times",
        Verdict::of(times <= 1.5),
    );
    let parts = |space: Space| {
        format!("journal {}, sled {}, export {} bytes", plain(space.journal), plain(space.index), plain(space.export))
    };
    goals.note("↳ its parts", &parts(left), "all handled, checkpoint before and after, `bytes` = 256 MiB");
    let times = format!("{} times the payload", plain(all.total() / payload));
    goals.note(&format!("↳ before retention, {published} events"), &parts(all), &times);
}

impl Space {
    fn of(data: &Path) -> Self {
        let of = |name: &str| number_of(blocks(&data.join(name)));
        Self { journal: of("journal"), index: of("index"), export: of("export") }
    }

    /// Bytes per event.
    fn per_event(self, events: u64) -> Self {
        let each = |bytes: f64| bytes / number(events.max(1));
        Self { journal: each(self.journal), index: each(self.index), export: each(self.export) }
    }

    fn total(self) -> f64 {
        self.journal + self.index + self.export
    }
}

/// Disk usage of a folder or file. What is removed meanwhile counts as 0.
fn blocks(path: &Path) -> u64 {
    let Ok(facts) = fs::symlink_metadata(path) else { return 0 };
    let below = fs::read_dir(path).into_iter().flatten().flatten();
    facts.blocks() * 512 + below.map(|entry| blocks(&entry.path())).sum::<u64>()
}

/// Larger than any count of events.
fn number_of(bytes: u64) -> f64 {
    number(bytes >> 10) * 1_024.0
}
