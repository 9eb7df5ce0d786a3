"""Do the tests see it? Forty small faults, each put into a copy of the package and run against its room's tests.

Usage: python scripts/mutants.py [--jobs N] [ROOM ...]

tests/mutants.json holds the faults: a function, one of its lines, and the line that takes its place. They were drawn by
seed from the list that cosmic-ray makes of these rooms. The first test that fails kills a mutant.
"""

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
TESTS = {
    "losses": ["test_losses*.py", "test_likelihoods.py", "test_priors.py", "test_schedules.py"],
    "models": ["test_models.py", "test_saving.py", "test_bound.py", "test_diagnostics*.py"],
    "sweep": ["test_sweep*.py"],
    "audit": ["test_audit*.py"],
    "collapse": ["test_collapse.py", "test_linear_gaussian.py", "test_tempered_prior.py"],
}
SECONDS = 1800


def lines_of(source, function):
    """The first and last line of every function of that name."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    return [(node.lineno - 1, node.end_lineno) for node in nodes if node.name == function]


def put_in(package, mutant):
    """Change the one line of the package that the mutant means, or say that it is not there any more."""
    places = []
    for path in sorted(package.rglob("*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        for first, last in lines_of("\n".join(lines), mutant["function"]):
            places += [(path, k) for k in range(first, last) if lines[k].strip() == mutant["old"]]
    if len(places) != 1:
        raise LookupError(f"{len(places)} lines {mutant['old']!r} in functions named {mutant['function']}")
    path, k = places[0]
    lines = path.read_text(encoding="utf-8").splitlines()
    indent = lines[k][: len(lines[k]) - len(lines[k].lstrip())]
    lines[k] = indent + mutant["new"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def fate(mutant):
    """What became of one mutant: "killed", with the test that did it, or "survived"."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(
            ROOT, copy, ignore=shutil.ignore_patterns(".venv*", ".git", "notebooks", "__pycache__", ".*_cache")
        )
        put_in(copy / "vaehelpers", mutant)
        tests = [path for pattern in TESTS[mutant["room"]] for path in sorted((copy / "tests").glob(pattern))]
        command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", *tests]
        environment = {**os.environ, "PYTHONPATH": str(copy), "VAEHELPERS_THREADS": "1"}
        try:
            done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return "killed", f"after {SECONDS} s"
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if done.returncode not in (0, 1, 2) or (done.returncode and not failed):
        raise RuntimeError(f"pytest did not run: {(done.stdout + done.stderr)[-500:]}")
    return ("killed", failed[0][:110]) if failed else ("survived", "")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=f"of {', '.join(TESTS)}; default all")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    mutants = json.loads((ROOT / "tests" / "mutants.json").read_text(encoding="utf-8"))
    mutants = [mutant for mutant in mutants if mutant["room"] in (options.rooms or TESTS)]
    with ThreadPoolExecutor(options.jobs) as pool:
        for mutant, (what, by) in zip(mutants, pool.map(fate, mutants), strict=True):
            print(f"{what:9}{mutant['room']}.{mutant['function']}: {mutant['new']}  {by}", flush=True)


if __name__ == "__main__":
    main()
