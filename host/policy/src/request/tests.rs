//! Tables of requests that must pass and, many more, that must not.

use super::*;

fn grants() -> Grants {
    let set = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
    let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
    let crm = HttpGrant {
        name: "crm".to_owned(),
        host: "api.example.com".to_owned(),
        port: None,
        plaintext: false,
        private_addresses: false,
        methods: set(&["GET", "POST"]),
        paths: list(&["/leads/*", "/v*/search", "/files/**"]),
        look_ups: list(&["/v2/search"]),
        auth: [("crm".to_owned(), "crm-north".to_owned())].into(),
    };
    let dms = HttpGrant {
        name: "dms".to_owned(),
        host: "10.1.2.3".to_owned(),
        port: Some(8443),
        plaintext: true,
        private_addresses: true,
        methods: set(&["POST"]),
        paths: list(&["/**"]),
        ..crm.clone()
    };
    let closed =
        HttpGrant { name: "closed".to_owned(), private_addresses: false, host: "127.0.0.1".to_owned(), ..dms.clone() };
    let v6 = HttpGrant { name: "v6".to_owned(), host: "2607:f8b0::1".to_owned(), port: None, ..dms.clone() };
    let xn = HttpGrant { name: "xn".to_owned(), host: "xn--bcher-kva.example".to_owned(), port: None, ..dms.clone() };
    Grants { http: vec![crm, dms, closed, v6, xn], ..Grants::default() }
}

fn request(method: &str, url: &str) -> Request {
    let body = (!is_safe(method)).then(|| b"x".to_vec());
    Request { method: method.to_owned(), url: url.to_owned(), headers: vec![], body, auth: None, timeout_ms: None }
}

fn outbox(request: &Request) -> Result<String, HttpError> {
    check_request(&grants(), request, Purpose::Outbox, &CallLimits::default()).map(|grant| grant.name.clone())
}

#[test]
fn granted_requests_pass_and_name_their_grant() {
    for (method, url, grant) in [
        ("GET", "https://api.example.com/leads/42", "crm"),
        ("GET", "https://API.example.com:443/leads/a%20b?x=%2e%2e/..&y='z'", "crm"),
        ("POST", "https://api.example.com/v3/search", "crm"),
        ("GET", "https://api.example.com/files/a/b/c..d", "crm"),
        ("POST", "http://10.1.2.3:8443/", "dms"),
        ("POST", "https://10.1.2.3:8443", "dms"),
        ("POST", "https://[2607:f8b0::1]/x", "v6"),
        ("POST", "http://xn--bcher-kva.example/x", "xn"),
    ] {
        assert_eq!(outbox(&request(method, url)).as_deref(), Ok(grant), "{method} {url}");
    }
}

