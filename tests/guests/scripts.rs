//! Hostile scripts for the probe and their outcomes. Data only; the tests of the runtime and of the program share it.

#![allow(dead_code, reason = "each test program that includes this file uses a part of it")]

/// One hostile script.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script {
    /// The event's data.
    pub(crate) text: &'static str,
    /// Expected failure code; none if the host tolerates it and cuts the excess.
    pub(crate) code: Option<&'static str>,
}

const fn fails(text: &'static str, code: &'static str) -> Script {
    Script { text, code: Some(code) }
}

const fn is_cut(text: &'static str) -> Script {
    Script { text, code: None }
}

/// Scripts for an installation that may emit `com.example.done.v1` and send requests to `https://crm.example/leads/*`.
pub(crate) const SCRIPTS: [Script; 17] = [
    fails("loop", "deadline-exceeded"),
    fails("recurse", "stack-overflow"),
    fails("recurse-narrowly", "stack-overflow"),
    fails("grow", "memory-limit"),
    fails("panic", "trap"),
    fails("random 65537", "random-limit"),
    fails("log-size 20000000", "host-call-bytes-limit"),
    is_cut("grow-softly"),
    is_cut("log-many 1900"),
    is_cut("log-size 9000000"),
    is_cut("emit-many 1900 com.example.done.v1 10"),
    is_cut("emit-many 9 com.example.done.v1 1000000"),
    is_cut("set-many 1900"),
    is_cut("set-size large 70000"),
    is_cut("metrics 0 1900"),
    is_cut("schedule-many 0 200 1774884660000 com.example.tick.v1"),
    is_cut("send-many 200 https://crm.example/leads/1"),
];
