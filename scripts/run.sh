#!/bin/sh
# Opens the program; where there is no display, drives the real window offscreen instead.
set -eu
cd "$(dirname "$0")/.."

bin=.venv/bin
[ -d .venv/Scripts ] && bin=.venv/Scripts

if [ "$(uname -s)" = Linux ] && [ -z "${DISPLAY:-}" ] && [ -z "${WAYLAND_DISPLAY:-}" ]; then
    echo "genviewer: there is no display here, so this is the tour: the real window, drawn into" >&2
    echo "genviewer: files in build/tour" >&2
    exec "$bin/genviewer" tour --force --out build/tour
fi
exec "$bin/genviewer"
