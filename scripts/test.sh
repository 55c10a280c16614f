#!/bin/sh
# Installs what is missing, then checks everything: format and lint, types, build, every test. The last line counts them.
# usage: test.sh [arguments of `bun test`, e.g. a path]; SEKFT_REQUIRE=gpu makes a test that lacks its GPU fail.
set -u
. "$(dirname "$0")/environment.sh"
sh scripts/setup.sh || { echo "0 passed, 1 failed"; exit 1; }

passed=0 failed=0
check() {
  name=$1
  shift
  echo "== $name"
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "FAILED: $name"; fi
}
check "format and lint" bun x biome check .
check "types" bun x tsc --noEmit
check "build" bun run scripts/build.ts

echo "== tests"
results=.cache/tests.xml
rm -f "$results"
bun test --reporter=junit --reporter-outfile="$results" "$@"
status=$?
# The counts of the whole run stand in the first <testsuites ...>; a run that crashed leaves none.
count() { sed -n "s/^<testsuites .*[ ]$1=\"\([0-9]*\)\".*/\1/p" "$results" 2>/dev/null | head -n 1; }
tests=$(count tests) failures=$(count failures) skipped=$(count skipped)
if [ -z "$tests" ]; then
  echo "FAILED: bun test ended with $status and left no results"
  failed=$((failed + 1))
else
  passed=$((passed + tests - failures - skipped)) failed=$((failed + failures))
  [ "$skipped" = 0 ] || echo "$skipped skipped"
  # An error outside of a test fails the run without being one of its tests.
  if [ "$status" != 0 ] && [ "$failures" = 0 ]; then echo "FAILED: bun test ended with $status" && failed=$((failed + 1)); fi
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
