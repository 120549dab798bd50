//! Watches conditions while the host runs: looks every second, stores what changed, and reads failing secrets again, so
//! that they close when they are over.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::save;
use crate::shard::Shard;

/// How often the host looks.
const EVERY: Duration = Duration::from_secs(1);
/// Rounds until a failing secret is read again.
const SECRETS_ROUNDS: u64 = 30;
/// Rounds after which what was open before the start must have been found again. Folders and pauses are found at once.
const RESTORED_ROUNDS: u64 = 5;

impl Shard {
    /// Looks at what is wrong now, and logs what began and what is over.
    pub fn look_at_conditions(&self) {
        let found = self.find_conditions();
        let news = {
            let mut keeper = self.conditions.lock();
            keeper.update(self.now(), found);
            keeper.take_news()
        };
        news.iter().for_each(save::log);
    }

    /// Looks, and stores what changed.
    pub async fn watch_conditions(&self) {
        self.look_at_conditions();
        self.save_conditions().await;
        self.remember_gates().await;
    }
}

/// Watches until it is stopped.
pub async fn run(shard: Arc<Shard>, stop: CancellationToken) {
    for round in 1_u64.. {
        if round % SECRETS_ROUNDS == 0 {
            for (name, _) in shard.process.secrets.failing() {
                // The result counts, not the secret.
                drop(shard.process.secrets.read(&name).await);
            }
        }
        shard.watch_conditions().await;
        if round == RESTORED_ROUNDS {
            shard.conditions.lock().forget_restored();
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
