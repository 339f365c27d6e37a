#!/usr/bin/env bash
# Builds every fuzz target with coverage counters and runs each for some seconds:
#
#   fuzz/run.sh [SECONDS [TARGET…]]        (default 60, all targets)
#
# Neither cargo-fuzz nor a nightly compiler is needed: the flags below are those cargo-fuzz
# sets, without the address sanitizer, which stable Rust does not have. The crates under test
# forbid unsafe code, so what is looked for are panics, overflows, endless loops and memory.
#
# A crash ends the run with an error; its input is in fuzz/artifacts/TARGET/. To see it again:
#   fuzz/run.sh 0 TARGET fuzz/artifacts/TARGET/crash-…
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:-60}
[ $# -gt 0 ] && shift

host=$(rustc -vV | sed -n 's/^host: //p')
target_dir=${CARGO_TARGET_DIR:-target}/fuzz
flags="--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module"
for option in level=4 inline-8bit-counters pc-table trace-compares stack-depth; do
    flags+=" -Cllvm-args=-sanitizer-coverage-$option"
done

# An explicit target keeps the counters out of build scripts and procedural macros.
CARGO_TARGET_DIR=$target_dir RUSTFLAGS=$flags cargo build --quiet --target "$host"
binaries=$target_dir/$host/debug

if [ "$seconds" = 0 ]; then
    target=$1 input=$(realpath --relative-to=. "../$2")
    exec "$binaries/$target" "$input"
fi

targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(basename -s .rs -a fuzz_targets/*.rs)

failed=()
for target in "${targets[@]}"; do
    mkdir -p "corpus/$target" "artifacts/$target"
    log=artifacts/$target/log
    # Limits: no input may need 64 MB in one allocation, 1 GB in all, or 5 seconds.
    if ! "$binaries/$target" -max_total_time="$seconds" -max_len=4096 -len_control=20 \
        -malloc_limit_mb=64 -rss_limit_mb=1024 -timeout=5 \
        -artifact_prefix="artifacts/$target/" "corpus/$target" "seeds/$target" >"$log" 2>&1
    then
        tail -n 40 "$log"
        failed+=("$target")
    fi
    first=$(grep -om1 'cov: [0-9]*' "$log" || true)
    last=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 || true)
    runs=$(grep -oE '^#[0-9]+' "$log" | tail -n 1 || true)
    echo "$target: ${runs#\#} runs, edges ${first#cov: } → ${last#cov: }"
    # Without counters libFuzzer would be guessing blindly, and nobody would notice.
    if ! grep -q 'inline 8-bit counters' "$log"; then
        echo "$target: no coverage counters were compiled in" >&2
        failed+=("$target")
    fi
done

if [ ${#failed[@]} -gt 0 ]; then
    echo "failed: ${failed[*]} – inputs in fuzz/artifacts/" >&2
    exit 1
fi