#[test]
fn hostile_urls_are_refused() {
    for url in [
        "",
        "/leads/1",
        "//api.example.com/leads/1",
        "https:api.example.com/leads/1",
        "https:///api.example.com/leads/1",
        "HTTPS://api.example.com/leads/1",
        "ftp://api.example.com/leads/1",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://api.example.com/leads/1",
        "https://api.example.com:8443/leads/1",
        "https://api.example.com:0/leads/1",
        "https://api.example.com:0443/leads/1",
        "https://api.example.com:/leads/1",
        "https://api.example.com:99999/leads/1",
        "https://user@api.example.com/leads/1",
        "https://user:pw@api.example.com/leads/1",
        "https://@api.example.com/leads/1",
        "https://api.example.com@evil.example/leads/1",
        "https://evil.example/leads/1#@api.example.com/",
        "https://api.example.com/leads/1#x",
        "https://api.example.com\\@evil.example/leads/1",
        "https://evil.example\\.api.example.com/leads/1",
        "https://api.example.com./leads/1",
        "https://api.example.com.evil.example/leads/1",
        "https://sub.api.example.com/leads/1",
        "https://example.com/leads/1",
        "https://%61pi.example.com/leads/1",
        "https://api%2eexample.com/leads/1",
        "https://api.example.com%00/leads/1",
        "https://api。example.com/leads/1",
        "https://ａpi.example.com/leads/1",
        "https://bücher.example/x",
        "https://api.example.com/leads/../admin",
        "https://api.example.com/leads/..",
        "https://api.example.com/leads/.",
        "https://api.example.com/leads/%2e%2e/admin",
        "https://api.example.com/leads/%2E%2e",
        "https://api.example.com/leads/.%2e",
        "https://api.example.com/leads/%252e%252e",
        "https://api.example.com/leads/%25252e",
        "https://api.example.com/leads/a%2fb",
        "https://api.example.com/leads/a%5Cb",
        "https://api.example.com/leads/a\\b",
        "https://api.example.com//leads/1",
        "https://api.example.com/leads//1",
        "https://api.example.com/leads/..;x=1/admin",
        "https://api.example.com/leads/.;/1",
        "https://api.example.com/leads/%c0%ae%c0%ae",
        "https://api.example.com/leads/%00",
        "https://api.example.com/leads/%0d%0aX:1",
        "https://api.example.com/leads/%zz",
        "https://api.example.com/leads/%2",
        "https://api.example.com/leads/%u002e",
        "https://api.example.com/leads/1\r\nX: y",
        "https://api.example.com/leads/1\0",
        "https://api.example.com/leads/ 1",
        " https://api.example.com/leads/1",
        "https://api.example.com/leads/1\t",
        "https://api.exa\tmple.com/leads/1",
        "https://api.example.com/leads/<x>",
        "https://api.example.com/leads/é",
        "https://api.example.com/leads",
        "https://api.example.com/leads/",
        "https://api.example.com/leads/1/2",
        "https://api.example.com/le%61ds/1",
        "https://api.example.com/LEADS/1",
        "https://api.example.com",
    ] {
        assert!(outbox(&request("GET", url)).is_err(), "{url:?} passed");
    }
    assert!(outbox(&request("GET", &format!("https://api.example.com/leads/{}", "a".repeat(9_000)))).is_err());
}

#[test]
fn disguised_addresses_are_refused() {
    for url in [
        "https://127.0.0.1:8443/",
        "http://127.1:8443/",
        "http://0x7f.0.0.1:8443/",
        "http://0177.0.0.1:8443/",
        "http://2130706433:8443/",
        "http://0x7f000001:8443/",
        "http://127.0.0.1.:8443/",
        "http://10.66051:8443/",
        "http://0xa.0x1.0x2.0x3:8443/",
        "http://167838211:8443/",
        "http://[::ffff:10.1.2.3]:8443/",
        "http://[::ffff:a01:203]:8443/",
        "http://[::1]:8443/",
        "http://[::1%25lo]:8443/",
        "http://[2607:f8b0:0::1]/x",
        "http://[2607:F8B0:0:0:0:0:0:1]/x",
        "http://①②⑦.0.0.1:8443/",
        "http://localhost:8443/",
        "http://127.0.0.1:8443/",
    ] {
        assert!(outbox(&request("POST", url)).is_err(), "{url:?} passed");
    }
}

#[test]
fn unsafe_look_ups_need_a_look_up_path() {
    let look_up = |method: &str, url: &str| {
        check_request(&grants(), &request(method, url), Purpose::LookUp, &CallLimits::default()).map(|_| ())
    };
    assert!(look_up("GET", "https://api.example.com/leads/1").is_ok());
    assert!(look_up("POST", "https://api.example.com/v2/search").is_ok());
    assert!(look_up("POST", "https://api.example.com/v3/search").is_err());
    assert!(look_up("POST", "https://api.example.com/leads/1").is_err());
}

