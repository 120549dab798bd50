//! Compiles components in a child process: hostile code may use up the child's memory or time, never the host's.
//!
//! The component goes in through standard input, the code comes out through standard output, errors as text through
//! standard error. Nothing of the host's environment reaches the child.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::compile_worker::{COMPILE_WORKER, exit};
use super::error::RuntimeError;
use handoff_model::limits::RuntimeLimits;

/// Threads of the child. Each has a stack and a heap of its own, so their number bounds its address space too.
const THREADS: u32 = 4;
/// Bytes of the child's error text that are read.
const ERROR_BYTES: u64 = 4 << 10;
/// Compiled code is at most so many times the size of the component, plus [`CODE_BASE_BYTES`].
const CODE_FACTOR: u64 = 32;
const CODE_BASE_BYTES: u64 = 16 << 20;

/// How to start the compiling child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompilerCommand {
    /// The program: the same build as the host.
    pub program: PathBuf,
    /// Arguments before the ones that the runtime adds.
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
    // On a time-out `child` is dropped, which kills it.
    match tokio::time::timeout(time, talk(&mut child, component, code_limit)).await {
        Err(_) => Err(RuntimeError::CompileTime { limit: time }),
        Ok(Err(error)) => Err(broken(command, error.to_string())),
        Ok(Ok(finished)) => finished.judge(command, limits, time, code_limit),
    }
}

fn spawn(command: &CompilerCommand, limits: &RuntimeLimits, time: Duration) -> std::io::Result<Child> {
    // All threads together may use the whole time: the wall clock is the bound that people meet.
    let cpu_seconds = time.as_secs().saturating_add(1).saturating_mul(u64::from(THREADS));
    Command::new(&command.program)
        .args(&command.args)
        .arg(limits.compile_memory_bytes.to_string())
        .arg(cpu_seconds.to_string())
        .env_clear()
        .env("RAYON_NUM_THREADS", THREADS.to_string())
        // The C library's heaps reserve 64 MiB each; a few are enough.
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

/// Feeds and reads the child at the same time, so that no pipe fills up, and waits for its end.
async fn talk(child: &mut Child, component: &[u8], code_limit: u64) -> std::io::Result<Finished> {
    let missing = || std::io::Error::other("it has no pipes");
    let mut stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = child.stdout.take().ok_or_else(missing)?;
    let stderr = child.stderr.take().ok_or_else(missing)?;
    let feed = async move {
        // A child that ends early closes the pipe; its status says why.
        let _ = stdin.write_all(component).await;
        let _ = stdin.shutdown().await;
    };
    let ((), code, error) = tokio::join!(feed, read(stdout, code_limit.saturating_add(1)), read(stderr, ERROR_BYTES));
    let (code, error) = (code?, error?);
    if u64::try_from(code.len()).unwrap_or(u64::MAX) > code_limit {
        // It would wait for ever for someone to read the rest.
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
        // An allocation, a mapping or a thread that the bound refused. Nothing else in the child is refused those.
        let signs = ["memory allocation of", "out of memory", "(os error 12)", "code: 11, kind: WouldBlock"];
        let out_of_memory = signs.iter().any(|sign| self.error.contains(sign));
        match (self.status.code(), self.status.signal()) {
            (Some(0), _) => Ok(self.code),
            (Some(code), _) if code == i32::from(exit::REFUSED) && !out_of_memory => {
                Err(RuntimeError::Compile { problem: self.error })
            }
            // The kernel kills for memory too, before the child's own bound if the machine is small.
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
