"""The audit's room: a pipeline without a circle, one table of tolerances, no decision by the words of a message."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import vaehelpers.audit
from vaehelpers.audit.hypotheses import Within

ROOM = Path(vaehelpers.audit.__file__).parent
FILES = sorted(path.stem for path in ROOM.rglob("*.py"))
TREES = {name: ast.parse((ROOM / f"{name}.py").read_text(encoding="utf-8")) for name in FILES}
MOST_FILES = 20
LEAST = 0.5  # a number below that, beside a comparison, is a tolerance
EXAMPLES = (
    "find",
    "search",
    "match",
    "fullmatch",
    "findall",
    "startswith",
    "endswith",
    "removeprefix",
)


def imported(tree):
    """The files of the room that a file imports, at its top or inside of a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "vaehelpers.audit":
            yield from ({alias.name for alias in node.names} & set(FILES))
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("vaehelpers.audit."):
            yield node.module.split(".")[2]


def tolerances(tree):
    """The small numbers that stand in a comparison or are given as one."""
    for node in ast.walk(tree):
        inside = [node] if isinstance(node, ast.Compare) else []
        if isinstance(node, ast.keyword) and node.arg in ("rtol", "atol"):
            inside = [node.value]
        for part in (part for held in inside for part in ast.walk(held)):
            if (
                isinstance(part, ast.Constant)
                and isinstance(part.value, float)
                and 0 < part.value < LEAST
            ):
                yield part.lineno, part.value


def reads_a_message(node):
    """Whether a piece of code looks for words in an error: `"..." in str(error)`, `re.search("...", str(error))`."""

    def is_message(part):
        named = isinstance(part, ast.Call) and getattr(part.func, "id", "") in ("str", "repr")
        return (
            named
            and bool(part.args)
            and getattr(part.args[0], "id", "") in ("error", "raised", "refused")
        )

    if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
        return any(is_message(part) for part in ast.walk(node))
    called = getattr(getattr(node, "func", None), "attr", "")
    return (
        isinstance(node, ast.Call)
        and called in EXAMPLES
        and any(is_message(part) for part in ast.walk(node))
    )


def test_the_room_is_small_enough_to_be_held_in_mind():
    assert len(FILES) <= MOST_FILES
    assert {path.parent for path in ROOM.rglob("*.py")} == {ROOM}


def test_no_file_imports_what_imports_it():
    order = list(
        TopologicalSorter(
            {name: set(imported(tree)) for name, tree in TREES.items()}
        ).static_order()
    )
    assert set(order) == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_tolerances_stand_in_their_table(name):
    assert list(tolerances(TREES[name])) == []


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_decided_by_the_words_of_a_message(name):
    assert not any(reads_a_message(node) for node in ast.walk(TREES[name]))


def test_these_guards_see_what_they_guard():
    assert list(tolerances(ast.parse("a < 1e-4 * b"))) == [(1, 1e-4)]
    assert list(tolerances(ast.parse("np.isclose(a, b, rtol=0.01)"))) == [(1, 0.01)]
    for code in ('"swapped" in str(error)', 're.search("swapped", str(error))'):
        assert any(reads_a_message(node) for node in ast.walk(ast.parse(code)))
    with pytest.raises(ValueError, match="cycle"):
        list(TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order())


def test_each_tolerance_says_its_unit_and_reason():
    table = (
        (ROOM / "hypotheses.py")
        .read_text(encoding="utf-8")
        .split("class Within")[1]
        .split("\nclass ")[0]
    )
    rows = [line for line in table.splitlines() if " = " in line]
    assert len(rows) == len([name for name in vars(Within) if name.isupper()])
    assert all(len(row.split("#")[1].split()) >= 5 for row in rows)
