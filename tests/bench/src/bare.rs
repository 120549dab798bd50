//! Wasmtime without a host: the minimum for a fresh instance and one call of a component. Imports return at once; there
//! is no limit, no deadline and no async stack.

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, Engine, PoolingAllocationConfig, Store};

use bindings::handoff::connector1_0_0::{context, http, log, metrics, outbox, state, types};
use bindings::handoff::connector1_1_0_rc::context as zone;
use bindings::{Connector, ConnectorPre};

#[allow(clippy::all, clippy::allow_attributes_without_reason, unused_qualifications, reason = "generated")]
mod bindings {
    wasmtime::component::bindgen!({
        path: ["../../wit/handoff-connector-1.0.0", "../../wit/handoff-connector-1.1.0-rc"],
        world: "handoff:connector/connector@1.1.0-rc",
    });
}

/// A linked component, ready to be instantiated.
pub(crate) struct Bare {
    engine: Engine,
    connector: ConnectorPre<Imports>,
    config: String,
}

/// What differs between the host's pools.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pool {
    /// Memories of an instance.
    pub(crate) memories: u32,
    /// Bytes that stay resident in an idle slot.
    pub(crate) keep_resident: usize,
}

impl Pool {
    pub(crate) const SMALL: Self = Self { memories: 1, keep_resident: 1 << 20 };
    pub(crate) const LARGE: Self = Self { memories: 8, keep_resident: 8 << 20 };
}

impl Bare {
    /// Compiles a component with the host's settings for code and pool (`host/runtime/src/engine.rs`): epoch checks,
    /// canonical NaNs, memory images mapped copy-on-write, a part of each slot kept resident.
    pub(crate) fn new(component: &[u8], class: Pool, config_json: &str) -> Self {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(64)
            .total_core_instances(64 * 64)
            .total_memories(64 * class.memories)
            .total_tables(64 * 8)
            .max_core_instances_per_component(64)
            .max_memories_per_component(class.memories)
            .max_tables_per_component(8)
            .table_elements(20_000)
            .max_memory_size(64 << 20)
            .max_unused_warm_slots(64 * class.memories)
            .decommit_batch_size(1)
            .linear_memory_keep_resident(class.keep_resident)
            .table_keep_resident(64 << 10)
            .pagemap_scan(wasmtime::Enabled::Auto);
        let mut config = Config::new();
        config.wasm_component_model(true).wasm_multi_memory(true).epoch_interruption(true).memory_init_cow(true);
        config.cranelift_nan_canonicalization(true).relaxed_simd_deterministic(true);
        config.wasm_backtrace_details(wasmtime::WasmBacktraceDetails::Disable);
        config.allocation_strategy(pool);
        let engine = Engine::new(&config).expect("an engine");
        let component = Component::new(&engine, component).expect("a component");
        let mut linker = Linker::new(&engine);
        Connector::add_to_linker::<_, HasSelf<_>>(&mut linker, |imports: &mut Imports| imports).expect("imports");
        let instance = linker.instantiate_pre(&component).expect("a linked component");
        let connector = ConnectorPre::new(instance).expect("a connector");
        Self { engine, connector, config: config_json.to_owned() }
    }

    /// An event in the form of the bindings.
    pub(crate) fn event(event: &handoff_model::event::Event) -> types::Event {
        types::Event {
            id: event.id.clone(),
            source: event.source.clone(),
            type_name: event.type_name.clone(),
            subject: event.subject.clone(),
            time: event.time.map(|time| time.0),
            data_content_type: event.data_content_type.clone(),
            data_schema: event.data_schema.clone(),
            extensions: event.extensions.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            data: event.data.clone(),
        }
    }

    /// One call on a fresh instance.
    pub(crate) fn handle(&self, event: &types::Event) {
        let mut store = Store::new(&self.engine, Imports { config: self.config.clone() });
        store.set_epoch_deadline(1);
        let connector = self.connector.instantiate(&mut store).expect("an instance");
        let handled = connector.handoff_connector1_0_0_handler().call_handle(&mut store, event).expect("no trap");
        assert!(handled.is_ok(), "{handled:?}");
    }
}

/// Answers like an installation without state.
struct Imports {
    config: String,
}

impl types::Host for Imports {}

impl context::Host for Imports {
    fn config(&mut self) -> String {
        self.config.clone()
    }

    fn delivery(&mut self) -> context::DeliveryInfo {
        context::DeliveryInfo {
            installation: "taker".to_owned(),
            generation: 1,
            attempt: 1,
            time: 1_774_884_600_000,
            rooftop: "main-street".to_owned(),
            time_zone: "America/Chicago".to_owned(),
            utc_offset_seconds: -18_000,
            dry_run: false,
        }
    }

    fn random(&mut self, count: u32) -> Vec<u8> {
        vec![7; usize::try_from(count).expect("a small count")]
    }
}

impl zone::Host for Imports {
    fn offset_at(&mut self, _: u64) -> i32 {
        -18_000
    }
}

impl state::Host for Imports {
    fn get(&mut self, _: String) -> Result<Option<Vec<u8>>, state::Error> {
        Ok(None)
    }

    fn set(&mut self, _: String, _: Vec<u8>) -> Result<(), state::Error> {
        Ok(())
    }

    fn delete(&mut self, _: String) -> Result<(), state::Error> {
        Ok(())
    }

    fn scan(&mut self, _: String, _: Option<String>, _: u32) -> Result<state::Page, state::Error> {
        Ok(state::Page { entries: Vec::new(), more: false })
    }
}

impl outbox::Host for Imports {
    fn emit(&mut self, _: types::NewEvent) -> Result<(), outbox::Error> {
        Ok(())
    }

    fn schedule(&mut self, _: types::NewEvent, _: u64, _: String) -> Result<(), outbox::Error> {
        Ok(())
    }

    fn cancel(&mut self, _: String) -> Result<(), outbox::Error> {
        Ok(())
    }

    fn send(&mut self, _: types::Request, _: String, _: bool, _: Option<String>) -> Result<(), outbox::Error> {
        Ok(())
    }
}

impl http::Host for Imports {
    fn fetch(&mut self, _: types::Request) -> Result<types::Response, http::Error> {
        Err(http::Error::Denied("there is no network".to_owned()))
    }
}

impl log::Host for Imports {
    fn write(&mut self, _: log::Level, _: String, _: Vec<(String, String)>) {}
}

impl metrics::Host for Imports {
    fn counter(&mut self, _: String, _: u64, _: Vec<(String, String)>) {}

    fn gauge(&mut self, _: String, _: f64, _: Vec<(String, String)>) {}

    fn histogram(&mut self, _: String, _: f64, _: Vec<(String, String)>) {}
}
