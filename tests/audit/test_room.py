"""The audit's room: a pipeline without a circle, one table of tolerances, no message is read."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import vaehelpers.audit

ROOM = Path(vaehelpers.audit.__file__).parent
TREES = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in ROOM.rglob("*.py")}
MOST_FILES = 20
LEAST = 0.5  # a number below that, beside a comparison, is a tolerance
SEARCHES = "find search match fullmatch findall startswith endswith removeprefix"
MESSAGES = {"error", "raised", "refused"}


def imported(tree):
    """The files of the room that a file imports, at its top or inside of a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "vaehelpers.audit":
            yield from {alias.name for alias in node.names} & TREES.keys()
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("vaehelpers.audit."):
            yield node.module.split(".")[2]


def tolerances(tree):
    """The small numbers that stand in a comparison or are given as one."""
    compared = [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    keywords = [node for node in ast.walk(tree) if isinstance(node, ast.keyword)]
    compared += [node.value for node in keywords if node.arg in ("rtol", "atol")]
    for part in (part for held in compared for part in ast.walk(held)):
        if isinstance(part, ast.Constant) and isinstance(part.value, float):
            yield from [part.value] * (0 < part.value < LEAST)


def reads_a_message(node):
    """Whether code looks for words in an error: `"..." in str(error)`, `re.search("...", ...)`."""
    compares = isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn))
    searches = isinstance(node, ast.Call) and getattr(node.func, "attr", "") in SEARCHES.split()
    calls = [part for part in ast.walk(node) if isinstance(part, ast.Call) and part.args]
    return (compares or searches) and any(
        getattr(call.func, "id", "") in ("str", "repr")
        and getattr(call.args[0], "id", "") in MESSAGES
        for call in calls
    )


def test_the_room_is_small_enough_to_be_held_in_mind():
    assert len(TREES) <= MOST_FILES
    assert {path.parent for path in ROOM.rglob("*.py")} == {ROOM}


def test_no_file_imports_what_imports_it():
    order = TopologicalSorter({name: set(imported(tree)) for name, tree in TREES.items()})
    assert set(order.static_order()) == TREES.keys()


@pytest.mark.parametrize("name", TREES)
def test_tolerances_stand_in_their_table_and_no_message_is_read(name):
    assert list(tolerances(TREES[name])) == []
    assert not any(map(reads_a_message, ast.walk(TREES[name])))


def test_these_guards_see_what_they_guard():
    assert list(tolerances(ast.parse("a < 1e-4 * b"))) == [1e-4]
    assert list(tolerances(ast.parse("np.isclose(a, b, rtol=0.01)"))) == [0.01]
    for code in ('"swapped" in str(error)', 're.search("swapped", str(error))'):
        assert any(map(reads_a_message, ast.walk(ast.parse(code))))
    with pytest.raises(CycleError):
        list(TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order())
