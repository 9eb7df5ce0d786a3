"""Public names say the types of their arguments and result; `make test` has mypy read them."""

import inspect
from importlib import import_module

import pytest
import test_layers

FREE = {"exercises", "doctor", "__main__"}  # any answer; a file mailed alone; a command


def public_functions(room):
    """(name, function) of a room's public functions and of the public methods of its classes."""
    module = import_module(f"vaehelpers.{room}")
    own = [n for n, f in vars(module).items() if getattr(f, "__module__", "") == module.__name__]
    for name in getattr(module, "__all__", [n for n in own if not n.startswith("_")]):
        thing = getattr(module, name)
        if inspect.isfunction(thing):
            yield name, thing
        elif inspect.isclass(thing) and thing.__module__.startswith("vaehelpers"):
            methods = inspect.getmembers(thing, inspect.isfunction)
            public = [(n, f) for n, f in methods if n == "__init__" or not n.startswith("_")]
            yield from ((f"{name}.{n}", f) for n, f in public if f.__module__ == thing.__module__)


def without_type(function):
    """The parameters of a function that have none, and "return" where its result has none."""
    written = inspect.unwrap(function)  # below a context manager; `VAE.fit` wraps Keras's own
    ours = written if written.__module__.startswith("vaehelpers") else function
    signature = inspect.signature(ours, follow_wrapped=False)
    bare = [p.name for p in signature.parameters.values() if p.annotation is p.empty]
    if signature.return_annotation is signature.empty and function.__name__ != "__init__":
        bare.append("return")
    return [name for name in bare if name not in ("self", "cls")]


@pytest.mark.parametrize("room", [room for room in test_layers.ROOMS if room not in FREE])
def test_public_names_have_types(room):
    bare = {name: without_type(function) for name, function in public_functions(room)}
    assert {name: parameters for name, parameters in bare.items() if parameters} == {}
