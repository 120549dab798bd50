//! Credentials: on the wire as the schemes require, and nowhere else.

use std::fmt::Write as _;

use base64::Engine as _;

use super::*;
use handoff_policy::egress::{ClientAuthentication, HmacOptions, OAuth2Options, WsPassword};

const CANARY: &str = "canary/7Qx+9 zz&<secret>";
const SOAP: &str = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body/></s:Envelope>";

fn oauth2(target: &Target, client_authentication: ClientAuthentication) -> AuthProfile {
    AuthProfile::Oauth2ClientCredentials(OAuth2Options {
        token_url: target.url("/token"),
        client_id: "id:1".to_owned(),
        secret: "s".to_owned(),
        scope: Some("anonymous".to_owned()),
        audience: None,
        parameters: BTreeMap::from([("resource".to_owned(), "crm".to_owned())]),
        client_authentication,
        private_addresses: true,
    })
}

/// Issues `token-canary-1`, `-2` … and sends everything else back.
async fn token_server(life: &'static str) -> Target {
    Target::start(move |one, count| match one.path.as_str() {
        "/token" => {
            let body = format!(
                "{{\"access_token\":\"token-canary-{count}\",\"token_type\":\"Bearer\",\"expires_in\":{life}}}"
            );
            (StatusCode::OK, vec![], body)
        }
        _ => echo(one),
    })
    .await
}

