#!/usr/bin/env bash
# Measures Tidegate beside every peer installed; prints a table. Arguments go to the runner:
# scripts/bench.sh --only readers --seconds 20 --repeat 5 --json figures.json
set -euo pipefail
cd "$(dirname "$0")/.."
# One after the other: together, the features they need would be joined, and both rebuilt.
cargo build --release --locked --quiet -p tidegate
cargo build --release --locked --quiet -p tidegate-bench
exec "$(scripts/target.sh)/release/tidegate-bench" run "$@"
