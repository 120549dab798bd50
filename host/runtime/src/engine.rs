//! The only place where wasmtime is configured: host, compiler process, tests and benchmarks use the same settings, so
//! that compiled code always matches. It knows nothing of connectors.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, PoolingAllocationConfig};

use handoff_model::limits::{CallLimits, RuntimeLimits};
use handoff_policy::component::{Class, MEMORIES_PER_COMPONENT, TABLES_PER_COMPONENT};

/// Additional slots of each class, for dry runs.
pub(super) const DRY_SLOTS: u32 = 1;
/// Core instances of a component: the guest's modules and the shims. Dynamically linked Python has about thirty.
const CORE_INSTANCES_PER_COMPONENT: u32 = 64;
/// Stack reserved for host functions below the guest's: a TLS handshake in an unoptimized build fits.
const HOST_STACK_BYTES: usize = 3 << 19;
/// Address space of a memory: everything that a 32-bit guest can address, so that no access needs a bounds check. The
/// guest's actual limit is `CallLimits::memory_bytes`; reserved space that is never touched costs nothing.
const MEMORY_RESERVATION_BYTES: u64 = 4 << 30;

/// What differs between the pools of the classes.
struct Pool {
    instances: u32,
    /// Memories of one instance. Each reserves addresses, so small guests do not pay for what only large ones need.
    memories: u32,
    /// Bytes of a memory that stay resident in an idle slot: written pages get their first content back with a copy. For
    /// what a call usually writes, that is cheaper than unmapping and faulting it in again. At most `instances` times
    /// this is held.
    keep_resident_bytes: usize,
}

impl Pool {
    fn of(class: Class, limits: &RuntimeLimits) -> Self {
        match class {
            Class::Small => Self { instances: limits.instances, memories: 1, keep_resident_bytes: 1 << 20 },
            Class::Large => Self {
                instances: limits.large_instances,
                memories: MEMORIES_PER_COMPONENT,
                keep_resident_bytes: 8 << 20,
            },
        }
    }
}

/// The purpose of an engine. All of them produce compatible code.
pub(super) enum Purpose<'a> {
    /// Running calls: reserves a pool for the instances of a class.
    Run(Class, &'a RuntimeLimits, &'a CallLimits),
    /// Compiling only: no pool, because the compiler process has little address space.
    Compile,
}

/// The only constructor of an engine.
pub(super) fn engine(purpose: &Purpose<'_>) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    code_settings(&mut config);
    if let Purpose::Run(class, runtime, call) = purpose {
        config.max_wasm_stack(call.stack_bytes.max(64 << 10));
        config.async_stack_size(call.stack_bytes.max(64 << 10).saturating_add(HOST_STACK_BYTES));
        // Stacks are reused between different dealers' connectors: zeroed, against leaks through compiler bugs.
        config.async_stack_zeroing(true);
        config.allocation_strategy(pool(&Pool::of(*class, runtime), call));
    }
    Engine::new(&config)
}

/// Settings that affect compiled code. The compatibility hash covers them.
fn code_settings(config: &mut Config) {
    config.wasm_component_model(true);
    config.epoch_interruption(true);
    config.memory_reservation(MEMORY_RESERVATION_BYTES);
    config.memory_init_cow(true);
    // A delivery is a pure function: the same bits on every processor.
    config.cranelift_nan_canonicalization(true);
    config.relaxed_simd_deterministic(true);
    // Disable what no connector needs, to reduce the attack surface.
    config.wasm_memory64(false);
    config.wasm_custom_page_sizes(false);
    // The engine's own adapters between the components of a component access the memories of both. A guest's own modules
    // have one: the pool allows no more.
    config.wasm_multi_memory(true);
    // Function names in a trap come from the guest's name section; line tables are not read on the hot path.
    config.wasm_backtrace_details(wasmtime::WasmBacktraceDetails::Disable);
}

fn pool(class: &Pool, call: &CallLimits) -> PoolingAllocationConfig {
    let instances = class.instances.max(1).saturating_add(DRY_SLOTS);
    let memories = instances.saturating_mul(class.memories);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES_PER_COMPONENT))
        .total_memories(memories)
        .total_tables(instances.saturating_mul(TABLES_PER_COMPONENT))
        .total_stacks(instances)
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
        .max_memories_per_component(class.memories)
        .max_tables_per_component(TABLES_PER_COMPONENT)
        .max_memories_per_module(1)
        .max_tables_per_module(TABLES_PER_COMPONENT)
        .max_memory_size(call.memory_bytes)
        .table_elements(call.table_elements)
        // A slot that last ran the same connector keeps its memory image mapped. There are few slots, so all stay warm.
        .max_unused_warm_slots(memories)
        // One at a time: a guest's memory is cleared when its call ends, not some calls later.
        .decommit_batch_size(1)
        .linear_memory_keep_resident(class.keep_resident_bytes)
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(64 << 10)
        // Since Linux 6.7 the kernel can report written pages, so that only those are cleared.
        .pagemap_scan(Enabled::Auto);
    pool
}

/// A thread that advances the engines' epochs. Stops when this is dropped.
pub(super) struct EpochTicker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl EpochTicker {
    /// Ticks every `period` until dropped. It has its own thread: guests that occupy every async thread still get a
    /// tick.
    pub(super) fn start(engines: [&Engine; 2], period: Duration) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let engines = engines.map(Engine::weak);
        let thread = std::thread::Builder::new().name("epoch".to_owned()).spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                std::thread::park_timeout(period);
                for engine in &engines {
                    let Some(engine) = engine.upgrade() else { return };
                    engine.increment_epoch();
                }
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for EpochTicker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The thread cannot panic; if it did, there is nothing left to end.
            let _ = thread.join();
        }
    }
}
