//! Commands of the registry server. They need no running host and no host configuration.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use handoff_registry_server::IndexChoice;

/// Options of `registry`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  handoff registry serve --data packages --open
  handoff registry verify --data packages
  handoff registry gc --data packages --dry-run
  handoff registry request-namespace acme --contact dev@acme.example --registry https://registry.example
  handoff registry namespaces --data packages
  handoff registry failure-counts acme/leads --registry https://registry.example
  handoff registry reset-index acme/leads --to 41 --data packages --reason 'somebody else pushed 42'")]
pub(crate) struct RegistryServerArgs {
    /// The subcommand.
    #[command(subcommand)]
    pub command: RegistryCommand,
}

/// Subcommands of `registry`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum RegistryCommand {
    /// Serve packages over HTTP. Any OCI client can push and pull them.
    Serve(Box<RegistryServeArgs>),
    /// Verify all data in a registry's folder against digests and references.
    Verify(RegistryVerifyArgs),
    /// Remove data of a stopped registry that no package references. A running registry does this itself.
    Gc(RegistryGcArgs),
    /// Set the signed version list of a package back to an earlier one. Needs the registry stopped.
    ResetIndex(RegistryResetIndexArgs),
    /// Ask a registry for a namespace, with your key.
    RequestNamespace(RequestNamespaceArgs),
    /// List requests for namespaces, and the keys that namespaces are bound to.
    Namespaces(RegistryNamespacesArgs),
    /// Bind a namespace to a key: from then on only bound keys publish there.
    Bind(RegistryBindArgs),
    /// Take a key from a namespace.
    Unbind(RegistryDecideArgs),
    /// Remove a request for a namespace.
    Decline(RegistryDecideArgs),
    /// Show how often the versions of your package failed, as hosts report it.
    FailureCounts(RegistryFailureCountsArgs),
}

/// Options of `registry request-namespace`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The request is signed with the key, for this registry alone. It waits for 30 days. The registry's administrator compares the key's id with you, so send it on another way, too. Ask again to see whether the key is bound.

For a second key, ask with that key; the administrator binds it beside the first.

Examples:
  handoff registry request-namespace acme --contact dev@acme.example --registry https://registry.example
  handoff registry request-namespace acme --contact dev@acme.example --key ci.pem"
)]
pub(crate) struct RequestNamespaceArgs {
    /// The name: the first part of your packages' names.
    #[arg(value_name = "PUBLISHER")]
    pub publisher: handoff_package::manifest::Name,
    /// How the registry's administrator reaches you.
    #[arg(long, value_name = "TEXT")]
    pub contact: String,
    /// The registry.
    #[command(flatten)]
    pub registry: super::RegistryArgs,
    /// The key that is to own the name.
    #[command(flatten)]
    pub key: super::registry::KeyFileArgs,
}

/// Options of `registry failure-counts`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Counts are sums over all hosts whose operators agree to send them. Hosts prove nothing about themselves, so take the counts as a hint. The question is signed with a key that may sign the package's list of versions.

To count the failures of a connector by name, list their codes in connector.toml under [failures].

Examples:
  handoff registry failure-counts acme/leads --registry https://registry.example
  handoff registry failure-counts acme/leads --days 7 --json"
)]
pub(crate) struct RegistryFailureCountsArgs {
    /// The package.
    #[arg(value_name = "PUBLISHER/NAME")]
    pub package: handoff_package::manifest::PackageName,
    /// The number of days, ending today (UTC).
    #[arg(long, value_name = "NUMBER", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=90))]
    pub days: u16,
    /// The registry.
    #[command(flatten)]
    pub registry: super::RegistryArgs,
    /// A key of the publisher.
    #[command(flatten)]
    pub key: super::registry::KeyFileArgs,
}

/// Options of `registry namespaces`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The registry may run meanwhile. Its page /namespaces shows the same to users who may push everything.

Examples:
  handoff registry namespaces --data packages
  handoff registry namespaces --data packages --json"
)]
pub(crate) struct RegistryNamespacesArgs {
    /// The folder of the packages.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub data: PathBuf,
}

/// Options of `registry bind`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The registry may run meanwhile. Compare the key's id with the publisher first: a request proves that its sender has the key, and nothing about the name. Recorded in audit.jsonl in the folder.

