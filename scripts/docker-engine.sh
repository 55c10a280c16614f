# Sourced by test.sh: starts a Docker engine of the tests' own where none answers and this user may, and stops it again.

engine_folder=
engine_process=

engine_answers() {
  bun -e 'const host = process.env.DOCKER_HOST || "unix:///var/run/docker.sock";
    const unix = /^unix:\/\/(.+)/.exec(host)?.[1];
    const url = unix ? "http://engine/_ping" : `${host.replace(/^tcp/, "http")}/_ping`;
    const signal = AbortSignal.timeout(3000);
    process.exit(await fetch(url, { unix, signal }).then((answer) => (answer.ok ? 0 : 1), () => 1));' 2>/dev/null
}

start_engine() {
  engine_answers && return 0
  [ "$(id -u)" = 0 ] && command -v dockerd >/dev/null || { echo "no Docker engine answers: its tests are skipped" >&2; return 0; }
  engine_folder=$(mktemp -d)
  DOCKER_HOST=unix://$engine_folder/engine.sock
  export DOCKER_HOST
  dockerd --storage-driver=vfs --iptables=false --bridge=none --host="$DOCKER_HOST" --data-root="$engine_folder/data" \
    --exec-root="$engine_folder/exec" --pidfile="$engine_folder/pid" >"$engine_folder/log" 2>&1 &
  engine_process=$!
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    engine_answers && return 0
    kill -0 "$engine_process" 2>/dev/null || break
    sleep 1
  done
  echo "the Docker engine did not start:" >&2
  tail -n 3 "$engine_folder/log" >&2
  stop_engine
  unset DOCKER_HOST
}

stop_engine() {
  [ -n "$engine_folder" ] || return 0
  kill "$engine_process" 2>/dev/null && wait "$engine_process"
  rm -rf "$engine_folder"
  engine_folder=
}
