#!/bin/sh
# Writes requirements.lock and requirements-gpu.lock: every version and hash, no address.
# Needs uv (pip install uv). One version of each package for all supported Pythons.
set -eu
cd "$(dirname "$0")/.."
lock() {
    out=$1; shift
    uv pip compile --quiet --universal --generate-hashes --fork-strategy fewest --python-version 3.11 \
        --no-emit-index-url --no-header --no-annotate "$@" pyproject.toml --output-file "$out"
}
lock requirements.lock --extra dev
lock requirements-gpu.lock --extra dev --extra gpu
