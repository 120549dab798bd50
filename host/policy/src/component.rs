//! Reads a component's imports and exports before anything is compiled. It trusts nothing: the compiler validates
//! later.

use wasmparser::{Encoding, Parser, Payload};

use handoff_model::limits::CallLimits;

/// Why a component is not a connector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ComponentError {
    /// Not a component, or a damaged one.
    #[error("this is not a WebAssembly component: {problem}; build it with `handoff build`")]
    NotAComponent {
        /// What was found.
        problem: String,
    },
    /// It imports something that connectors may not have.
    #[error(
        "the component imports `{import}`; a connector may import interfaces of `handoff:connector@1` only: it has no \
         files, sockets, environment, clock or entropy of its own. {remedy}"
    )]
    ForeignImport {
        /// The name of the import.
        import: String,
        /// How the tools of the language leave it out.
        remedy: &'static str,
    },
    /// It lacks an export that the host calls.
    #[error(
        "the component does not export `{export}`; a connector exports the world `handoff:connector/connector@1.0.0`: \
         export your type with the SDK's macro and build it with `handoff build`"
    )]
    MissingExport {
        /// The interface that is missing.
        export: String,
    },
    /// It requires more memories, tables or memory than a connector gets.
    #[error("the component requires {needed} {what}; a connector gets at most {most} ({setting})")]
    Resources {
        /// The resource.
        what: &'static str,
        /// Required amount.
        needed: u64,
        /// The limit.
        most: u64,
        /// Where the limit is set.
        setting: &'static str,
    },
}

impl ComponentError {
    /// A stable kebab-case word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAComponent { .. } => "not-a-component",
            Self::ForeignImport { .. } => "foreign-import",
            Self::MissingExport { .. } => "missing-export",
            Self::Resources { .. } => "resource-limit",
        }
    }
}

/// Memories of a component. Guest languages link everything into one; stubs of what they leave out add empty ones.
/// Their bytes together are bounded by `limits.call.memory-bytes`; each takes a slot of the pool, so their number is, too.
pub const MEMORIES_PER_COMPONENT: u32 = 8;
/// Tables of a component: the guest's own plus those of the shims that component tools add.
pub const TABLES_PER_COMPONENT: u32 = 8;
/// The package whose interfaces a connector may import.
const PACKAGE: &str = "handoff:connector/";
/// Interfaces that a connector must export, without version.
const EXPORTS: [&str; 2] = ["handoff:connector/handler", "handoff:connector/lifecycle"];
/// Major version of the contract.
const MAJOR: &str = "1.";

/// Memory to start of a small guest. Rust's have one to two MiB.
const SMALL_GUEST_BYTES: u64 = 4 << 20;

/// What an instance of a component takes of the host. Each class has a pool of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// One memory of a few MiB: thousands of instances fit into a host.
    Small,
    /// A language's runtime with the snapshot of its heap, in one memory or several.
    Large,
}

/// Size of a page of linear memory. Other sizes are a proposal that the engine does not enable.
const PAGE_BYTES: u64 = 64 << 10;

/// Refuses what is not a connector, or requires more than a connector gets, with the reason.
pub fn check(component: &[u8], limits: &CallLimits) -> Result<Class, ComponentError> {
    let mut found = Found::default();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(damaged)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(not_a_component("it is a core module"));
            }
            // Nested modules and components have imports of their own, which the outer component satisfies.
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth = depth.saturating_add(1),
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    check_import(import.map_err(damaged)?.name.name)?;
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    found.export(export.map_err(damaged)?.name.name);
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    found.memory(memory.map_err(damaged)?.initial, limits)?;
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    found.table(table.map_err(damaged)?.ty.initial, limits)?;
                }
            }
            _ => {}
        }
    }
    for (wanted, is_there) in EXPORTS.iter().zip(found.exports) {
        if !is_there {
            return Err(ComponentError::MissingExport { export: format!("{wanted}@1.0.0") });
        }
    }
    Ok(found.class())
}

/// The declarations read so far.
#[derive(Default)]
struct Found {
    /// Which of [`EXPORTS`] are present. Others are not stored: there may be millions.
    exports: [bool; EXPORTS.len()],
    memories: u32,
    memory_bytes: u64,
    tables: u32,
}

impl Found {
    fn export(&mut self, name: &str) {
        for (wanted, is_there) in EXPORTS.iter().zip(&mut self.exports) {
            *is_there |= is_version_one(name, wanted);
        }
    }

    /// What exceeds the pool would fail to load or fail at every call: report it early.
    fn memory(&mut self, initial_pages: u64, limits: &CallLimits) -> Result<(), ComponentError> {
        self.memories = self.memories.saturating_add(1);
        bound("linear memories", self.memories.into(), MEMORIES_PER_COMPONENT.into(), FIXED)?;
        self.memory_bytes = self.memory_bytes.saturating_add(initial_pages.saturating_mul(PAGE_BYTES));
        let most = u64::try_from(limits.memory_bytes).unwrap_or(u64::MAX);
        bound("bytes of memory to start", self.memory_bytes, most, "limits.call.memory-bytes")
    }

    fn class(&self) -> Class {
        if self.memories <= 1 && self.memory_bytes <= SMALL_GUEST_BYTES { Class::Small } else { Class::Large }
    }

    fn table(&mut self, initial_elements: u64, limits: &CallLimits) -> Result<(), ComponentError> {
        self.tables = self.tables.saturating_add(1);
        bound("tables", self.tables.into(), TABLES_PER_COMPONENT.into(), FIXED)?;
        let most = u64::try_from(limits.table_elements).unwrap_or(u64::MAX);
        bound("elements in a table", initial_elements, most, "limits.call.table-elements")
    }
}

/// Source of limits that no setting changes.
const FIXED: &str = "the same for every connector";

fn bound(what: &'static str, needed: u64, most: u64, setting: &'static str) -> Result<(), ComponentError> {
    if needed <= most { Ok(()) } else { Err(ComponentError::Resources { what, needed, most, setting }) }
}

fn check_import(name: &str) -> Result<(), ComponentError> {
    let version = name.strip_prefix(PACKAGE).and_then(|rest| rest.split_once('@')).map(|(_, version)| version);
    if version.is_some_and(|version| version.starts_with(MAJOR)) {
        return Ok(());
    }
    let remedy = if name.starts_with("wasi:") { WITHOUT_WASI } else { WITHOUT_DEPENDENCY };
    let import = name.chars().take(120).flat_map(char::escape_default).collect();
    Err(ComponentError::ForeignImport { import, remedy })
}

/// The runtime of the language brings WASI along, whether or not the connector uses it.
const WITHOUT_WASI: &str = "`handoff build` leaves it out. By hand: build JavaScript with `componentize-qjs --sync \
                            --stub-wasi`, Python with `componentize-py componentize --stub-wasi`, Rust for \
                            wasm32-unknown-unknown";
const WITHOUT_DEPENDENCY: &str = "Remove the code or dependency that needs it";

fn is_version_one(export: &str, interface: &str) -> bool {
    export.strip_prefix(interface).and_then(|rest| rest.strip_prefix('@')).is_some_and(|v| v.starts_with(MAJOR))
}

fn damaged(error: wasmparser::BinaryReaderError) -> ComponentError {
    not_a_component(&error.to_string())
}

fn not_a_component(problem: &str) -> ComponentError {
    ComponentError::NotAComponent { problem: problem.chars().take(200).collect() }
}
