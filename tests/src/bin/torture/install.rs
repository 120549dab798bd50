//! The installations of a torture host and their settings. It starts and checks nothing.

use handoff_tests::harness::{Builder, TestHost, bdc_list_at, component};
use handoff_tests::simulators::recorder::Recorder;
use toml::{Table, Value, toml};

/// Name of the installation that counts events from outside.
pub(crate) const FIRST: &str = "tally";
/// Name of the installation that counts the events of the first one.
pub(crate) const AFTER: &str = "tally-after";

/// A host with the three connectors and two tallies, without rate limits for clients.
pub(crate) fn host(crm: &Recorder) -> Builder {
    let wide = "client-per-second = 1000000\nclient-burst = 1000000\nhook-per-second = 1000000\nhook-burst = 1000000\n";
    TestHost::new()
        .ingress(&format!("[ingress.rate]\n{wide}"))
        .with_lead_handoff_to(bdc_list_at(crm.port()))
        .with_connector(FIRST, component("tally"), first(crm.port(), 0))
        .with_connector(AFTER, component("tally"), after())
}

/// Settings of the first tally. Editions differ only in their number: each is a generation of its own.
pub(crate) fn first(crm_port: u16, edition: u32) -> Table {
    let mut settings = toml! {
        rooftop = "main-street"

        [hook]
        verify = "body-hmac"
        secret = "leads-hook"
        header = "x-signature"
        encoding = "hex"
        prefix = "sha256="

        [grants]
        accepts = [
            "com.example.tally.entry.v1", "com.example.tally.rung.v1", "com.example.tally.report-wanted.v1",
            "com.handoff.hook.received.v1", "com.handoff.outbox.answered.v1",
        ]

        [[grants.http]]
        name = "crm"
        host = "127.0.0.1"
        plaintext = true
        private-addresses = true
        auth = ["crm"]
    };
    let grant = settings["grants"]["http"][0].as_table_mut().expect("a grant");
    grant.insert("port".to_owned(), Value::from(i64::from(crm_port)));
    let config = Table::from_iter([
        ("crm-url".to_owned(), Value::from(format!("http://127.0.0.1:{crm_port}"))),
        ("edition".to_owned(), Value::from(i64::from(edition))),
    ]);
    settings.insert("config".to_owned(), Value::from(config));
    settings
}

fn after() -> Table {
    toml! {
        rooftop = "main-street"

        [config]

        [grants]
        accepts = ["com.example.tally.passed.v1", "com.example.tally.report-wanted.v1"]
    }
}
