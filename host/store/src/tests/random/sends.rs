//! Attempts at outbox requests: each begins durably, and ends or is interrupted by a crash.

use crate::RequestOutcome;
use handoff_model::names::Position;
use handoff_model::time::Timestamp;

use super::super::model::Entry;
use super::super::support::{event, run};
use super::{Answer, Pair};

impl Pair {
    pub(super) fn send(&mut self, to: u8, which: usize, end: Answer) {
        let (now, store) = (self.model.now, crate::Store::clone(&self.store));
        let (id, own) = self.own(to);
        let pending: Vec<String> =
            own.outbox.iter().filter(|(_, sent)| sent.due.is_some() || sent.held).map(|(key, _)| key.clone()).collect();
        let Some(key) = pending.get(which % pending.len().max(1)) else { return };
        let sent = own.outbox.get_mut(key).unwrap();
        let was_held = sent.held;
        if sent.due.is_some() {
            sent.attempts += 1;
            sent.may_have_arrived |= sent.is_begun;
            sent.is_begun = true;
        }
        let place = Position(sent.position);
        let number = run(store.start_send(id, place)).unwrap();
        assert_eq!(number, (!was_held).then_some(sent.attempts), "only pending requests may be sent");
        self.midway = Some(self.model.clone());
        if matches!(end, Answer::None) {
            return;
        }
        let (_, own) = self.own(to);
        let sent = own.outbox.get_mut(key).unwrap();
        sent.attempts = sent.attempts.saturating_sub(u32::from(matches!(end, Answer::NotNow(_))));
        sent.is_begun = false;
        sent.may_have_arrived |= match end {
            Answer::None | Answer::NotNow(_) | Answer::Failed => false,
            Answer::Retry(after) => after % 2 == 0,
            Answer::Answered | Answer::Unknown => true,
        };
        let mut answer = event(&format!("answer-{}", sent.position), Some("key-1"));
        answer.source = "/outbox".to_owned();
        let data = answer.data.clone();
        let (tried, due) = match end {
            Answer::Answered => (RequestOutcome::Answered { status: 200, answer: Some(answer) }, None),
            Answer::Failed => (
                RequestOutcome::Failed { error: "gone".to_owned(), may_have_arrived: false, answer: Some(answer) },
                None,
            ),
            Answer::None => unreachable!("it has returned"),
            Answer::Unknown => (RequestOutcome::Unknown { error: "cut".to_owned() }, None),
            Answer::NotNow(after) => (RequestOutcome::NotNow { due: Timestamp(now + after) }, Some(now + after)),
            Answer::Retry(after) => {
                let error = "busy".repeat(1_000);
                let outcome =
                    RequestOutcome::Retry { due: Timestamp(now + after), error, may_have_arrived: after % 2 == 0 };
                (outcome, Some(now + after))
            }
        };
        // A held request stays held until the target has answered.
        sent.held = matches!(end, Answer::Unknown) || was_held && due.is_some();
        sent.due = due.filter(|_| !sent.held);
        sent.answered = matches!(end, Answer::Answered);
        let is_left = own.undone.as_ref().is_some_and(|undone| undone.contains(&sent.generation));
        sent.state_undone |= was_held && is_left;
        let (is_over, is_undone) = (due.is_none() && !sent.held, sent.state_undone);
        assert!(run(self.store.finish_send(id, place, Timestamp(now), tried.clone())).unwrap());
        if is_over {
            let again = self.store.send_once(id, place, Timestamp(now), tried);
            assert!(!again, "an answer counts once");
            if is_undone {
                assert!(self.store.answer_of(id, place).unwrap().is_none(), "it would find no state");
                return;
            }
            let answer = self.store.answer_of(id, place).unwrap().expect("the answer is an event").0;
            let entry = Entry::new(Some("key-1".to_owned()), data);
            self.own(to).1.queue.insert(answer, entry);
        }
    }
}
