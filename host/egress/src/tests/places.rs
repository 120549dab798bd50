//! Where requests go: DNS answers that change, redirects, and the Host header.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::*;

/// A resolver with a different answer each time; it repeats the last one.
#[derive(Clone)]
struct Fickle {
    answers: Arc<Mutex<VecDeque<Vec<IpAddr>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fickle {
    fn of(answers: &[&[&str]]) -> Self {
        let answer = |texts: &&[&str]| texts.iter().map(|text| text.parse().expect("an address")).collect();
        Self { answers: Arc::new(Mutex::new(answers.iter().map(answer).collect())), asked: Arc::default() }
    }

    fn names(&self) -> Names {
        let fickle = self.clone();
        Names::of(move |name| {
            fickle.asked.lock().push(name);
            let mut answers = fickle.answers.lock();
            let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
            let found = answer.unwrap_or_default().into_iter().map(|ip| SocketAddr::new(ip, 0)).collect();
            Box::pin(async move { Ok(found) })
        })
    }

    fn egress(&self) -> Egress {
        let clock = Arc::new(HandClock(AtomicU64::new(1_700_000_000_000)));
        let secrets = Secrets::new(BTreeMap::new(), Arc::<HandClock>::clone(&clock)).expect("no secrets");
        let options = EgressOptions {
            auth: BTreeMap::new(),
            auth_scopes: BTreeMap::new(),
            secrets,
            hosts: BTreeMap::new(),
            client: ClientOptions { native_roots: false, ..ClientOptions::default() },
            limits: CallLimits::default(),
            stand_ins: BTreeMap::new(),
        };
        Egress::with_names(options, clock, &self.names()).expect("egress")
    }
}

#[tokio::test]
async fn a_name_is_resolved_once_and_the_checked_address_is_used() {
    let checked = Target::with_status(200, &[]).await;
    let port = checked.address.port();
    // Later answers: another address with a listener, then a metadata service.
    let other = std::net::TcpListener::bind(("127.0.0.2", port)).expect("another loopback address");
    other.set_nonblocking(true).expect("a mode");
    let fickle = Fickle::of(&[&["127.0.0.1"], &["127.0.0.2"], &["169.254.169.254"]]);
    let egress = fickle.egress();
    let grants = checked.grants_for("crm.example", true);
    let url = format!("http://crm.example:{port}/a");
    assert_eq!(egress.look_up(&from(), &grants, &request("GET", &url)).await.expect("checked").status, 200);
    assert_eq!(*fickle.asked.lock(), ["crm.example"], "one DNS query per connection");
    assert!(other.accept().is_err(), "no connection may go to a later answer");
    // The pooled connection stays on the checked address.
    assert_eq!(egress.look_up(&from(), &grants, &request("GET", &url)).await.expect("kept").status, 200);
    assert_eq!((fickle.asked.lock().len(), checked.seen("/a").len()), (1, 2));
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_denied() {
    let inside = Target::with_status(200, &[]).await;
    let port = inside.address.port();
    for (address, private, why) in [
        ("127.0.0.1", false, "loopback"),
        ("::1", false, "loopback"),
        ("::ffff:127.0.0.1", false, "loopback"),
        ("10.0.0.8", false, "private"),
        ("100.64.0.1", false, "shared"),
        ("169.254.7.7", false, "link-local"),
        ("fe80::1", false, "link-local"),
        ("fd12:3456::1", false, "unique local"),
        ("64:ff9b::7f00:1", false, "loopback"),
        ("2002:7f00:1::", false, "loopback"),
        ("0.0.0.0", true, "unspecified"),
        ("::", true, "unspecified"),
        ("169.254.169.254", true, "metadata"),
        ("::ffff:169.254.169.254", true, "metadata"),
        ("64:ff9b::a9fe:a9fe", true, "metadata"),
        ("fd00:ec2::254", true, "metadata"),
        ("224.0.0.1", true, "multicast"),
        ("255.255.255.255", true, "broadcast"),
    ] {
        // A second query would return the listener on loopback.
        let fickle = Fickle::of(&[&[address], &["127.0.0.1"]]);
        let url = format!("http://crm.example:{port}/a");
        let grants = inside.grants_for("crm.example", private);
        let error = fickle.egress().look_up(&from(), &grants, &request("GET", &url)).await.expect_err(address);
        assert!(matches!(&error, HttpError::Denied(text) if text.contains(why)), "{address}: {error}");
        assert_eq!(fickle.asked.lock().len(), 1, "{address}");
    }
    // Allowed addresses beside refused ones: only the allowed ones are used.
    let both = Fickle::of(&[&["169.254.169.254", "127.0.0.1"]]);
    let url = format!("http://crm.example:{port}/a");
    assert!(
        both.egress().look_up(&from(), &inside.grants_for("crm.example", true), &request("GET", &url)).await.is_ok()
    );
    assert_eq!(inside.seen("/a").len(), 1);
    // No addresses at all is an ordinary error.
    let (egress, grants) = (Fickle::of(&[&[]]).egress(), inside.grants_for("crm.example", true));
    let nothing = egress.look_up(&from(), &grants, &request("GET", &url)).await;
    assert!(matches!(nothing, Err(HttpError::Unreachable(_))), "{nothing:?}");
}

#[tokio::test]
async fn no_response_redirects_to_another_target() {
    let inside = Target::with_status(200, &[]).await;
    let elsewhere = inside.url("/inside");
    let hops = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&hops);
    let places = move |one: &Seen| match one.path.as_str() {
        "/denied" => "http://evil.example/x".to_owned(),
        "/metadata" => "http://169.254.169.254/latest/meta-data/".to_owned(),
        "/private" => elsewhere.clone(),
        "/relative" => "//127.0.0.1/inside".to_owned(),
        "/file" => "file:///etc/passwd".to_owned(),
        "/plain" => "http://crm.example/".to_owned(),
        _ => format!("/hops/{}", count.fetch_add(1, Ordering::SeqCst)),
    };
    let target = Target::start(move |one, _| {
        let status: u16 = one.header("x-status").parse().unwrap_or(302);
        let fields = vec![("location", places(one)), ("refresh", "0; url=/refreshed".to_owned())];
        (StatusCode::from_u16(status).expect("a status"), fields, "<meta http-equiv=refresh content=0>".to_owned())
    })
    .await;
    let (egress, _) = egress(None, "unused", HostOptions::default());
    let paths = ["/denied", "/metadata", "/private", "/relative", "/file", "/plain", "/hops"];
    for status in ["300", "301", "302", "303", "307", "308", "200"] {
        for path in paths {
            let asked = Request {
                headers: vec![("x-status".to_owned(), status.to_owned())],
                ..request("GET", &target.url(path))
            };
            let answer = egress.look_up(&from(), &target.grants(), &asked).await.expect("an answer like any other");
            assert_eq!(answer.status.to_string(), status, "{path}");
            let post = Request { method: "POST".to_owned(), body: Some(b"x".to_vec()), ..asked };
            let outcome = egress.send(&from(), &target.grants(), &post, "k").await;
            assert!(matches!(outcome, SendOutcome::Answered(_)), "{path}: {outcome:?}");
        }
    }
    assert_eq!(
        target.seen.lock().len(),
        7 * paths.len() * 2,
        "the target must see exactly the requests that were made"
    );
    assert_eq!(hops.load(Ordering::SeqCst), 14);
    assert!(inside.seen.lock().is_empty());
}

#[tokio::test]
async fn grants_with_odd_host_notations_allow_nothing() {
    let inside = Target::with_status(200, &[]).await;
    let egress = Fickle::of(&[&["127.0.0.1"]]).egress();
    let port = inside.address.port();
    for host in
        ["127.1", "0x7f.1", "2130706433", "0177.0.0.1", "017700000001", "0x7f000001", "127.0.0.1.", "localhost."]
    {
        let url = format!("http://{host}:{port}/a");
        let outcome = egress.look_up(&from(), &inside.grants_for(host, false), &request("GET", &url)).await;
        assert!(matches!(outcome, Err(HttpError::Denied(_) | HttpError::Invalid(_))), "{host}: {outcome:?}");
    }
    for address in
        ["[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[fe80::1%25lo]", "0", "0.0.0.0"]
    {
        let url = format!("http://{address}:{port}/a");
        let bare = address.trim_matches(['[', ']']);
        let outcome = egress.look_up(&from(), &inside.grants_for(bare, false), &request("GET", &url)).await;
        assert!(matches!(outcome, Err(HttpError::Denied(_) | HttpError::Invalid(_))), "{address}: {outcome:?}");
    }
    assert!(inside.seen.lock().is_empty());
}
