//! Crashes that repeat become dead letters after the second attempt; all others keep their attempts.

use handoff_model::limits::EngineLimits;
use handoff_model::names::{Generation, Position};

use super::bench::{Bench, CRASH, CRASH_AFTER_ANSWER, CRASH_ELSEWHERE, DEADLINE_MS};

/// Longer than all attempts of an event and their delays.
const ALL_ATTEMPTS_MS: u64 = 3_600_000;

impl Bench {
    /// Delivers one event until it waits for nothing; returns the attempts of its dead letter and its message.
    async fn dead_letter_of(&mut self, data: &str) -> (u32, String) {
        self.take_data(1, data.to_owned()).await;
        self.pass(ALL_ATTEMPTS_MS).await;
        let letter = self.dead_letters().pop().expect("a dead letter");
        (letter.attempts, letter.failure.message)
    }

    fn dead_letters(&self) -> Vec<handoff_store::DeadLetter> {
        self.store.dead_letters(Some(self.id), None, 10).expect("readable")
    }
}

#[tokio::test]
async fn a_crash_at_the_same_place_is_repeated_once() {
    let mut bench = Bench::new(4).await;
    let (attempts, message) = bench.dead_letter_of(&format!("1 {CRASH}")).await;
    assert_eq!(attempts, 2);
    assert_eq!(
        message,
        "at lib.rs:7; attempts 1 and 2 ended alike after the same inputs, so there are no further ones"
    );
}

#[tokio::test]
async fn an_endless_loop_is_repeated_once() {
    let mut bench = Bench::new(4).await;
    let (attempts, _) = bench.dead_letter_of(&(DEADLINE_MS + 1).to_string()).await;
    assert_eq!(attempts, 2);
}

#[tokio::test]
async fn crashes_at_different_places_keep_their_attempts() {
    let mut bench = Bench::new(4).await;
    let (attempts, message) = bench.dead_letter_of(&format!("1 {CRASH_ELSEWHERE}")).await;
    assert_eq!((attempts, message.as_str()), (EngineLimits::default().max_attempts, "at lib.rs:8"));
}

#[tokio::test]
async fn crashes_after_different_answers_keep_their_attempts() {
    let mut bench = Bench::new(4).await;
    let (attempts, message) = bench.dead_letter_of(&format!("1 {CRASH_AFTER_ANSWER}")).await;
    assert_eq!((attempts, message.as_str()), (EngineLimits::default().max_attempts, "at lib.rs:7"));
}

#[tokio::test]
async fn a_crash_of_another_generation_does_not_count() {
    let mut bench = Bench::new(4).await;
    bench.take_data(1, format!("1 {CRASH}")).await;
    bench.pass(2).await;
    assert_eq!(bench.store.attempts(Position(1)).expect("readable").len(), 1);
    bench.generation(Some(Generation(1))).await;
    bench.pass(ALL_ATTEMPTS_MS).await;
    let letter = bench.dead_letters().pop().expect("a dead letter");
    assert_eq!((letter.generation, letter.attempts), (Generation(2), 3));
}
