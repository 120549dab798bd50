#!/usr/bin/env bash
# Runs the commands of README.md as a reader does: in a fresh clone of the last commit, block by block. Fails at the first command that fails,
# or if the last state is not what README.md says. CARGO_TARGET_DIR shares a target folder, so that dependencies are not compiled again.
# `make test` is left out: it runs for long, and has a run of its own.
set -euo pipefail
source="$(cd "$(dirname "$0")/.." && pwd)"

work="$(mktemp -d)"
server=
clean_up() {
    [ -z "$server" ] || kill -TERM "$server" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap clean_up EXIT

fail() { printf '==> failed: %s\n' "$*" >&2; exit 1; }

git clone --quiet "$source" "$work/handoff"

# `make install` reads PREFIX: nothing of this machine is changed.
export PREFIX="$work/prefix"
export PATH="$PREFIX/bin:$PATH"
unset HANDOFF_CONFIG HANDOFF_SOCKET HANDOFF_URL HANDOFF_TOKEN_FILE

# The `sh` blocks, each ended by a line that no command is.
awk '/^```sh$/ { inside = 1; next } inside && /^```$/ { inside = 0; print "\001"; next } inside' "$work/handoff/README.md" >"$work/blocks"
[ -s "$work/blocks" ] || fail "README.md has no sh blocks"

# Starts the host, and waits until it says that it is ready.
start_server() {
    "$@" >"$work/server.log" 2>&1 &
    server=$!
    for _ in $(seq 200); do
        if grep -q 'handoff is ready' "$work/server.log"; then return; fi
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    cat "$work/server.log" >&2
    fail "the host did not start: $*"
}

trap 'echo "==> failed: a command of README.md, see above" >&2' ERR
cd "$work/handoff"
while IFS= read -r -d $'\001' block <&3; do
    block="${block#$'\n'}"
    printf '==> %s\n' "${block%$'\n'}"
    case "$block" in
    'make test'*) echo "    (left out)" ;;
    'handoff serve'*) start_server handoff serve ;;
    # In this shell, because a block may change the folder.
    *) eval "$block" </dev/null ;;
    esac
done 3<"$work/blocks"
trap - ERR

echo "==> Checking what README.md promises"
handoff trace 1 | grep -q 'lead received' || fail "the mail became no lead"
handoff events --json | grep -q 'com.handoff.lead.received.v1' || fail "no event of a lead"
handoff history web-leads | grep -q '1.0.0 (active)' || fail "1.0.0 is not active again"
handoff history web-leads | grep -q 'leads arrive without phone numbers' || fail "the history does not say why"
[ -z "$(git status --porcelain)" ] || fail "the clone is changed: $(git status --short)"
echo "==> README.md works"
