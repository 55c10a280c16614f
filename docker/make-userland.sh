# Lays out the userland below the folder $1, inside the first stage of the Dockerfile. src/sandbox/docker/twin.ts lays out the
# same from Debian's packages.
set -eu
world=$1
box=/bin/busybox.static
$box mkdir -p "$world/bin" "$world/lib" "$world/usr/share" "$world/root"
for root in home srv opt etc tmp var usr/local proc dev sys run; do $box mkdir -p "$world/$root"; done
$box cp "$box" "$world/bin/busybox"
dash=$(command -v dash)
$box cp -L "$dash" "$world/bin/dash"
for library in $(ldd "$dash" | $box sed -n 's,.*[[:space:]]\(/[^ ]*\) (0x.*,\1,p' | $box sort -u); do
  $box mkdir -p "$world$($box dirname "$library")"
  $box cp -L "$library" "$world$library"
done
for applet in $($box --list); do
  $box grep -qx "$applet" /absent-applets || [ -e "$world/bin/$applet" ] || $box ln -s busybox "$world/bin/$applet"
done
$box ln -s dash "$world/bin/sh"
# Where the volume of /etc is mounted; src/sandbox/docker/container.ts says why.
$box ln -s / "$world/usr/share/root"
