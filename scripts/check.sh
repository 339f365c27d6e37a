#!/usr/bin/env bash
# Format, lints, and the rules for dependencies.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --all --check
cargo clippy --workspace --all-targets --locked --quiet -- -D warnings

# cargo-deny is built once into .cache/tools; the advisories check clones a database and
# is left to machines with an open network: cargo deny check advisories.
deny_version=0.20.2
deny=$(command -v cargo-deny || echo "$PWD/.cache/tools/bin/cargo-deny")
if ! "$deny" --version 2>/dev/null | grep -q "$deny_version"; then
  deny="$PWD/.cache/tools/bin/cargo-deny"
  echo "Building cargo-deny $deny_version into .cache/tools"
  cargo install cargo-deny --version "$deny_version" --locked --quiet --root .cache/tools \
    --config profile.release.lto=false --config profile.release.opt-level=1
fi
"$deny" --log-level error check --hide-inclusion-graph bans licenses sources
