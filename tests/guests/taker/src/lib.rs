//! Reads each event's data to its end and has no effects. Benchmarks use it to measure the host's own cost.

use handoff_sdk::{Connector, Context, Event, Failure};
use serde::Deserialize;

/// Empty.
#[derive(Deserialize)]
struct Config {}

struct Taker;

impl Connector for Taker {
    type Config = Config;

    fn handle(_: &Context<'_, Config>, event: &Event) -> Result<(), Failure> {
        // A sum that requires reading all data. Zero is as unlikely as any other value.
        let sum = event.data.iter().fold(17_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)));
        if sum == 0 { Err(Failure::reject("unlikely", "the sum is zero")) } else { Ok(()) }
    }
}

handoff_sdk::export!(Taker);
