#!/bin/sh
# Installs the free fonts that `builtin:letters` is drawn from, or says how: Debian and Ubuntu.
set -eu
cd "$(dirname "$0")"
packages=$(grep -v '^#' fonts.txt | tr '\n' ' ')

if ! command -v apt-get >/dev/null 2>&1; then
    echo "genviewer: without apt-get, install fonts by hand; Debian's packages of them are:" >&2
    echo "$packages"
    exit 1
fi
# Not every release has all of them.
known=
for package in $packages; do
    if apt-cache show "$package" >/dev/null 2>&1; then known="$known $package"; fi
done
if [ "$(id -u)" -ne 0 ]; then
    echo "genviewer: fonts are missing. Install them with:" >&2
    echo "sudo apt-get install --no-install-recommends$known"
    exit 1
fi
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $known
