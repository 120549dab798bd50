//! Settings of the three connectors: their published examples with this machine's paths, so that the examples are
//! tested too.

use std::path::Path;

use toml::{Table, Value};

use super::build::workspace;
use crate::simulators::crm::Crm;

/// `adf-leads`, with its folder at `inbox`.
pub fn web_leads(inbox: &Path) -> Table {
    let mut settings = example("adf-leads");
    let folder = settings["folders"][0].as_table_mut().expect("a folder");
    folder.insert("path".to_owned(), Value::from(inbox.display().to_string()));
    folder.insert("settle-ms".to_owned(), Value::from(100));
    settings
}

/// `identity`.
pub fn identity() -> Table {
    example("identity")
}

/// `bdc-list`, with a simulated CRM.
pub fn bdc_list(crm: &Crm) -> Table {
    bdc_list_at(crm.port())
}

/// `bdc-list` with any server on a local port as its CRM.
pub fn bdc_list_at(port: u16) -> Table {
    let mut settings = example("bdc-list");
    let url = Value::from(format!("http://127.0.0.1:{port}"));
    settings["config"].as_table_mut().expect("config").insert("crm-url".to_owned(), url);
    let grant = settings["grants"]["http"][0].as_table_mut().expect("a grant");
    grant.insert("host".to_owned(), Value::from("127.0.0.1"));
    grant.insert("port".to_owned(), Value::from(i64::from(port)));
    grant.insert("plaintext".to_owned(), Value::from(true));
    grant.insert("private-addresses".to_owned(), Value::from(true));
    settings
}

fn example(connector: &str) -> Table {
    let path = workspace().join("connectors").join(connector).join("examples/settings.toml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
