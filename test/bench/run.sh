#!/usr/bin/env bash
# Our figures and other people's, interleaved in one run on one machine: JSON lines in $OUT, a table with ratios on stdout.
#   PEERS_DIR=DIR     scripts of the peers (jax-js/step.mjs, jax-js/bench.mjs, ...); without it only our own figures
#   PEERS_HOME=DIR    where their packages are installed
#   PEERS_VENV=DIR    a Python environment with trl and peft, and PEERS_GGUF=FILE.gguf: adds PyTorch's step and TRL's masks
#   LOAD_BASE=DIR     a base to load, beside cat
#   MASK_DATA=FILE MASK_BASE=DIR   trajectories and a tokenizer for `inspect mask`
#   SEKFT=dist/sekft ROUNDS=2 OUT=bench.jsonl
set -u
cd "$(dirname "$0")/../.."
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/tmp}"
out="${OUT:-bench.jsonl}"
: > "$out"
one() { timeout 600 "$@" 2>> "$out.err" | grep '^{' >> "$out" || echo "failed: $*" >&2; }
peer() { [ -n "${PEERS_DIR:-}" ] && (cd "$PEERS_DIR" && timeout 600 "$@" 2>> /dev/null) | grep '^{' >> "$out"; }
process() { one bun test/bench/process.ts --what "$1" --reps "$2" -- "${@:3}"; }
case "$out" in /*) ;; *) out="$PWD/$out" ;; esac

export LP_NUM_THREADS=1
for _ in $(seq "${ROUNDS:-2}"); do
  one bun test/bench/step.ts
  peer bun jax-js/step.mjs --device webgpu --steps 3
  [ -z "${PEERS_VENV:-}" ] || peer "$PEERS_VENV/bin/python" torch-peft/train.py --kind lora --threads 1 --steps 10
  one env MESA_SHADER_CACHE_DISABLE=true bun test/bench/step.ts --steps 1 --cold yes
  one bun test/bench/gemm.ts --only square
  peer bun jax-js/bench.mjs --device webgpu --reps 5
  if [ -x "${SEKFT:-dist/sekft}" ]; then
    process help 10 "${SEKFT:-dist/sekft}" --help
    if [ -n "${MASK_DATA:-}" ]; then
      process inspect_mask 3 "${SEKFT:-dist/sekft}" inspect mask --data "$MASK_DATA" --base "$MASK_BASE" --all --json
      if [ -n "${PEERS_VENV:-}" ] && [ -n "${PEERS_GGUF:-}" ] && [ -n "${PEERS_DIR:-}" ]; then
        one bun test/bench/process.ts --peer trl --what inspect_mask --reps 1 -- \
          "$PEERS_VENV/bin/python" "$PEERS_DIR/torch-peft/mask.py" --gguf "$PEERS_GGUF" --n 1000
      fi
    fi
  fi
  [ -z "${LOAD_BASE:-}" ] || one bun test/bench/load.ts --base "$LOAD_BASE"
done
bun test/bench/table.ts "$out"
