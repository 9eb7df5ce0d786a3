#!/bin/sh
# Writes the five locks: every version and hash, no address. Needs uv (pip install uv).
#   sh scripts/lock.sh         the newest versions
#   sh scripts/lock.sh keep    the versions that are locked today, where pyproject.toml still allows them
# One version of each package for all supported Pythons; what two locks share has one version in both.
set -eu
cd "$(dirname "$0")/.."
case "${1:-}" in
    keep) upgrade='' ;; # uv prefers what the file that it writes holds already
    '') upgrade=--upgrade ;;
    *) echo "usage: sh scripts/lock.sh [keep]" >&2; exit 2 ;;
esac
lock() {
    out=$1; shift
    # shellcheck disable=SC2086 # an empty $upgrade must be no argument
    uv pip compile --quiet $upgrade --universal --generate-hashes --fork-strategy fewest --python-version 3.11 \
        --no-emit-index-url --no-header --no-annotate "$@" pyproject.toml --output-file "$out"
}
lock locks/course.lock --extra course --group build
version=$(sed -n 's/^tensorflow==\([^ ]*\).*/\1/p' locks/course.lock)
echo "tensorflow-cpu==$version" | uv pip compile --quiet --universal --generate-hashes --no-deps --python-version 3.11 \
    --no-emit-index-url --no-header --no-annotate - --output-file locks/cpu.lock # for make kit, on Linux
lock locks/gpu.lock --extra course --extra gpu --group build --constraints locks/course.lock
lock locks/dev.lock --extra dev --constraints locks/course.lock
lock locks/site.lock --extra site --constraints locks/course.lock --constraints locks/dev.lock
