#!/bin/sh
# Installs what is missing, builds dist/sekft, and shows the whole story: sessions are written and run, an adapter is trained on
# them, base and adapter are measured on work that training never saw. Ends with the table, where the report is, and how to open it.
# Stopped, it goes on when it is started again. usage: quickstart.sh [options of `sekft quickstart`, e.g. --minutes 5]
set -eu
. "$(dirname "$0")/environment.sh"
sh scripts/setup.sh --lean
bun run scripts/build.ts
exec ./dist/sekft quickstart "$@"
