# Shared by the scripts that run the commands of a page as a reader does. Sourced, not run.

fail() { printf '==> failed: %s\n' "$*" >&2; exit 1; }

# The blocks of a page: those of the kind `sh`, and with a second argument also `sh THAT` and `dev` (lines for `handoff dev`). Each is its
# kind, a line break and its lines, ended by a byte that no command has.
blocks() {
    awk -v more="${2:-}" '
        !inside && /^```(sh|dev)/ {
            kind = substr($0, 4)
            inside = 1
            wanted = kind == "sh" || (more != "" && (kind == "sh " more || kind == "dev"))
            if (wanted) print kind
            next
        }
        inside && /^```$/ { if (wanted) printf "\001"; inside = 0; next }
        inside && wanted
    ' "$1"
}

# Starts the host and waits until it says that it is ready.
start_server() {
    "$@" >"$work/server.log" 2>&1 &
    server=$!
    for _ in $(seq 600); do
        if grep -q 'handoff is ready' "$work/server.log"; then return; fi
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    cat "$work/server.log" >&2
    fail "the host did not start: $*"
}
