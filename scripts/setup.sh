#!/bin/sh
# Creates .venv and installs the course's lock and the package into it; with `dev`, the tests' lock too; with `site`,
# also what drives browsers and builds the pages. Does nothing when that is done already.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/.."
stop() { printf '\nset-up stopped: %s\n' "$*" >&2; exit 1; }
case ${1:-} in
    '') more='' ;;
    dev) more=dev ;;
    site) more='dev site' ;;
    *) stop "usage: sh scripts/setup.sh [dev|site]" ;;
esac

# A Python that TensorFlow has wheels for, with the venv module: PYTHON where that is set; else the one of .venv first.
# $python is the interpreter itself, not a virtual environment's link to it.
python='' version='' tried=''
probe='import sys; print("%d.%d" % sys.version_info[:2], getattr(sys, "_base_executable", sys.executable))'
try() {
    found=$("$1" -c "$probe" 2>/dev/null) || found=''
    case ${found%% *} in
        3.11 | 3.12 | 3.13) no='has no venv module (on Debian or Ubuntu: sudo apt install python3-venv)'
            if "$1" -c 'import ensurepip, venv' 2>/dev/null; then version=${found%% *} python=${found#* }; fi ;;
        '') no='does not start as Python' ;;
        *) no="is Python ${found%% *}" ;;
    esac
    tried="$tried $1 $no."
}
if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"
else set -- .venv/bin/python python3.13 python3.12 python3.11 python3 python; fi
for name; do
    if [ -n "$python" ]; then break; fi
    if command -v "$name" >/dev/null 2>&1; then try "$name"
    elif [ $# = 1 ]; then tried=" $name is not there."; fi
done
[ -n "$python" ] || stop "no Python 3.11, 3.12 or 3.13 was found (TensorFlow has no wheels for others).$tried
Install one, or name yours: make lab PYTHON=/path/to/python3.12"

# Downloads in MB: the locked wheels for Python 3.12, added up. The free disk that is needed in GB.
gpu='' need=4 download=754 dev_download=123
[ "$(uname -s)" = Linux ] || download=377 dev_download=95
if [ -n "${PIP_NO_INDEX:-}" ]; then download=0 # a stick of make kit has no network and no wheels for a GPU
elif [ "$(uname -s)" = Linux ] && nvidia-smi -L 2>/dev/null | grep -q GPU; then
    gpu=locks/gpu.lock need=12 download=3562
fi

# A stamp for each part: .venv is built anew for another folder, Python or lock; what comes on top has its own.
value() {
    case $1 in
        environment) echo "$PWD: $version $gpu $(cat locks/course.lock $gpu | cksum)" ;;
        package) cksum <pyproject.toml ;;
        *) cksum <"locks/$1.lock" ;;
    esac
}
stamped() { [ "$(cat ".venv/$1.stamp" 2>/dev/null)" = "$(value "$1")" ]; }
built() { stamped environment && .venv/bin/python -c '' 2>/dev/null; }
ready() { built && for part in package $more; do stamped "$part" || return 1; done; }
if ready; then exit 0; fi

# One set-up at a time. The lock is held by this shell and by what it starts: a pip that outlives the shell keeps it.
[ -w . ] || stop "this folder cannot be written to: $PWD"
exec 9>.venv.setup
"$python" -c 'import fcntl, signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("Waiting for another set-up in this folder.", flush=True)
    fcntl.flock(9, fcntl.LOCK_EX)
except OSError:
    pass # a file system without locks'

# The old .venv waits until the new one is complete; a set-up that fails, or that died before, gives it back.
settle() {
    [ -d .venv.old ] || return 0
    if [ -e .venv/environment.stamp ]; then rm -rf .venv.old; return; fi
    rm -rf .venv
    mv .venv.old .venv
}
settle
trap settle EXIT
trap 'exit 130' HUP INT TERM

# By uv where it is installed, which is several times as quick; by pip elsewhere, on a stick, and where uv fails.
install() {
    set -- --quiet install --no-deps "$@"
    [ -z "${PIP_NO_INDEX:-}" ] && command -v uv && uv pip "$@" --python .venv/bin/python ||
        .venv/bin/python -m pip --disable-pip-version-check "$@"
}
put() { # PART, and what is installed for it where that is not stamped yet
    part=$1 log=install-failed.log
    shift
    if stamped "$part"; then return; fi
    if install "$@" >"$log" 2>&1; then
        value "$part" >".venv/$part.stamp"
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
    echo "Setting up .venv with Python $version: a download of $download MB, one to five minutes, once."
    [ ! -d .venv ] || mv .venv .venv.old
    "$python" -m venv .venv || stop "the virtual environment could not be made (see above)."
fi
put environment --require-hashes --requirement locks/course.lock ${gpu:+--requirement "$gpu"}
settle
put package --no-build-isolation --editable .
for part in $more; do
    stamped "$part" || [ "$part" = site ] || echo "Adding the tests' packages: a download of $dev_download MB, once."
    put "$part" --require-hashes --requirement "locks/$part.lock"
done
echo "Done."
