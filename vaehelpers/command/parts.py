"""What a file consists of: statements, the names that each binds and reads, what is no Python."""

import __future__

import ast
import dis
import importlib.util
import inspect
import json
import re
from types import CodeType

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
CHAIN = (ast.Name, ast.Attribute, ast.Subscript)
REFLECTION = {"__globals__", "f_globals", "f_locals", "__bases__", "__mro__", "get_objects"}
HOW = {  # what is done with a value that stands in it; in all others it may be kept
    "Compare": "read", "FormattedValue": "read", "Expr": "read", "If": "read", "While": "read",
    "Assert": "read", "UnaryOp": "read", "Slice": "read", "arg": "read", "BinOp": "call",
    "AugAssign": "call", "ClassDef": "call", "For": "items", "AsyncFor": "items",
    "comprehension": "items", "Starred": "items",
}  # fmt: skip
READS = {
    "abs", "all", "any", "bool", "callable", "float", "format", "hasattr", "hash", "id", "int",
    "isinstance", "issubclass", "len", "print", "range", "repr", "round", "str", "sum", "super",
}  # fmt: skip
PASSES_ON = {"enumerate", "getattr", "list", "max", "min", "sorted", "tuple", "type", "vars", "zip"}
BINDS = ("STORE", "DELETE")
ANOTHER_LANGUAGE = {
    "bash", "sh", "html", "HTML", "javascript", "js", "latex", "markdown", "svg", "SVG",
    "writefile", "file", "script", "perl", "ruby", "cmd", "system", "sx", "python", "!",
}  # fmt: skip
MAGIC = re.compile(r"\s*[%!?](?!%)|[\w\s,]+=\s*[%!]|.*\?\s*$")
TIMED = re.compile(r"\s*%time(it)?(?: -\w+ ?\d*)*\s")
BINDS_NOTHING = re.compile(rf"\s*[!?]|.*\?\s*$|{TIMED.pattern}")
BINDS_ANYTHING = re.compile(r"\s*%(run|store|pylab|load|reset|R|cython)\b")


class TargetError(ImportError):
    """A target could not be had: its own file failed, or is not there. It says what to type."""


def said_by(error):
    """The class and the words of an error, on one line; also of one whose words raise one."""
    try:
        words = " ".join(str(error).split())[:200]
    except Exception:
        words = "(its message cannot be had)"
    return f"{type(error).__name__}: {words}"


def parts_of(path):
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
        body, k, why = _parsed(lines)
        if body is not None:
            return body, unread
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
        _make_python(lines, k)


def _parsed(lines):
    """The statements, or None and where they end in an error (from 0), and which."""
    try:
        tree = ast.parse("\n".join(lines))
        compile(tree, "cell", "exec")
    except (SyntaxError, ValueError) as error:
        k = (getattr(error, "lineno", 0) or 1) - 1
        return None, k, f"{getattr(error, 'msg', 'null bytes')} in line {k + 1}"
    return tree.body, 0, ""


def _make_python(lines, k):
    """In place: of a line of magic stays what it runs; the lines that continue it are emptied."""
    line = lines[k]
    timed = TIMED.match(line)
    code = line[timed.end() :] if timed else "pass"
    code = f"fit(lambda: ({code}))" if timed and timed.group(1) else code
    lines[k] = re.match(r"\s*", line).group() + code
    while line.endswith("\\") and k + 1 < len(lines):
        k += 1
        line = lines[k]
        lines[k] = ""


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


def uses_of(statement):
    """(how it is used, a name, it with its attributes and items, whether only by a call) of all."""
    waiting = [(statement, "risk", False)]
    while waiting:
        node, how, later = waiting.pop()
        its = dict.fromkeys(ast.iter_child_nodes(node), HOW.get(type(node).__name__, "risk"))
        if isinstance(node, CHAIN):
            chain = chain_of(node)
            words = {getattr(link, "attr", "") for link in chain}
            how = how if isinstance(node.ctx, ast.Load) else "store"
            wild = words & REFLECTION or ("__class__" in words and how != "read")
            wild = wild or (how == "store" and not isinstance(chain[-1], ast.Name))
            if chain[1:] or isinstance(node.ctx, ast.Load):
                yield "wild" if wild else how, getattr(chain[-1], "id", None), chain, later
            its = {link.slice: "read" for link in chain if isinstance(link, ast.Subscript)}
            its |= {} if isinstance(chain[-1], ast.Name) else {chain[-1]: how}
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "id", "")
            given = "store" if name in ("setattr", "delattr") else "risk"
            given = how if name in PASSES_ON and how != "call" else given
            its = dict.fromkeys(its, "read" if name in READS else given)
            its[node.func] = "call"
            if (name == "type" and how != "read") or (name == "vars" and not node.args):
                yield "wild", None, [node], later
        elif isinstance(node, (ast.BoolOp, ast.IfExp, ast.keyword)):
            its = dict.fromkeys(its, "items" if getattr(node, "arg", "") is None else how)
        now = [getattr(node, "args", None), *getattr(node, "decorator_list", ())]
        now = now if isinstance(node, FUNCTIONS) else its
        waiting += [(one, its[one], later or one not in now) for one in its]


def chain_of(node):
    """A chain `a.b[0]`, and what it goes on from: `a.b`, `a`."""
    return [node, *(chain_of(node.value) if isinstance(node, CHAIN[1:]) else ())]
