//! Differences between the permissions of two generations, in words that help an operator decide. Compares single
//! permissions, so that a wider path or another host cannot hide behind a name that existed before.

use std::collections::{BTreeMap, BTreeSet};

use handoff_control::installations::install::AskKind;
use handoff_control::installations::upgrade::GrantChangeView;
use handoff_model::grants::{Grants, HttpGrant};
use handoff_model::scope::Scope;

/// One permission of an installation. The order of the variants is the order of the output.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Permission {
    Accept(String),
    Emit(String),
    ShareWith { type_name: String, scope: Scope },
    AcceptFrom { type_name: String, scope: Scope },
    Reach { target: String, origin: String, path: String, method: String },
    LookUp { target: String, origin: String, path: String },
    Inside { target: String, origin: String },
    Auth { target: String, origin: String, profile: String },
}

/// The added and the removed permissions.
pub(super) fn between(before: &Grants, after: &Grants) -> (Vec<GrantChangeView>, Vec<GrantChangeView>) {
    let (before, after) = (permissions(before), permissions(after));
    (told(after.difference(&before)), told(before.difference(&after)))
}

fn permissions(grants: &Grants) -> BTreeSet<Permission> {
    let mut all = BTreeSet::new();
    all.extend(grants.accepts.iter().cloned().map(Permission::Accept));
    all.extend(grants.emits.iter().cloned().map(Permission::Emit));
    let pairs = |shares: &BTreeMap<String, BTreeSet<Scope>>| {
        let pair = |(name, scopes): (&String, &BTreeSet<Scope>)| {
            scopes.iter().map(|scope| (name.clone(), scope.clone())).collect::<Vec<_>>()
        };
        shares.iter().flat_map(pair).collect::<Vec<_>>()
    };
    let with = pairs(&grants.shares.with).into_iter();
    all.extend(with.map(|(type_name, scope)| Permission::ShareWith { type_name, scope }));
    let from = pairs(&grants.shares.from).into_iter();
    all.extend(from.map(|(type_name, scope)| Permission::AcceptFrom { type_name, scope }));
    for grant in &grants.http {
        let (target, origin) = (&grant.name, origin(grant));
        let place = || (target.clone(), origin.clone());
        for path in &grant.paths {
            all.extend(grant.methods.iter().map(|method| {
                let (target, origin) = place();
                Permission::Reach { target, origin, path: path.clone(), method: method.clone() }
            }));
        }
        all.extend(grant.look_ups.iter().map(|path| {
            let (target, origin) = place();
            Permission::LookUp { target, origin, path: path.clone() }
        }));
        all.extend(grant.auth.values().map(|profile| {
            let (target, origin) = place();
            Permission::Auth { target, origin, profile: profile.clone() }
        }));
        if grant.private_addresses {
            let (target, origin) = place();
            all.insert(Permission::Inside { target, origin });
        }
    }
    all
}

fn origin(grant: &HttpGrant) -> String {
    let scheme = if grant.plaintext { "http" } else { "https" };
    let port = grant.port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{}{port}", grant.host)
}

fn told<'a>(permissions: impl Iterator<Item = &'a Permission>) -> Vec<GrantChangeView> {
    let mut lines: Vec<GrantChangeView> = Vec::new();
    let mut methods: BTreeMap<(&str, &str, &str), Vec<&str>> = BTreeMap::new();
    let mut tell = |kind, what: String| lines.push(GrantChangeView { kind, what });
    for permission in permissions {
        match permission {
            Permission::Accept(name) => tell(AskKind::Accept, name.clone()),
            Permission::Emit(name) => tell(AskKind::Emit, name.clone()),
            Permission::ShareWith { type_name, scope } => {
                tell(AskKind::Emit, format!("{type_name}, shared with {scope}"))
            }
            Permission::AcceptFrom { type_name, scope } => {
                tell(AskKind::Accept, format!("{type_name}, shared by {scope}"));
            }
            Permission::Reach { target, origin, path, method } => {
                methods.entry((target, origin, path)).or_default().push(method);
            }
            Permission::LookUp { target, origin, path } => {
                tell(AskKind::Http, format!("{target}: look up {origin}{path} with any of its methods"));
            }
            Permission::Inside { target, origin } => {
                tell(AskKind::Http, format!("{target}: {origin} at an address of the own network"));
            }
            Permission::Auth { target, origin, profile } => {
                tell(AskKind::Http, format!("{target}: {origin} with the credentials `{profile}`"));
            }
        }
    }
    for ((target, origin, path), methods) in methods {
        tell(AskKind::Http, format!("{target}: {} {origin}{path}", methods.join(", ")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(change: impl FnOnce(&mut HttpGrant)) -> Grants {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let mut http = HttpGrant {
            name: "crm".to_owned(),
            host: "crm.example".to_owned(),
            port: None,
            plaintext: false,
            private_addresses: false,
            methods: texts(&["POST", "PUT"]).into_iter().collect(),
            paths: texts(&["/leads/*"]),
            look_ups: Vec::new(),
            auth: [("crm".to_owned(), "crm-north".to_owned())].into(),
        };
        change(&mut http);
        let accepts = texts(&["com.example.a.v1"]).into_iter().collect();
        Grants { accepts, http: vec![http], ..Grants::default() }
    }

    #[track_caller]
    fn check(after: Grants, added: &[&str], dropped: &[&str]) {
        let words = |lines: Vec<GrantChangeView>| lines.into_iter().map(|line| line.what).collect::<Vec<_>>();
        let (new, gone) = between(&grants(|_| {}), &after);
        assert_eq!(
            (words(new), words(gone)),
            (added.iter().map(|s| (*s).to_owned()).collect(), dropped.iter().map(|s| (*s).to_owned()).collect())
        );
    }

    #[test]
    fn a_wider_grant_under_an_old_name_is_new() {
        check(grants(|_| {}), &[], &[]);
        check(grants(|http| http.paths.push("/**".to_owned())), &["crm: POST, PUT https://crm.example/**"], &[]);
        check(
            grants(|http| {
                http.methods.insert("DELETE".to_owned());
            }),
            &["crm: DELETE https://crm.example/leads/*"],
            &[],
        );
        check(
            grants(|http| http.look_ups.push("/search".to_owned())),
            &["crm: look up https://crm.example/search with any of its methods"],
            &[],
        );
        check(
            grants(|http| http.private_addresses = true),
            &["crm: https://crm.example at an address of the own network"],
            &[],
        );
        check(
            grants(|http| {
                http.host = "evil.example".to_owned();
            }),
            &[
                "crm: https://evil.example with the credentials `crm-north`",
                "crm: POST, PUT https://evil.example/leads/*",
            ],
            &[
                "crm: https://crm.example with the credentials `crm-north`",
                "crm: POST, PUT https://crm.example/leads/*",
            ],
        );
    }

    #[test]
    fn event_types_are_compared_one_by_one() {
        let mut after = grants(|_| {});
        after.accepts = ["com.example.b.v1".to_owned()].into();
        after.emits = ["com.example.c.v1".to_owned()].into();
        check(after, &["com.example.b.v1", "com.example.c.v1"], &["com.example.a.v1"]);
    }
}
