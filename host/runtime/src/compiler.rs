//! Compiles components in a child process: hostile code may exhaust the child's memory or time, never the host's.
//!
//! The component is passed on standard input, the code returns on standard output, errors as text on standard error.
//! The child gets nothing of the host's environment.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::compile_worker::{COMPILE_WORKER, exit};
use super::error::RuntimeError;
use handoff_model::limits::RuntimeLimits;

/// Threads of the child. Each has its own stack and heap, so their number limits its address space too.
const THREADS: u32 = 4;
/// Limit on the child's error text, in bytes.
const ERROR_BYTES: u64 = 4 << 10;
/// Compiled code is at most this many times the size of the component, plus [`CODE_BASE_BYTES`].
const CODE_FACTOR: u64 = 32;
const CODE_BASE_BYTES: u64 = 16 << 20;

/// How to start the compiler process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompilerCommand {
    /// The program: the same build as the host.
    pub program: PathBuf,
    /// Arguments before those that the runtime adds.
    pub args: Vec<String>,
}

impl CompilerCommand {
    /// The running program itself, with its hidden subcommand.
    pub fn current_program() -> std::io::Result<Self> {
        Ok(Self::of(std::env::current_exe()?))
    }

    /// A program with the hidden subcommand.
    #[must_use]
    pub fn of(program: PathBuf) -> Self {
        Self { program, args: vec![COMPILE_WORKER.to_owned()] }
    }
}

/// Compiles a component and returns the code.
pub(super) async fn compile(
    command: &CompilerCommand,
    limits: &RuntimeLimits,
    component: &[u8],
) -> Result<Vec<u8>, RuntimeError> {
    let time = Duration::from_millis(limits.compile_time_ms);
    let mut child = spawn(command, limits, time).map_err(|error| broken(command, error.to_string()))?;
    let size = u64::try_from(component.len()).unwrap_or(u64::MAX);
    let code_limit = size.saturating_mul(CODE_FACTOR).saturating_add(CODE_BASE_BYTES).min(limits.code_bytes);
    // On a timeout `child` is dropped, which kills it.
    match tokio::time::timeout(time, talk(&mut child, component, code_limit)).await {
        Err(_) => Err(RuntimeError::CompileTime { limit: time }),
        Ok(Err(error)) => Err(broken(command, error.to_string())),
        Ok(Ok(finished)) => finished.judge(command, limits, time, code_limit),
    }
}

fn spawn(command: &CompilerCommand, limits: &RuntimeLimits, time: Duration) -> std::io::Result<Child> {
    // All threads together may use the whole time: the wall clock is the limit that people notice.
    let cpu_seconds = time.as_secs().saturating_add(1).saturating_mul(u64::from(THREADS));
    Command::new(&command.program)
        .args(&command.args)
        .arg(limits.compile_memory_bytes.to_string())
        .arg(cpu_seconds.to_string())
        .env_clear()
        .env("RAYON_NUM_THREADS", THREADS.to_string())
        // Each heap of the C library reserves 64 MiB; a few are enough.
        .env("MALLOC_ARENA_MAX", "2")
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

struct Finished {
    status: ExitStatus,
    code: Vec<u8>,
    error: String,
}

/// Writes to and reads from the child concurrently, so that no pipe fills up, and waits for its exit.
async fn talk(child: &mut Child, component: &[u8], code_limit: u64) -> std::io::Result<Finished> {
    let missing = || std::io::Error::other("no pipes");
    let mut stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = child.stdout.take().ok_or_else(missing)?;
    let stderr = child.stderr.take().ok_or_else(missing)?;
    let feed = async move {
        // A child that exits early closes the pipe; its status says why.
        let _ = stdin.write_all(component).await;
        let _ = stdin.shutdown().await;
    };
    let ((), code, error) = tokio::join!(feed, read(stdout, code_limit.saturating_add(1)), read(stderr, ERROR_BYTES));
    let (code, error) = (code?, error?);
    if u64::try_from(code.len()).unwrap_or(u64::MAX) > code_limit {
        // Otherwise it would block forever until the rest is read.
        child.start_kill()?;
    }
    let status = child.wait().await?;
    Ok(Finished { status, code, error: String::from_utf8_lossy(&error).trim().to_owned() })
}

async fn read(pipe: impl AsyncRead + Unpin, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    pipe.take(limit).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

impl Finished {
    fn judge(
        self,
        command: &CompilerCommand,
        limits: &RuntimeLimits,
        time: Duration,
        code_limit: u64,
    ) -> Result<Vec<u8>, RuntimeError> {
        use std::os::unix::process::ExitStatusExt as _;
        const SIGXCPU: i32 = 24;
        const SIGKILL: i32 = 9;
        if u64::try_from(self.code.len()).unwrap_or(u64::MAX) > code_limit {
            return Err(RuntimeError::CodeTooLarge { limit_bytes: code_limit });
        }
        // An allocation, mapping or thread that the limit refused. Nothing else is refused with these messages.
        let signs = ["memory allocation of", "out of memory", "(os error 12)", "code: 11, kind: WouldBlock"];
        let out_of_memory = signs.iter().any(|sign| self.error.contains(sign));
        match (self.status.code(), self.status.signal()) {
            (Some(0), _) => Ok(self.code),
            (Some(code), _) if code == i32::from(exit::REFUSED) && !out_of_memory => {
                Err(RuntimeError::Compile { problem: self.error })
            }
            // The kernel also kills for memory, before the child's own limit on a small machine.
            (_, Some(SIGKILL)) => Err(RuntimeError::CompileMemory { limit_bytes: limits.compile_memory_bytes }),
            (_, Some(SIGXCPU)) => Err(RuntimeError::CompileTime { limit: time }),
            _ if out_of_memory => Err(RuntimeError::CompileMemory { limit_bytes: limits.compile_memory_bytes }),
            _ => Err(broken(command, format!("{}: {}", self.status, self.error))),
        }
    }
}

fn broken(command: &CompilerCommand, problem: String) -> RuntimeError {
    RuntimeError::Compiler { program: command.program.clone(), problem }
}
