#!/usr/bin/env bash
# Installs what the tests need and runs them all; the last line counts every test.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }
export TIDEGATE_REQUIRE_PEERS=1
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT

step "Setting up"
scripts/setup.sh test
# The browser test drives Chromium by Node, which may have been brought along.
PATH="$(scripts/node.sh):$PATH"
export PATH
if [ -z "${TIDEGATE_PEER_FFMPEG:-}" ]; then
  TIDEGATE_PEER_FFMPEG=$(scripts/peers.sh)
  export TIDEGATE_PEER_FFMPEG
fi
scripts/web.sh build

step "Format, lints, dependencies"
scripts/check.sh

step "Dashboard"
scripts/web.sh test 2>&1 | tee "$log/web"

step "Dashboard in Chromium"
scripts/web.sh browser 2>&1 | tee "$log/browser"

step "Fuzz targets"
fuzz/run.sh "${FUZZ_SECONDS:-3}"

step "Tests"
# Random networks that SRT is simulated on: half a minute of two processors.
export TIDEGATE_SIM_SEEDS=${TIDEGATE_SIM_SEEDS:-2000}
status=0
cargo test --workspace --locked --no-fail-fast 2>&1 | tee "$log/rust" || status=$?

sum() { sed -nE "s/^test result:.*[ .;]([0-9]+) $1.*/\1/p" "$log/rust" | awk '{ n += $1 } END { print n + 0 }'; }
web_passed=$(sed -E 's/\x1b\[[0-9;]*m//g' "$log/web" | sed -nE 's/^ *Tests +.*[^0-9]([0-9]+) passed.*/\1/p' | tail -1)
browser_passed=$(sed -nE 's/^(#|ℹ) pass ([0-9]+)$/\2/p' "$log/browser" | tail -1)
passed=$(($(sum passed) + ${web_passed:-0} + ${browser_passed:-0}))
failed=$(sum failed)
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
printf '\n%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
