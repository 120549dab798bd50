//! `peers PLUGIN CALLS`: measures one call of the Extism runtime on a fresh instance of a precompiled plug-in, with its
//! own settings and with wasmtime's pooling allocator. Each line on standard input requests a round, so that the caller
//! can alternate; the answer is a line of JSON with nanoseconds per call.

use std::error::Error;
use std::io::BufRead as _;
use std::time::{Duration, Instant};

use extism::{CompiledPlugin, Plugin, PluginBuilder};

/// Payload of an event.
const DATA_BYTES: usize = 1_024;
/// Instances in the pool, as in the host.
const INSTANCES: u32 = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(plugin), Some(calls), None) = (args.next(), args.next(), args.next()) else {
        return Err("usage: peers PLUGIN CALLS".into());
    };
    let (plugin, calls) = (std::fs::read(plugin)?, calls.parse::<u32>()?);
    let own = CompiledPlugin::new(PluginBuilder::new(plugin.clone()).with_cache_disabled())?;
    let pooled = PluginBuilder::new(plugin).with_cache_disabled().with_wasmtime_config(pooling());
    let pooled = CompiledPlugin::new(pooled)?;
    run(&own, calls / 10)?;
    run(&pooled, calls / 10)?;
    for line in std::io::stdin().lock().lines() {
        line?;
        let (own, pooled) = (run(&own, calls)?, run(&pooled, calls)?);
        println!("{{\"ownNs\":{},\"pooledNs\":{}}}", own.as_nanos(), pooled.as_nanos());
    }
    Ok(())
}

/// Measures one call, each on a new instance.
fn run(compiled: &CompiledPlugin, calls: u32) -> Result<Duration, extism::Error> {
    let data = vec![b'd'; DATA_BYTES];
    let start = Instant::now();
    for _ in 0..calls {
        let mut plugin = Plugin::new_from_compiled(compiled)?;
        plugin.call::<&[u8], ()>("handle", &data)?;
    }
    Ok(start.elapsed() / calls.max(1))
}

/// What makes instances of bare wasmtime fast: a pool, and memory images mapped copy-on-write.
fn pooling() -> wasmtime::Config {
    let mut pool = wasmtime::PoolingAllocationConfig::new();
    // A plug-in has two modules: its own and Extism's kernel.
    pool.total_core_instances(2 * INSTANCES)
        .total_memories(2 * INSTANCES)
        .total_tables(8 * INSTANCES)
        .max_unused_warm_slots(2 * INSTANCES)
        .linear_memory_keep_resident(1 << 20)
        .table_keep_resident(64 << 10);
    let mut config = wasmtime::Config::new();
    config.allocation_strategy(pool).memory_init_cow(true);
    config
}
