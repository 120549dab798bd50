//! `serve`: runs the host until a signal stops it.

mod protect;

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rand::TryRngCore as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::args::{GlobalArgs, ServeArgs};
use crate::exit::{CliError, Exit};
use crate::output::Output;
use handoff_app::incidents::watch;
use handoff_app::process::Process;
use handoff_app::registry::{failure_counts, recalls};
use handoff_app::shard::Shard;
use handoff_app::sources;
use handoff_app::test_clock::TestClock;
use handoff_config::{Config, FrontConfig, LogFormat};
use handoff_model::time::SystemClock;
use handoff_server::listen;
use handoff_server::listen::{Front, ListenError, SocketFile, TlsFiles, TrustedProxies};
use handoff_server::{control, ingress, metrics};

/// How long running requests may take after the host begins to stop.
const CONNECTIONS_DRAIN: Duration = Duration::from_secs(5);
/// Threads of the control API: one may check a release while the other handles a command.
const CONTROL_THREADS: usize = 2;
/// Tasks that a thread runs before it polls sockets and timers. tokio's default of 61 is too high if tasks are guests
/// that compute until they have to yield: a few endless loops would delay every request by a tenth of a second.
const LOOK_OUTSIDE_AFTER: u32 = 13;
/// How long running blocking work may take after everything else has stopped.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// Runs on its own multi-threaded runtime; all other commands need only one thread.
pub(crate) fn run(global: &GlobalArgs, args: &ServeArgs, output: &mut Output) -> ExitCode {
    match serve(global, args) {
        Ok(()) => Exit::Ok.into(),
        Err(error) => {
            output.error(&error);
            error.exit.into()
        }
    }
}

fn serve(global: &GlobalArgs, args: &ServeArgs) -> Result<(), CliError> {
    let config = Config::load(&global.config).map_err(|errors| CliError::invalid(errors.to_string()))?;
    let level = format!("{:?}", config.log.level).to_lowercase();
    start_log(&level, args.log_json || config.log.format == LogFormat::Json);
    leave_no_core_dump();
    protect::return_memory_in_small_pages();
    protect::keep_files_private();
    protect::raise_descriptor_limit();
    protect::refuse_shared_data(&config)?;
    let cannot_start = |error| CliError::failed(format!("cannot start: {error}"));
    let mut work = tokio::runtime::Builder::new_multi_thread();
    let work = work.enable_all().event_interval(LOOK_OUTSIDE_AFTER).build().map_err(cannot_start)?;
    // The control API has its own threads, so that a rollback works even if connectors keep the others busy.
    let mut control = tokio::runtime::Builder::new_multi_thread();
    let control = control.enable_all().worker_threads(CONTROL_THREADS).thread_name("control");
    let control = control.build().map_err(cannot_start)?;
    let done = work.block_on(host(config, args.clone(), control.handle().clone()));
    // Work that hangs in a system call must not keep a stopping host alive. Abandoning it loses nothing.
    control.shutdown_timeout(STOP_PATIENCE);
    work.shutdown_timeout(STOP_PATIENCE);
    done
}

async fn host(config: Config, args: ServeArgs, control: Handle) -> Result<(), CliError> {
    // First of all: a signal without a handler kills the process.
    let mut told = StopSignals::listen()?;
    if args.until_stdin_closes {
        told.also_when_stdin_closes();
    }
    // Jitter only has to differ between hosts.
    let seed = rand::rngs::OsRng.try_next_u64().unwrap_or_default();
    let proxies = TrustedProxies::new(config.ingress.trusted_proxies.clone());
    let ingress_at = front(config.ingress.listen, &config.ingress.front).await.map_err(failed)?.trusting(proxies);
    let Listeners { socket: control_socket, control: control_at, metrics: metrics_at } =
        control_listeners(&config, &control).await?;
    let (socket, fronts) =
        (config.control.socket.clone(), [&config.ingress.front, &config.control.front].map(Clone::clone));
    let process = match args.test_clock {
        None => Process::start(config, Arc::new(SystemClock))?,
        Some(path) => {
            let clock = TestClock::open(path).map_err(|error| CliError::failed(format!("the test clock: {error}")))?;
            tracing::warn!("this host runs by a test clock: nothing is due until `handoff clock` moves it");
            Process::start_with_test_clock(config, Arc::new(clock), args.stand_in.into_iter().collect())?
        }
    };
    let shard = Shard::start(process, seed).await?;
    let stop = CancellationToken::new();
    // For people, and for programs that start a host on port 0.
    let [ingress_front, control_front] = fronts;
    let events_at = ingress_front.url(ingress_at.address().map_err(failed)?);
    let mut ready = format!("handoff is ready: events at {events_at}, control at {}", socket.display());
    if let Some(front) = &control_at {
        ready.push_str(&format!(" and {}", control_front.url(front.address().map_err(failed)?)));
    }
    if let Some(listener) = &metrics_at {
        ready.push_str(&format!(", metrics at http://{}/metrics", listener.address().map_err(failed)?));
    }
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(listen::serve_tcp(ingress_at, ingress::router(shard.clone()), stop.clone(), CONNECTIONS_DRAIN));
    let router = control::router(shard.clone());
    tasks.spawn_on(listen::serve_unix(control_socket, router, stop.clone(), CONNECTIONS_DRAIN), &control);
    if let Some(listener) = control_at {
        let router = control::tcp_router(shard.clone(), control_front.is_secure());
        tasks.spawn_on(listen::serve_tcp(listener, router, stop.clone(), CONNECTIONS_DRAIN), &control);
    }
    if let Some(listener) = metrics_at {
        let router = metrics::router(shard.clone());
        tasks.spawn_on(listen::serve_tcp(listener, router, stop.clone(), CONNECTIONS_DRAIN), &control);
    }
    tasks.spawn(sources::run(shard.clone(), stop.clone()));
    tasks.spawn(watch::run(shard.clone(), stop.clone()));
    tasks.spawn(recalls::run(shard.clone(), stop.clone()));
    tasks.spawn(failure_counts::run(shard.clone(), stop.clone()));
    println(&ready);
    told.wait_for_stop().await;
    println("handoff is stopping: deliveries that run are finished or handed back");
    stop.cancel();
    shard.prepare_to_stop();
    let all = async {
        while tasks.join_next().await.is_some() {}
        drop(tasks);
        shard.stop().await;
    };
    tokio::select! {
        () = all => println("handoff has stopped"),
        () = told.wait_for_stop() => {
            println("handoff stops at once; the next start goes on where it was");
        }
    }
    Ok(())
}