Examples:
  handoff registry bind acme sha256:1f0c5ab39d2e7764 --data packages --reason 'compared by phone with Ann'
  handoff registry bind acme --public-key acme.pub --data packages --reason 'key by courier'"
)]
pub(crate) struct RegistryBindArgs {
    /// The name.
    #[arg(value_name = "PUBLISHER")]
    pub publisher: String,
    /// The id of a key that waits, or its first digits.
    #[arg(value_name = "KEY-ID", required_unless_present = "public_key", default_value = "")]
    pub key_id: String,
    /// Bind the key of this file, without a request.
    #[arg(long, value_name = "FILE", conflicts_with = "key_id", value_hint = ValueHint::FilePath)]
    pub public_key: Option<PathBuf>,
    /// The folder of the packages.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub data: PathBuf,
    /// The reason, for the record.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// Options of `registry unbind` and `registry decline`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The registry may run meanwhile. A namespace without keys stays reserved: nobody publishes there until another key is bound. Versions that are published stay. Recorded in audit.jsonl in the folder.

Examples:
  handoff registry unbind acme sha256:1f0c5ab39d2e7764 --data packages --reason 'key lost'
  handoff registry decline acme sha256:77aa01c29d2e7764 --data packages --reason 'nobody at acme knows it'"
)]
pub(crate) struct RegistryDecideArgs {
    /// The name.
    #[arg(value_name = "PUBLISHER")]
    pub publisher: String,
    /// The id of the key, or its first digits.
    #[arg(value_name = "KEY-ID")]
    pub key_id: String,
    /// The folder of the packages.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub data: PathBuf,
    /// The reason, for the record.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// Options of `registry serve`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Without --users and --open everybody reads and nobody pushes.

The registry answers requests for the address that it listens on, for localhost, and for the host of --public-url; any other name in
a request is refused, because a web page could make a browser use such a name (DNS rebinding). Without a certificate it listens on loopback
only. Certificate and key are read again when their files change.

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
  uploads-per-address-max = 32
  upload-idle-minutes = 10
  publisher-keys = \"keys\"    # a folder with PUBLISHER.pub; then only lists that these keys signed are accepted
  plain-http = false           # true: without TLS also on other addresses, behind a proxy that has TLS
  trusted-proxies = []         # reverse proxies whose X-Forwarded-For names the client
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
    /// The address to listen on. Default: 127.0.0.1:7450.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// The folder of the packages. Created if it does not exist.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath, required_unless_present = "options")]
    pub data: Option<PathBuf>,
    /// The file with the users who may push.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub users: Option<PathBuf>,
    /// How clients authenticate: with every request, or with a short-lived token.
    #[arg(long, value_name = "HOW")]
    pub auth: Option<AuthArg>,
    /// Only users may read.
    #[arg(long)]
    pub private: bool,
    /// Everybody may push. Only allowed with a loopback address.
    #[arg(long, conflicts_with = "users")]
    pub open: bool,
    /// The certificate chain in PEM.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// The private key of the certificate in PEM.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// The URL that clients use: its host is answered to, and pages and tokens name it. Default: the address that it listens on.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub public_url: Option<url::Url>,
    /// Serve without TLS also on an address that is not loopback: behind a proxy that terminates TLS.
    #[arg(long, conflicts_with = "tls_certificate")]
    pub plain_http: bool,
    /// A reverse proxy, or a network of them, whose X-Forwarded-For names the client, for the limits of an address. Can be
    /// given several times.
    #[arg(long = "trusted-proxy", value_name = "ADDRESS")]
    pub trusted_proxies: Vec<String>,
    /// Log in JSON, one object per line.
    #[arg(long)]
    pub log_json: bool,
}

/// How clients authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuthArg {
    /// Name and password with every request.
    Basic,
    /// A short-lived token in exchange for name and password.
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
    /// The folder of the packages.
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
    /// The folder of the packages.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub data: PathBuf,
    /// Show what would be removed and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Keep data that is younger than this number of hours.
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    pub grace_hours: u32,
}

/// Options of `registry reset-index`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "For a package whose publisher is locked out, because somebody else pushed a list with a higher number. Versions and
signatures stay. Hosts accept only what the publisher signed, and no list older than one that they have seen: choose the
publisher's last one. The change is recorded in audit.jsonl in the folder.

Examples:
  handoff registry reset-index acme/leads --to 41 --data packages --reason 'somebody else pushed 42'
  handoff registry reset-index acme/leads --to 0 --data packages --reason 'never published before'"
)]
pub(crate) struct RegistryResetIndexArgs {
    /// The package, as PUBLISHER/NAME.
    #[arg(value_name = "PACKAGE")]
    pub package: String,
    /// The sequence number of the list, the digest of its manifest, or 0 for no list.
    #[arg(long, value_name = "NUMBER")]
    pub to: IndexChoice,
    /// The folder of the packages.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub data: PathBuf,
    /// The reason, for the record.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}
