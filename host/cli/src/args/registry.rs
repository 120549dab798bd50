//! Commands about registries: keys, publishing, search, trust, and the lock file of a host.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use handoff_package::manifest::{Name, PackageName, Version};

use super::WhoArgs;
use handoff_app::registry::reference::PackageRef;

/// Selects a registry.
#[derive(Clone, Debug, Args)]
pub(crate) struct RegistryArgs {
    /// The registry: a name from `[registries.NAME]`, a URL with its scheme, or the path of a folder with a `/`
    /// (./packages). Default: the default registry of the configuration.
    #[arg(long, value_name = "REGISTRY", env = "HANDOFF_REGISTRY", hide_env_values = true)]
    pub registry: Option<String>,
    /// A PEM file with the certificate authority of a registry that is given by URL.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ca_file: Option<PathBuf>,
}

/// The key of the publisher.
#[derive(Clone, Debug, Args)]
pub(crate) struct KeyArgs {
    /// The file with the private key. Default: the key of `handoff keys new`.
    #[arg(long, value_name = "FILE", env = "HANDOFF_KEY_FILE", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub key: Option<PathBuf>,
    /// A file with an earlier public key of yours that may have signed the package's version list.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub earlier_key: Vec<PathBuf>,
}

/// Options of `keys`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "The private key can publish in your name: keep a copy offline, and never send it to anyone.

Examples:
  handoff keys new
  handoff keys show > acme.pub
  handoff keys next NEW-KEYFILE --publisher acme > acme-next.json")]
pub(crate) struct KeysArgs {
    /// The subcommand.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// Subcommands of `keys`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Create a key (Ed25519) in a file that only you can read. Overwrites nothing.
    New(KeyFileArgs),
    /// Print the public key, for those who should trust you.
    Show(KeyFileArgs),
    /// Introduce your next key: print a statement for `handoff trust add`, signed with the current key.
    Next(NextKeyArgs),
}

/// Options of `keys next`.
#[derive(Clone, Debug, Args)]
pub(crate) struct NextKeyArgs {
    /// The file with the next key, private or public.
    #[arg(value_name = "NEW-KEYFILE", value_hint = ValueHint::FilePath)]
    pub next: PathBuf,
    /// The publisher: the first part of your packages' names.
    #[arg(long, value_name = "PUBLISHER")]
    pub publisher: Name,
    /// The current key.
    #[command(flatten)]
    pub key: KeyFileArgs,
}

/// Selects the key file.
#[derive(Clone, Debug, Args)]
pub(crate) struct KeyFileArgs {
    /// The file with the private key. Default: key.pem in your configuration folder.
    #[arg(long, value_name = "FILE", env = "HANDOFF_KEY_FILE", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub key: Option<PathBuf>,
}

/// Options of `login`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Asks the registry first; keeps nothing that it refuses. The secret is kept in a file that only you can read, and used by the commands of a publisher. A host takes its own from handoff.toml.

Examples:
  handoff login https://registry.example.com --username acme
  vault kv get -field=token secret/registry | handoff login main --secret-stdin
  handoff login main --remove"
)]
pub(crate) struct LoginArgs {
    /// The registry: a name from `[registries.NAME]`, or a URL with its scheme.
    #[arg(value_name = "REGISTRY")]
    pub registry: String,
    /// The user name for a password. Without it, the secret is a token.
    #[arg(long, short = 'u', value_name = "NAME")]
    pub username: Option<String>,
    /// Read the password or token from standard input without a prompt.
    #[arg(long)]
    pub secret_stdin: bool,
    /// Remove the stored login of this registry.
    #[arg(long, conflicts_with_all = ["username", "secret_stdin"])]
    pub remove: bool,
    /// A PEM file with the certificate authority of a registry that is given by URL.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ca_file: Option<PathBuf>,
}

/// Options of `publish`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Signs the package with your key, uploads it, and adds it to the package's signed list of versions. A version, once published, never changes: publishing the same bytes again changes nothing, but with another key of yours puts its signature beside the first; others are refused.

--check publishes nothing and needs no key. It builds the folder and reports what a registry's administrator asks for: cases pass, hostile inputs crash nothing, effects and config keys are declared and described, README, licence and changelog are there, the version is higher than the published ones. Ends with 6 if a check fails.

A minor or patch version that takes something away is refused, with each difference: an event type, a target, a method or path, a config that was valid, an interface that older hosts have.

