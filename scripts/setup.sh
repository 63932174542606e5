#!/bin/sh
# setup.sh run|test: makes .venv and installs genviewer into it, editable.
#
# Done once for a given pyproject.toml: a stamp in .venv remembers it, so that the next start costs
# nothing. PYTHON names the interpreter to build .venv with.
set -eu
cd "$(dirname "$0")/.."

extras=${1:?usage: setup.sh run|test}
torch_tested=2.13.0

say() { printf 'genviewer: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

debian() { command -v apt-get >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1; }

# install_debian PURPOSE PACKAGE..: installs as root, prints the command to everybody else.
install_debian() {
    purpose=$1
    shift
    if [ "$(id -u)" -eq 0 ]; then
        say "installing for $purpose: $*"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends "$@"; } >/dev/null </dev/null \
            && return
        say "apt-get could not install them. By hand: apt-get install $*"
    else
        say "system packages are missing for $purpose. Install them with:"
        say "  sudo apt-get install --no-install-recommends $*"
    fi
    return 1
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s' "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed; PYTHON=/path/to/python names one."
}

make_venv() {
    python=$(find_python)
    say "creating .venv with $("$python" --version)"
    if ! "$python" -m venv .venv >/dev/null 2>&1; then
        rm -rf .venv
        debian || fail "$python could not create .venv: its venv module is missing."
        version=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        install_debian "a virtual environment" "$version" || exit 1
        "$python" -m venv .venv || fail "$python could not create .venv."
    fi
}

# Lists the shared libraries that Qt's core and its platform plugins ask for and do not find.
missing_libraries() {
    for qt in .venv/lib/python*/site-packages/PySide6/Qt; do
        ldd "$qt/lib/libQt6Widgets.so.6" "$qt/plugins/platforms/libqoffscreen.so" \
            "$qt/plugins/platforms/libqxcb.so" 2>/dev/null
    done | awk '/not found/ { print $1 }' | sort -u
}

# Looked at every time, for a display may be there today that was not there at set-up.
check_qt_libraries() {
    [ "$(uname -s)" = Linux ] && command -v ldd >/dev/null 2>&1 || return 0
    missing=$(missing_libraries)
    [ -n "$missing" ] || return 0
    if debian; then
        # shellcheck disable=SC2046 # one word per package is what is wanted
        install_debian "Qt" $(cat scripts/qt-packages-debian.txt) && return 0
    else
        # shellcheck disable=SC2086 # in one line
        say "Qt misses these libraries, which your distribution packages:" $missing
    fi
    # Where nothing is shown on an X server, its plugin may be incomplete: nothing loads it.
    QT_QPA_PLATFORM=offscreen "$venv_python" -c \
        'from PySide6.QtWidgets import QApplication; QApplication([])' 2>/dev/null || exit 1
    if [ "$extras" = run ] && [ -n "${DISPLAY:-}" ] && [ -z "${WAYLAND_DISPLAY:-}" ]; then
        exit 1
    fi
}

venv_python=
for candidate in .venv/bin/python .venv/Scripts/python.exe; do
    [ -x "$candidate" ] && venv_python=$candidate
done

fingerprint=$(cksum <pyproject.toml)
for done_for in "$extras" test; do
    stamp=.venv/genviewer-$done_for.stamp
    if [ -n "$venv_python" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$fingerprint" ]; then
        check_qt_libraries
        exit 0
    fi
done

if [ -z "$venv_python" ]; then
    make_venv
    for candidate in .venv/bin/python .venv/Scripts/python.exe; do
        [ -x "$candidate" ] && venv_python=$candidate
    done
fi

pip() { "$venv_python" -m pip --disable-pip-version-check --quiet "$@" </dev/null; }

if ! "$venv_python" -c 'import importlib.util as u, sys; sys.exit(u.find_spec("torch") is None)'; then
    say "installing torch (large, once)"
    # The tested release where there is one for this machine, else what the project's range allows.
    pip install "torch==$torch_tested" || say "torch $torch_tested is not to be had here"
fi
say "installing genviewer and what it needs"
if [ "$extras" = test ]; then
    pip install -e ".[test]"
else
    pip install -e .
fi
printf '%s\n' "$fingerprint" >".venv/genviewer-$extras.stamp"
check_qt_libraries
