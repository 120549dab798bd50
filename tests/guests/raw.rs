//! Hostile guests in WebAssembly's text format, which no compiler generates. Each is a complete component of the
//! contract's world with one defect. It runs nothing; the tests of the runtime and of the program share it.

#![allow(dead_code, reason = "each test program that includes this file uses a part of it")]

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

/// A hostile guest. Empty parts are harmless.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw {
    /// Its name: what it does.
    pub(crate) name: &'static str,
    /// Expected failure code.
    pub(crate) code: &'static str,
    /// Part of the expected failure message.
    pub(crate) says: &'static str,
    /// Further definitions: functions, tables, data, a start function.
    more: &'static str,
    /// Body of `cabi_realloc`, with `$align`, `$size` and `$at`.
    realloc: &'static str,
    /// Body of `handle`. Leaves a pointer to its result; 0 points to zeroes, which means `ok`.
    handle: &'static str,
    /// Body of `validate`, in the same form.
    validate: &'static str,
}

const HARMLESS: Raw = Raw { name: "", code: "", says: "", more: "", realloc: REALLOC, handle: OK, validate: OK };

const OK: &str = "(i32.const 0)";
const SPIN: &str = "(loop $again (br $again)) (i32.const 0)";
/// Allocates memory and never frees it. Addresses below 4096 belong to the guests.
const REALLOC: &str = "
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 15)) (i32.const -16)))
    (global.set $free (i32.add (local.get $at) (local.get $size)))
    (block $enough (loop $grow
        (br_if $enough (i32.le_u (global.get $free) (i32.mul (memory.size) (i32.const 65536))))
        (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
        (br $grow)))
    (local.get $at)";

const fn handles(name: &'static str, code: &'static str, says: &'static str, handle: &'static str) -> Raw {
    Raw { name, code, says, handle, ..HARMLESS }
}

const fn with(
    name: &'static str,
    code: &'static str,
    says: &'static str,
    more: &'static str,
    handle: &'static str,
) -> Raw {
    Raw { name, code, says, more, handle, ..HARMLESS }
}

/// Defects before the first line of `handle` runs.
const STARTING: [Raw; 7] = [
    with("loops in its start function", "deadline-exceeded", "", "(func $f (loop $l (br $l))) (start $f)", OK),
    with("traps in its start function", "instantiation-failed", "unreachable", "(func $f unreachable) (start $f)", OK),
    with(
        "grows its memory in its start function",
        "instantiation-failed",
        "limits.call.memory-bytes",
        "(func $f (loop $l (br_if $l (i32.ne (memory.grow (i32.const 64)) (i32.const -1)))) unreachable) (start $f)",
        OK,
    ),
    Raw { name: "loops in its allocator", code: "deadline-exceeded", realloc: SPIN, ..HARMLESS },
    Raw {
        name: "allocates its event outside its memory",
        code: "contract-broken",
        realloc: "(i32.const 0x7ffffff0)",
        ..HARMLESS
    },
    Raw { name: "allocates its event misaligned", code: "contract-broken", realloc: "(i32.const 4097)", ..HARMLESS },
    Raw {
        name: "calls an import where that is not allowed",
        code: "contract-broken",
        realloc: "(call $log (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 4096)",
        ..HARMLESS
    },
];

/// Guests that use too much of a resource.
const GREEDY: [Raw; 12] = [
    handles("loops", "deadline-exceeded", "limits.call.deadline-ms", SPIN),
    with(
        "loops after its result",
        "deadline-exceeded",
        "",
        "(func (export \"cabi_post_handoff:connector/handler@1.0.0#handle\") (param i32) (loop $l (br $l)))",
        OK,
    ),
    handles(
        "fills all of its memory again and again",
        "deadline-exceeded",
        "",
        "(drop (memory.grow (i32.const 1000)))
         (loop $l (memory.fill (i32.const 4096) (i32.const 7) (i32.const 65000000)) (br $l)) (i32.const 0)",
    ),
    handles(
        "grows its memory",
        "memory-limit",
        "limits.call.memory-bytes",
        "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 64)) (i32.const -1)))) unreachable",
    ),
    with(
        "grows its table",
        "table-limit",
        "limits.call.table-elements",
        "(table $t 1 funcref)",
        "(loop $l (br_if $l (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1)))) unreachable",
    ),
    with(
        "recurses forever",
        "stack-overflow",
        "limits.call.stack-bytes",
        "(func $down (param i64) (result i64) (i64.mul (call $down (i64.add (local.get 0) (i64.const 1))) (local.get 0)))",
        "(drop (call $down (i64.const 1))) (i32.const 0)",
    ),
    handles(
        "passes a huge text",
        "host-call-bytes-limit",
        "limits.call.host-call-bytes",
        "(drop (memory.grow (i32.const 400)))
         (call $log (i32.const 1) (i32.const 4096) (i32.const 17000000) (i32.const 0) (i32.const 0)) (i32.const 0)",
    ),
    handles(
        "passes a million tiny fields",
        "host-call-bytes-limit",
        "limits.call.host-call-bytes",
        "(drop (memory.grow (i32.const 400)))
         (call $log (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 1000000)) (i32.const 0)",
    ),
    handles(
        "returns a huge failure",
        "host-call-bytes-limit",
        "limits.call.host-call-bytes",
        "(drop (memory.grow (i32.const 900)))
         (i32.store8 (i32.const 1024) (i32.const 1))
         (i32.store (i32.const 1040) (i32.const 65536)) (i32.store (i32.const 1044) (i32.const 10))
         (i32.store (i32.const 1048) (i32.const 65536)) (i32.store (i32.const 1052) (i32.const 50000000))
         (i32.const 1024)",
    ),
    handles(
        "calls an import without end",
        "host-call-limit",
        "limits.call.host-calls",
        "(loop $l (call $get (i32.const 512) (i32.const 3) (i32.const 2048)) (br $l)) (i32.const 0)",
    ),
    handles(
        "scans everything without end",
        "host-call-limit",
        "limits.call.host-calls",
        "(loop $l
            (call $scan (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 2048))
            (global.set $free (i32.const 8192))
            (br $l)) (i32.const 0)",
    ),
    handles(
        "asks for random bytes without end",
        "random-limit",
        "limits.call.random-bytes",
        "(loop $l (call $random (i32.const 1000) (i32.const 2048)) (global.set $free (i32.const 8192)) (br $l)) (i32.const 0)",
    ),
];

