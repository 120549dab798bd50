//! The contract as Rust types and traits, generated from the released WIT folder. Nothing is written by hand.

wasmtime::component::bindgen!({
    path: "../../wit/handoff-connector-1.0.0",
    world: "connector",
    imports: { default: async | trappable },
    exports: { default: async },
});
