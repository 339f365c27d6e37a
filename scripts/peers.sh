#!/usr/bin/env bash
# Prints where a current ffmpeg with a libsrt of its own is: brought once, as a package of PyPI,
# beside what Debian has. Prints nothing, and says why on standard error, when it cannot be had.
set -euo pipefail
cd "$(dirname "$0")/.."

package="imageio-ffmpeg==0.8.1"
folder=$PWD/.cache/peers
program=$folder/ffmpeg

if [ ! -x "$program" ]; then
  mkdir -p "$folder"
  work=$(mktemp -d "$folder/new.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  python3 -m venv "$work/venv" >&2
  if ! "$work/venv/bin/pip" --quiet download --no-deps --only-binary=:all: --dest "$work" "$package" >&2; then
    echo "SKIPPED: no current ffmpeg, because $package could not be had from PyPI" >&2
    exit 0
  fi
  unzip -q -o "$work"/*.whl 'imageio_ffmpeg/binaries/*' -d "$work"
  install -m 755 "$work"/imageio_ffmpeg/binaries/ffmpeg-* "$program.new"
  mv "$program.new" "$program"
fi
echo "$program"
