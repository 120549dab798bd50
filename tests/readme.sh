#!/usr/bin/env bash
# Runs the commands of README.md as a reader does: in a fresh clone, block by block. Fails at the first command that fails, or if the last
# state is not what README.md says. CARGO_TARGET_DIR shares a target folder, so that dependencies are not compiled again. With
# HANDOFF_BIN=FILE, `make demo` is left out and `make install` installs that program. `make test` is always left out: it has a run of its
# own.
set -euo pipefail
. "$(dirname "$0")/page.sh"
source="$(cd "$(dirname "$0")/.." && pwd)"
# A reader has none of these set.
unset HANDOFF_CONFIG HANDOFF_SOCKET HANDOFF_URL HANDOFF_TOKEN_FILE MAKEFLAGS MFLAGS MAKELEVEL

work="$(mktemp -d)"
server=
clean_up() {
    [ -z "$server" ] || kill -TERM "$server" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap clean_up EXIT

echo "==> Cloning the repository, with what is not committed yet"
clone="$work/handoff"
git clone --quiet "$source" "$clone"
git -C "$source" ls-files -z --cached --others --exclude-standard >"$work/files"
tar -C "$source" --null --files-from="$work/files" --ignore-failed-read -c 2>/dev/null | tar -C "$clone" -x
git -C "$clone" add --all
git -C "$clone" -c user.name=readme -c user.email=readme@handoff.example commit --quiet --allow-empty --message "Files as they are"

# `make install` reads PREFIX: nothing of this machine is changed.
export PREFIX="$work/prefix"
export PATH="$PREFIX/bin:$PATH"
if [ -n "${HANDOFF_BIN:-}" ]; then
    program="$(realpath "$HANDOFF_BIN")"
    make() {
        case "$1" in
        install) install -D "$program" "$PREFIX/bin/handoff" ;;
        *) echo "    (left out)" ;;
        esac
    }
fi

blocks "$clone/README.md" >"$work/blocks"
[ -s "$work/blocks" ] || fail "README.md has no sh blocks"

trap 'echo "==> failed: a command of README.md, see above" >&2' ERR
cd "$clone"
while IFS= read -r -d $'\001' block <&3; do
    block="${block#*$'\n'}"
    printf '==> %s\n' "${block%$'\n'}"
    case "$block" in
    'make test'*) echo "    (left out)" ;;
    'handoff serve'*) start_server handoff serve ;;
    # In this shell, because a block may change the folder.
    *) eval "$block" </dev/null ;;
    esac
done 3<"$work/blocks"
trap - ERR

echo "==> Checking the outcome"
handoff trace 1 | grep -q 'lead received' || fail "the mail became no lead"
handoff history web-leads | grep -q '1\.0\.0 (active)' || fail "1.0.0 is not active again"
handoff history web-leads | grep -q 'leads arrive without phone numbers' || fail "the history does not say why"
[ -z "$(git status --porcelain)" ] || fail "the clone is changed: $(git status --short)"
echo "==> README.md works"