fn echo(one: &Seen) -> Reply {
    let mut body = format!("{}\n", one.body);
    for (name, value) in &one.headers {
        let _ = writeln!(body, "{name}: {}", String::from_utf8_lossy(value.as_bytes()));
    }
    let fields = ["authorization", "x-key", "authentication"].map(|name| (name, one.header(name).to_owned()));
    let status = if one.path == "/broken" { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
    (status, fields.into_iter().chain([("x-echo", one.header("authorization").to_owned())]).collect(), body)
}

#[tokio::test]
async fn a_secret_is_in_no_response_error_or_debug_text() {
    let target = token_server("3600").await;
    let refusing = Target::start(|one, _| {
        let body = format!(
            "{{\"error\":\"invalid_client\",\"error_description\":\"{} {}\"}}",
            one.body,
            one.header("authorization")
        );
        (StatusCode::BAD_REQUEST, vec![], body)
    })
    .await;
    let gibberish =
        Target::start(|one, _| (StatusCode::OK, vec![], format!("{{\"access_token\":[\"{}\"]}}", one.body))).await;
    let (name, secret) = ("user".to_owned(), "s".to_owned());
    let profiles = [
        AuthProfile::Basic { username: name.clone(), secret: secret.clone() },
        AuthProfile::Bearer { secret: secret.clone() },
        AuthProfile::ApiKey { header: "X-Key".to_owned(), secret: secret.clone() },
        AuthProfile::WsSecurity { username: name.clone(), secret: secret.clone(), password: WsPassword::Text },
        AuthProfile::WsSecurity { username: name, secret, password: WsPassword::Digest },
        oauth2(&target, ClientAuthentication::Basic),
        oauth2(&target, ClientAuthentication::Post),
        oauth2(&refusing, ClientAuthentication::Post),
        oauth2(&refusing, ClientAuthentication::Basic),
        oauth2(&gibberish, ClientAuthentication::Post),
    ];
    for profile in profiles {
        let (egress, _) = egress(Some(profile.clone()), CANARY, HostOptions::default());
        let mut said = format!("{egress:?} {profile:?}");
        for path in ["/echo", "/broken"] {
            let request = Request { body: Some(SOAP.as_bytes().to_vec()), ..with_auth("POST", &target.url(path)) };
            let outcome = egress.send(&from(), &target.grants(), &request, "k").await;
            if let SendOutcome::Answered(response) = &outcome {
                let _ = write!(said, "{}", String::from_utf8_lossy(&response.body));
            }
            let _ = write!(said, "{outcome:?}");
            let look_up =
                egress.look_up(&from(), &target.grants(), &Request { url: target.url("/search"), ..request }).await;
            let _ = write!(said, "{look_up:?}");
        }
        assert_clean(&said, &profile);
    }
}

type Distortion = fn(&str) -> String;

/// How a target may transform a credential before it echoes it.
const DISTORTIONS: [(&str, Distortion); 9] = [
    ("base64-1", |text| encode64(&format!("x{text}yy"))),
    ("base64-2", |text| encode64(&format!("xy{text}y"))),
    ("base64-3", |text| encode64(&format!("Authorization: Bearer {text}\r\n"))),
    ("json", |text| serde_json::Value::from(text).to_string()),
    ("go-json", |text| {
        serde_json::Value::from(text)
            .to_string()
            .replace('&', "\\u0026")
            .replace('<', "\\u003c")
            .replace('>', "\\u003e")
    }),
    ("net-json", |text| {
        text.replace('&', "\\u0026")
            .replace('<', "\\u003C")
            .replace('>', "\\u003E")
            .replace('+', "\\u002B")
            .replace('\'', "\\u0027")
    }),
    ("html", |text| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#x27;")),
    ("component", |text| {
        url::form_urlencoded::byte_serialize(text.as_bytes())
            .collect::<String>()
            .replace('+', "%20")
            .replace("%27", "'")
    }),
    ("hex", |text| text.bytes().fold(String::new(), |text, byte| format!("{text}{byte:02X}"))),
];

fn encode64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[tokio::test]
async fn a_secret_that_is_echoed_in_another_encoding_is_removed() {
    const SECRET: &str = "it's/9Qx+<hush>&more-hush";
    let target = Target::start(|one, _| {
        let token = one.header("authorization").trim_start_matches("Bearer ").to_owned();
        let distort = DISTORTIONS.iter().find(|(name, _)| one.path.ends_with(name)).expect("a distortion").1;
        let fields = vec![("location", format!("/login?token={}", distort(&token)))];
        (StatusCode::FOUND, fields, format!("<{}>", distort(&token)))
    })
    .await;
    let bearer = AuthProfile::Bearer { secret: "s".to_owned() };
    for (name, distort) in DISTORTIONS {
        let (egress, _) = egress(Some(bearer.clone()), SECRET, HostOptions::default());
        let request = with_auth("GET", &target.url(&format!("/{name}")));
        let answer = egress.look_up(&from(), &target.grants(), &request).await.expect("an answer");
        let said = format!("{} {:?}", String::from_utf8_lossy(&answer.body), answer.headers);
        let whole = distort(SECRET);
        // Without the ends, which depend on the neighbouring bytes.
        let core = whole.get(4..whole.len() - 4).expect("long enough");
        assert!(said.contains("[redacted]") && !said.contains(core), "{name}: {core} is in {said}");
    }
}

#[tokio::test]
async fn a_token_endpoint_cannot_truncate_a_secret_to_hide_it() {
    const SECRET: &str = "quo'te-and-long-enough-to-be-cut-somewhere";
    for before in [0, 30, 180, 190] {
        let refusing = Target::start(move |one, _| {
            let echo = url::form_urlencoded::parse(one.body.as_bytes())
                .find(|(name, _)| name == "client_secret")
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default();
            let description = format!("{}{echo}", "x".repeat(before));
            let body = serde_json::json!({ "error": "invalid_client", "error_description": description });
            (StatusCode::BAD_REQUEST, vec![], body.to_string())
        })
        .await;
        let profile = oauth2(&refusing, ClientAuthentication::Post);
        let (egress, _) = egress(Some(profile), SECRET, HostOptions::default());
        let outcome = egress.send(&from(), &refusing.grants(), &with_auth("POST", &refusing.url("/a")), "k").await;
        let SendOutcome::Failed { error, may_have_arrived: false } = outcome else { panic!("{outcome:?}") };
        assert!(error.contains("invalid_client") && !error.contains("quo") && !error.contains("te-and"), "{error}");
    }
}

#[tokio::test]
async fn an_encoded_response_to_a_request_with_credentials_is_withheld() {
    let target = Target::with_status(201, &[("content-encoding", "gzip"), ("x-id", "7")]).await;
    let (egress, _) =
        egress(Some(AuthProfile::Bearer { secret: "s".to_owned() }), "hush-hush-hush", HostOptions::default());
    let outcome = egress.send(&from(), &target.grants(), &with_auth("POST", &target.url("/a")), "k").await;
    let SendOutcome::Answered(answer) = outcome else { panic!("{outcome:?}") };
    let names: Vec<&str> = answer.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((answer.status, answer.body.as_slice(), names), (201, b"".as_slice(), vec!["x-id", "date"]));
    assert_eq!(target.seen("/a").pop().expect("a request").header("accept-encoding"), "identity");
    let plain = egress.look_up(&from(), &target.grants(), &request("GET", &target.url("/a"))).await.expect("an answer");
    assert_eq!(plain.body, b"body", "a request without credentials must get its response");
}

#[tokio::test]
async fn a_profile_that_is_limited_to_other_rooftops_sends_nothing() {
    let target = Target::with_status(200, &[]).await;
    let (egress, _) = limited(&["south", "group:west"]);
    let (north, request) = (from(), with_auth("GET", &target.url("/a")));
    let refused = egress.look_up(&north, &target.grants(), &request).await.expect_err("denied");
    assert!(matches!(&refused, HttpError::Denied(text) if text.contains("`p` is not for `north`")), "{refused}");
    let outcome = egress.send(&north, &target.grants(), &with_auth("POST", &target.url("/a")), "k").await;
    assert!(matches!(outcome, SendOutcome::Failed { may_have_arrived: false, .. }), "{outcome:?}");
    assert!(target.seen("/a").is_empty(), "nothing was sent");
    for of in ["south", "group:west"] {
        let of = of.parse().expect("a scope");
        assert_eq!(egress.look_up(&of, &target.grants(), &request).await.expect("an answer").status, 200);
    }
    // Without credentials there is nothing to protect.
    assert!(egress.look_up(&north, &target.grants(), &self::request("GET", &target.url("/b"))).await.is_ok());
}

fn assert_clean(said: &str, profile: &AuthProfile) {
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let form: String = url::form_urlencoded::byte_serialize(CANARY.as_bytes()).collect();
    let spellings = [
        CANARY.to_owned(),
        "7Qx".to_owned(),
        "token-canary".to_owned(),
        encode(CANARY),
        encode(&format!("user:{CANARY}")),
        form.clone(),
        encode(&format!("id%3A1:{form}")),
        CANARY.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
    ];
    for spelling in spellings {
        assert!(!said.contains(&spelling), "{spelling} leaked with {profile:?}: {said}");
    }
}

#[tokio::test]
async fn schemes_follow_their_specifications() {
    let target = token_server("3600").await;
    let send = async |profile: AuthProfile, secret: &str, path: &str| {
        let (egress, _) = egress(Some(profile), secret, HostOptions::default());
        let request = Request { body: Some(SOAP.as_bytes().to_vec()), ..with_auth("POST", &target.url(path)) };
        let outcome = egress.send(&from(), &target.grants(), &request, "k").await;
        assert!(matches!(outcome, SendOutcome::Answered(_)), "{outcome:?}");
        target.seen(path).pop().expect("a request")
    };
    let (username, secret) = ("Aladdin".to_owned(), "s".to_owned());
    let basic = AuthProfile::Basic { username: username.clone(), secret: secret.clone() };
    assert_eq!(
        send(basic, "open sesame", "/basic").await.header("authorization"),
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    );
    let key = AuthProfile::ApiKey { header: "api_key".to_owned(), secret: secret.clone() };
    assert_eq!(send(key, "key-1", "/key").await.header("api_key"), "key-1");
    let hmac = HmacOptions {
        header: "Authentication".to_owned(),
        public: "pk".to_owned(),
        secret: secret.clone(),
        algorithm: Default::default(),
        encoding: Default::default(),
        format: "{public}:{signature}".to_owned(),
    };
    let signed = send(AuthProfile::Hmac(hmac), "key", "/hmac").await;
    assert!(signed.header("authentication").starts_with("pk:") && signed.header("authentication").len() == 3 + 44);
    let ws = AuthProfile::WsSecurity { username, secret, password: WsPassword::Text };
    let soap = send(ws, "p&w", "/soap").await;
    assert!(
        soap.body.contains("<wsse:Username>Aladdin</wsse:Username>") && soap.body.contains(">p&amp;w</wsse:Password>")
    );
    assert_eq!(soap.header("content-length"), soap.body.len().to_string());
    let bearer = send(oauth2(&target, ClientAuthentication::Basic), "se cret", "/bearer").await;
    assert_eq!(bearer.header("authorization"), "Bearer token-canary-1");
    let token = target.seen("/token").pop().expect("a token request");
    assert_eq!(token.body, "grant_type=client_credentials&scope=anonymous&resource=crm");
    let expected = base64::engine::general_purpose::STANDARD.encode("id%3A1:se+cret");
    assert_eq!(token.header("authorization"), format!("Basic {expected}"));
    send(oauth2(&target, ClientAuthentication::Post), "se cret", "/bearer").await;
    let token = target.seen("/token").pop().expect("a token request");
    assert!(
        token.body.ends_with("&client_id=id%3A1&client_secret=se+cret") && token.header("authorization").is_empty()
    );
}

#[tokio::test]
async fn requests_share_one_token_that_is_renewed_before_it_expires() {
    let target = token_server("\"3600\"").await;
    let (egress, clock) =
        egress(Some(oauth2(&target, ClientAuthentication::Basic)), "x-secret", HostOptions::default());
    let grants = target.grants();
    let request = with_auth("GET", &target.url("/a"));
    let from = from();
    let crowd = futures_util::future::join_all((0..20).map(|_| egress.look_up(&from, &grants, &request))).await;
    assert!(crowd.iter().all(Result::is_ok));
    assert_eq!(target.seen("/token").len(), 1);
    clock.advance(3_539_000);
    assert!(egress.look_up(&from, &grants, &request).await.is_ok());
    assert_eq!(target.seen("/token").len(), 1);
    clock.advance(1_000);
    assert!(egress.look_up(&from, &grants, &request).await.is_ok());
    assert_eq!(target.seen("/token").len(), 2);
    assert_eq!(target.seen("/a").pop().expect("a request").header("authorization"), "Bearer token-canary-2");
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let target = Target::start(|one, count| match one.path.as_str() {
        "/token" => (StatusCode::OK, vec![], format!("{{\"access_token\":\"t{count}\",\"expires_in\":3600}}")),
        "/once" if one.header("authorization") == "Bearer t2" => (StatusCode::OK, vec![], String::new()),
        _ if one.path == "/first" => (StatusCode::OK, vec![], String::new()),
        _ => (StatusCode::UNAUTHORIZED, vec![], String::new()),
    })
    .await;
    let (egress, clock) =
        egress(Some(oauth2(&target, ClientAuthentication::Basic)), "x-secret", HostOptions::default());
    let grants = target.grants();
    assert_eq!(
        egress.look_up(&from(), &grants, &with_auth("GET", &target.url("/first"))).await.expect("first").status,
        200
    );
    clock.advance(60_000);
    assert_eq!(
        egress.look_up(&from(), &grants, &with_auth("GET", &target.url("/once"))).await.expect("renewed").status,
        200
    );
    assert_eq!(target.seen("/token").len(), 2);
    for _ in 0..3 {
        assert_eq!(
            egress.look_up(&from(), &grants, &with_auth("GET", &target.url("/never"))).await.expect("refused").status,
            401
        );
    }
    assert_eq!(target.seen("/token").len(), 2, "a new token must not be replaced");
}

#[tokio::test]
async fn failing_token_endpoints_are_explained_and_not_flooded() {
    let refusing = Target::start(|_, _| {
        (StatusCode::UNAUTHORIZED, vec![], "{\"error\":\"invalid_client\",\"error_description\":\"no\"}".to_owned())
    })
    .await;
    let (egress_, clock) =
        egress(Some(oauth2(&refusing, ClientAuthentication::Basic)), "x-secret", HostOptions::default());
    let grants = refusing.grants();
    let outcome = egress_.send(&from(), &grants, &with_auth("POST", &refusing.url("/a")), "k").await;
    let expected = "auth profile `p`: token endpoint: status 401, invalid_client (no); check client-id, the secret and client-authentication";
    assert_eq!(outcome, SendOutcome::Failed { error: expected.to_owned(), may_have_arrived: false });
    egress_.send(&from(), &grants, &with_auth("POST", &refusing.url("/a")), "k").await;
    assert_eq!(refusing.seen("/token").len(), 1, "a failure must pause token requests");
    clock.advance(2_000);
    egress_.send(&from(), &grants, &with_auth("POST", &refusing.url("/a")), "k").await;
    assert_eq!(refusing.seen("/token").len(), 2);
    assert!(refusing.seen("/a").is_empty());

    let busy = Target::with_status(503, &[("retry-after", "9")]).await;
    let (egress_, _) = egress(Some(oauth2(&busy, ClientAuthentication::Basic)), "x-secret", HostOptions::default());
    let outcome = egress_.send(&from(), &busy.grants(), &with_auth("POST", &busy.url("/a")), "k").await;
    assert_eq!(outcome, SendOutcome::NotNow { after_ms: 9_000 });
}

#[test]
fn profiles_parse_from_toml_and_unknown_fields_are_refused() {
    #[derive(serde::Deserialize)]
    struct File {
        auth: BTreeMap<String, AuthProfile>,
    }
    let parse = |text: &str| toml::from_str::<File>(text).map(|file| file.auth);
    let text = "[auth.a]\nkind = \"oauth2-client-credentials\"\ntoken-url = \"https://t.example/\"\nclient-id = \"c\"\nsecret = \"s\"\nclient-authentication = \"post\"\n\
        [auth.b]\nkind = \"hmac\"\nheader = \"Authentication\"\npublic = \"p\"\nsecret = \"s\"\nformat = \"{public}:{signature}\"\n\
        [auth.c]\nkind = \"ws-security\"\nusername = \"u\"\nsecret = \"s\"\npassword = \"digest\"\n\
        [auth.d]\nkind = \"bearer\"\nsecret = \"s\"\n[auth.e]\nkind = \"api-key\"\nheader = \"api_key\"\nsecret = \"s\"\n";
    assert_eq!(parse(text).expect("parses").len(), 5);
    assert!(parse("[auth.a]\nkind = \"bearer\"\ntoken = \"in the clear\"\nsecret = \"s\"\n").is_err());
    assert!(parse("[auth.a]\nkind = \"kerberos\"\n").is_err());
}
