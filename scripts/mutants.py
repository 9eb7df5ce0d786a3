"""Do the tests notice? Faults drawn at random, one at a time, each against the tests of its room.

python scripts/mutants.py ROOM COUNT SEED     for example: losses 20 7

A fault changes one place of the room's code: a comparison, an operation, a number, a condition, a
keyword, a call whose value nobody takes. It is put into a copy of the repository, and the room's
doctests and tests run there until the first fails. What no test fails on has survived: either a
test is missing, or the code does more than anybody needs. The seed draws the same faults again.
"""

import ast
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 900  # seconds for one fault: one that never ends is noticed too
COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OPERATIONS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.And: ast.Or, ast.Or: ast.And, ast.MatMult: ast.Mult, ast.FloorDiv: ast.Div,
}  # fmt: skip


def faults(node):
    """What can be wrong at one node: changes that each take the node and alter it in its place."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        yield lambda node: node.ops.__setitem__(0, COMPARISONS[type(node.ops[0])]())
    if isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)) and type(node.op) in OPERATIONS:
        yield lambda node: setattr(node, "op", OPERATIONS[type(node.op)]())
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield lambda node: setattr(node, "value", node.value + 1)
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield lambda node: setattr(node, "value", not node.value)
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        yield lambda node: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test))
    if isinstance(node, ast.Call) and node.keywords:
        yield lambda node: node.keywords.pop()
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield lambda node: setattr(node, "value", ast.Constant(None))


def read(tree):
    """The nodes that run: no messages of errors, no annotations, no declared names."""
    left_out = set()
    for node in ast.walk(tree):
        silent = [node.exc] if isinstance(node, ast.Raise) and node.exc else []
        silent += [getattr(node, "annotation", None), getattr(node, "returns", None)]
        left_out |= {id(inner) for part in silent if part for inner in ast.walk(part)}
    return [node for node in ast.walk(tree) if id(node) not in left_out]


def places(folder, room):
    """(file, number of the node, number of its fault), for all that can be wrong in a room."""
    paths = sorted((folder / "vaehelpers" / room).rglob("*.py"))
    for path in paths or [folder / "vaehelpers" / f"{room}.py"]:
        for number, node in enumerate(read(ast.parse(path.read_text(encoding="utf-8")))):
            yield from ((path, number, which) for which, _ in enumerate(faults(node)))


def with_fault(path, number, which):
    """The file's text with the fault, the line as it was and as it is."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    node = read(tree)[number]
    before = ast.unparse(node).splitlines()[0]
    list(faults(node))[which](node)
    return ast.unparse(tree), f"{before}  ->  {ast.unparse(node).splitlines()[0]}"


def noticed(folder, room, changed):
    """What the tests say: first the file's own, then its doctests and all others of the room."""
    tests = folder / "tests" / room
    tests = tests if tests.is_dir() else folder / "tests" / f"test_{room}.py"
    own = [str(path) for path in tests.rglob(f"test_{changed.stem}.py")]
    asked = [sys.executable, "-m", "pytest", "-xq", "-p", "no:cacheprovider", "-m", "not slow"]
    environment = {**os.environ, "PYTHONPATH": str(folder), "MPLBACKEND": "Agg"}
    everything = [str(tests), "--doctest-modules", str(changed)]
    for files in [own, everything] if own else [everything]:
        try:
            done = subprocess.run(
                [*asked, *files], cwd=folder, env=environment, capture_output=True, timeout=LIMIT
            )
        except subprocess.TimeoutExpired:
            return "too slow"
        if done.returncode not in (0, 5):
            return "noticed"
    return "SURVIVED"


def interval(killed, count, z=1.96):
    """Wilson's 95 % interval of a share."""
    share, spread = killed / count, z**2 / count
    half = z * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return [(share + spread / 2 + sign * half) / (1 + spread) for sign in (-1, 1)]


def main(room, count, seed):
    survivors = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "copy"
        unneeded = shutil.ignore_patterns(".git", ".venv*", "_site", ".npm", "kit")
        shutil.copytree(ROOT, folder, ignore=unneeded)
        drawn = random.Random(int(seed)).sample(sorted(places(folder, room)), int(count))
        for path, number, which in drawn:
            kept = path.read_text(encoding="utf-8")
            source, change = with_fault(path, number, which)
            path.write_text(source, encoding="utf-8")
            said = noticed(folder, room, path)
            path.write_text(kept, encoding="utf-8")
            survivors += said == "SURVIVED"
            line = getattr(read(ast.parse(kept))[number], "lineno", 0)
            print(f"{said:8} {path.relative_to(folder)}:{line} {change}", flush=True)
    killed = int(count) - survivors
    low, high = interval(killed, int(count))
    print(f"{room}, seed {seed}: {killed} of {count} noticed ({low:.0%} to {high:.0%})")


if __name__ == "__main__":
    main(*sys.argv[1:])