Examples:
  handoff publish target/connectors/leads-1.1.0.wasm --changes 'reads the new vendor field'
  handoff publish . --registry /media/packages --key ci.pem --readme README.md
  handoff publish --check --report conformance.json"
)]
pub(crate) struct PublishArgs {
    /// The package, or the folder of a connector to build first.
    #[arg(value_name = "FILE|FOLDER", default_value = ".", value_hint = ValueHint::AnyPath)]
    pub package: PathBuf,
    /// The registry.
    #[command(flatten)]
    pub registry: RegistryArgs,
    /// The key to sign with.
    #[command(flatten)]
    pub key: KeyArgs,
    /// The changes since the previous version: a text, or a file that contains it.
    #[arg(long, value_name = "TEXT|FILE")]
    pub changes: Option<String>,
    /// The readme in Markdown. Default for a folder: its README.md, if there is one.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub readme: Option<PathBuf>,
    /// Publish a change that breaks installations of the previous version, although the version is not a new major one.
    #[arg(long)]
    pub breaking: bool,
    /// Check what a registry's administrator asks for, and publish nothing.
    #[arg(long)]
    pub check: bool,
    /// Also write the report of --check as JSON.
    #[arg(long, value_name = "FILE", requires = "check", value_hint = ValueHint::FilePath)]
    pub report: Option<PathBuf>,
}

/// Options of `search`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  handoff search adf
  handoff search '' --registry /media/packages     everything that is there")]
pub(crate) struct SearchArgs {
    /// Words in the name, title or summary of packages.
    #[arg(value_name = "QUERY", default_value = "")]
    pub query: String,
    /// Maximum number of packages.
    #[arg(long, value_name = "NUMBER", default_value = "20", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// The registry.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// Options of `info`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Shows all versions and who signed their list, and of the newest what it asks for and which config it takes; of certain versions (@1.1, @=1.1.0) only the one that is meant. Nothing of that is proved: whether to believe the key is for `handoff trust` to say.

Examples:
  handoff info acme/leads
  handoff info acme/leads@1.1.0 --json"
)]
pub(crate) struct InfoArgs {
    /// The package, optionally with a version.
    #[arg(value_name = "PUBLISHER/NAME[@VERSION]")]
    pub package: PackageRef,
    /// The registry.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// Options of `yank` and `recall`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "yank: new installations do not get the version; who requires exactly it (`=1.1.0`) still does, with a warning.
recall: as yank; also, every host where it is active shows a warning with the command that rolls it back.
Neither can be undone: publish another version.

Examples:
  handoff yank acme/leads@1.1.0 --reason 'drops phone numbers'
  handoff recall acme/leads@1.1.0 --reason 'sends leads to the wrong dealer'"
)]
pub(crate) struct WithdrawArgs {
    /// The package and its exact version.
    #[arg(value_name = "PUBLISHER/NAME@VERSION")]
    pub package: ExactRef,
    /// The reason, in one sentence, for hosts and operators.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The registry.
    #[command(flatten)]
    pub registry: RegistryArgs,
    /// The key to sign with.
    #[command(flatten)]
    pub key: KeyArgs,
}

/// Options of `deprecate`.
#[derive(Clone, Debug, Args)]
#[command(
    override_usage = "handoff deprecate [OPTIONS] --reason <TEXT> <PUBLISHER/NAME@VERSION>\n       handoff deprecate [OPTIONS] --undo <PUBLISHER/NAME@VERSION>",
    after_help = "The version is still taken, with a warning.

Examples:
  handoff deprecate acme/leads@1.0.0 --reason 'use 1.1'
  handoff deprecate acme/leads@1.0.0 --undo"
)]
pub(crate) struct DeprecateArgs {
    /// The package and its exact version.
    #[arg(value_name = "PUBLISHER/NAME@VERSION")]
    pub package: ExactRef,
    /// The reason, in one sentence, for operators.
    #[arg(long, value_name = "TEXT", required_unless_present = "undo", conflicts_with = "undo")]
    pub reason: Option<String>,
    /// Remove the deprecation.
    #[arg(long)]
    pub undo: bool,
    /// The registry.
    #[command(flatten)]
    pub registry: RegistryArgs,
    /// The key to sign with.
    #[command(flatten)]
    pub key: KeyArgs,
}

/// Options of `renew`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "A list of versions does not expire. If you sign it again from time to time, even without a change, hosts with `list-max-age-days` notice a registry that goes on showing an old one.

