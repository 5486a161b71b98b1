#!/usr/bin/env bash
# Measures, and writes docs/benchmarks.md.
#
#   tests/bench/run.sh [PART...]    parts: logins disturbed memory pam portal uniform report; all of them if none is named
#
# Each part leaves its figures in target/release/bench/, so one can be measured again without the others. Settings come from the
# environment: see otpost-bench without arguments.
set -euo pipefail
cd "$(dirname "$0")/../.."

TARGET=${CARGO_TARGET_DIR:-target}
PARTS=("$@")
[ "${#PARTS[@]}" -gt 0 ] || PARTS=(logins disturbed memory pam portal uniform report)

cargo build --locked --release -p otpost-daemon -p otpost-radius -p otpost-portal -p otpost-tests
cargo build --locked --profile pam -p otpost-pam

BENCH_PAMLOOP=$(readlink -f "$TARGET")/release/bench/pamloop
export BENCH_PAMLOOP
mkdir -p "$(dirname "$BENCH_PAMLOOP")"
cc -O2 -Wall -Wextra -o "$BENCH_PAMLOOP" tests/bench/pamloop.c -lpam

if [ "$(id -u)" != 0 ]; then
    # A namespace of its own for /etc/pam.d and /dev/log needs root.
    for part in "${PARTS[@]}"; do
        [ "$part" != pam ] || echo "bench: not root: the PAM part is left out" >&2
    done
    mapfile -t PARTS < <(printf '%s\n' "${PARTS[@]}" | grep -vx pam || true)
fi

BENCH_COMMAND="make bench"
[ "$#" = 0 ] || BENCH_COMMAND="tests/bench/run.sh $*"
export BENCH_COMMAND
exec "$TARGET/release/otpost-bench" "${PARTS[@]}"
