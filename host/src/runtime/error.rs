//! Why a component cannot be prepared. Messages are for developers and operators; no wasmtime type leaves through them.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why the runtime cannot start, or a component cannot be prepared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// The engine refuses its settings.
    #[error("the runtime cannot start: {problem}; check `[limits.runtime]` and `[limits.call]`")]
    Engine {
        /// What the engine says.
        problem: String,
    },
    /// The bytes are not those that the digest names.
    #[error("the component has digest `{found}`; expected `{expected}`: it was damaged or exchanged, pull it again")]
    Digest {
        /// What the caller expected.
        expected: String,
        /// What the bytes have.
        found: String,
    },
    /// Larger than `component-bytes`.
    #[error("the component has {bytes} bytes; at most {limit} may be compiled (`limits.runtime.component-bytes`)")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// Not a component at all, or a damaged one.
    #[error("this is not a WebAssembly component: {problem}; build it with `handoff build`")]
    NotAComponent {
        /// What was found.
        problem: String,
    },
    /// It imports what no connector may have.
    #[error(
        "the component imports `{import}`; a connector may import interfaces of `handoff:connector@1` only: it has no \
         files, sockets, environment, clock or entropy of its own. Remove the code or dependency that needs it"
    )]
    ForeignImport {
        /// The name of the import.
        import: String,
    },
    /// It does not export what the host calls.
    #[error(
        "the component does not export `{export}`; a connector exports the world `handoff:connector/connector@1.0.0`: \
         export your type with the SDK's macro and build it with `handoff build`"
    )]
    MissingExport {
        /// The interface that is missing.
        export: String,
    },
    /// Its imports or exports have other types than the contract's, or newer functions than this host's.
    #[error(
        "the component does not fit this host's contract `handoff:connector@1.0.0`: {problem}; if it was built against \
         a newer 1.x, upgrade the host first"
    )]
    Contract {
        /// Which item, and how it differs.
        problem: String,
    },
    /// It wants more memories, tables or memory than a connector gets.
    #[error("the component needs {needed} {what}; a connector gets at most {most} ({setting})")]
    Resources {
        /// What it needs.
        what: &'static str,
        /// How much of it.
        needed: u64,
        /// How much there is.
        most: u64,
        /// Where the bound comes from.
        setting: &'static str,
    },
    /// The compiler refuses the code.
    #[error("the component cannot be compiled: {problem}")]
    Compile {
        /// What the compiler says.
        problem: String,
    },
    /// The compiling process used up its time.
    #[error("compiling took longer than {} s and was stopped (`limits.runtime.compile-time-ms`)", .limit.as_secs_f32())]
    CompileTime {
        /// The bound.
        limit: Duration,
    },
    /// The compiling process used up its memory.
    #[error("compiling needed more than {} MiB and was stopped (`limits.runtime.compile-memory-bytes`)", .limit_bytes >> 20)]
    CompileMemory {
        /// The bound.
        limit_bytes: u64,
    },
    /// The code that came of it is too large.
    #[error(
        "its code would have more than {} MiB; a component of this size gets at most that (`limits.runtime.code-bytes`, and \
         32 times the component's own size and 16 MiB)", .limit_bytes >> 20
    )]
    CodeTooLarge {
        /// The bound.
        limit_bytes: u64,
    },
    /// The compiling process cannot be started or talked to.
    #[error("the compiling process `{}` failed: {problem}", .program.display())]
    Compiler {
        /// The program.
        program: PathBuf,
        /// What happened.
        problem: String,
    },
    /// The folder of compiled code cannot be used.
    #[error("the folder of compiled code `{}` cannot be used", .path.display())]
    Cache {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Freshly compiled code does not load: it needs more than the pool gives, or the compiling program differs from
    /// the host.
    #[error(
        "the compiled component does not load: {problem}; if this is no bound of the pool, the program that compiles is \
         not the same build as the host"
    )]
    Load {
        /// What the engine says.
        problem: String,
    },
}

impl RuntimeError {
    /// A stable kebab-case word for programs, the same for every component that fails in this way.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Engine { .. } => "runtime-settings",
            Self::Digest { .. } => "digest-mismatch",
            Self::TooLarge { .. } => "component-too-large",
            Self::NotAComponent { .. } => "not-a-component",
            Self::ForeignImport { .. } => "foreign-import",
            Self::MissingExport { .. } => "missing-export",
            Self::Contract { .. } => "contract-mismatch",
            Self::Resources { .. } => "resource-limit",
            Self::Compile { .. } => "compile-refused",
            Self::CompileTime { .. } => "compile-time-limit",
            Self::CompileMemory { .. } => "compile-memory-limit",
            Self::CodeTooLarge { .. } => "code-too-large",
            Self::Compiler { .. } => "compiler-unavailable",
            Self::Cache { .. } => "code-cache",
            Self::Load { .. } => "load-failed",
        }
    }
}
