//! `find`: prints matches as the host finds them.

use crate::args::{FindArgs, GlobalArgs};
use crate::connection::Connection;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::show;
use handoff_control::events::find::FindRequest;
use handoff_model::time::{Clock as _, SystemClock};

pub(crate) async fn run(global: &GlobalArgs, args: &FindArgs, output: &mut Output) -> Result<Exit, CliError> {
    let host = Connection::open(global).await?;
    let since = args.since.map(|since| since.time(SystemClock.now()).into());
    let request =
        FindRequest { text: args.text.clone(), limit: Some(args.limit), since, rooftop: args.rooftop.clone() };
    let mut written = Ok(());
    let end = host
        .find(&request, |found| {
            if written.is_ok() {
                written = output.line(&found, show::find::found);
            }
        })
        .await?;
    written?;
    match (end.found, end.more) {
        (0, _) => output.note("nothing found"),
        (_, true) => output.note("there may be more: --limit"),
        (_, false) => {}
    }
    Ok(Exit::Ok)
}