/// Violations of the component model.
const CROOKED: [Raw; 16] = [
    handles(
        "passes a string outside its memory",
        "contract-broken",
        "out of bounds",
        "(call $log (i32.const 1) (i32.const 0x7ffffff0) (i32.const 64) (i32.const 0) (i32.const 0)) (i32.const 0)",
    ),
    handles(
        "passes a string that ends beyond its memory",
        "contract-broken",
        "",
        "(call $log (i32.const 1) (i32.const 0xfffffff0) (i32.const 0xffff) (i32.const 0) (i32.const 0)) (i32.const 0)",
    ),
    handles(
        "passes a string longer than its memory",
        "contract-broken",
        "",
        "(call $log (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 0) (i32.const 0)) (i32.const 0)",
    ),
    with(
        "passes a string that is not UTF-8",
        "contract-broken",
        "utf-8",
        "(data (i32.const 600) \"\\ff\\fe\\fd\")",
        "(call $log (i32.const 1) (i32.const 600) (i32.const 3) (i32.const 0) (i32.const 0)) (i32.const 0)",
    ),
    with(
        "passes half a character",
        "contract-broken",
        "utf-8",
        "(data (i32.const 600) \"\\e2\\82\")",
        "(call $log (i32.const 1) (i32.const 600) (i32.const 2) (i32.const 0) (i32.const 0)) (i32.const 0)",
    ),
    with(
        "passes half of a surrogate pair as a key",
        "contract-broken",
        "utf-8",
        "(data (i32.const 600) \"\\ed\\a0\\80\")",
        "(call $get (i32.const 600) (i32.const 3) (i32.const 2048)) (i32.const 0)",
    ),
    handles(
        "uses an invalid log level",
        "contract-broken",
        "",
        "(call $log (i32.const 99) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 0)",
    ),
    handles(
        "passes a list misaligned",
        "contract-broken",
        "aligned",
        "(call $log (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 4097) (i32.const 1)) (i32.const 0)",
    ),
    handles(
        "passes a list whose length overflows",
        "contract-broken",
        "",
        "(call $log (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 0x10000001)) (i32.const 0)",
    ),
    handles(
        "emits a record outside its memory",
        "contract-broken",
        "",
        "(call $emit (i32.const 0x7ffffff0) (i32.const 2048)) (i32.const 0)",
    ),
    handles(
        "emits a record with an invalid option",
        "contract-broken",
        "",
        "(i32.store8 (i32.const 1032) (i32.const 7)) (call $emit (i32.const 1024) (i32.const 2048)) (i32.const 0)",
    ),
    handles(
        "requests a result outside its memory",
        "contract-broken",
        "",
        "(call $get (i32.const 512) (i32.const 3) (i32.const 0x7ffffff0)) (i32.const 0)",
    ),
    handles("returns a result outside its memory", "contract-broken", "", "(i32.const 0x7ffffff0)"),
    handles("returns a misaligned result", "contract-broken", "align", "(i32.const 1025)"),
    handles(
        "returns neither ok nor failure",
        "contract-broken",
        "",
        "(i32.store8 (i32.const 1024) (i32.const 2)) (i32.const 1024)",
    ),
    handles(
        "returns an unknown kind of failure",
        "contract-broken",
        "",
        "(i32.store8 (i32.const 1024) (i32.const 1)) (i32.store8 (i32.const 1032) (i32.const 3)) (i32.const 1024)",
    ),
];

