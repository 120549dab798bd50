#!/usr/bin/env bash
# Installs the Debian package of `make dist` in a clean chroot, upgrades, removes and purges it, and checks what each step leaves.
# tests/dist.sh [PACKAGE]: the file, or else the one in target/packages. Needs root, mmdebstrap and a Debian mirror. No systemd runs in
# the chroot: `systemd-analyze` checks the unit from outside.
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"

stop() { printf '==> stopped: %s\n' "$*" >&2; exit 1; }
packages=("$target"/packages/*.deb)
package="${1:-${packages[0]}}"
[ -f "$package" ] || stop "there is no package. Run: make dist"
[ "$(id -u)" -eq 0 ] || stop "a chroot needs root. Run: sudo tests/dist.sh $package"
command -v mmdebstrap >/dev/null || stop "mmdebstrap is missing. Run: apt-get install mmdebstrap"

work="$(mktemp -d)"
root="$work/root"
server=
clean_up() {
    [ -z "$server" ] || kill -KILL "$server"
    ! mountpoint -q "$root/proc" || umount "$root/proc"
    rm -rf --one-file-system "$work"
}
trap clean_up EXIT
failed=0

# A build from a checkout adds the commit.
says_version() { inside handoff --version | grep -Eqx "handoff ${version//./\\.}( \([0-9a-f]+\))?"; }

# Counts a failure and goes on, so that one run shows all of them.
expect() {
    local what="$1"
    shift
    if "$@"; then printf 'ok      %s\n' "$what"; else printf 'FAILED  %s\n' "$what"; failed=$((failed + 1)); fi
}
inside() { chroot "$root" "$@"; }
rights() { [ "$(inside stat -c '%a %U:%G' "$1" 2>/dev/null)" = "$2" ]; }
contains() { inside grep -q -- "$2" "$1"; }
gone() { ! inside test -e "$1"; }
add_secret() { echo s3cret | inside install -m 0600 -o handoff -g handoff /dev/stdin /etc/handoff/secrets/leads-hook; }
# A copy of the package with another version and other contents of its configuration file.
repack() {
    local version="$1" file="$work/handoff_$1.deb"
    rm -rf "$work/repack"
    dpkg-deb --raw-extract "$package" "$work/repack"
    sed -i "s/^Version: .*/Version: $version/" "$work/repack/DEBIAN/control"
    echo "# As version $version ships it." >>"$work/repack/etc/handoff/handoff.toml"
    dpkg-deb -Zgzip -z1 --build "$work/repack" "$file" >/dev/null
    install -m 0644 "$file" "$root/tmp/"
}

suite="$(. /etc/os-release && echo "$VERSION_CODENAME")"
echo "==> Making a clean Debian $suite"
mmdebstrap --quiet --variant=minbase --include=ca-certificates "$suite" "$root"
# The root of the chroot must be reachable for the user that the package creates.
chmod 0755 "$work" "$root"
# The host finds its own program there.
mount -t proc proc "$root/proc"
install -m 0644 "$package" "$root/tmp/handoff.deb"
version="$(dpkg-deb --field "$package" Version)"

echo "==> Installing $(basename "$package")"
inside dpkg --install /tmp/handoff.deb
expect "the program runs and says its version" says_version
expect "the user is a system user without a login" \
    inside sh -c 'getent passwd handoff | grep -q ":/var/lib/handoff:/usr/sbin/nologin$" && [ "$(id -u handoff)" -lt 1000 ]'
expect "/etc/handoff is 0750 root:handoff" rights /etc/handoff "750 root:handoff"
expect "/etc/handoff/handoff.toml is 0640 root:handoff" rights /etc/handoff/handoff.toml "640 root:handoff"
expect "/etc/handoff/secrets is 0700 handoff:handoff" rights /etc/handoff/secrets "700 handoff:handoff"
expect "/var/lib/handoff is 0700 handoff:handoff" rights /var/lib/handoff "700 handoff:handoff"
expect "the unit is installed" inside test -f /usr/lib/systemd/system/handoff.service
expect "licences and the production page are installed" inside sh -c 'cd /usr/share/doc/handoff && test -f copyright -a -f PRODUCTION.md'
expect "bash completions load" inside bash -c '. /usr/share/bash-completion/completions/handoff && complete -p handoff >/dev/null'
expect "zsh completions are installed" contains /usr/share/zsh/vendor-completions/_handoff '^#compdef handoff'
expect "fish completions are installed" contains /usr/share/fish/vendor_completions.d/handoff.fish 'complete -c handoff'
# A program from before `handoff man` has none.
if inside handoff man --help >/dev/null 2>&1; then
    expect "the man page is installed" inside test -f /usr/share/man/man1/handoff.1.gz
