//! Secrets written in the wrong place: the error must not repeat them.

use handoff_tests::harness::{TestHost, escape_package};

use super::search::Search;

const PASTED: &str = "CnryPasted7Qx9ZwKp31";

/// Sections of `handoff.toml`, with SECRET where somebody pasted one.
const SECTIONS: [&str; 16] = [
    "[auth.x]\nkind = \"bearer\"\nsecret = \"SECRET\"\n",
    "[auth.x]\nkind = \"bearer\"\nsecret = \"crm-key\"\ntoken = \"SECRET\"\n",
    "[auth.x]\nkind = \"basic\"\nusername = \"u\"\npassword = \"SECRET\"\n",
    "[auth]\nx = \"SECRET\"\n",
    "[secrets.x]\nvalue = \"SECRET\"\n",
    "[secrets]\nx = \"SECRET\"\n",
    "[secrets.x]\nfile = [\"SECRET\"]\n",
    "[secrets.x]\ncommand = [\"vault\", \"--token\", \"SECRET\"]\nenv = \"X\"\n",
    "[auth.x]\nkind = \"oauth2-client-credentials\"\ntoken-url = \"https://t.example/\"\nclient-id = \"c\"\nsecret = \"crm-key\"\nparameters = { client_secret = \"SECRET\" }\n",
    "[control]\nlisten = \"127.0.0.1:1\"\ntoken-secret = \"SECRET\"\n",
    "[control]\ntoken = \"SECRET\"\n",
    "[ingress]\nevents-token-secret = \"SECRET\"\n",
    "[egress]\nproxy = \"http://user:SECRET@proxy.example:3128\"\n",
    "[auth.x]\nkind = \"oauth2-client-credentials\"\ntoken-url = \"https://id:SECRET@t.example/\"\nclient-id = \"c\"\nsecret = \"crm-key\"\n",
    "[auth.x]\npassword = \"SECRET\n",
    "[auth.x]\npassword = SECRET\n",
];

/// Settings of an installation.
const SETTINGS: [&str; 9] = [
    "[hook]\nverify = \"body-hmac\"\nsecret = \"SECRET\"\n",
    "[hook]\nverify = \"body-hmac\"\nkey = \"SECRET\"\n",
    "[config]\napi-key = \"SECRET\"\n",
    "[config]\nnested = { password = \"SECRET\" }\n",
    "[config]\nheader = \"Bearer SECRET\"\n",
    "[config]\nlist = [\"whsec_SECRET\"]\n",
    "[config]\npassword = \"SECRET\n",
    "[[grants.http]]\nname = \"target\"\nhost = \"crm.example\"\nauth = { granted = \"SECRET\" }\n",
    "[[grants.http]]\nname = \"target\"\nhost = \"user:SECRET@crm.example\"\n",
];

#[tokio::test]
async fn a_misplaced_secret_is_refused_and_not_repeated() {
    let host = TestHost::new().start().await;
    let search = Search::of(&[("what was pasted", PASTED)]);
    let package = escape_package().display().to_string();
    let mut told = Vec::new();
    for (number, section) in SECTIONS.iter().enumerate() {
        let file = format!("pasted-{number}.toml");
        let good = "[rooftops.main-street]\ntime-zone = \"America/Chicago\"\n[secrets.crm-key]\nenv = \"X\"\n";
        let broken_table = section.starts_with("[secrets]\n");
        let good = if broken_table { &good[..good.find("[secrets").expect("there")] } else { good };
        std::fs::write(host.folder().join(&file), format!("{good}{}", section.replace("SECRET", PASTED)))
            .expect("written");
        for command in ["check", "serve", "doctor", "status"] {
            let output = host.cli(&[command, "--config", &file]).await;
            if output.code == 0 && (command == "check" || command == "serve") {
                told.push(format!("passed, {section}: {output}"));
            }
            if !search.find(format!("{}{}", output.stdout, output.stderr).as_bytes()).is_empty() {
                told.push(format!("{command}, {section}: {} {}", output.stdout, output.stderr));
            }
        }
        std::fs::remove_file(host.folder().join(&file)).expect("removed");
    }
    for (number, settings) in SETTINGS.iter().enumerate() {
        let file = format!("pasted-{number}.toml");
        let text = format!("rooftop = \"main-street\"\n{}", settings.replace("SECRET", PASTED));
        std::fs::write(host.folder().join(&file), text).expect("written");
        for arguments in [&["check", &file][..], &["install", "thief", &package, "-s", &file, "--yes"]] {
            let output = host.cli(arguments).await;
            if output.code == 0 && arguments.len() > 2 {
                told.push(format!("passed, {settings}: {output}"));
            }
            if !search.find(format!("{}{}", output.stdout, output.stderr).as_bytes()).is_empty() {
                told.push(format!("{}, {settings}: {} {}", arguments[0], output.stdout, output.stderr));
            }
        }
        std::fs::remove_file(host.folder().join(&file)).expect("removed");
    }
    let mut found = Vec::new();
    search.find_below(host.folder(), &host.folder().join("secrets"), &mut found);
    assert!(told.is_empty() && found.is_empty(), "{}\n{found:#?}", told.join("\n---\n"));
}
