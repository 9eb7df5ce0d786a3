"""Imports run downward only, and no module but the audit imports TensorFlow, which it does for TensorFlow losses."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "vaehelpers"
LAYERS = {
    "shapes": -1,
    "runtime": 0,
    "claims": 0,
    "data": 0,
    "losses": 1,
    "linear_gaussian": 1,
    "networks": 1,
    "saving": 1,
    "collapse": 1,
    "tempered_prior": 1,
    "priors": 1,
    "schedules": 1,
    "likelihoods": 2,
    "models": 2,
    "audit": 2,
    "sweep": 3,
    "diagnostics": 3,
    "disentanglement": 3,
    "plots": 4,
    "exercises": 5,
    "__main__": 5,
}
KERAS_AT_THE_TOP = {"losses", "likelihoods", "networks", "priors", "saving", "schedules", "models"}
KERAS_FILES = {"audit": ["keras_vae.py"], "sweep": ["network.py"]}
TAKES_ANY_FRAMEWORK = {"audit"}


def sources(module, leave_out=()):
    """The source of a module, or of every file of a module that is a folder."""
    paths = sorted((PACKAGE / module).glob("*.py")) or [PACKAGE / f"{module}.py"]
    return [path.read_text(encoding="utf-8") for path in paths if path.name not in leave_out]


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
    return [name for name in inside if name != module and LAYERS[name] >= LAYERS[module]]


def test_every_module_has_a_layer():
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert {path.stem for path in PACKAGE.glob("*.py")} | folders == {*LAYERS, "__init__"}


@pytest.mark.parametrize("module", LAYERS)
def test_imports_run_downward(module):
    for source in sources(module):
        assert broken_layers(module, source) == []
        found = {name.split(".")[0] for name in imports(ast.parse(source))} & {"tensorflow", "jax", "torch"}
        assert not found or module in TAKES_ANY_FRAMEWORK


@pytest.mark.parametrize(
    "source", ["from vaehelpers.models import VAE", "from vaehelpers import models", "import vaehelpers.models"]
)
def test_an_import_upward_is_found(source):
    assert broken_layers("losses", source) == ["models"]


@pytest.mark.parametrize("module", sorted(set(LAYERS) - KERAS_AT_THE_TOP))
def test_keras_is_imported_inside_functions_only(module):
    for source in sources(module, KERAS_FILES.get(module, ())):
        body = ast.parse(source).body
        top = ast.Module([node for node in body if isinstance(node, (ast.Import, ast.ImportFrom))], [])
        assert not any(name.split(".")[0] in ("keras", "tensorflow", "jax", "torch") for name in imports(top))
