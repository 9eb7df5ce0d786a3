"""The object that a command names: in a file, which is run or only read, in a module, or in a notebook."""

import ast
import importlib
import importlib.util
import inspect
import json
import sys
import types
from pathlib import Path

from vaehelpers.audit.calling.targets import instance_of
from vaehelpers.audit.verdict import AuditError

DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class TargetError(ImportError):
    """A target could not be had: its own file failed, or it is not there. The message says what to type instead."""


def load_target(target, definitions=False):
    """The object that "FILE.py:NAME", "NOTEBOOK.ipynb:NAME" or "package.module:NAME" names.

    Args:
        target: as above; NAME may be dotted, and of a class's method the class is made without arguments.
        definitions: of a file take imports, functions, classes and what NAME uses, and run nothing else; of a
            notebook nothing else is taken anyway.

    Raises:
        AttributeError, FileNotFoundError, TargetError, ValueError: each says what to type.
    """
    source, _, name = target.rpartition(":")
    if not source or not name:
        raise ValueError(f"target is {target!r}: pass FILE.py:NAME, for example my_model.py:vae_loss")
    path = Path(source)
    if path.suffix not in (".py", ".ipynb"):
        sys.path.insert(0, "")
        return _named(importlib.import_module(source), name)
    if not path.is_file():
        raise FileNotFoundError(f"target names {source}, which is no file here")
    sys.path.append(str(path.parent.resolve()))
    sys.argv = [source]  # what a parser in the file sees
    if path.suffix == ".ipynb" or definitions:
        return _named(_definitions_of(path, name), name)
    return _named(_run(path), name)


def _named(module, name):
    """`module.name`; an attribute of a class that is a plain method is one of an object of it."""
    found = module
    for part in name.split("."):
        if isinstance(found, type) and inspect.isfunction(inspect.getattr_static(found, part, None)):
            found = _object_of(found)
        if not hasattr(found, part):
            public = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
            said = f"there is no {part!r} in {getattr(module, '__name__', module)}"
            raise AttributeError(f"{said}; it has {', '.join(public[-8:]) or 'nothing that can be called'}")
        found = getattr(found, part)
    return found


def _object_of(made):
    """An object for the sake of one method: made without arguments or, where it wants some, left bare."""
    try:
        return instance_of(made)
    except AuditError:
        return made.__new__(made)


def _run(path):
    """The file as a module, run as an import runs it; as part of its package where it imports relatively."""
    name = f"audited_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except ImportError as error:
        if "relative import" not in str(error):
            raise
        return _in_its_package(path.resolve())
    except (Exception, SystemExit) as error:
        said = f"{path} itself raised {type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise TargetError(
            f"{said} while it was run; --definitions takes its functions and classes and runs nothing"
        ) from error
    return module


def _in_its_package(path):
    parts = [path.stem]
    root = path.parent
    while (root / "__init__.py").is_file():
        parts.insert(0, root.name)
        root = root.parent
    if len(parts) == 1:
        raise TargetError(f"{path.name} imports relatively and lies in no package: say package.module:NAME") from None
    sys.path.insert(0, str(root))
    return importlib.import_module(".".join(parts))


def _definitions_of(path, name):
    """A module with the imports of a file or notebook, and what `name` needs of the rest."""
    tree = ast.parse(_source(path))
    needed = _needed(tree, name.split(".")[0])
    kept = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom, ast.Try))]
    kept = [node for node in kept if not isinstance(node, ast.Try) or _only_imports(node)]
    kept += [node for node in tree.body if _binds(node) & needed and node not in kept]
    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    sys.modules[f"audited_{path.stem}"] = module
    body = sorted(kept, key=lambda node: node.lineno)
    for node in body:
        try:
            exec(compile(ast.Module([node], []), str(path), "exec"), vars(module))
        except Exception as error:
            if isinstance(node, (ast.Import, ast.ImportFrom)) and not _binds(node) & needed:
                continue  # an import that the target does not use
            line = ast.unparse(node).splitlines()[0][:80]
            said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            raise TargetError(f"line {node.lineno} of {path}, {line!r}, which {name} needs, raised {said}") from error
    return module


def _source(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    lines = "\n".join("".join(cell["source"]) for cell in cells).splitlines()
    return "\n".join("" if line.lstrip().startswith(("%", "!", "?")) else line for line in lines)


def _binds(node):
    """The global names that a statement binds, where it is a definition or an assignment."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    if isinstance(node, DEFINITIONS):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}


def _only_imports(node):
    return all(isinstance(part, (ast.Import, ast.ImportFrom)) for part in node.body)


def _needed(tree, name):
    """The global names that `name` needs, those that its needs need, and so on."""
    uses = {}
    for node in tree.body:
        used = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        for bound in _binds(node):
            uses.setdefault(bound, set()).update(used)
    needed = set()
    waiting = [name]
    while waiting:
        bound = waiting.pop()
        if bound not in needed:
            needed.add(bound)
            waiting += uses.get(bound, ())
    return needed
