#!/usr/bin/env bash
# Prints the folder that cargo builds into: CARGO_TARGET_DIR, cargo's configuration, or target.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo metadata --format-version 1 --no-deps --offline |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])'
