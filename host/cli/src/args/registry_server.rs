//! Commands of the registry server: they need no running host, and no configuration of one.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

/// Options of `registry`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  handoff registry serve --data packages --open
  handoff registry verify --data packages
  handoff registry gc --data packages --dry-run")]
pub(crate) struct RegistryServerArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: RegistryCommand,
}

/// What to do with a registry.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum RegistryCommand {
    /// Serve packages over HTTP: any OCI client pushes and pulls them.
    Serve(Box<RegistryServeArgs>),
    /// Check everything in a registry's folder against its digest and its references.
    Verify(RegistryVerifyArgs),
    /// Sweep what no package of a stopped registry names; a running one does so by itself.
    Gc(RegistryGcArgs),
}

/// Options of `registry serve`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Without --users and --open everybody reads and nobody pushes.

The users' file has lines as `htpasswd -B` writes them. A user pushes below their own name, or below what a third field lists:
  acme:$2y$05$…
  ci:$2y$05$…:acme,other/tools

The options file is TOML; what is said on the command line counts first:
  listen = \"0.0.0.0:7450\"
  data = \"packages\"
  users = \"users\"
  auth = \"token\"
  private = true
  tls-certificate = \"registry.pem\"
  tls-key = \"registry.key\"
  public-url = \"https://registry.example\"
  blob-mib-max = 1024
  uploads-max = 256
  upload-idle-minutes = 60
  gc-every-hours = 24    # 0: never by itself
  gc-grace-hours = 24

Examples:
  handoff registry serve --data packages --open
  handoff registry serve --data /var/lib/handoff-registry --users users --listen 0.0.0.0:7450 --tls-certificate r.pem --tls-key r.key
  handoff registry serve --options /etc/handoff/registry.toml")]
pub(crate) struct RegistryServeArgs {
    /// A file with any of these options.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub options: Option<PathBuf>,
    /// Where to listen; 127.0.0.1:7450 if nobody says.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// The folder with the packages; made if it is missing.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath, required_unless_present = "options")]
    pub data: Option<PathBuf>,
    /// The users who push.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub users: Option<PathBuf>,
    /// How clients show who they are: with each request, or by a short-lived token.
    #[arg(long, value_name = "HOW")]
    pub auth: Option<AuthArg>,
    /// Only users read.
    #[arg(long)]
    pub private: bool,
    /// Everybody pushes: only on an address of this machine alone.
    #[arg(long, conflicts_with = "users")]
    pub open: bool,
    /// The certificate, with those that vouch for it, in PEM.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// The certificate's private key, in PEM.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// What clients see in front, where a proxy ends TLS.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub public_url: Option<url::Url>,
    /// Log in JSON, one object a line.
    #[arg(long)]
    pub log_json: bool,
}

/// How clients show who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuthArg {
    /// Name and password with each request.
    Basic,
    /// A short-lived token for name and password.
    Token,
}

/// Options of `registry verify`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Reads everything and changes nothing; the registry may run meanwhile. Ends with 1 if something is wrong.

Examples:
  handoff registry verify --data packages
  handoff registry verify --data packages --json"
)]
pub(crate) struct RegistryVerifyArgs {
    /// The folder with the packages.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub data: PathBuf,
}

/// Options of `registry gc`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Needs the registry stopped. Packages are never swept, whatever their status: only blobs that none of them consists of,
and uploads that were never finished.

Examples:
  handoff registry gc --data packages --dry-run
  handoff registry gc --data packages --grace-hours 1"
)]
pub(crate) struct RegistryGcArgs {
    /// The folder with the packages.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub data: PathBuf,
    /// Only say what would go.
    #[arg(long)]
    pub dry_run: bool,
    /// What is younger stays.
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    pub grace_hours: u32,
}
