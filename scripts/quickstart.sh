#!/bin/sh
# Installs what is missing, builds dist/sekft, and trains a LoRA adapter for SmolLM2-135M-Instruct on the sessions in
# examples/ for a few steps. usage: quickstart.sh [options of `sekft train`, e.g. --max-steps 100]
set -eu
. "$(dirname "$0")/environment.sh"
sh scripts/setup.sh
bun run scripts/build.ts
out=runs/quickstart-$(date +%Y%m%d-%H%M%S)
./dist/sekft doctor
./dist/sekft inspect mask --data examples/trajectories.jsonl --base "$base" --limit 1
./dist/sekft train --data examples/trajectories.jsonl --base "$base" --out "$out" \
  --max-steps 10 --gradient-accumulation-steps 1 --logging-steps 1 "$@"
echo "The adapter is in $out; load it with PEFT, or look at it with ./dist/sekft inspect adapter --adapter $out"
