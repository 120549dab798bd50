//! Why a component cannot be prepared. Messages are for developers and operators and contain no wasmtime types.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use handoff_policy::component::ComponentError;

/// Why the runtime cannot start, or a component cannot be prepared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// The engine rejects its settings.
    #[error("the runtime cannot start: {problem}; check `[limits.runtime]` and `[limits.call]`")]
    Engine {
        /// The engine's message.
        problem: String,
    },
    /// The bytes do not match the digest.
    #[error("the component has digest `{found}`; expected `{expected}`: it was damaged or replaced, pull it again")]
    Digest {
        /// The expected digest.
        expected: String,
        /// The digest of the bytes.
        found: String,
    },
    /// Larger than `component-bytes`.
    #[error("the component has {bytes} bytes; at most {limit} may be compiled (`limits.runtime.component-bytes`)")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// It is not a connector.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// Its imports or exports differ from the contract's types, or need functions that this host lacks.
    #[error(
        "the component does not match this host's contract `handoff:connector@1.1.0-rc`: {problem}; if it was built against \
         a newer 1.x, upgrade the host first"
    )]
    Contract {
        /// The item and the difference.
        problem: String,
    },
    /// The compiler rejects the code.
    #[error("the component cannot be compiled: {problem}")]
    Compile {
        /// The compiler's message.
        problem: String,
    },
    /// The compiler process exceeded its time limit.
    #[error("compiling took longer than {} s and was stopped (`limits.runtime.compile-time-ms`)", .limit.as_secs_f32())]
    CompileTime {
        /// The limit.
        limit: Duration,
    },
    /// The compiler process exceeded its memory limit.
    #[error("compiling used more than {} MiB and was stopped (`limits.runtime.compile-memory-bytes`)", .limit_bytes >> 20)]
    CompileMemory {
        /// The limit.
        limit_bytes: u64,
    },
    /// The compiled code is too large.
    #[error(
        "its compiled code exceeds {} MiB, the limit for a component of this size (`limits.runtime.code-bytes`, and \
         32 times the component's own size and 16 MiB)", .limit_bytes >> 20
    )]
    CodeTooLarge {
        /// The limit.
        limit_bytes: u64,
    },
    /// The compiler process cannot be started or communicated with.
    #[error("the compiler process `{}` failed: {problem}", .program.display())]
    Compiler {
        /// The program.
        program: PathBuf,
        /// The problem.
        problem: String,
    },
    /// The folder of compiled code cannot be used.
    #[error("cannot use the folder of compiled code `{}`", .path.display())]
    Cache {
        /// The folder or file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Freshly compiled code does not load: it exceeds the pool's limits, or the compiler program differs from the
    /// host.
    #[error(
        "cannot load the compiled component: {problem}; unless this is a limit of the pool, the compiler program is \
         not the same build as the host"
    )]
    Load {
        /// The engine's message.
        problem: String,
    },
}

impl RuntimeError {
    /// A stable kebab-case word for programs; one per variant.
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
