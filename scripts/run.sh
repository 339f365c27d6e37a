#!/usr/bin/env bash
# Builds and starts Tidegate on ./data, with a demo feed unless DEMO=0.
#   DATA=folder  HTTP=address:port  SRT=address:port  choose others than ./data, 127.0.0.1:8080, 0.0.0.0:9000
set -euo pipefail
cd "$(dirname "$0")/.."

demo=${DEMO:-1}
data=$(realpath -m "${DATA:-data}")
http=${HTTP:-127.0.0.1:8080}
srt=${SRT:-0.0.0.0:9000}

scripts/setup.sh run
scripts/web.sh build
cargo build --release --locked -p tidegate
tidegate=$(scripts/target.sh)/release/tidegate
mkdir -p "$data"
chmod 700 "$data"

# From the second start on, the stored addresses count.
if [ -e "$data/tidegate.db" ] && stored=$("$tidegate" export --data "$data" 2>/dev/null); then
  bound() { sed -n "/^$1:/,/^[a-z]/s/^ *bind: *//p" <<<"$stored" | head -n 1 | tr -d "\"'"; }
  stored_http=$(bound http)
  stored_srt=$(bound listeners)
  if [ "$http" != "${stored_http:-$http}" ] && [ -n "${HTTP:-}" ]; then
    echo "HTTP=$http counts at the first start only; the stored address is $stored_http." >&2
  fi
  if [ "$srt" != "${stored_srt:-$srt}" ] && [ -n "${SRT:-}" ]; then
    echo "SRT=$srt counts at the first start only; the stored address is $stored_srt." >&2
  fi
  http=${stored_http:-$http}
  srt=${stored_srt:-$srt}
fi

ready() { curl -fsS -o /dev/null "http://$(echo "$http" | sed 's/^0\.0\.0\.0/127.0.0.1/')/readyz" 2>/dev/null; }
if ready; then
  echo "Something answers at http://$http already: stop it first." >&2
  exit 1
fi

secret() { # file: made once, 24 letters and digits
  [ -s "$data/$1" ] || (umask 077; head -c 256 /dev/urandom | base64 -w0 | tr -dc 'A-Za-z0-9' | head -c 24 >"$data/$1")
  cat "$data/$1"
}

# For the command line and scripts; the dashboard has its own log-in.
export TIDEGATE_API_TOKEN=${TIDEGATE_API_TOKEN:-$(secret api.token)}

config=$data/tidegate.yaml
cam1=$(secret cam1.passphrase)
if [ ! -e "$config" ]; then
  {
    cat <<YAML
# Read at the first start only; afterwards the stored state is the truth.
# Change things in the dashboard, by the API, or here followed by: tidegate apply $config
# (which removes what is not here, and needs the TIDEGATE_API_TOKEN the server was started with).
http: { bind: "$http" }
listeners:
  - { name: ingest, srt: { bind: "$srt", latency: 200ms } }
sources:
  - name: cam1
    srt: { listener: ingest, stream_id: live/cam1, passphrase: { secret: cam1 } }
outputs:
  - { name: cam1-hls, source: cam1, hls: {} }
secrets:
  cam1: { file: "$data/cam1.passphrase" }
YAML
  } >"$config"
  if [ "$demo" != 0 ]; then
    secret demo.passphrase >/dev/null
    sed -i "s|^sources:|sources:\n  - name: demo\n    srt: { listener: ingest, stream_id: live/demo, passphrase: { secret: demo } }\n    expect: { video: \"h264 1280x720 25\", audio: \"aac stereo\" }|
      s|^outputs:|outputs:\n  - { name: demo-hls, source: demo, hls: {} }|" "$config"
    echo "  demo: { file: \"$data/demo.passphrase\" }" >>"$config"
  fi
fi

"$tidegate" serve --config "$config" --data "$data" &
server=$!
feeder=
finish() {
  trap - EXIT INT TERM
  [ -z "$feeder" ] || kill "$feeder" 2>/dev/null || true
  kill "$server" 2>/dev/null || true
  wait 2>/dev/null || true
}
trap finish EXIT
trap 'exit 0' INT TERM

for _ in $(seq 150); do
  ready && break
  kill -0 "$server" 2>/dev/null || exit 1
  sleep 0.1
done

feed_demo() { # a test picture with tone, again whenever it ends
  while kill -0 "$server" 2>/dev/null; do
    ffmpeg -hide_banner -nostdin -v error -re \
      -f lavfi -i "testsrc2=s=1280x720:r=25" -f lavfi -i "sine=frequency=440:sample_rate=48000" \
      -c:v libx264 -preset ultrafast -tune zerolatency -profile:v main -pix_fmt yuv420p -g 25 -b:v 1500k \
      -c:a aac -ac 2 -b:a 96k -f mpegts \
      "srt://127.0.0.1:${srt##*:}?streamid=live/demo&passphrase=$(cat "$data/demo.passphrase")&pbkeylen=16&latency=200000&pkt_size=1316" &
    wait $! || true
    sleep 1
  done
}
if [ "$demo" != 0 ] && [ -s "$data/demo.passphrase" ]; then
  (trap 'kill $(jobs -p) 2>/dev/null' EXIT; trap 'exit 0' TERM INT; feed_demo) &
  feeder=$!
fi

host=${PUBLIC_HOST:-$(hostname -I 2>/dev/null | awk '{ print $1 }')}
host=${host:-127.0.0.1}
url="srt://$host:${srt##*:}?streamid=live/cam1&passphrase=$cam1"
cat <<TEXT

  Dashboard   http://$(echo "$http" | sed 's/^0\.0\.0\.0/127.0.0.1/')
  Log in      user admin; the password was printed at the first start
              (or start with TIDEGATE_ADMIN_PASSWORD=… to set it)
  API         export TIDEGATE_API_TOKEN=\$(cat $data/api.token)

  Send a feed to the source "cam1":

  ffmpeg      ffmpeg -re -i FILE -c copy -f mpegts "$url&latency=200000&pkt_size=1316"
  OBS         Settings → Stream → Service: Custom…, Stream key: leave empty, Server:
              $url&latency=200000

  (Both take the latency in microseconds: 200000 is 200 ms.)   Stop with Ctrl+C.

TEXT
wait "$server"
