//! `keys` and `login`: manages a publisher's keys and logins on this machine. Sends a login only to its registry.

use std::io::{self, IsTerminal as _, Read as _};

use handoff_package::reference::RegistryRef;
use handoff_package::trust::{Statement, statement};
use handoff_registry_client::{Login, Logins};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::args::{GlobalArgs, KeysArgs, KeysCommand, LoginArgs, NextKeyArgs};
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::style::{Style, Tone, clean};
use crate::{ask, publisher, registries};
use handoff_app::registry::registry_error;
use handoff_model::time::{Clock as _, SystemClock};

/// Maximum length of a password or token.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// A key of a publisher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyReport {
    key_id: String,
    public_key: String,
    path: String,
}

/// A login that was stored or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct LoginReport {
    registry: String,
    kept: bool,
    path: String,
}

pub(crate) fn run(args: &KeysArgs, output: &mut Output) -> Result<Exit, CliError> {
    match &args.command {
        KeysCommand::New(file) => {
            let path = publisher::key_path(file.key.as_deref())?;
            let public = publisher::new_key(&path)?.public();
            let report = KeyReport {
                key_id: public.id().to_string(),
                public_key: public.to_string(),
                path: path.display().to_string(),
            };
            output.view(&report, made)?;
        }
        KeysCommand::Show(file) => {
            let path = publisher::key_path(file.key.as_deref())?;
            let public = publisher::key(&path)?.public();
            let report = KeyReport {
                key_id: public.id().to_string(),
                public_key: public.to_string(),
                path: path.display().to_string(),
            };
            // The output is a file for others, so it contains only the key.
            output.view(&report, |_, _| public.to_pem())?;
        }
        KeysCommand::Next(next) => introduce(next, output)?,
    }
    Ok(Exit::Ok)
}

/// Prints the statement with which the current key introduces the next one.
fn introduce(args: &NextKeyArgs, output: &mut Output) -> Result<(), CliError> {
    let present = publisher::key(&publisher::key_path(args.key.key.as_deref())?)?;
    let key = publisher::public_key(&args.next)?;
    if key == present.public() {
        return Err(
            CliError::usage("the next key is the present one").hint("make another: handoff keys new --key FILE")
        );
    }
    let said = statement::Key { publisher: args.publisher.clone(), key, signed_at_ms: SystemClock.now().0 };
    let envelope = Statement::Key(said).sign(&present).to_json();
    let mut text = String::from_utf8_lossy(&envelope).into_owned();
    text.push('\n');
    output.text(&text)
}

fn made(report: &KeyReport, style: &Style) -> String {
    format!(
        "{} {}\n  id          {}\n  public key  {}\n  for those who are to trust you: handoff keys show > NAME.pub\n",
        style.paint(Tone::Good, "made a key in"),
        clean(&report.path),
        style.paint(Tone::Strong, &report.key_id),
        report.public_key,
    )
}

pub(crate) async fn login(global: &GlobalArgs, args: &LoginArgs, output: &mut Output) -> Result<Exit, CliError> {
    let RegistryRef::Oci(place) = registries::reference(global, &args.registry)? else {
        return Err(CliError::usage("a folder takes no login: who may read and write it is up to the file system"));
    };
    let path = publisher::logins_path()?;
    let own = |error: handoff_registry_client::LoginsError| CliError::invalid(error.to_string());
    let mut logins = Logins::read(&path).map_err(own)?;
    let host = place.host();
    if args.remove {
        if !logins.remove(&host) {
            return Err(CliError::new(
                Exit::NotFound,
                "not-found",
                "There is no such thing",
                format!("no login is kept for {host}"),
            ));
        }
    } else {
        let secret = secret(args, output)?;
        let login = match &args.username {
            Some(user) => Login::Basic { user: user.clone(), password: secret },
            None => Login::Identity { token: secret },
        };
        logins.set(&host, login.clone());
        let mut only = Logins::default();
        only.set(&host, login);
        let registry = registries::registry_with(global, Some(&args.registry), args.ca_file.as_deref(), only).await?;
        output.while_waiting("asking the registry", registry.check_login()).await.map_err(registry_error)?;
    }
    logins.write(&path).map_err(own)?;
    let report = LoginReport { registry: host, kept: !args.remove, path: path.display().to_string() };
    output.view(&report, |report, style| {
        let verb = if report.kept { "login kept for" } else { "login forgotten for" };
        format!("{} {} in {}\n", style.paint(Tone::Good, verb), clean(&report.registry), clean(&report.path))
    })?;
    Ok(Exit::Ok)
}

/// Never from an argument, because other users of the machine can read arguments.
fn secret(args: &LoginArgs, output: &Output) -> Result<Zeroizing<String>, CliError> {
    let mut text = Zeroizing::new(String::new());
    if args.secret_stdin || !io::stdin().is_terminal() {
        if !args.secret_stdin {
            return Err(CliError::usage("there is no terminal to ask for the secret")
                .hint("give it on standard input, with --secret-stdin"));
        }
        let read = io::stdin().lock().take(SECRET_BYTES_MAX).read_to_string(&mut text);
        read.map_err(|error| CliError::failed(format!("standard input: {error}")))?;
    } else {
        let what = if args.username.is_some() { "Password: " } else { "Token: " };
        text = ask::secret(output, what)?;
    }
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(CliError::usage("the secret is empty"));
    }
    Ok(Zeroizing::new(secret.to_owned()))
}
