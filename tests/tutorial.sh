#!/usr/bin/env bash
# Runs the commands of sdk/docs/tutorial.md as a reader does, outside the repository: tests/tutorial.sh rust|js|python. HANDOFF_BIN names the
# program, PORT a free port for the host. It checks what the tutorial promises and prints how long each section took.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
. "$here/page.sh"
language="$1"
page="$here/../sdk/docs/tutorial.md"
# A reader has none of these set.
unset HANDOFF_CONFIG HANDOFF_SOCKET HANDOFF_URL HANDOFF_TOKEN_FILE HANDOFF_REGISTRY HANDOFF_KEY_FILE

work="$(mktemp -d)"
server=
developer=
clean_up() {
    [ -z "$developer" ] || kill -TERM "$developer" 2>/dev/null || true
    [ -z "$server" ] || kill -TERM "$server" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap clean_up EXIT

mkdir -p "$work/bin" "$work/home/.config" "$work/folder"
ln -s "$(realpath "$HANDOFF_BIN")" "$work/bin/handoff"
export PATH="$work/bin:$PATH" XDG_CONFIG_HOME="$work/home/.config" NO_COLOR=1

# The port of the tutorial may be taken, machines that test are busy, and dependencies have the versions that are there.
handoff() {
    command handoff "$@" || return
    case "$1" in
    init)
        sed -i "s/127\.0\.0\.1:8080/127.0.0.1:$PORT/" "$2/handoff.toml"
        printf '\n[limits.runtime]\ncompile-time-ms = 900000\n' >>"$2/handoff.toml"
        ;;
    new) [ "$language" != rust ] || cp "$here/../Cargo.lock" order-intake/ ;;
    esac
}

# Waits until `handoff dev` says a text that it has not said before.
dev_says() {
    for _ in $(seq 3000); do
        if [ "$(grep -c "$1" "$work/dev.log")" -ge "$2" ]; then return; fi
        kill -0 "$developer" 2>/dev/null || break
        sleep 0.1
    done
    cat "$work/dev.log" >&2
    fail "\`handoff dev\` did not say: $1"
}

# Waits until the last order has been emitted with this subject.
emitted() {
    for _ in $(seq 600); do
        if command handoff events --json | grep '"subject": ' | head -n 1 | grep -q "\"$1\""; then return; fi
        sleep 0.1
    done
    command handoff events --json >&2
    fail "no order was emitted with the subject $1"
}

started=$SECONDS
took() { printf '==> %s: %s after %s s\n' "$language" "$1" "$((SECONDS - started))"; }

trap 'echo "==> failed: a command of the tutorial, see above" >&2' ERR
cd "$work/folder"
blocks "$page" "$language" >"$work/blocks"
while IFS= read -r -d $'\001' block <&3; do
    kind="${block%%$'\n'*}"
    block="${block#*$'\n'}"
    block="${block%$'\n'}"
    printf '==> %s\n' "$block"
    case "$kind:$block" in
    dev:*)
        printf '%s\n' "${block%%$'\n'*}" >&5
        hooks=$((${hooks:-0} + 1))
        dev_says 'done in' "$hooks"
        case "$block" in
        *$'\nq')
            grep -q 'C-8' "$work/dev.log" || fail "the change has no effect"
            echo q >&5
            exec 5>&-
            wait "$developer"
            developer=
            took 'changed while it runs'
            ;;
        esac
        ;;
    'sh:handoff dev')
        mkfifo "$work/typed"
        command handoff dev <"$work/typed" >"$work/dev.log" 2>&1 &
        developer=$!
        exec 5>"$work/typed"
        dev_says 'runs; ' 1
        ;;
    'sh:handoff serve') start_server command handoff serve ;;
    *) eval "$block" </dev/null ;;
    esac
    case "$block" in
    'sed -i'*) dev_says 'swapped in' 1 ;;
    'handoff build'*) took 'new, built and tested' ;;
    'handoff keys new'*) took 'published' ;;
    *'order-intake/order-1.json') emitted C-7 && took 'installed' ;;
    *'order-intake/order-2.json') emitted A-2 && took 'upgraded' ;;
    *'order-intake/order-3.json') emitted C-9 && took 'rolled back' ;;
    esac
done 3<"$work/blocks"
trap - ERR
[ -z "$developer" ] || fail "\`handoff dev\` was not ended"
command handoff history order-intake | grep -q '0\.1\.0 (active)' || fail "0.1.0 is not active again"
echo "==> the tutorial works in $language"
