//! A clock that moves only on request, so that tests and development can let a year pass in a minute. Its time is
//! stored in a file, so it continues after a restart. Used only if the operator asks for it.

use std::fs;
use std::io;
use std::path::PathBuf;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use handoff_model::time::{Clock, SystemClock, Timestamp};

/// A manually moved clock.
pub struct TestClock {
    path: PathBuf,
    now: watch::Sender<Timestamp>,
}

impl TestClock {
    /// Opens a clock's file, or creates it with the current time.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let now = match fs::read_to_string(&path) {
            Ok(text) => Timestamp::parse_rfc3339(text.trim()).map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => SystemClock.now(),
            Err(error) => return Err(error),
        };
        let clock = Self { path, now: watch::Sender::new(now) };
        clock.keep(now)?;
        Ok(clock)
    }

    /// Moves the clock forward. An earlier time changes nothing.
    pub fn move_to(&self, time: Timestamp) -> io::Result<Timestamp> {
        let now = time.max(*self.now.borrow());
        // Store it first, so that the time after a restart is not earlier than one already read.
        self.keep(now)?;
        self.now.send_replace(now);
        Ok(now)
    }

    fn keep(&self, now: Timestamp) -> io::Result<()> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(std::path::Path::new(".")))?;
        io::Write::write_all(&mut file, now.to_string().as_bytes())?;
        file.persist(&self.path).map(drop).map_err(|error| error.error)
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    /// Durations of calls are measured, not simulated.
    fn steady_us(&self) -> u64 {
        SystemClock.steady_us()
    }

    fn wait_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let mut moved = self.now.subscribe();
        async move {
            // The clock lives as long as the host.
            drop(moved.wait_for(|now| *now >= at).await);
        }
        .boxed()
    }
}
