//! Third-party clients against the server: skopeo (Debian) and oras (Python, in `target/oras`). If a client is missing,
//! its test only says so, except in continuous integration (`CI=true`), where `.ci/setup` has installed both.

use std::path::{Path, PathBuf};

use handoff_registry_server::{Access, Challenge};
use tokio::process::Command;

use crate::harness::{IMAGE_MANIFEST, Registry, bytes, component};
use handoff_package::artifact::Artifact;
use handoff_package::{Digest, Package};

fn missing(client: &str) -> bool {
    assert!(std::env::var_os("CI").is_none(), "{client} is missing: .ci/setup installs it");
    println!("skipped: {client} is missing; .ci/setup installs it");
    true
}

async fn run(program: &Path, arguments: &[&str], home: &Path) -> Result<String, String> {
    let mut command = Command::new(program);
    let output = command
        .args(arguments)
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn skopeo() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join("skopeo")).find(|path| path.is_file());
    if found.is_none() {
        missing("skopeo");
    }
    found
}

#[tokio::test]
async fn skopeo_copies_inspects_and_deletes_a_package() {
    let Some(skopeo) = skopeo() else { return };
    for challenge in [Challenge::Basic, Challenge::Token] {
        let registry = match challenge {
            Challenge::Basic => Registry::start_with(|options| users(options, Challenge::Basic)).await,
            Challenge::Token => Registry::start_with(|options| users(options, Challenge::Token)).await,
        };
        let source = Registry::start().await;
        let manifest = source.artifact("acme/web-leads", &component("acme/web-leads", "1.0.0")).await;
        source.put_manifest("acme/web-leads", "1.0.0", IMAGE_MANIFEST, &manifest).await.expect(201);
        source.publish("acme/large", "latest", &bytes(5_000_000, 6)).await;
        let home = registry.folder();
        let policy = home.join("policy.json");
        std::fs::write(&policy, "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}").unwrap();
        let policy = format!("--policy={}", policy.display());
        let at = |registry: &Registry, name: &str| format!("docker://{}/{name}", registry.server().address());
        let layout = |name: &str| format!("oci:{}:{name}", home.join("layout").display());
        let copy = |from: String, to: String, auth: &'static [&'static str]| {
            let (policy, skopeo) = (policy.clone(), skopeo.clone());
            async move {
                let mut line = vec![&*policy, "copy", "--src-tls-verify=false", "--dest-tls-verify=false"];
                line.extend_from_slice(auth);
                line.extend_from_slice(&[&from, &to]);
                run(&skopeo, &line, home).await
            }
        };
        const SIGNED_IN: &[&str] = &["--dest-creds=acme:secret"];
        for name in ["acme/web-leads:1.0.0", "acme/large:latest"] {
            copy(at(&source, name), layout(name), &[]).await.unwrap();
            copy(layout(name), at(&registry, name), SIGNED_IN).await.unwrap();
        }
        assert!(copy(layout("acme/large:latest"), at(&registry, "other/large:latest"), SIGNED_IN).await.is_err());
        assert!(copy(layout("acme/large:latest"), at(&registry, "acme/large:latest"), &[]).await.is_err());
        // The bytes are identical, so every digest and signature is valid.
        let raw =
            run(&skopeo, &["inspect", "--raw", "--tls-verify=false", &at(&registry, "acme/web-leads:1.0.0")], home)
                .await
                .unwrap();
        assert_eq!(raw, manifest.to_string());
        let tags =
            run(&skopeo, &["list-tags", "--tls-verify=false", &at(&registry, "acme/web-leads")], home).await.unwrap();
        assert!(tags.contains("\"1.0.0\""), "{tags}");
        copy(at(&registry, "acme/large:latest"), layout("back"), &[]).await.unwrap();
        let delete = async |name: &str| {
            run(&skopeo, &["delete", "--tls-verify=false", "--creds=acme:secret", &at(&registry, name)], home).await
        };
        delete("acme/large:latest").await.unwrap();
        let kept = delete("acme/web-leads:1.0.0").await.unwrap_err();
        assert!(kept.contains("stays pullable") || kept.contains("403") || kept.contains("denied"), "{kept}");
        copy(at(&registry, "acme/web-leads:1.0.0"), layout("again"), &[]).await.unwrap();
        copy(at(&registry, "acme/large:latest"), layout("gone"), &[]).await.unwrap_err();
    }
}

fn users(options: &mut handoff_registry_server::ServerOptions, challenge: Challenge) {
    options.access = Access::Users { file: "users".into(), anonymous_read: true, challenge };
}

