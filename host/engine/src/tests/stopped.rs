//! A store that has stopped: nothing leaves the host any more, whatever is due, because another process may be the
//! leader.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::ports::Outbound;
use handoff_model::grants::Grants;
use handoff_model::http::{HttpError, Request, Response, SendOutcome};
use handoff_model::scope::Scope;
use handoff_store::{Journal as _, MemoryJournal, NewEvent, Recipients, StoreError};

use super::bench::{Bench, SEND, START};
use super::script::event;

/// A target that is down, and counts requests.
#[derive(Default)]
struct Down(AtomicU32);

impl Outbound for Down {
    fn look_up<'a>(
        &'a self,
        _: &'a Scope,
        _: &'a Grants,
        _: &'a Request,
    ) -> BoxFuture<'a, Result<Response, HttpError>> {
        unreachable!("nobody asks")
    }

    fn send<'a>(&'a self, _: &'a Scope, _: &'a Grants, _: &'a Request, _: &'a str) -> BoxFuture<'a, SendOutcome> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let (error, after_ms) = ("down".to_owned(), Some(1_000));
        async move { SendOutcome::Retry { error, status: None, after_ms, may_have_arrived: false } }.boxed()
    }
}

#[tokio::test]
async fn nothing_is_sent_once_the_store_has_stopped() {
    for stops in [false, true] {
        let (journal, target) = (MemoryJournal::new(1 << 20), Arc::new(Down::default()));
        let mut bench = Bench::with(1, Some(Arc::new(journal.clone())), target.clone()).await;
        bench.take_data(1, format!("1 {SEND}")).await;
        bench.pass(10).await;
        let before = target.0.load(Ordering::Relaxed);
        assert!(before > 0, "sent while the store runs");
        if stops {
            // Another process writes from now on.
            let tail = journal.replay(None, &mut |_, _| ControlFlow::Continue(())).expect("sound");
            let _later = journal.writer(tail).expect("a writer");
            let (store, new) = (
                bench.store.clone(),
                event(&"main-street".parse().expect("a name"), "/outside", "late", "lead", None, b"1".to_vec()),
            );
            let new = vec![NewEvent { event: new, to: Recipients::Rooftop("main-street".parse().expect("a name")) }];
            let refused = tokio::spawn(async move { store.append(new, START, None).await });
            bench.run_until_idle().await;
            assert!(matches!(refused.await.expect("no panic"), Err(StoreError::Stopped(_))));
            assert!(bench.store.stopped().is_some());
        }
        bench.pass(300_000).await;
        let after = target.0.load(Ordering::Relaxed);
        assert_eq!(after > before, !stops, "{before} times before, {after} after");
    }
}
