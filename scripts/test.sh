#!/bin/sh
# Installs what is missing, then checks everything: format and lint, types, build, every test. The last line counts them.
# usage: test.sh [arguments of `bun test`, e.g. a path]; SEKFT_REQUIRE=gpu makes a test that lacks its GPU fail.
# Where no Docker engine answers and root runs this, one is started for the tests and stopped after them.
set -u
. "$(dirname "$0")/environment.sh"
. ./scripts/docker-engine.sh
sh scripts/setup.sh || { echo "0 passed, 1 failed"; exit 1; }
trap stop_engine EXIT
trap 'exit 130' INT TERM
start_engine

passed=0 failed=0
check() {
  name=$1
  shift
  echo "== $name"
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "FAILED: $name"; fi
}
check "format and lint" bun x biome check .
check "types" bun x tsc --noEmit
check "types of the page" bun x tsc --noEmit -p src/view/page
check "build" bun run scripts/build.ts

# Bun's own summary, the last of its kind in the log: ` 12 pass`, ` 1 fail`; a file that does not load counts as a failure.
count() { sed -n "s/^ \([0-9][0-9]*\) $1$/\1/p" "$log" | tail -n 1; }
log=.cache/tests.log
run_tests() {
  echo "== tests $*"
  # Software Vulkan on a busy machine takes its time.
  { bun test --timeout 300000 "$@"; echo "status $?"; } 2>&1 | tee "$log"
  ended=$(sed -n 's/^status //p' "$log" | tail -n 1)
  test_passed=$(count pass) test_failed=$(count fail)
  passed=$((passed + ${test_passed:-0})) failed=$((failed + ${test_failed:-0}))
  if [ "$ended" != 0 ] && [ "${test_failed:-0}" = 0 ]; then
    echo "FAILED: bun test $* ended with $ended and no failed test"
    failed=$((failed + 1))
  fi
}
if [ $# -gt 0 ]; then run_tests "$@"
else
  # A process for each folder: software Vulkan keeps the code of every pipeline that it compiled, and in one process it piles up.
  for part in $(find test -name '*.test.ts' | cut -d / -f 1,2 | sort -u); do run_tests "./$part"; done
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