else
    echo "skipped the man pages: this program cannot write any"
fi
expect "the user can read the configuration, and it is valid" \
    chroot --userspec=handoff:handoff "$root" handoff check --config /etc/handoff/handoff.toml

echo "==> Running the host as its user"
chroot --userspec=handoff:handoff "$root" handoff serve --config /etc/handoff/handoff.toml >"$work/serve.log" 2>&1 &
server=$!
for _ in $(seq 100); do
    grep -q "handoff is ready" "$work/serve.log" && break
    sleep 0.1
done
expect "the host is ready" grep -q "handoff is ready" "$work/serve.log"
cat "$work/serve.log"
expect "root reaches it through its socket" inside handoff status --config /etc/handoff/handoff.toml
kill -TERM "$server"
expect "the host stops when it is told to" wait "$server"
server=
expect "the journal is in /var/lib/handoff" inside test -d /var/lib/handoff/journal
inside sh -c 'cd /var/lib/handoff && find . -type f -exec sha256sum "{}" + | sort' >"$work/before"
same_data() { inside sh -c 'cd /var/lib/handoff && find . -type f -exec sha256sum "{}" + | sort' | cmp -s - "$work/before"; }

echo "==> Upgrading"
echo "# As the administrator changed it." >>"$root/etc/handoff/handoff.toml"
add_secret
repack 999.0.0
inside dpkg --force-confold --install /tmp/handoff_999.0.0.deb
expect "the new version is installed" [ "$(inside dpkg-query -W -f '${Version}' handoff)" = 999.0.0 ]
expect "the upgrade keeps the data" same_data
expect "the upgrade keeps a changed configuration" contains /etc/handoff/handoff.toml 'As the administrator changed it'
expect "the upgrade keeps its rights" rights /etc/handoff/handoff.toml "640 root:handoff"
expect "the upgrade keeps secrets" rights /etc/handoff/secrets/leads-hook "600 handoff:handoff"

echo "==> Removing"
inside dpkg --remove handoff
expect "the program is gone" gone /usr/bin/handoff
expect "removal keeps the data" same_data
expect "removal keeps the configuration" contains /etc/handoff/handoff.toml 'As the administrator changed it'

echo "==> Installing again, then purging"
# As dpkg removes a folder without files.
inside rm -r /etc/handoff/secrets
inside dpkg --force-confold --install /tmp/handoff.deb
expect "a new installation finds the data" same_data
expect "a new installation has a folder for secrets" rights /etc/handoff/secrets "700 handoff:handoff"
add_secret
inside dpkg --purge handoff
expect "a purge removes the configuration and its secrets" gone /etc/handoff
expect "a purge keeps the data" same_data

echo "==> Checking the unit"
mkdir "$work/unit"
dpkg-deb --fsys-tarfile "$package" | tar -xC "$work/unit" ./usr/lib/systemd/system/handoff.service
unit="$work/unit/usr/lib/systemd/system/handoff.service"
# The program is in the package, not on this machine.
sed -i 's#^ExecStart=/usr/bin/handoff #ExecStart=/bin/true #' "$unit"
if command -v systemd-analyze >/dev/null; then
    expect "systemd accepts the unit" systemd-analyze verify --man=no "$unit"
    exposure() { systemd-analyze security --offline=yes --threshold=20 --no-pager "$unit" >"$work/security"; }
    expect "its exposure is at most 2.0 of 10" exposure
    tail -n 1 "$work/security"
else
    echo "skipped the unit: systemd-analyze is missing"
fi

[ "$failed" -eq 0 ] || stop "$failed checks failed"
echo "==> All checks passed"
