//! `upgrade`: the new version and settings of an installation.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueHint};

use handoff_package::manifest::PackageName;

use super::WhoArgs;
use handoff_model::names::{GroupName, InstallationName};

/// Options of `upgrade`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Shows one report first: where the package comes from, which permissions it adds to those of the previous version, whether the config fits, and what happens to the state. Additional permissions need approval of exactly that report: at the prompt, or with --approve and the report's code. So do a version that nobody named, a deprecated one that a requirement chose, and one that fails for recorded deliveries that were committed. A report that has changed since has another code and is refused; without approval the exit code is 5. A config that does not fit cannot be approved: correct it and give the file with --settings.

The swap happens between deliveries. Events in flight finish or are delivered again; none is lost or duplicated. If the version has a different state schema, the connector migrates its state first, while its events wait; if that fails, the previous version continues with its state unchanged.

Examples:
  handoff upgrade web-leads                         shows the newest that fits, and asks
  handoff upgrade web-leads adf-leads-1.1.0.wasm --dry-run
  handoff upgrade web-leads adf-leads-1.1.0.wasm --approve 4f1c92ab03de
  handoff upgrade web-leads 1.2.0                   exactly this one, from its registry
  handoff upgrade web-leads ^1.2                    the newest that fits
  handoff upgrade web-leads --settings web-leads.toml --reason 'new CRM host'
  handoff upgrade --package acme/leads --to 1.2.0   all its installations
  handoff upgrade --package acme/leads --settings template.toml"
)]
pub(crate) struct UpgradeArgs {
    /// The installation.
    #[arg(required_unless_present = "package", conflicts_with = "package")]
    pub name: Option<InstallationName>,
    /// All installations of this package, in one durable write; with --to, --digest or --settings.
    #[arg(long, value_name = "PUBLISHER/NAME")]
    pub package: Option<PackageName>,
    /// With --package: only installations of this group of rooftops.
    #[arg(long, value_name = "GROUP", requires = "package")]
    pub group: Option<GroupName>,
    /// With --package: only installations with this active version.
    #[arg(long, value_name = "VERSION", requires = "package")]
    pub from: Option<semver::Version>,
    /// With --package: the file of a package, or a version from its registry.
    #[arg(long, value_name = "VERSION|FILE", requires = "package", conflicts_with = "digest")]
    pub to: Option<Wanted>,
    /// The file of a package, or a version from the installation's registry (1.2.0: exactly that version; ^1.2 or 1.2:
    /// the newest that matches).
    #[arg(value_name = "VERSION|FILE", conflicts_with = "digest", value_hint = ValueHint::FilePath)]
    pub wanted: Option<Wanted>,
    /// The digest of a package that the host already has.
    #[arg(long, value_name = "SHA256")]
    pub digest: Option<String>,
    /// The settings file. Default: the settings of the active generation. With --package, a template: its keys replace
    /// those of each installation's settings, and {{name}} and {{scope}} in its texts stand for the installation's.
    #[arg(long, short = 's', visible_alias = "with", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub settings: Option<PathBuf>,
    /// Show the report and change nothing.
    #[arg(long, conflicts_with = "approve")]
    pub dry_run: bool,
    /// Approve only the report with this code.
    #[arg(long, value_name = "CODE")]
    pub approve: Option<String>,
    /// Allow a package that was rolled back.
    #[arg(long)]
    pub force: bool,
    /// The author and the reason.
    #[command(flatten)]
    pub who: WhoArgs,
}

/// The requested package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The file of a package.
    File(PathBuf),
    /// A version requirement for the registry.
    Version(String),
}

impl FromStr for Wanted {
    type Err = String;

    /// Text that looks like a version is a version, unless it is written as a path.
    fn from_str(text: &str) -> Result<Self, String> {
        let is_path = text.contains('/') || text.ends_with(".wasm");
        match semver::VersionReq::parse(text) {
            Ok(_) if !is_path => Ok(Self::Version(text.to_owned())),
            Err(_) if !is_path && !std::path::Path::new(text).exists() => {
                Err(format!("`{text}` is neither a package's file nor a version such as 1.2.0 or ^1.2"))
            }
            _ => Ok(Self::File(text.into())),
        }
    }
}
