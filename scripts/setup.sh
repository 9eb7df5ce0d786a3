#!/bin/sh
# Creates .venv and installs the lock and the package into it. Does nothing when that is done already.
set -eu
cd "$(dirname "$0")/.."

stop() { printf '\nset-up stopped: %s\n' "$*" >&2; exit 1; }

supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'
for python in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
    command -v "$python" >/dev/null 2>&1 && "$python" -c "$supported" 2>/dev/null && break
    python=
done
[ -n "$python" ] || stop "no Python 3.11, 3.12 or 3.13 was found (TensorFlow has no wheels for others).
Install one, or name yours: make lab PYTHON=/path/to/python3.12"

lock=requirements.lock need=4
if [ "$(uname -s)" = Linux ] && nvidia-smi -L 2>/dev/null | grep -q GPU; then lock=requirements-gpu.lock need=12; fi

# Two stamps: the environment is built anew for another folder, Python or lock, the package for another pyproject.toml.
environment="$PWD: $("$python" --version) $lock $(cksum <"$lock")"
package="$(cksum <pyproject.toml)"
stamped() { [ "$(cat ".venv/$1.stamp" 2>/dev/null)" = "$2" ]; }
log=.venv/install.log
install() {
    .venv/bin/python -m pip --disable-pip-version-check --quiet install "$@" >"$log" 2>&1 && return
    tail -n 12 "$log" >&2
    grep -qiE 'no space left' "$log" && stop "the disk is full: make room for $need GB and repeat."
    grep -qiE 'connection|resolution|timed out|unreachable|proxy|no matching distribution|ssl' "$log" &&
        stop "a package could not be downloaded: check the network (or proxy) and repeat. The log: $log"
    stop "pip failed. The log: $log"
}
install_package() {
    install --no-deps --no-build-isolation --editable .
    printf '%s' "$package" >.venv/package.stamp
}

if stamped environment "$environment" && .venv/bin/python -c '' 2>/dev/null; then
    stamped package "$package" || install_package
    exit 0
fi

"$python" -c 'import venv, ensurepip' 2>/dev/null || stop "$python has no venv module.
On Debian or Ubuntu: sudo apt install python3-venv"
free=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
[ "$free" -ge "$need" ] || stop "$free GB are free on this disk and about $need GB are needed. Make room and repeat."

echo "Setting up .venv with $("$python" --version) from $lock: a download of about 1 GB, one to five minutes, once."
rm -rf .venv
"$python" -m venv .venv || stop "the virtual environment could not be made (see above)."
install --require-hashes --requirement "$lock"
printf '%s' "$environment" >.venv/environment.stamp
install_package
echo "Done."
