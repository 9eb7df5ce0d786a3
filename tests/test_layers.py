"""Imports run downward only, and no module of the package imports TensorFlow."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "vaehelpers"
LAYERS = {
    "runtime": 0,
    "claims": 0,
    "data": 0,
    "losses": 1,
    "linear_gaussian": 1,
    "networks": 1,
    "models": 2,
    "diagnostics": 3,
    "plots": 4,
}
FRAMEWORKS_AT_THE_TOP = {"losses", "networks", "models"}


def imports(tree):
    """The names that a tree imports, `package.module` for `from package import module`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ([f"vaehelpers.{a.name}" for a in node.names] if node.module == "vaehelpers" else [node.module])


def broken_layers(module, source):
    """The modules of the package that `module` imports although they do not lie below it."""
    inside = [name.split(".")[1] for name in imports(ast.parse(source)) if name.startswith("vaehelpers.")]
    return [name for name in inside if LAYERS[name] >= LAYERS[module]]


def test_every_module_has_a_layer():
    assert {path.stem for path in PACKAGE.glob("*.py")} == {*LAYERS, "__init__"}


@pytest.mark.parametrize("module", LAYERS)
def test_imports_run_downward(module):
    source = (PACKAGE / f"{module}.py").read_text(encoding="utf-8")
    assert broken_layers(module, source) == []
    assert not {name.split(".")[0] for name in imports(ast.parse(source))} & {"tensorflow", "jax", "torch"}


@pytest.mark.parametrize(
    "source", ["from vaehelpers.models import VAE", "from vaehelpers import models", "import vaehelpers.models"]
)
def test_an_import_upward_is_found(source):
    assert broken_layers("losses", source) == ["models"]


@pytest.mark.parametrize("module", sorted(set(LAYERS) - FRAMEWORKS_AT_THE_TOP))
def test_keras_is_imported_inside_functions_only(module):
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    top = ast.Module([node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))], [])
    assert not any(name.startswith("keras") for name in imports(top))