const ORAS: &str = r#"
import os, sys, oras.client
target, folder = sys.argv[1], sys.argv[2]
os.chdir(folder)
client = oras.client.OrasClient(hostname=target, insecure=True, tls_verify=False, auth_backend="token")
if sys.argv[3] == "users":
    client.login(username="acme", password="secret", hostname=target, tls_verify=False)
def check(response, what):
    if response.status_code not in (200, 201, 202):
        raise SystemExit(f"{what}: {response.status_code} {response.text}")
for chunked in (False, True):
    tag = "chunked" if chunked else "whole"
    with open("small.txt", "w") as small:
        small.write(tag)
    check(client.push(files=["large.bin:application/octet-stream", "small.txt:text/plain"],
        target=f"{target}/acme/files:{tag}", disable_path_validation=True, do_chunked=chunked, chunk_size=300_000), tag)
    out = os.path.join(folder, "out-" + tag)
    client.pull(target=f"{target}/acme/files:{tag}", outdir=out)
    for name in ("large.bin", "small.txt"):
        if open(os.path.join(out, name), "rb").read() != open(name, "rb").read():
            raise SystemExit(f"{name} of {tag} came back as something else")
tags = client.get_tags(f"{target}/acme/files")
if sorted(tags) != ["chunked", "whole"]:
    raise SystemExit(f"tags: {tags}")
if client.delete_tags(f"{target}/acme/files", ["whole"]) != ["whole"]:
    raise SystemExit("the tag was not deleted")
print("done")
"#;

/// The Python with oras in it.
fn oras() -> Option<PathBuf> {
    // The target folder of the workspace: this program is in target/debug/deps.
    let program = std::env::current_exe().unwrap();
    let target = program.ancestors().find(|folder| folder.join("oras").is_dir());
    let python = target.map(|folder| folder.join("oras/bin/python")).filter(|python| python.exists());
    if python.is_none() {
        missing("oras");
    }
    python
}

const ORAS_PULL: &str = r#"
import os, sys, oras.client
target, folder = sys.argv[1], sys.argv[2]
client = oras.client.OrasClient(hostname=target, insecure=True, tls_verify=False)
for path in client.pull(target=f"{target}/acme/web-leads:1.2.0", outdir=folder):
    print(os.path.relpath(path, folder))
"#;

#[tokio::test]
async fn oras_pull_writes_the_component_under_its_name() {
    let Some(python) = oras() else { return };
    let registry = Registry::start().await;
    let component = component("acme/web-leads", "1.2.0");
    let release = Artifact::release(&Package::read(&component).unwrap(), &component, None, 7);
    registry.push_blob("acme/web-leads", &component).await;
    for blob in &release.blobs {
        registry.push_blob("acme/web-leads", blob).await;
    }
    let manifest = serde_json::from_slice(&release.manifest.to_json()).unwrap();
    registry.put_manifest("acme/web-leads", "1.2.0", IMAGE_MANIFEST, &manifest).await.expect(201);
    let (folder, script) = (registry.folder().join("pulled"), registry.folder().join("client.py"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(&script, ORAS_PULL).unwrap();
    let address = registry.server().address().to_string();
    let arguments = [script.to_str().unwrap(), &address, folder.to_str().unwrap()];
    assert_eq!(run(&python, &arguments, registry.folder()).await.unwrap(), "web-leads-1.2.0.wasm\n");
    assert!(std::fs::read(folder.join("web-leads-1.2.0.wasm")).unwrap() == component);
}

#[tokio::test]
async fn oras_pushes_in_chunks_pulls_lists_and_deletes() {
    let Some(python) = oras() else { return };
    let registry = Registry::start_with(|options| users(options, Challenge::Token)).await;
    let open = Registry::start().await;
    for (registry, auth) in [(&open, "open"), (&registry, "users")] {
        let folder = registry.folder().join("files");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("large.bin"), bytes(1_000_000, 7)).unwrap();
        let address = registry.server().address().to_string();
        let script = registry.folder().join("client.py");
        std::fs::write(&script, ORAS).unwrap();
        let arguments = [script.to_str().unwrap(), &address, folder.to_str().unwrap(), auth];
        let said = run(&python, &arguments, registry.folder()).await.unwrap();
        assert!(said.ends_with("done\n"), "{said}");
        registry.get(&format!("/v2/acme/files/blobs/{}", Digest::of(b"chunked"))).await.expect(200);
        registry.get("/v2/acme/files/manifests/chunked").await.expect(200);
    }
}
