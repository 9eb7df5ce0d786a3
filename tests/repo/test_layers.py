"""A room imports only rooms above it on the map; the core imports no framework, no drawing."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "vaehelpers"
ROOMS = (
    "doctor",
    "runtime",
    "data",
    "collapse",
    "losses",
    "models",
    "sweep",
    "audit",
    "diagnostics",
    "plots",
    "explorers",
    "exercises",
    "claims",
    "command",
    "__main__",
)
KERAS_AT_THE_TOP = {  # which files
    "losses": ...,
    "models": ...,
    "audit": [
        "guard.py",
        "private.py",
        *(path.name for path in (PACKAGE / "audit").glob("keras_*.py")),
    ],
    "sweep": ["network.py"],
}
TAKES_ANY_FRAMEWORK = {"audit"}
FRAMEWORKS = {"keras", "tensorflow", "jax", "torch"}
MOST_LINES = 250


def sources(room, leave_out=()):
    """The source of every file of a room."""
    paths = sorted((PACKAGE / room).rglob("*.py")) or [PACKAGE / f"{room}.py"]
    return [path.read_text(encoding="utf-8") for path in paths if path.name not in leave_out]


def imports(tree):
    """The names that a tree imports, `package.module` for `from package import module`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (
                [f"vaehelpers.{a.name}" for a in node.names]
                if node.module == "vaehelpers"
                else [node.module]
            )


def imports_from_below(room, source):
    """The rooms that `room` imports although they do not lie above it."""
    inside = [
        name.split(".")[1] for name in imports(ast.parse(source)) if name.startswith("vaehelpers.")
    ]
    return [name for name in inside if name != room and ROOMS.index(name) >= ROOMS.index(room)]


def test_every_room_is_on_the_map():
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert {path.stem for path in PACKAGE.glob("*.py")} | folders == {*ROOMS, "__init__"}
    drawn = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8").split("```")[1]
    assert [line.split()[0] for line in drawn.strip().splitlines()] == [*ROOMS[:-1]]


def test_files_are_short():
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert len(source.splitlines()) <= MOST_LINES, path


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_rooms_above_it(room):
    for source in sources(room):
        assert imports_from_below(room, source) == []
        found = {name.split(".")[0] for name in imports(ast.parse(source))}
        assert not found & (FRAMEWORKS - {"keras"}) or room in TAKES_ANY_FRAMEWORK


@pytest.mark.parametrize(
    "source",
    [
        "from vaehelpers.models import VAE",
        "from vaehelpers import models",
        "import vaehelpers.models",
    ],
)
def test_an_import_from_below_is_found(source):
    assert imports_from_below("losses", source) == ["models"]


@pytest.mark.parametrize("room", [room for room in ROOMS if KERAS_AT_THE_TOP.get(room) is not ...])
def test_keras_is_imported_inside_functions_only(room):
    for source in sources(room, KERAS_AT_THE_TOP.get(room, ())):
        body = ast.parse(source).body
        top = ast.Module(
            [node for node in body if isinstance(node, (ast.Import, ast.ImportFrom))], []
        )
        assert not any(name.split(".")[0] in FRAMEWORKS for name in imports(top))
