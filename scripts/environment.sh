# Sourced by the other scripts: where the project's own Bun lies, and what Dawn's Vulkan loader wants.
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
# The one place that names Bun's version is package.json.
bun_version=$(sed -n 's/^ *"bun": *"\([0-9.]*\)".*/\1/p' package.json)
PATH=$root/.cache/bun/node_modules/.bin:$PATH
: "${XDG_RUNTIME_DIR:=/tmp}"
export PATH XDG_RUNTIME_DIR
base=$root/.cache/SmolLM2-135M-Instruct.Q4_1.gguf