/// What is served by the threads of the control API.
struct Listeners {
    socket: SocketFile,
    control: Option<Front>,
    metrics: Option<Front>,
}

/// A listener with its certificate and its names.
async fn front(address: SocketAddr, config: &FrontConfig) -> Result<Front, ListenError> {
    let tls = config.tls.clone().map(|files| TlsFiles { certificate: files.certificate, key: files.key });
    Front::new(listen::tcp(address).await?, config.public_url.as_ref(), tls)
}

/// Opens the listeners of the control API and of metrics. A listener belongs to the runtime on which it was opened.
async fn control_listeners(config: &Config, control: &Handle) -> Result<Listeners, CliError> {
    let (api, scraped) = (config.control.clone(), config.metrics.listen);
    let listeners = control.spawn(async move {
        let socket = listen::unix(&api.socket)?;
        let control = match api.listen {
            Some(address) => Some(front(address, &api.front).await?),
            None => None,
        };
        let metrics = match scraped {
            Some(address) => Some(front(address, &FrontConfig::default()).await?),
            None => None,
        };
        Ok::<_, ListenError>(Listeners { socket, control, metrics })
    });
    listeners.await.map_err(failed)?.map_err(failed)
}

/// Signals that stop the host.
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    stdin_closed: Option<oneshot::Receiver<()>>,
}

impl StopSignals {
    pub(super) fn listen() -> Result<Self, CliError> {
        let listen = |kind| signal(kind).map_err(failed);
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            stdin_closed: None,
        })
    }

    pub(super) async fn wait_for_stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = closed(&mut self.stdin_closed) => {}
        }
    }

    /// Nobody can send a signal for a program that was killed, but the system closes its end of a pipe.
    fn also_when_stdin_closes(&mut self) {
        let (closes, closed) = oneshot::channel();
        std::thread::spawn(move || {
            // What arrives is ignored.
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            let _ = closes.send(());
        });
        self.stdin_closed = Some(closed);
    }
}

/// Waits until the input is closed, once; forever if nobody asked.
async fn closed(stdin: &mut Option<oneshot::Receiver<()>>) {
    match stdin {
        Some(receiver) => {
            let _ = receiver.await;
            *stdin = None;
        }
        None => std::future::pending().await,
    }
}

/// Prevents core dumps, because they would contain all secrets in memory. The limit is one byte, not zero: with zero,
/// Linux still dumps into a program that `core_pattern` names (core(5)); with one, it dumps neither there nor into a
/// file.
pub(super) fn leave_no_core_dump() {
    let before = getrlimit(Resource::Core);
    let limit = Rlimit { current: before.maximum.map_or(Some(1), |most| Some(most.min(1))), maximum: before.maximum };
    if let Err(error) = setrlimit(Resource::Core, limit) {
        tracing::warn!(%error, "core dumps cannot be turned off: one would hold secrets");
    }
}

/// Sets up the host's own log on standard error. `RUST_LOG` refines it.
pub(super) fn start_log(level: &str, json: bool) {
    let filter = EnvFilter::builder().with_default_directive(tracing::Level::WARN.into());
    let filter = filter.parse_lossy(std::env::var("RUST_LOG").unwrap_or_else(|_| format!("warn,handoff={level}")));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json {
        log.json().init();
    } else {
        log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init();
    }
}

/// A closed standard output is no reason to stop a host.
pub(super) fn println(line: &str) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

pub(super) fn failed(error: impl std::error::Error) -> CliError {
    let cause = error.source().map_or_else(String::new, |source| format!(": {source}"));
    CliError::failed(format!("{error}{cause}"))
}