#[test]
fn reserved_and_message_splitting_fields_are_refused() {
    let url = "https://api.example.com/leads/1";
    let with = |name: &str, value: &str| {
        outbox(&Request { headers: vec![(name.to_owned(), value.to_owned())], ..request("GET", url) })
    };
    for (name, value) in [
        ("Host", "x"),
        ("content-length", "1"),
        ("Transfer-Encoding", "chunked"),
        ("connection", "close"),
        ("TE", "x"),
        ("upgrade", "x"),
        ("trailer", "x"),
        ("proxy-authorization", "x"),
        ("Proxy-Connection", "x"),
        ("authorization", "x"),
        ("Cookie", "x"),
        ("idempotency-key", "x"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("x-original-url", "/admin"),
        ("x_original_url", "/admin"),
        ("Transfer_Encoding", "chunked"),
        ("content_length", "0"),
        ("proxy", "http://evil.example"),
        ("Proxy_Authorization", "x"),
        ("X-Real-IP", "127.0.0.1"),
        ("x-forwarded_for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("", "x"),
        ("a b", "x"),
        ("a:b", "x"),
        ("a\r\nb", "x"),
        ("ä", "x"),
        ("(a)", "x"),
        (":authority", "x"),
        ("x-a", "a\r\nHost: evil"),
        ("x-a", "a\nb"),
        ("x-a", "a\0"),
        ("x-a", "é"),
        ("x-a", "\x7f"),
    ] {
        assert!(with(name, value).is_err(), "{name:?}: {value:?} passed");
    }
    assert!(with("Subscription-Id", "a b\tc").is_ok());
    let many = |count: usize| vec![("x-a".to_owned(), "v".to_owned()); count];
    assert!(outbox(&Request { headers: many(64), ..request("GET", url) }).is_ok());
    assert!(outbox(&Request { headers: many(65), ..request("GET", url) }).is_err());
    assert!(
        outbox(&Request { headers: vec![("x-a".to_owned(), "v".repeat(17 << 10))], ..request("GET", url) }).is_err()
    );
}

#[test]
fn partial_or_encoded_responses_are_refused_with_an_auth_profile() {
    let url = "https://api.example.com/leads/1";
    let with = |name: &str, value: &str, auth: Option<&str>| {
        let headers = vec![(name.to_owned(), value.to_owned())];
        outbox(&Request { headers, auth: auth.map(str::to_owned), ..request("GET", url) })
    };
    for (name, value) in [
        ("accept-encoding", "gzip"),
        ("Accept_Encoding", "identity;q=0, br"),
        ("range", "bytes=40-44"),
        ("If-Range", "x"),
        ("accept-charset", "utf-16"),
        ("a-im", "diffe"),
    ] {
        assert!(with(name, value, Some("crm")).is_err(), "{name} passed");
        assert!(with(name, value, None).is_ok(), "{name} is allowed without credentials");
    }
    assert!(with("accept-encoding", "identity", Some("crm")).is_ok());
}

#[test]
fn methods_sizes_timeouts_and_auth_profiles_are_bounded() {
    let url = "https://api.example.com/leads/1";
    for method in ["get", "CONNECT", "TRACE", "OPTIONS", "DELETE", "G ET", "GET\r\n", ""] {
        assert!(outbox(&request(method, url)).is_err(), "{method:?} passed");
    }
    assert!(outbox(&Request { body: Some(vec![0; (1 << 20) + 1]), ..request("POST", url) }).is_err());
    assert!(outbox(&Request { body: Some(b"x".to_vec()), ..request("GET", url) }).is_err());
    assert!(outbox(&Request { timeout_ms: Some(0), ..request("GET", url) }).is_err());
    assert!(outbox(&Request { timeout_ms: Some(MAX_TIMEOUT_MS + 1), ..request("GET", url) }).is_err());
    assert!(outbox(&Request { auth: Some("crm".to_owned()), ..request("GET", url) }).is_ok());
    let denied = outbox(&Request { auth: Some("payroll".to_owned()), ..request("GET", url) }).expect_err("denied");
    assert_eq!(denied.to_string(), "denied: auth: profile `payroll` is not granted; grant `crm` allows crm");
}

#[test]
fn denials_name_what_is_granted() {
    let denied = outbox(&request("GET", "https://evil.example/x")).expect_err("denied").to_string();
    assert!(denied.contains("https://evil.example is not granted"), "{denied}");
    assert!(denied.contains("https://api.example.com (crm)"), "{denied}");
    let none = Grants::default();
    let nothing = check_request(&none, &request("GET", "https://a.example/"), Purpose::LookUp, &CallLimits::default());
    assert!(nothing.expect_err("denied").to_string().ends_with("granted targets: none"));
}

#[test]
fn a_grant_with_a_malformed_pattern_grants_nothing() {
    for pattern in ["", "*", "leads", "/**/b", "/a/../**", "//**", "/a%2f**"] {
        assert!(!path::any_matches(&[pattern.to_owned()], "/a/b"), "{pattern}");
    }
    assert!(path::any_matches(&["/x".to_owned(), "/a/**".to_owned()], "/a/b"));
}

/// Pieces of confusing URLs.
const PIECES: [&str; 40] = [
    "https://",
    "http://",
    "//",
    "/",
    "\\",
    "@",
    ":",
    "?",
    "#",
    "%",
    "%2e",
    "%2F",
    "%5c",
    "%00",
    "..",
    ".",
    ";",
    "*",
    "[",
    "]",
    "::1",
    "::ffff:",
    "10.1.2.3",
    "0x0a",
    "167838211",
    "8443",
    "443",
    "api.example.com",
    "evil.example",
    "xn--bcher-kva",
    "leads",
    "files",
    "admin",
    "42",
    " ",
    "\r\n",
    "\t",
    "é",
    "。",
    "\u{202e}",
];

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        cases: 20_000,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        ..Default::default()
    })]

    #[test]
    fn a_url_that_passes_is_sent_exactly_as_checked(
        head in 0_usize..3,
        pieces in proptest::collection::vec(0..PIECES.len(), 0..8),
    ) {
        let head = ["", "https://api.example.com/files/", "http://10.1.2.3:8443/"].get(head).copied().unwrap_or_default();
        let url = pieces.iter().filter_map(|at| PIECES.get(*at)).fold(head.to_owned(), |url, piece| url + piece);
        for method in ["GET", "POST"] {
            let request = request(method, &url);
            let all = grants();
            let Ok(grant) = check_request(&all, &request, Purpose::Outbox, &CallLimits::default()) else { continue };
            let sent = url::Url::parse(&url).expect("a URL that passed parses");
            let host = sent.host_str().unwrap_or_default().trim_matches(['[', ']']);
            proptest::prop_assert_eq!(host, &grant.host);
            proptest::prop_assert!(url.contains(sent.path()) || sent.path() == "/");
            proptest::prop_assert!(path::any_matches(&grant.paths, sent.path()));
            proptest::prop_assert!(sent.username().is_empty() && sent.password().is_none() && sent.fragment().is_none());
        }
    }
}

