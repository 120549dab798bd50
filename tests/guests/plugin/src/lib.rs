//! The work of `taker` as an Extism plug-in: reads the data to its end and has no effects. It gets only the data, which
//! is less than the event that a connector gets.

use extism_pdk::{Error, FnResult, plugin_fn};

/// Reads an event's data.
#[plugin_fn]
pub fn handle(data: Vec<u8>) -> FnResult<()> {
    let sum = data.iter().fold(17_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)));
    if sum == 0 { Err(Error::msg("the sum is zero").into()) } else { Ok(()) }
}
