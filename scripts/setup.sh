#!/usr/bin/env bash
# Installs the Debian packages that Tidegate's build, demo or tests need, and only those
# that are missing. Usage: setup.sh run|test
set -euo pipefail

run_packages=(ca-certificates curl git gcc g++ make ffmpeg python3-venv)
test_packages=(
  "${run_packages[@]}" srt-tools chromium fonts-dejavu-core procps
  gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
  gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav
  gir1.2-gst-rtsp-server-1.0 python3-gi python3-gst-1.0
  vlc-bin vlc-plugin-base vlc-plugin-access-extra util-linux
  nginx-light libnginx-mod-rtmp libnginx-mod-stream
  obs-studio libgl1-mesa-dri xvfb unzip iproute2 nftables valgrind
)

case "${1:-run}" in
  run) wanted=("${run_packages[@]}") ;;
  test) wanted=("${test_packages[@]}") ;;
  *) echo "usage: setup.sh run|test" >&2; exit 2 ;;
esac

if ! command -v cargo >/dev/null; then
  echo "Rust is missing: install it from https://rustup.rs, then run this again." >&2
  exit 1
fi

missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
done
# A compiler or Node that did not come as a Debian package is as good.
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if command -v sudo >/dev/null; then as_root=(sudo); else
    echo "These Debian packages are missing: ${missing[*]}" >&2
    echo "Install them as root (apt-get install ${missing[*]}), then run this again." >&2
    exit 1
  fi
fi
echo "Installing Debian packages: ${missing[*]}"
log=$(mktemp)
"${as_root[@]}" apt-get -o DPkg::Lock::Timeout=600 update -qq >"$log" 2>&1 || true
if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 \
  install -y -qq --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
  cat "$log" >&2
  echo "apt-get could not install: ${missing[*]}" >&2
  exit 1
fi
rm -f "$log"