Examples:
  handoff renew acme/leads
  handoff renew acme/leads --registry https://registry.example.com --key ci.pem"
)]
pub(crate) struct RenewArgs {
    /// The package.
    #[arg(value_name = "PUBLISHER/NAME")]
    pub package: PackageName,
    /// The registry.
    #[command(flatten)]
    pub registry: RegistryArgs,
    /// The key to sign with.
    #[command(flatten)]
    pub key: KeyArgs,
}

/// Options of `trust`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "A package from a registry is only installed if a trusted key of its publisher signed it. Get the key from the publisher, not from the registry.

Examples:
  handoff trust add acme acme.pub
  handoff trust list
  handoff trust revoke acme sha256:41d2a6b0c7e95f13 --reason 'the key was stolen'"
)]
pub(crate) struct TrustArgs {
    /// The subcommand.
    #[command(subcommand)]
    pub command: TrustCommand,
}

/// Subcommands of `trust`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum TrustCommand {
    /// Trust a publisher's key.
    Add(TrustAddArgs),
    /// List publishers and their keys.
    #[command(visible_alias = "ls")]
    List,
    /// Trust only the signatures that a key made until now. Use it when the publisher has a new key.
    Retire(TrustEndArgs),
    /// Stop trusting a key and all its signatures. Installed packages stay active, with a warning.
    Revoke(TrustEndArgs),
}

/// Options of `trust add`.
#[derive(Clone, Debug, Args)]
pub(crate) struct TrustAddArgs {
    /// The publisher: the first part of its packages' names.
    #[arg(value_name = "PUBLISHER")]
    pub publisher: Name,
    /// A file with the public key, or with the statement of `handoff keys next`.
    #[arg(value_name = "KEYFILE", required_unless_present = "key", conflicts_with = "key")]
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// The public key in base64.
    #[arg(long, value_name = "BASE64")]
    pub key: Option<String>,
    /// The author and the reason.
    #[command(flatten)]
    pub who: WhoArgs,
}

/// Options of `trust retire` and `trust revoke`.
#[derive(Clone, Debug, Args)]
pub(crate) struct TrustEndArgs {
    /// The publisher.
    #[arg(value_name = "PUBLISHER")]
    pub publisher: Name,
    /// The id of the key, as shown by `trust list`. Default: all keys of the publisher.
    #[arg(value_name = "KEY-ID")]
    pub key_id: Option<String>,
    /// The author and the reason.
    #[command(flatten)]
    pub who: WhoArgs,
}

/// Options of `lock`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The file names every installation with its package's exact bytes and its settings; it can be kept in version control. Secrets are only named in it.

Examples:
  handoff lock > handoff.lock
  handoff apply handoff.lock --dry-run"
)]
pub(crate) struct LockArgs {}

/// Options of `apply`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Shows the plan first: what is installed, upgraded, given other settings or left alone. Removes nothing. Takes exactly the bytes that the lock names. Goes on with the next installation where one fails, and says so. A second run has nothing to do.

Examples:
  handoff apply handoff.lock --dry-run
  handoff apply handoff.lock --yes --reason 'second rooftop'
  handoff apply handoff.lock --approve 7f3a-91c2"
)]
pub(crate) struct ApplyArgs {
    /// The lock file.
    #[arg(value_name = "FILE", default_value = "handoff.lock", value_hint = ValueHint::FilePath)]
    pub lock: PathBuf,
    /// Show the plan and change nothing.
    #[arg(long, conflicts_with_all = ["yes", "approve"])]
    pub dry_run: bool,
    /// Approve the plan without confirmation.
    #[arg(long, short = 'y', conflicts_with = "approve")]
    pub yes: bool,
    /// Approve only the plan with this code.
    #[arg(long, value_name = "CODE")]
    pub approve: Option<String>,
    /// The author and the reason.
    #[command(flatten)]
    pub who: WhoArgs,
}

/// A package with one exact version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExactRef {
    /// The package.
    pub package: PackageName,
    /// The version.
    pub version: Version,
}

impl std::str::FromStr for ExactRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || "expected `publisher/name@version` with the whole version, for example acme/leads@1.1.0".to_owned();
        let (package, version) = text.split_once('@').ok_or_else(expected)?;
        Ok(Self {
            package: package.parse().map_err(|problem| format!("{problem}; {}", expected()))?,
            version: version.parse().map_err(|problem| format!("{problem}; {}", expected()))?,
        })
    }
}
