#!/bin/sh
# Writes the locks: every version and hash, no address. Needs uv (pip install uv).
#   sh scripts/lock.sh         the newest versions
#   sh scripts/lock.sh keep    the versions that are locked today, where pyproject.toml still allows them
# One version of each package for all supported Pythons. A lock holds only what it adds to those below it.
set -eu
cd "$(dirname "$0")/../locks"
case "${1:-}" in
    keep) upgrade='' ;; # uv prefers what the file that it writes holds already
    '') upgrade=--upgrade ;;
    *) echo "usage: sh scripts/lock.sh [keep]" >&2; exit 2 ;;
esac
lock() { # NAME 'WHAT IS WANTED' [LOCK BELOW...]
    out=$1.lock wanted=$2
    shift 2
    # shellcheck disable=SC2046,SC2086 # these hold several words, or none
    uv pip compile --quiet $upgrade --universal --generate-hashes --fork-strategy fewest --python-version 3.11 \
        --no-emit-index-url --no-header --no-annotate $wanted $([ $# = 0 ] || printf -- '-c %s ' "$@") -o "$out"
    awk '/^[a-z]/ { kept = FILENAME == out && !($0 in below); below[$0] } kept' out="$out" "$@" "$out" >"$out.partial"
    mv "$out.partial" "$out"
}
course='--extra course --group ../pyproject.toml:build ../pyproject.toml'
lock course "$course"
lock gpu "--extra gpu $course" course.lock
lock dev '--extra dev ../pyproject.toml' course.lock
lock site '--extra site ../pyproject.toml' course.lock dev.lock
# For make kit, on Linux.
sed -n 's/^tensorflow==\([^ ]*\).*/tensorflow-cpu==\1/p' course.lock | lock cpu '--no-deps -'
