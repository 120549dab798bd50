//! Tests of the console: who gets in, what a form may do, and that nothing that others write becomes markup.

mod attacks;
mod pages;

use axum::Router;

use super::bench::{Answer, Bench, send};
use crate::control;

/// A token that opens the console of a bench.
const CONFIG: &str = "[control]\nlisten = \"127.0.0.1:1\"\ntoken-secret = \"door\"\n";
const TOKEN: &str = "open-sesame";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
/// What a browser says of a form that one of the host's own pages sends.
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");

/// A browser: it keeps one cookie.
struct Browser {
    router: Router,
    cookie: String,
}

impl Browser {
    /// A browser without a session.
    fn new(bench: &Bench) -> Self {
        Self { router: control::tcp_router(bench.shard.clone(), false), cookie: String::new() }
    }

    /// A browser with a session.
    async fn signed_in(bench: &Bench) -> Self {
        let mut browser = Self::new(bench);
        let answer = browser.sign_in(TOKEN, "").await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/"), "{}", answer.text);
        browser
    }

    async fn sign_in(&mut self, token: &str, back: &str) -> Answer {
        let answer = self.send("POST", "/sign-in", &[FORM, OWN], &format!("token={token}&to={back}")).await;
        if let Some((cookie, _)) = answer.header("set-cookie").split_once(';') {
            cookie.clone_into(&mut self.cookie);
        }
        answer
    }

    async fn send(&self, method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let all: Vec<_> = headers.iter().copied().chain([("cookie", self.cookie.as_str())]).collect();
        send(&self.router, method, uri, &all, body.to_owned()).await
    }

    async fn get(&self, uri: &str) -> Answer {
        self.send("GET", uri, &[], "").await
    }

    /// A page that has to exist.
    async fn page(&self, uri: &str) -> String {
        let answer = self.get(uri).await;
        assert_eq!(answer.status, 200, "{uri}: {}", answer.text);
        answer.text
    }

    /// Sends a form of the session.
    async fn post(&self, uri: &str, fields: &str) -> Answer {
        let csrf = self.csrf().await;
        self.send("POST", uri, &[FORM, OWN], &format!("csrf={csrf}&{fields}")).await
    }

    /// The proof that the session's forms carry.
    async fn csrf(&self) -> String {
        let page = self.page("/").await;
        let rest = page.split_once("name=\"csrf\" value=\"").expect("a form").1;
        rest.split('"').next().expect("a value").to_owned()
    }
}
