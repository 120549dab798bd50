//! Guests in JavaScript and Python, cached by the checksum of all sources, and prepared.

use std::fs::{self, File};
use std::path::Path;

use handoff_model::limits::CallLimits;
use handoff_runtime::{Prepared, Runtime};
use sha2::{Digest as _, Sha256};

use crate::bench::options;
use crate::guest::{Guest, scratch};
use crate::language::{Language, build, files, root, tools};

/// A guest of `tests/guests`, built and prepared; none if the language's tools are not there.
pub(crate) async fn prepared(language: &Language, name: &str) -> Option<Prepared> {
    // Tests run in parallel processes, and building and compiling a large guest takes a while: the first one does both.
    let lock = File::create(scratch().join(format!("{name}.lock"))).expect("the scratch folder can be written");
    lock.lock().expect("the lock");
    let component = component(language, name)?;
    let guest = Guest::of(component);
    // Generous limits of time: machines that test are busy.
    let mut options = options(CallLimits { deadline_ms: 60_000, ..CallLimits::default() });
    options.limits.compile_time_ms = 900_000;
    let runtime = Runtime::new(options).expect("the runtime starts");
    let prepared = runtime.prepare(&guest.digest, &guest.component).await;
    Some(prepared.unwrap_or_else(|error| panic!("{name}: {error}")))
}

fn component(language: &Language, name: &str) -> Option<Vec<u8>> {
    let tools = tools(language, &scratch().join(".."))?;
    let (guest, sdk) = (root().join("tests/guests").join(name), root().join(language.sdk));
    let kept = scratch().join(format!("{name}-{}.wasm", sum(&[&guest, &sdk])));
    if let Ok(component) = fs::read(&kept) {
        return Some(component);
    }
    let built = build(language, &tools, name, |_| {}).unwrap_or_else(|error| panic!("{name}: {error}"));
    let partial = kept.with_extension("partial");
    fs::write(&partial, &built.bytes).expect("the scratch folder can be written");
    fs::rename(&partial, &kept).expect("the component can be moved into place");
    Some(built.bytes)
}

/// Why a changed guest is not built; none if the language's tools are not there.
pub(crate) fn refusal(language: &Language, name: &str, file: &str, from: &str, to: &str) -> Option<String> {
    let change = |project: &Path| {
        let file = project.join(file);
        let text = fs::read_to_string(&file).expect("a source");
        assert!(text.contains(from), "{}: no {from}", file.display());
        fs::write(&file, text.replacen(from, to, 1)).expect("a source can be written");
    };
    Some(
        build(language, &tools(language, &scratch().join(".."))?, name, change).expect_err("it is refused").to_string(),
    )
}

fn sum(folders: &[&Path]) -> String {
    let mut sum = Sha256::new();
    for file in folders.iter().flat_map(|folder| files(folder)) {
        sum.update(fs::read(file).expect("a source"));
    }
    sum.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
