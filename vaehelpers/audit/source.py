"""The object that a command names: in a file, which is run or only read, a module, a notebook."""

import __future__

import ast
import importlib
import importlib.util
import inspect
import json
import re
import sys
from pathlib import Path
from types import ModuleType

from vaehelpers.audit.objects import Part
from vaehelpers.audit.script import Reading, TargetError, said_by
from vaehelpers.audit.targets import instance_of
from vaehelpers.audit.verdict import AuditError

__all__ = ["TargetError", "load_target", "said_by"]
ANOTHER_LANGUAGE = "bash sh html HTML javascript js latex markdown svg SVG writefile file script"
ANOTHER_LANGUAGE = {*ANOTHER_LANGUAGE.split(), "perl", "ruby", "cmd", "system", "sx", "python", "!"}
BINDS_ANYTHING = {"run", "store", "pylab", "load", "reset", "R", "cython"}
MAGIC = re.compile(r"\s*[%!?]|[\w\s,]+=\s*[%!]|.*\?\s*$")
TIMED = re.compile(r"\s*%time(it)?(?: -\w+ ?\d*)*\s")


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
    if path.suffix == ".ipynb" or definitions:
        return _named(_taken(path, name.split(".")[0]), name)
    return _named(_run(path, name.split(".")[0]), name)


def _named(module, name):
    """`module.name`; an attribute of a class that is a plain method is one of an object of it."""
    found = module
    for part in name.split("."):
        if isinstance(found, type) and inspect.isfunction(inspect.getattr_static(found, part, 0)):
            found = _object_of(found)
        if not hasattr(found, part):
            names = [key for key, value in vars(module).items() if callable(value)]
            public = ", ".join([key for key in names if not key.startswith("_")][-8:])
            said = f"there is no {part!r} in {getattr(module, '__name__', module)}"
            raise AttributeError(f"{said}; it has {public or 'nothing that can be called'}")
        found = getattr(found, part)
    return found


def _object_of(made):
    """An object for the sake of one method: made without arguments or, if it wants some, bare."""
    try:
        return instance_of(made)
    except AuditError:
        return made.__new__(made)