/// Grows its table by 1,001 elements, once.
pub(crate) const GROWS_ITS_TABLE_A_LITTLE: Raw = with(
    "grows its table a little",
    "table-limit",
    "limits.call.table-elements",
    "(table $t 1 funcref)",
    "(if (i32.eq (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1)) (then unreachable)) (i32.const 0)",
);

/// A guest that handles events but fails validation.
pub(crate) const LOOPS_IN_VALIDATE: Raw =
    Raw { name: "loops in validate", code: "deadline-exceeded", validate: SPIN, ..HARMLESS };

/// All guests that fail in `handle`.
pub(crate) fn all() -> impl Iterator<Item = Raw> {
    STARTING.into_iter().chain(GREEDY).chain(CROOKED)
}

impl Raw {
    /// The guest as a core module for the contract's world.
    pub(crate) fn module(&self, contract: &Path) -> Vec<u8> {
        let Self { more, realloc, handle, validate, .. } = self;
        let text = format!(
            r#"(module
    (import "handoff:connector/log@1.0.0" "write" (func $log (param i32 i32 i32 i32 i32)))
    (import "handoff:connector/outbox@1.0.0" "emit" (func $emit (param i32 i32)))
    (import "handoff:connector/state@1.0.0" "get" (func $get (param i32 i32 i32)))
    (import "handoff:connector/state@1.0.0" "scan" (func $scan (param i32 i32 i32 i32 i32 i32 i32)))
    (import "handoff:connector/context@1.0.0" "random" (func $random (param i32 i32)))
    (memory (export "memory") 2)
    (data (i32.const 512) "key")
    (global $free (mut i32) (i32.const 8192))
    (func (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32) (local $at i32) {realloc})
    (func (export "handoff:connector/handler@1.0.0#handle") (param i32) (result i32) {handle})
    (func (export "handoff:connector/lifecycle@1.0.0#validate") (result i32) {validate})
    (func (export "handoff:connector/lifecycle@1.0.0#migrate") (param i32) (result i32) {OK})
    {more})"#
        );
        for_contract(&text, contract)
    }

    /// Whether it fails validation and is never installed.
    pub(crate) fn is_never_installed(&self) -> bool {
        self.more.contains("(start ") || self.validate != OK
    }

    /// The guest as a component.
    pub(crate) fn component(&self, contract: &Path) -> Vec<u8> {
        encode(&self.module(contract))
    }
}

/// A core module from its text, with the metadata of its world. `contract` is the folder of the released WIT.
pub(crate) fn for_contract(text: &str, contract: &Path) -> Vec<u8> {
    let mut module = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(contract).expect("the contract can be read");
    let world = resolve.select_world(&[package], Some("connector")).expect("the contract has its world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("the module takes a section");
    module
}

/// Converts a core module to a component.
pub(crate) fn encode(module: &[u8]) -> Vec<u8> {
    let encoder = ComponentEncoder::default().validate(true);
    encoder.module(module).and_then(|mut encoder| encoder.encode()).expect("the module fits the contract")
}
