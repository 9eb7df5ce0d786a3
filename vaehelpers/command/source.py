"""The object that a command names: in a file, which is run or only read, a module, a notebook."""

import ast
import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

from vaehelpers.audit.targets import instance_of
from vaehelpers.audit.verdict import AuditError
from vaehelpers.command.parts import TargetError, parts_of, said_by
from vaehelpers.command.script import Reading

__all__ = ["TargetError", "load_target", "said_by"]


def load_target(target, definitions=False):
    """The object that "FILE.py:NAME", "NOTEBOOK.ipynb:NAME" or "package.module:NAME" names.

    Args:
        target: as above; NAME may be dotted, and of a class's method the class is made without
            arguments.
        definitions: of a file take imports and what NAME needs, with all that may change it, and
            run nothing else; of a notebook nothing else is taken anyway.

    Raises:
        AttributeError, FileNotFoundError, TargetError, ValueError: each says what to type.
    """
    source, _, name = target.rpartition(":")
    if not source or not name:
        raise ValueError(f"target is {target!r}: pass FILE.py:NAME, for example model.py:vae_loss")
    path = Path(source)
    if path.suffix not in (".py", ".ipynb"):
        sys.path.insert(0, "")
        return _named(importlib.import_module(source), name)
    if not path.is_file():
        raise FileNotFoundError(f"target names {source}, which is no file here")
    sys.path.append(str(path.parent.resolve()))
    sys.argv = [source]  # what a parser in the file sees
    taken = _taken if path.suffix == ".ipynb" or definitions else _run
    return _named(taken(path, name.split(".")[0]), name)


def _named(module, name):
    """`module.name`; an attribute of a class that is a plain method is one of an object of it."""
    found = module
    for part in name.split("."):
        if isinstance(found, type) and inspect.isfunction(inspect.getattr_static(found, part, 0)):
            try:
                found = instance_of(found)
            except AuditError:  # it wants arguments: a bare one, for the sake of one method
                found = found.__new__(found)
        if not hasattr(found, part):
            names = [key for key in vars(module) if callable(vars(module)[key]) and key[0] != "_"]
            public = ", ".join(names[-8:])
            said = f"there is no {part!r} in {module.__name__}"
            raise AttributeError(f"{said}; it has {public or 'nothing that can be called'}")
        found = getattr(found, part)
    return found


def _run(path, name):
    """The file as a module, run as an import runs it; in its package if it imports relatively."""
    parts = parts_of(path)
    relative = any(getattr(node, "level", 0) for part in parts for node in ast.walk(part.node))
    names = [path.stem]
    root = path.resolve().parent
    while relative and (root / "__init__.py").is_file():
        names.insert(0, root.name)
        root = root.parent
    try:
        if names[1:]:
            sys.path.insert(0, str(root))
            module = importlib.import_module(".".join(names))
        else:
            module = _module(path)
            exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), vars(module))
    except (KeyboardInterrupt, ModuleNotFoundError):  # the latter says what to install
        raise
    except BaseException as error:
        cure = "--definitions takes its functions and classes and runs nothing"
        if relative and not names[1:] and isinstance(error, ImportError) and not error.name:
            cure = "it imports relatively and lies in no package: say package.module:NAME"
        said = f"{path} itself raised {said_by(error)} while it was run; {cure}"
        raise TargetError(said) from error
    Reading(path, name, parts, module).refuse_what_is_left_out()
    return module


def _module(path):
    """A module for a file, still empty."""
    module = ModuleType(f"audited_{path.stem}")
    module.__file__ = str(path.resolve())
    module.__package__ = ""
    sys.modules[module.__name__] = module
    return module


def _taken(path, name):
    """A module with the imports of a file or notebook, and what `name` needs of the rest."""
    parts = parts_of(path)
    needed = None
    known = set(sys.modules)
    while True:
        reading = Reading(path, name, parts, _module(path), needed)
        needed = reading.run()
        if needed == reading.needed:
            reading.refuse_what_is_left_out()
            return reading.module
        for key in filter(reading.is_ours, set(sys.modules) - known):
            del sys.modules[key]  # what was left out is needed: once more, and from the start
