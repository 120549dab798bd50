//! Why a component cannot be prepared. Messages are for developers and operators; no wasmtime type leaves through them.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use handoff_policy::component::ComponentError;

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
    /// It is no connector.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// Its imports or exports have other types than the contract's, or newer functions than this host's.
    #[error(
        "the component does not fit this host's contract `handoff:connector@1.0.0`: {problem}; if it was built against \
         a newer 1.x, upgrade the host first"
    )]
    Contract {
        /// Which item, and how it differs.
        problem: String,
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
            Self::Component(error) => error.code(),
            Self::Contract { .. } => "contract-mismatch",
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
