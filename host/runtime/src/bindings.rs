//! The contract as Rust types and traits, generated from the WIT folders. The newest version includes the older ones, so
//! that one linker serves components of all. Nothing is written by hand.

wasmtime::component::bindgen!({
    path: ["../../wit/handoff-connector-1.0.0", "../../wit/handoff-connector-1.1.0-rc"],
    world: "handoff:connector/connector@1.1.0-rc",
    imports: { default: async | trappable },
    exports: { default: async },
});
