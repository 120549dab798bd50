//! The interface `context`: config, delivery information, the zone's rules, seeded random bytes. Nothing here reads a real clock.

use std::sync::Arc;

use rand::{RngCore as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;

use super::bindings::handoff::{connector1_0_0::context, connector1_1_0_rc::context as context_1_1};
use super::host_state::HostState;
use super::meter::Stop;
use handoff_model::delivery::DeliveryInfo;
use handoff_model::limits::CallLimits;
use handoff_model::time::Timestamp;

/// Context of one call.
pub(super) struct Context {
    info: DeliveryInfo,
    config_json: Arc<str>,
    random: ChaCha20Rng,
    random_bytes_left: u32,
    random_bytes_limit: u32,
}

impl Context {
    pub(super) fn new(info: DeliveryInfo, config_json: Arc<str>, seed: [u8; 32], limits: CallLimits) -> Self {
        Self {
            info,
            config_json,
            random: ChaCha20Rng::from_seed(seed),
            random_bytes_left: limits.random_bytes,
            random_bytes_limit: limits.random_bytes,
        }
    }

    fn random(&mut self, count: u32) -> Result<Vec<u8>, Stop> {
        let limit = self.random_bytes_limit;
        self.random_bytes_left = self.random_bytes_left.checked_sub(count).ok_or(Stop::Random { limit })?;
        let mut bytes = vec![0; usize::try_from(count).map_err(|_| Stop::Random { limit })?];
        self.random.fill_bytes(&mut bytes);
        Ok(bytes)
    }
}

impl context::Host for HostState {
    async fn config(&mut self) -> wasmtime::Result<String> {
        self.meter.host_call()?;
        Ok(self.context.config_json.as_ref().to_owned())
    }

    async fn delivery(&mut self) -> wasmtime::Result<context::DeliveryInfo> {
        self.meter.host_call()?;
        let info = &self.context.info;
        Ok(context::DeliveryInfo {
            installation: info.installation.to_string(),
            generation: info.generation.0,
            attempt: info.attempt,
            time: info.time.0,
            rooftop: info.scope.to_string(),
            time_zone: String::from(info.time_zone),
            utc_offset_seconds: info.time_zone.utc_offset_seconds(info.time),
            dry_run: info.dry_run,
        })
    }

    async fn random(&mut self, count: u32) -> wasmtime::Result<Vec<u8>> {
        self.meter.host_call()?;
        Ok(self.context.random(count)?)
    }
}

/// The last millisecond of the year 9999: calendars end there.
const TIME_MAX: u64 = 253_402_300_799_999;

impl context_1_1::Host for HostState {
    async fn offset_at(&mut self, time: u64) -> wasmtime::Result<i32> {
        self.meter.host_call()?;
        Ok(self.context.info.time_zone.utc_offset_seconds(Timestamp(time.min(TIME_MAX))))
    }
}
