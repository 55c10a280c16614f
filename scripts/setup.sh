#!/bin/sh
# Installs what the project needs on Debian or Ubuntu and is not there yet: Bun, the Vulkan loader with Mesa's software
# driver, bubblewrap and Docker with the userland of their worlds, Python, patch and git, the npm packages, and the base SmolLM2.
# Safe to run again; needs root or sudo only for apt.
# usage: setup.sh [--lean]; --lean leaves out what only tests need: Docker, Python, patch, git and SmolLM2
set -eu
. "$(dirname "$0")/environment.sh"
lean=
[ "${1:-}" != --lean ] || lean=yes
say() { echo "setup: $*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else say "expected root or sudo for: $*"; exit 1
  fi
}

apt_updated=
apt_install() {
  command -v apt-get >/dev/null || { say "expected apt-get to install $*, got a system without it: install them by hand"; exit 1; }
  [ -n "$apt_updated" ] || as_root apt-get update -qq
  apt_updated=yes
  say "apt: $*"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

has_bun() { [ "$(bun --version 2>/dev/null)" = "$bun_version" ]; }
install_bun() {
  has_bun && return
  command -v npm >/dev/null || apt_install ca-certificates nodejs npm
  say "npm: bun $bun_version into .cache/bun"
  npm install --silent --no-audit --no-fund --prefix "$root/.cache/bun" "bun@$bun_version" >&2
  has_bun || { say "expected Bun $bun_version, got $(bun --version 2>&1 || true)"; exit 1; }
}

# Dawn wants Vulkan 1.3 of a recent Mesa; Debian 12 has one in its backports only.
mesa_wanted=24
mesa_version() { dpkg-query -W -f '${Version}' mesa-vulkan-drivers 2>/dev/null | sed 's/^[0-9]*://; s/\..*//'; }
mesa_candidate() { apt-cache policy mesa-vulkan-drivers | sed -n 's/^ *Candidate: *\([0-9]*:\)\{0,1\}\([0-9]*\).*/\2/p'; }

install_vulkan() {
  [ -e /usr/share/vulkan/icd.d ] && ldconfig -p | grep -q 'libvulkan\.so\.1' &&
    [ "$(mesa_version || echo 0)" -ge "$mesa_wanted" ] 2>/dev/null && return
  apt_install libvulkan1
  if [ "$(mesa_candidate)" -ge "$mesa_wanted" ] 2>/dev/null; then apt_install mesa-vulkan-drivers; return; fi
  add_backports
  apt_updated=
  apt_install -t "$codename-backports" mesa-vulkan-drivers
}

# Backports lie on the same server as the release itself: its entry is copied with another suite.
add_backports() {
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  grep -rqs "^[^#]*$codename-backports" /etc/apt/sources.list /etc/apt/sources.list.d && return
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] || continue
    entry=$(awk -v suite="$codename" 'BEGIN { RS = "" } $0 ~ "(^|\n)Suites:([^\n]* )?" suite "( |\n|$)"' "$file" | grep -v '^#')
    [ -n "$entry" ] || continue
    echo "$entry" | sed "s/^Suites:.*/Suites: $codename-backports/; s/^Components:.*/Components: main/" |
      as_root tee /etc/apt/sources.list.d/sekft-backports.sources >/dev/null
    return
  done
  line=$(grep -hs "^deb .* $codename main" /etc/apt/sources.list /etc/apt/sources.list.d/*.list | head -n 1)
  [ -n "$line" ] || { say "expected an apt source for $codename, got none: install mesa-vulkan-drivers $mesa_wanted or newer by hand"; exit 1; }
  echo "$line" | sed "s/ $codename main.*/ $codename-backports main/" |
    as_root tee /etc/apt/sources.list.d/sekft-backports.list >/dev/null
}

install_base() {
  [ -f "$base" ] || python3 -m pip --version >/dev/null 2>&1 || apt_install ca-certificates python3 python3-pip
  sh "$root/scripts/get-smollm2.sh" >/dev/null
}

# Worlds run in bubblewrap or in Docker, whose images are made of busybox and dash. What cannot be had is skipped: sekft and its
# tests say what they miss.
install_sandboxes() {
  wanted=
  command -v bwrap >/dev/null || wanted="$wanted bubblewrap"
  command -v busybox >/dev/null || wanted="$wanted busybox-static"
  command -v dash >/dev/null || wanted="$wanted dash"
  command -v setpriv >/dev/null || wanted="$wanted util-linux"
  [ -n "$lean" ] || command -v dockerd >/dev/null || [ -S /var/run/docker.sock ] || [ -n "${DOCKER_HOST:-}" ] || wanted="$wanted docker.io"
  [ -n "$wanted" ] || return 0
  if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }; then
    # shellcheck disable=SC2086 # one word a package
    apt_install $wanted || say "goes on without:$wanted"
  else
    say "goes on without:$wanted (apt-get and root or sudo install them)"
  fi
}

# What tests hold sekft against: CPython judges candidates, GNU patch and git judge edits.
install_references() {
  wanted=
  for program in python3 patch git; do
    command -v $program >/dev/null || wanted="$wanted $program"
  done
  # shellcheck disable=SC2086 # one word a package
  [ -z "$wanted" ] || apt_install $wanted
}

install_bun
install_vulkan
install_sandboxes
[ -n "$lean" ] || install_references
bun install --frozen-lockfile --silent
[ -n "$lean" ] || install_base
say "ready: Bun $(bun --version), Mesa $(mesa_version || echo none)${lean:+, the base inside the binary}"
