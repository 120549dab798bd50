//! `shadow` and `replay`: shows what another version would have done with recorded deliveries.

use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

use super::{install, mask};
use crate::args::{CandidateArgs, GlobalArgs, ReplayArgs, ShadowArgs};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::show;
use handoff_control::client::Client;
use handoff_control::registry::packages;
use handoff_control::shadow;
use handoff_control::shadow::{CandidateRequest, ReplayRequest, ReplayView, ShadowRequest};
use handoff_files::{PRIVATE_FILE, PUBLIC_FOLDER};

pub(crate) async fn run(global: &GlobalArgs, args: &ShadowArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    let is_version = |text: &str| semver::Version::parse(text).is_ok();
    let (version, file) = match &args.candidate {
        Some(text) if is_version(text) => (Some(text.clone()), None),
        other => (None, other.as_deref().map(Path::new)),
    };
    let request = ShadowRequest {
        candidate: candidate(&host, file, version, &args.more, output).await?,
        last: args.last,
        since: args.since,
        time_ms: args.time.map(|seconds| seconds.saturating_mul(1_000)),
    };
    let bar = output.bar("deliveries", "{msg} {pos} of {len} {percent}% {wide_bar} {elapsed}");
    let view = host.shadow(&args.name, &request, |done, total| progress(bar.as_ref(), done, total)).await;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    output.view(&view?, show::shadow::report)?;
    Ok(Exit::Ok)
}

pub(crate) async fn replay(global: &GlobalArgs, args: &ReplayArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    let request = ReplayRequest {
        installation: args.installation.clone(),
        attempt: args.attempt,
        candidate: candidate(&host, args.package.as_deref(), args.version.clone(), &args.more, output).await?,
        export: args.export.is_some(),
    };
    let mut view =
        output.while_waiting("replaying", host.post(&shadow::REPLAY, &[&args.position.to_string()], &request)).await?;
    let case = view.test_case.take();
    let written = match (&args.export, case) {
        (Some(folder), Some(case)) if args.unmasked => Some(write(folder, &view, &case)?),
        (Some(folder), Some(case)) => {
            let masked = mask::default_masker(output)?.case(&case["case"], Some(&case["expected"]));
            Some(write(folder, &view, &serde_json::json!({ "case": masked.case, "expected": masked.expected }))?)
        }
        (Some(_), None) => return Err(CliError::failed("the host gave no test case")),
        (None, _) => None,
    };
    output.view(&view, show::shadow::replay)?;
    if let Some(path) = written {
        output.note(&format!("test case written: {path}"));
        output.note(if args.unmasked {
            "warning: it holds customers' data as it is; `handoff mask` makes a copy to pass on"
        } else {
            "customers' data is masked; `handoff test` shows what a connector computes from it, and --accept records that"
        });
    }
    Ok(if view.same { Exit::Ok } else { Exit::Failed })
}

pub(super) fn write(folder: &Path, view: &ReplayView, case: &serde_json::Value) -> Result<String, CliError> {
    let folder = folder.join(format!("{}-{}-{}", view.name, view.position, view.attempt));
    for part in ["case", "expected"] {
        let path = folder.join(format!("{part}.json"));
        let fail = |error: std::io::Error| CliError::failed(format!("cannot write {}: {error}", path.display()));
        let mut text =
            serde_json::to_string_pretty(&case[part]).map_err(|error| CliError::failed(error.to_string()))?;
        text.push('\n');
        // A recorded delivery contains customers' data: only its owner may read the file, even if the file existed before.
        handoff_files::replace(&path, text.as_bytes(), PRIVATE_FILE, PUBLIC_FOLDER).map_err(fail)?;
    }
    Ok(folder.display().to_string())
}

/// Uploads a package's file to the host first.
async fn candidate(
    host: &Client,
    file: Option<&Path>,
    version: Option<String>,
    more: &CandidateArgs,
    output: &Output,
) -> Result<CandidateRequest, CliError> {
    let digest = match file {
        Some(file) => {
            let component = install::component(file)?;
            Some(output.while_waiting("sending the package", host.put(&packages::PUT, component)).await?.digest)
        }
        None => more.digest.clone(),
    };
    let (settings, settings_folder) = match &more.settings {
        Some(path) => install::settings(path, None).map(|(settings, folder)| (Some(settings), folder))?,
        None => (None, None),
    };
    Ok(CandidateRequest { digest, version, settings, settings_folder })
}

fn progress(bar: Option<&ProgressBar>, done: u64, total: u64) {
    if let Some(bar) = bar {
        bar.set_length(total);
        bar.set_position(done);
    }
}

impl Output {
    /// A progress bar on standard error, if it is a terminal.
    fn bar(&self, what: &'static str, look: &str) -> Option<ProgressBar> {
        let bar = self.spins().then(|| ProgressBar::new(0).with_message(what))?;
        if let Ok(look) = ProgressStyle::with_template(look) {
            bar.set_style(look);
        }
        Some(bar)
    }
}
