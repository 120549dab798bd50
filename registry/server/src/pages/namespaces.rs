//! The administrator's page of namespaces: requests that wait, with the commands that decide them, and bound keys. A page
//! that a browser shows changes nothing: decisions are made at the server's host.

use super::html::{Html, date};
use crate::namespaces::{NamespaceRequest, NamespacesView};

pub(super) fn render(view: &NamespacesView) -> String {
    let mut page = Html::page("Namespaces");
    page.element("p", &[("role", "status")], &waiting(view.requests.len()));
    page.open("ul", &[("class", "packages")]);
    for request in &view.requests {
        one(&mut page, request);
    }
    page.close("ul");
    page.element("h2", &[], "Bound");
    if view.bound.is_empty() {
        page.element("p", &[], "No namespace is bound: everybody who may push publishes under any name.");
    }
    page.open("ul", &[]);
    for binding in &view.bound {
        page.open("li", &[]);
        page.element("strong", &[], &binding.publisher);
        if binding.keys.is_empty() {
            page.text(" is reserved: no key may sign for it");
        }
        for key in &binding.keys {
            page.text(" ");
            page.element("code", &[], key);
        }
        page.close("li");
    }
    page.close("ul");
    page.finish()
}

fn one(page: &mut Html, request: &NamespaceRequest) {
    let id = request.key.id();
    page.open("li", &[]);
    page.element("h3", &[], request.publisher.as_str());
    page.open("p", &[("class", "facts")]);
    page.element("code", &[], &id.to_string());
    page.text(&format!(" · {} · {}", date(request.at_ms), request.sender));
    page.close("p");
    page.element("p", &[], &format!("Contact, as the publisher says: {}", request.contact));
    page.open("pre", &[]);
    let command = |verb: &str| {
        format!("handoff registry {verb} {} {} --data FOLDER --reason TEXT\n", request.publisher, id.short())
    };
    page.element("code", &[], &(command("bind") + &command("decline")));
    page.close("pre");
    page.close("li");
}

fn waiting(count: usize) -> String {
    match count {
        0 => "No request waits.".to_owned(),
        1 => "1 request waits. Compare the key's id with the publisher before you bind it.".to_owned(),
        _ => format!("{count} requests wait. Compare a key's id with its publisher before you bind it."),
    }
}
