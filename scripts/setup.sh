#!/bin/sh
# Creates .venv and installs the course's lock and the package into it; with `dev`, the tests' lock too; with `site`,
# also what drives a browser and builds the pages.
# Does nothing when that is done already.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/.."
what=${1:-course}
stop() { printf '\nset-up stopped: %s\n' "$*" >&2; exit 1; }
case $what in course | dev | site) ;; *) stop "usage: sh scripts/setup.sh [dev|site]" ;; esac

# A Python that TensorFlow has wheels for, with the venv module; the one that .venv was made with comes first.
# Printed is the interpreter itself, not a virtual environment's link to it.
probe='import ensurepip, sys, venv
if not (3, 11) <= sys.version_info[:2] < (3, 14): sys.exit(1)
print("%d.%d" % sys.version_info[:2], getattr(sys, "_base_executable", sys.executable))'
python='' without_venv=''
try() {
    [ -z "$python" ] && command -v "$1" >/dev/null 2>&1 || return 0
    python=$("$1" -c "$probe" 2>/dev/null) || python=''
    [ -n "$python" ] || { "$1" -c 'import venv, ensurepip' 2>/dev/null || without_venv="$without_venv $1"; }
}
if [ -n "${PYTHON:-}" ]; then try "$PYTHON"; else
    for name in .venv/bin/python python3.13 python3.12 python3.11 python3 python; do try "$name"; done
fi
[ -n "$python" ] || [ -z "$without_venv" ] || stop "no venv module in:$without_venv.
On Debian or Ubuntu: sudo apt install python3-venv (or python3.12-venv, by its version)"
[ -n "$python" ] || stop "no Python 3.11, 3.12 or 3.13 was found (TensorFlow has no wheels for others).
Install one, or name yours: make lab PYTHON=/path/to/python3.12"
version=${python%% *} python=${python#* }

# Downloads in MB: the locked wheels for Python 3.12, added up. The free disk that is needed in GB.
lock=locks/course.lock need=4 download=754 dev_download=105
[ "$(uname -s)" = Linux ] || download=377 dev_download=79
if [ "$(uname -s)" = Linux ] && nvidia-smi -L 2>/dev/null | grep -q GPU; then
    lock=locks/gpu.lock need=12 download=3562
fi

# Three stamps: .venv is built anew for another folder, Python or lock; what comes on top has its own.
environment="$PWD: $version $lock $(cksum <"$lock")"
package=$(cksum <pyproject.toml)
dev=$(cksum <locks/dev.lock)
site=$(cksum <locks/site.lock)
stamped() { [ "$(cat ".venv/$1.stamp" 2>/dev/null)" = "$2" ]; }
built() { stamped environment "$environment" && .venv/bin/python -c '' 2>/dev/null; }
with_dev() { [ "$what" = course ] || stamped dev "$dev"; }
with_site() { [ "$what" != site ] || stamped site "$site"; }
ready() { built && stamped package "$package" && with_dev && with_site; }
if ready; then exit 0; fi

# One set-up at a time: a second one waits. One that fails or is interrupted gives the old .venv back.
[ -w . ] || stop "this folder cannot be written to: $PWD"
until mkdir .venv.lock 2>/dev/null; do
    [ -n "${told:-}" ] || echo "Waiting for another set-up in this folder. If there is none: rm -r .venv.lock"
    told=yes owner=$(cat .venv.lock/process 2>/dev/null) || :
    kill -0 "${owner:-$$}" 2>/dev/null || [ "$(cat .venv.lock/process 2>/dev/null)" != "$owner" ] ||
        stop "process $owner locked this folder and is gone. Remove its lock and repeat: rm -r .venv.lock"
    sleep 1
done
trap 'if [ -d .venv.old ]; then rm -rf .venv; mv .venv.old .venv; fi; rm -rf .venv.lock' EXIT
trap 'exit 130' HUP INT TERM
echo $$ >.venv.lock/process

put() { # STAMP VALUE, and what pip installs where that is not stamped yet
    stamp=$1 value=$2 log=install-failed.log
    shift 2
    if stamped "$stamp" "$value"; then return; fi
    if .venv/bin/python -m pip --disable-pip-version-check --quiet install "$@" >"$log" 2>&1; then
        printf '%s' "$value" >".venv/$stamp.stamp"
        rm "$log"
        return
    fi
    tail -n 12 "$log" >&2
    said() { grep -qiE "$1" "$log"; }
    said 'no space left|quota exceeded' && stop "the disk is full: make room for $need GB and repeat."
    said 'do not match the hashes' && stop "a download does not have the locked hash: repeat, and tell us if it stays so."
    said 'new connection|name resolution|timed out|unreachable|ProxyError|SSLError|versions: none' && stop \
        "a package could not be downloaded: check the network (or proxy) and repeat. On $(uname -sm) with a working
network, the package has no wheel for it (TensorFlow has none for Intel Macs). The log: $log"
    stop "pip failed. The log: $log"
}
if ! built; then
    free=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
    [ "$free" -ge "$need" ] || stop "$free GB are free on this disk and about $need GB are needed. Make room and repeat."
    echo "Setting up .venv with Python $version from $lock: a download of $download MB, one to five minutes, once."
    rm -rf .venv.old
    [ ! -d .venv ] || mv .venv .venv.old
    "$python" -m venv .venv || stop "the virtual environment could not be made (see above)."
fi
put environment "$environment" --require-hashes --requirement "$lock"
rm -rf .venv.old
put package "$package" --no-deps --no-build-isolation --editable .
if [ "$what" != course ]; then
    stamped dev "$dev" || echo "Adding the tests' packages from locks/dev.lock: a download of $dev_download MB, once."
    put dev "$dev" --require-hashes --requirement locks/dev.lock
fi
if [ "$what" = site ]; then put site "$site" --require-hashes --requirement locks/site.lock; fi
echo "Done."