#[test]
fn a_denial_names_the_target_with_the_path() {
    let mut grants = grants();
    let crm = grants.http.iter().find(|grant| grant.name == "crm").expect("a grant").clone();
    let target = |name: &str, method: &str, path: &str| HttpGrant {
        name: name.to_owned(),
        methods: [method.to_owned()].into(),
        paths: vec![path.to_owned()],
        ..crm.clone()
    };
    grants.http = vec![target("reader", "GET", "/leads/*"), target("writer", "POST", "/entries")];
    let denied = |method: &str, path: &str| {
        let request = request(method, &format!("https://api.example.com{path}"));
        check_request(&grants, &request, Purpose::Outbox, &CallLimits::default()).expect_err("denied").to_string()
    };
    assert_eq!(denied("POST", "/leads/1"), "denied: method: POST is not granted; grant `reader` allows GET");
    assert_eq!(
        denied("POST", "/other"),
        "denied: path: `/other` is not granted as a path; grant `writer` allows /entries"
    );
    assert_eq!(
        denied("PUT", "/other"),
        "denied: method: PUT is not granted; grant `reader`, `writer` allows GET, POST"
    );
}

/// What is compared is what is sent: forms that a target may read as another path are refused.
#[test]
fn no_disguised_path_passes_a_grant() {
    let mut grants = grants();
    grants.http.retain(|grant| grant.name == "crm");
    for grant in &mut grants.http {
        grant.paths = vec!["/call-list/entries".to_owned(), "/call-list/entries/*".to_owned()];
    }
    let passes = |path: &str| {
        let request = request("POST", &format!("https://api.example.com{path}"));
        check_request(&grants, &request, Purpose::Outbox, &CallLimits::default()).is_ok()
    };
    for path in [
        "/call-list/entries/../../admin",
        "/call-list/entries/%2e%2e/%2e%2e/admin",
        "/call-list/entries/..%2f..%2fadmin",
        "/call-list/entries/%252e%252e/admin",
        "/call-list/entries/..;/admin",
        "//127.0.0.1/call-list/entries",
        "/\\127.0.0.1/x",
        "/call-list/entries/a%00b",
        "/call-list/entries/a b",
        "/call-list/entries/a\tb",
        "/call-list//entries",
        "/CALL-LIST/entries",
        "/call-list/entries/x?x=1#frag",
        "@127.0.0.1/",
        "http://127.0.0.1/",
        "/call-list/entries/é",
    ] {
        assert!(!passes(path), "{path} passed");
    }
    assert!(passes("/call-list/entries") && passes("/call-list/entries/a%20b?x=1"));
}