def _run(path, name):
    """The file as a module, run as an import runs it; in its package if it imports relatively."""
    parts = _parts(path)
    relative = any(getattr(node, "level", 0) for part in parts for node in ast.walk(part.node))
    in_package = relative and (path.resolve().parent / "__init__.py").is_file()
    try:
        module = _in_its_package(path.resolve()) if in_package else _imported(path)
    except ImportError as error:
        if not relative or in_package or error.name:
            raise
        cure = "imports relatively and lies in no package: say package.module:NAME"
        raise TargetError(f"{path.name} {cure}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        cure = "--definitions takes its functions and classes and runs nothing"
        said = f"{path} itself raised {said_by(error)} while it was run; {cure}"
        raise TargetError(said) from error
    reading = Reading(path, name, parts, module)
    reading.refuse_what_is_left_out()
    return module


def _imported(path):
    name = f"audited_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _in_its_package(path):
    parts = [path.stem]
    root = path.parent
    while (root / "__init__.py").is_file():
        parts.insert(0, root.name)
        root = root.parent
    sys.path.insert(0, str(root))
    return importlib.import_module(".".join(parts))


def _taken(path, name):
    """A module with the imports of a file or notebook, and what `name` needs of the rest."""
    parts = _parts(path)
    needed = None
    known = set(sys.modules)
    while True:
        module = ModuleType(f"audited_{path.stem}")
        module.__file__ = str(path.resolve())
        sys.modules[module.__name__] = module
        reading = Reading(path, name, parts, module, needed)
        needed = reading.run()
        if needed == reading.needed:
            break  # else what was left out is needed: once more, and from the start
        for key in set(sys.modules) - known:
            if reading.objects.is_of_project(sys.modules[key]):
                del sys.modules[key]
    reading.refuse_what_is_left_out()
    return module


def _parts(path):
    """The statements of a file or notebook, in their order, and what is no Python."""
    if path.suffix == ".py":
        cells = [("", importlib.util.decode_source(path.read_bytes()))]
    else:
        cells = _cells(path)
    parts = []
    flags = 0
    for label, text in cells:
        body, unread = _read(label, text, path)
        parts += unread
        for node in body:
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                features = [getattr(__future__, alias.name) for alias in node.names]
                flags |= sum(feature.compiler_flag for feature in features)
            for piece, only_run in _pieces(node, path):
                parts.append(Part(f"{label}line {piece.lineno}", piece, flags, only_run))
    return parts


def _pieces(node, path):
    """(statement, whether only a run does it): an import passes `__name__ == "__main__"` by."""
    test = ast.unparse(node.test) if isinstance(node, ast.If) else ""
    if "'__main__'" not in test or "!=" in test:
        return [(node, False)]
    if path.suffix == ".ipynb":
        return [(piece, False) for piece in node.body]
    return [(piece, True) for piece in node.body] + [(piece, False) for piece in node.orelse]


def _cells(path):
    """("cell 2, ", its text) of each cell of code of a notebook."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8-sig"))["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, LookupError, TypeError) as error:
        said = f"{path} is no notebook with cells of code (nbformat 4)"
        raise TargetError(f"{said}: {said_by(error)}") from error
    return [(f"cell {n}, ", text) for n, text in enumerate(texts, start=1)]


def _read(label, text, path):
    """The statements of a cell or file, and parts for what is no Python."""
    lines = text.splitlines()
    first = next((k for k, line in enumerate(lines) if line.strip()), 0)
    magic = re.match(r"%%(\S*)|", lines[first] if lines else "").group(1)
    if magic in ANOTHER_LANGUAGE:
        return [], []
    if magic == "timeit":  # what it binds stays within
        lines[first:] = ["def many_times():", *(f" {line}" for line in lines[first + 1 :]), " pass"]
        lines.append("many_times()")
    elif magic in ("time", "capture"):
        lines[first] = ""
    unread = []
    while True:
        try:
            tree = ast.parse("\n".join(lines))
            compile(tree, "cell", "exec")
        except (SyntaxError, ValueError) as error:
            why = getattr(error, "msg", "null bytes")
            k = (getattr(error, "lineno", 0) or 0) - 1
            if not label:
                raise TargetError(f"{path} cannot be read: {why} in line {k + 1}") from error
            if k not in range(len(lines)) or lines[k].startswith("%%") or not MAGIC.match(lines[k]):
                why = f"%%{magic}" if magic else f"{why} in line {k + 1}"
                return [], [Part(label[:-2], unread=why, words=re.findall(r"\w+", text))]
            part = Part(f"{label}line {k + 1}", unread=lines[k].strip(), words=_bound_by(lines[k]))
            unread.append(part)
            _pass_over(lines, k)
        else:
            return tree.body, unread


def _bound_by(line):
    """The names that a line for IPython may bind; "*" where they cannot be known."""
    line = line.strip()
    if line.startswith(("!", "?")) or line.endswith("?") or TIMED.match(line):
        return ()
    magic = line[1:].split(maxsplit=1)[0] if line.startswith("%") else ""
    return "*" if magic in BINDS_ANYTHING else re.findall(r"\w+", re.split(r"=\s*[%!]", line)[0])


def _pass_over(lines, k):
    """Put Python that does nothing in the place of a line of IPython's and what continues it."""
    timed = TIMED.match(lines[k])
    goes_on = lines[k].endswith("\\")
    code = lines[k][timed.end() :] if timed else "pass"
    if timed and timed.group(1) == "it":
        code = f"many_times = lambda: ({code}); many_times()"
    lines[k] = re.match(r"\s*", lines[k]).group() + code
    while goes_on and k + 1 < len(lines):
        k += 1
        goes_on = lines[k].endswith("\\")
        lines[k] = ""
