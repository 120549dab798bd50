//! Outbox requests that are being sent, so that a rollback can abort those of the generations it abandons. Sends
//! nothing itself.
//!
//! A sender registers first and only then asks the store to begin the attempt, which it refuses after a rollback. A rollback is first
//! visible in the store and then aborts. So an attempt is either found here and aborted, or finds the rollback in the
//! store.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use handoff_model::names::{Generation, InstallationId, Position};

type Place = (InstallationId, Position);

/// Requests that are being sent.
#[derive(Default)]
pub(super) struct Sends(Arc<Mutex<BTreeMap<Place, Sending>>>);

/// One of them.
#[derive(Clone)]
struct Sending {
    generation: Generation,
    /// Cancelled when it must end now.
    cut: CancellationToken,
    /// Cancelled when it has ended and the store has recorded how.
    over: CancellationToken,
}

/// The permission to send a request. Drop it once the store has recorded the outcome.
pub(super) struct OnTheWay {
    all: Arc<Mutex<BTreeMap<Place, Sending>>>,
    place: Place,
    own: Sending,
}

impl Sends {
    pub(super) fn register(&self, place: Place, generation: Generation) -> OnTheWay {
        let own = Sending { generation, cut: CancellationToken::new(), over: CancellationToken::new() };
        self.0.lock().insert(place, own.clone());
        OnTheWay { all: self.0.clone(), place, own }
    }

    /// Aborts all attempts of these generations, and waits until none of them sends any more and the store has recorded
    /// that.
    pub(super) async fn cut(&self, id: InstallationId, (first, last): (Generation, Generation)) {
        let hit: Vec<Sending> = {
            let all = self.0.lock();
            let of_it = all.range((id, Position(0))..=(id, Position(u64::MAX)));
            of_it.map(|(_, one)| one).filter(|one| (first..=last).contains(&one.generation)).cloned().collect()
        };
        // Cancel all of them before waiting for the first.
        hit.iter().for_each(|one| one.cut.cancel());
        for one in hit {
            one.over.cancelled().await;
        }
    }
}

impl OnTheWay {
    /// Runs the future unless it is aborted: then nothing of it continues after the return.
    pub(super) async fn unless_cut<T>(&self, send: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.own.cut.cancelled() => None,
            sent = send => Some(sent),
        }
    }
}

impl Drop for OnTheWay {
    fn drop(&mut self) {
        self.all.lock().remove(&self.place);
        self.own.over.cancel();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const ID: InstallationId = InstallationId(1);
    const LEFT: (Generation, Generation) = (Generation(2), Generation(3));

    fn send(sends: &Sends, id: InstallationId, position: u64, generation: u64) -> OnTheWay {
        sends.register((id, Position(position)), Generation(generation))
    }

    #[tokio::test]
    async fn only_what_the_left_generations_send_is_cut_off_and_waited_for() {
        let sends = Sends::default();
        let (good, bad) = (send(&sends, ID, 1, 1), send(&sends, ID, 2, 2));
        let (other, ended) = (send(&sends, InstallationId(2), 3, 2), send(&sends, ID, 4, 3));
        assert_eq!(ended.unless_cut(async { 7 }).await, Some(7));
        let mut cut = Box::pin(sends.cut(ID, LEFT));
        assert!(cut.as_mut().now_or_never().is_none(), "two attempts have not told their end");
        for goes_on in [&good, &other] {
            assert!(goes_on.unless_cut(std::future::pending::<()>()).now_or_never().is_none());
        }
        assert_eq!(bad.unless_cut(std::future::pending::<()>()).now_or_never(), Some(None));
        drop(ended);
        assert!(cut.as_mut().now_or_never().is_none());
        drop(bad);
        assert_eq!(cut.now_or_never(), Some(()), "both have ended");
    }
}
