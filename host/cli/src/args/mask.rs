//! Options of `mask`. It needs no running host.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Options of `mask`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Replaces everything that may be personal, so that events and cases can be passed on. The same value always becomes the same value under one key: a person stays one person in all files, and name and e-mail address fit each other. VINs keep the manufacturer, the model year and a valid check digit; telephone numbers keep country and form and reach nobody; e-mail addresses are at reserved domains; all dates move by the same number of weeks.

Masked are fields by their names, values by their form wherever they are (also in JSON and XML inside strings), and every other text: what is unknown is masked. Short technical words, vehicle makes and models, numbers without a meaning of their own, and the hosts in URLs stay. --field and --keep name a field, or the end of its path with dots.

Without the key nobody can tell which value became which; with it, a guess can be checked: keep it private, and use one key for what has to fit together. What was masked and is masked again becomes something else again.

In a case, inputs and expectations are masked alike. What a connector computes from a value may differ: `handoff test` shows it, and `handoff test --accept` records it.

Events are one object, an array, or one on each line; at most 64 MiB. Only you can read the output, and nothing is replaced.

Examples:
  handoff mask leads.json --out masked.json
  handoff mask cases --out masked-cases --keep status --keep customer.segment
  handoff mask cases/late-lead --out late-lead --field mileage --key team.key --json
  handoff events --cloudevents | handoff mask - | handoff send -"
)]
pub(crate) struct MaskArgs {
    /// Events, a case, or a folder of cases; - for events on standard input.
    #[arg(value_name = "FILE|FOLDER|-", value_hint = ValueHint::AnyPath)]
    pub input: PathBuf,
    /// The new file or folder. Default for events: standard output.
    #[arg(long, short = 'o', value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub out: Option<PathBuf>,
    /// The file with the key, created if it does not exist. Default: mask.key in your configuration folder.
    #[arg(long, value_name = "FILE", env = "HANDOFF_MASK_KEY_FILE", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub key: Option<PathBuf>,
    /// Also mask this field, whatever it holds. Can be given several times.
    #[arg(long = "field", value_name = "NAME")]
    pub fields: Vec<String>,
    /// Do not mask this field. Can be given several times.
    #[arg(long, value_name = "NAME")]
    pub keep: Vec<String>,
}
