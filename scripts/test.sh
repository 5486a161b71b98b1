#!/usr/bin/env bash
# Runs all tests and lists what this machine could not run.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PWD/.tools/bin:$PATH

target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
OTPOST_SKIPS=$(realpath "$target")/skips.txt
export OTPOST_SKIPS
rm -f "$OTPOST_SKIPS"

status=0
cargo nextest run --workspace --locked --no-fail-fast "$@" || status=$?

if [ -s "$OTPOST_SKIPS" ]; then
    printf '\nNot run on this machine:\n'
    sort -u "$OTPOST_SKIPS"
fi
exit "$status"
