"""The object that a command names: in a file, which is run or only read, a module, a notebook."""

import __future__

import ast
import dis
import importlib
import importlib.util
import inspect
import json
import re
import sys
from pathlib import Path
from types import CodeType, ModuleType

from vaehelpers.audit.targets import instance_of
from vaehelpers.audit.verdict import AuditError
from vaehelpers.command.script import FUNCTIONS, Reading, TargetError, said_by, uses_of

__all__ = ["TargetError", "load_target", "said_by"]
BINDS = ("STORE", "DELETE")
ANOTHER_LANGUAGE = {
    "bash", "sh", "html", "HTML", "javascript", "js", "latex", "markdown", "svg", "SVG",
    "writefile", "file", "script", "perl", "ruby", "cmd", "system", "sx", "python", "!",
}  # fmt: skip
MAGIC = re.compile(r"\s*[%!?](?!%)|[\w\s,]+=\s*[%!]|.*\?\s*$")
TIMED = re.compile(r"\s*%time(it)?(?: -\w+ ?\d*)*\s")
BINDS_NOTHING = re.compile(rf"\s*[!?]|.*\?\s*$|{TIMED.pattern}")
BINDS_ANYTHING = re.compile(r"\s*%(run|store|pylab|load|reset|R|cython)\b")


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
    parts = _parts(path)
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
    parts = _parts(path)
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


class Part:
    """A statement at the top of a file or cell; or, without a node, words that are no Python."""

    def __init__(self, where, node=None, *, flags=0, only_run=False, unread="", words=()):
        self.where = where
        self.node = node or ast.parse("pass").body[0]
        self.flags = flags
        self.words = set(words)
        self.only_run = only_run  # stands under if __name__ == "__main__"
        self.unread = unread
        inside = getattr(node, "body", ()) if isinstance(node, ast.Try) else [self.node]
        self.imports = all(isinstance(one, (ast.Import, ast.ImportFrom)) for one in inside)
        decorators = getattr(node, "decorator_list", None)
        self.calls = calls_in(self.node) if decorators is None else calls_in(*decorators)
        waits = decorators is not None  # until something calls it
        self.decorated = bool(decorators)
        nodes = ast.walk(self.node)
        self.functions = [({n.name}, calls_in(n)) for n in nodes if isinstance(n, FUNCTIONS[:2])]
        steps = list(steps_of(self.code()))
        self.reads = {name for verb, name, _ in steps if verb == "LOAD"}
        self.modules = {name for verb, name, _ in steps if verb == "IMPORT"}
        self.binds_later = {n for verb, n, later in steps if verb in BINDS and later}
        self.binds = {n for verb, n, later in steps if verb in BINDS and not (waits and later)}
        self.reads_now = {n for verb, n, later in steps if verb == "LOAD" and not (waits and later)}
        self.reads_now |= self.reads | self.binds if self.decorated else set()
        uses = list(uses_of(self.node))
        uses = [use for use in uses if use[0] == "wild" or use[1] in self.reads]
        self.uses_now = [use for use in uses if not (waits and use[3])]
        self.uses_later = [use for use in uses if use[3]]

    def code(self, file="file"):
        body = ast.Module([self.node], [])
        return compile(body, file, "exec", self.flags, dont_inherit=True)


def steps_of(code, top=True):
    """What byte code does with global names; `later` is whether only a call does it."""
    later = bool(code.co_flags & inspect.CO_OPTIMIZED)
    for step in dis.get_instructions(code):
        verb, _, kind = step.opname.partition("_")
        own = kind == "NAME" and verb in BINDS and not top  # what a class binds is an attribute
        if ("GLOBAL" in kind or kind == "NAME") and not own:
            yield verb, step.argval, later
    for inner in [one for one in code.co_consts if isinstance(one, CodeType)]:
        yield from steps_of(inner, top=False)


def _parts(path):
    """The statements of a file or notebook, in their order, and what is no Python."""
    script = path.suffix == ".py"
    cells = [("", importlib.util.decode_source(path.read_bytes()))] if script else _cells(path)
    parts = []
    flags = 0
    for label, text in cells:
        body, unread = _read(label, text, path)
        parts += unread
        for node in body:
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                flags |= sum(getattr(__future__, one.name).compiler_flag for one in node.names)
            test = ast.unparse(node.test) if isinstance(node, ast.If) else ""
            main = "'__main__'" in test and "!=" not in test  # which an import passes by
            pieces = [(piece, main and script) for piece in (node.body if main else [node])]
            pieces += [(piece, False) for piece in (node.orelse if main and script else ())]
            parts += [
                Part(f"{label}line {one.lineno}", one, flags=flags, only_run=run)
                for one, run in pieces
            ]
    return parts


def calls_in(*nodes):
    """The last names of all that is called."""
    calls = [node.func for top in nodes for node in ast.walk(top) if isinstance(node, ast.Call)]
    return {getattr(call, "attr", getattr(call, "id", "")) for call in calls}


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
    magic = re.match(r"\s*%%(\S*)|", text).group(1)
    if magic in ANOTHER_LANGUAGE:
        return [], []
    if magic == "timeit":  # what it binds stays within
        text = re.sub(r"%%.*", "def fit():", text.replace("\n", "\n "), count=1) + "\n pass\nfit()"
    text = re.sub(r"%%(time|capture)\b.*", "", text, count=1) if magic else text
    lines = text.splitlines()
    unread = []
    while True:
        try:
            tree = ast.parse("\n".join(lines))
            compile(tree, "cell", "exec")
            return tree.body, unread
        except (SyntaxError, ValueError) as error:
            k = (getattr(error, "lineno", 0) or 1) - 1
            why = f"{getattr(error, 'msg', 'null bytes')} in line {k + 1}"
        if not label:
            raise TargetError(f"{path} cannot be read: {why}")
        line = lines[k] if k < len(lines) else ""
        if not MAGIC.match(line):
            why = f"%%{magic}" if magic else why
            return [], [Part(label[:-2], unread=why, words=re.findall(r"\w+", text))]
        words = (
            [] if BINDS_NOTHING.match(line) else re.findall(r"\w+", re.split(r"=\s*[%!]", line)[0])
        )
        words = ["*"] if BINDS_ANYTHING.match(line) else words
        unread.append(Part(f"{label}line {k + 1}", unread=line.strip(), words=words))
        timed = TIMED.match(line)
        code = line[timed.end() :] if timed else "pass"
        code = f"fit(lambda: ({code}))" if timed and timed.group(1) else code
        lines[k] = re.match(r"\s*", line).group() + code
        while line.endswith("\\") and k + 1 < len(lines):
            k += 1
            line = lines[k]
            lines[k] = ""
