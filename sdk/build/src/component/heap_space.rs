//! Reserves heap space in a module's first memory. It changes the memory's declared minimum and nothing else.
//!
//! Linkers declare only what data and stack take, so that each call would begin by growing its memory: a system call
//! that stops the host's other threads for a moment. Memory that is declared and never touched costs nothing.

use wasm_encoder::{MemorySection, MemoryType, Module, RawSection};
use wasmparser::{BinaryReaderError, Parser, Payload};

/// Heap pages of 64 KiB: what a call for a lead uses, and some more.
const HEAP_PAGES: u64 = 16;

/// The module with heap space, within its declared maximum.
pub(super) fn with_heap_space(module: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let mut out = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        if let Payload::MemorySection(memories) = &payload {
            let mut section = MemorySection::new();
            for memory in memories.clone() {
                let memory = memory?;
                let most = memory.maximum.unwrap_or(u64::MAX).max(memory.initial);
                section.memory(MemoryType {
                    minimum: memory.initial.saturating_add(HEAP_PAGES).min(most),
                    maximum: memory.maximum,
                    memory64: memory.memory64,
                    shared: memory.shared,
                    page_size_log2: memory.page_size_log2,
                });
            }
            out.section(&section);
        } else if let Some((id, range)) = payload.as_section() {
            let data = module.get(range).unwrap_or_default();
            out.section(&RawSection { id, data });
        }
    }
    Ok(out.finish())
}
