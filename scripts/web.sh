#!/usr/bin/env bash
# The dashboard. Usage: web.sh build (into web/dist, when something changed) | test | browser (what is built, in Chromium)
set -euo pipefail
cd "$(dirname "$0")/.."

fingerprint() {
  find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print0 |
    sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1
}

install_packages() {
  PATH="$(scripts/node.sh):$PATH"
  export PATH
  local lock
  lock=$(sha256sum web/package-lock.json | cut -d ' ' -f 1)
  if [ "$(cat web/node_modules/.tidegate-lock 2>/dev/null)" != "$lock" ]; then
    (cd web && npm ci --no-audit --no-fund --loglevel=error)
    echo "$lock" >web/node_modules/.tidegate-lock
  fi
}

case "${1:-build}" in
  build)
    wanted=$(fingerprint)
    if [ "$(cat web/dist/.fingerprint 2>/dev/null)" = "$wanted" ]; then exit 0; fi
    echo "Building the dashboard"
    install_packages
    (cd web && npm run --silent build)
    echo "$wanted" >web/dist/.fingerprint
    ;;
  test)
    install_packages
    (cd web && npm run --silent check && npm run --silent test)
    ;;
  browser)
    install_packages
    (cd web && npm run --silent test:browser)
    ;;
  packages) install_packages ;;
  *) echo "usage: web.sh build|test|browser|packages" >&2; exit 2 ;;
esac
