//! `handoff-demo`: sends a day's web leads through a real host to a simulated CRM, explains each step, and checks every
//! claim. Exits with 1 if a claim is false.

mod check;
mod plan;
mod run;
mod tell;

use std::process::ExitCode;
use std::time::Instant;

use handoff_tests::harness::{TestHost, bdc_list, component, handoff_binary, identity, web_leads};
use handoff_tests::simulators::crm::{Crm, Mode};

use tell::{say, step};

#[tokio::main]
async fn main() -> ExitCode {
    let keep = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [option] if option == "--keep" => true,
        _ => {
            eprintln!("usage: handoff-demo [--keep]\n\n  --keep  leave the host running at the end, until Ctrl-C");
            return ExitCode::from(2);
        }
    };
    let plan = plan::plan();

    step("Building the host and its three connectors (the first time takes some minutes)");
    say(&format!("program: {}", handoff_binary().display()));
    let begun = Instant::now();
    let crm = Crm::start().await;
    say(&format!("a simulated CRM listens at {}", crm.url()));

    step("Starting the host with an empty store and default settings");
    let mut host = TestHost::new().as_shipped().start().await;
    say(&format!("configuration: {}", host.folder().join("handoff.toml").display()));
    say(&format!("webhooks and events: {}", host.url("")));
    step("Installing the connectors through the command line, with their example settings");
    let inbox = host.inbox();
    for (name, package, settings) in [
        ("web-leads", "adf-leads", web_leads(&inbox)),
        ("identity", "identity", identity()),
        ("bdc-list", "bdc-list", bdc_list(&crm)),
    ] {
        let installing = Instant::now();
        host.install(name, &component(package), &settings).await.ok();
        let ms = installing.elapsed().as_millis();
        say(&format!("$ handoff install {name} {package}-1.0.0.wasm -s {name}.toml --yes      ({ms} ms)"));
    }

    step("Sending leads: webhooks from web sites, and mails in a folder");
    let mut sent = run::Sent::default();
    run::send(&host, &plan.first, &mut sent).await;
    run::settle(&host, &crm, sent.leads()).await;
    let latency = run::latency(&sent, &crm.ledger());

    step("From now on the CRM fails every 5th request. Sending more leads of known people, and broken documents");
    crm.set(Mode::FlakyEvery(5));
    run::opt_out(&host, &plan).await;
    run::send(&host, &plan.second, &mut sent).await;
    host.quiet().await;
    run::all_files_taken(&host).await;
    host.wait_dead_letters(plan.broken.len()).await;
    host.quiet().await;

    step("The BDC calls five customers, and the CRM reports the first contacts");
    let contacted = run::contact(&host, &crm, 5).await;
    crm.set(Mode::Healthy);

    step("Traces of a few leads, as `handoff trace` prints them");
    tell::ways(&host, &sent).await;

    let facts = check::Facts::gather(&host, &crm, &plan, &sent, latency, contacted).await;
    step("Results");
    facts.tell();
    step("Checked");
    let right = facts.check(&plan);
    say(&format!("total time without building: {:.1} s", begun.elapsed().as_secs_f64()));
    if keep {
        tell::keep(&host);
        // Without a signal there is nothing to wait for.
        let _ = tokio::signal::ctrl_c().await;
    }
    host.stop().await;
    if right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
