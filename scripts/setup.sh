#!/bin/sh
# Creates .venv and installs the lock and the package into it. Does nothing when that is done already.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/.."

stop() {
    printf '\nset-up stopped: %s\n' "$*" >&2
    if [ -d .venv.old ]; then rm -rf .venv.broken; mv .venv .venv.broken 2>/dev/null || :; mv .venv.old .venv; fi
    exit 1
}

# A Python that TensorFlow has wheels for, with the venv module; the one that .venv was made with comes first.
# Printed is the interpreter itself, not a virtual environment's link to it.
probe='import ensurepip, sys, venv
if not (3, 11) <= sys.version_info[:2] < (3, 14): sys.exit(1)
print(getattr(sys, "_base_executable", sys.executable))'
python='' without_venv=''
try() {
    [ -z "$python" ] || return 0
    command -v "$1" >/dev/null 2>&1 || return 0
    python=$("$1" -c "$probe" 2>/dev/null) || python=''
    [ -n "$python" ] || { "$1" -c 'import venv, ensurepip' 2>/dev/null || without_venv="$without_venv $1"; }
}
if [ -n "${PYTHON:-}" ]; then
    try "$PYTHON"
else
    for name in .venv/bin/python python3.13 python3.12 python3.11 python3 python; do try "$name"; done
fi
[ -n "$python" ] || [ -z "$without_venv" ] || stop "no venv module in:$without_venv.
On Debian or Ubuntu: sudo apt install python3-venv (or python3.12-venv, by its version)"
[ -n "$python" ] || stop "no Python 3.11, 3.12 or 3.13 was found (TensorFlow has no wheels for others).
Install one, or name yours: make lab PYTHON=/path/to/python3.12"

lock=requirements.lock need=4 download=1
if [ "$(uname -s)" = Linux ] && nvidia-smi -L 2>/dev/null | grep -q GPU; then
    lock=requirements-gpu.lock need=12 download=4
fi

# Two stamps: the environment is built anew for another folder, Python or lock, the package for another pyproject.toml.
version=$("$python" -c 'import sys; print(*sys.version_info[:2], sep=".")')
environment="$PWD: $version $lock $(cksum <"$lock")"
package="$(cksum <pyproject.toml)"
stamped() { [ "$(cat ".venv/$1.stamp" 2>/dev/null)" = "$2" ]; }
log=.venv/install.log
install() {
    .venv/bin/python -m pip --disable-pip-version-check --quiet install "$@" >"$log" 2>&1 && return
    tail -n 12 "$log" >&2
    cp "$log" install-failed.log
    said() { grep -qiE "$1" "$log"; }
    said 'no space left|quota exceeded' && stop "the disk is full: make room for $need GB and repeat."
    said 'do not match the hashes' && stop "a download does not have the locked hash: repeat, and tell us if it stays so."
    said 'new connection|name resolution|timed out|unreachable|ProxyError|SSLError|versions: none' && stop \
        "a package could not be downloaded: check the network (or proxy) and repeat. On $(uname -sm) with a working
network, the package has no wheel for it (TensorFlow has none for Intel Macs). The log: install-failed.log"
    stop "pip failed. The log: install-failed.log"
}
install_package() {
    install --no-deps --no-build-isolation --editable .
    printf '%s' "$package" >.venv/package.stamp
}

if stamped environment "$environment" && .venv/bin/python -c '' 2>/dev/null; then
    stamped package "$package" || install_package
    exit 0
fi

free=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
[ "$free" -ge "$need" ] || stop "$free GB are free on this disk and about $need GB are needed. Make room and repeat."

echo "Setting up .venv with Python $version from $lock: a download of about $download GB, one to five minutes, once."
rm -rf .venv.old .venv.broken
[ ! -d .venv ] || mv .venv .venv.old # kept until the new one stands
"$python" -m venv .venv || stop "the virtual environment could not be made (see above)."
install --require-hashes --requirement "$lock"
install_package
printf '%s' "$environment" >.venv/environment.stamp
rm -rf .venv.old install-failed.log
echo "Done."
