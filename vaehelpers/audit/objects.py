"""The statements of a script, and what its names stand for while it is read."""

import ast
import dis
import enum
import inspect
import logging
import sys
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
CHAIN = (ast.Name, ast.Attribute, ast.Subscript)
IMPORTS = (ast.Import, ast.ImportFrom)
DEFINITIONS = (*IMPORTS, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
STORES = {"STORE_ATTR", "STORE_SUBSCR"}
UNKNOWN = object()  # an item that is known only where the line is run


class Part:
    """A statement at the top of a file or cell; or, without a node, words that are no Python."""

    def __init__(self, where, node=None, flags=0, only_run=False, unread="", words=()):
        self.where = where
        self.node = node or ast.Pass()
        self.flags = flags
        self.only_run = only_run  # stands under if __name__ == "__main__"
        self.unread = unread
        self.words = set(words)
        steps = [] if unread else list(steps_of(self.code()))
        defines = isinstance(node, DEFINITIONS)
        self.binds = {n for verb, n, later in steps if verb != "LOAD" and not (later and defines)}
        self.binds_later = {n for verb, n, later in steps if verb != "LOAD" and later}
        self.reads = {n for verb, n, _ in steps if verb == "LOAD"}
        loads = [(n, later) for verb, n, later in steps if verb == "LOAD"]
        self.reads_at_once = {n for n, later in loads if not (later and defines)}
        self.runs = not only_run and not unread
        self.only_defines = isinstance(node, FUNCTIONS[:2]) and not node.decorator_list
        body = getattr(node, "body", ()) if isinstance(node, ast.Try) else [node]
        self.imports = all(isinstance(statement, IMPORTS) for statement in body)
        nodes = list(ast.walk(self.node))
        bodies = [inner for inner in nodes if isinstance(inner, FUNCTIONS)]
        self.uses_at_once = self.of_globals(uses_of(self.node))
        self.uses_later = self.of_globals(use for body in bodies for use in uses_of(body, True))
        self.calls = {root_of(inner.func) for inner in nodes if isinstance(inner, ast.Call)}
        aliases = getattr(node, "names", ())
        self.binds_anything = self.imports and any(one.name == "*" for one in aliases)

    @property
    def text(self):
        """Its first line."""
        return repr(self.unread or ast.unparse(self.node).splitlines()[0][:80])

    def of_globals(self, uses):
        """Those that begin with a global name, or with no name."""
        return [use for use in uses if root_of(use[1]) in self.reads | {None}]

    def code(self, file="file"):
        body = ast.Module([self.node], [])
        return compile(body, file, "exec", self.flags, dont_inherit=True)


def closure(names, parts):
    """The names, those that what binds them reads, and so on."""
    closed = set()
    waiting = set(names)
    while waiting:
        closed |= waiting
        binding = [part for part in parts if part.binds & waiting]
        waiting = set().union(*(part.reads for part in binding)) - closed
    return closed


class Objects:
    """The objects of a module that is being made from a script.

    Args:
        path: of the script; what lies beside it is of the same project.
        module: the module, so far.
    """

    def __init__(self, path, module):
        self.path = path
        self.module = module
        self.namespace = vars(module)
        self.sharing = {}  # classes, and whether their objects change what is theirs

    def value(self, node):
        """What a chain of names, attributes and items stands for by now; `None` if for nothing."""
        if isinstance(node, ast.Name):
            return self.namespace.get(node.id)
        held = self.value(node.value)
        if isinstance(node, ast.Subscript) and not _is_literal(node.slice):
            items = held.values() if isinstance(held, dict) else held
            items = tuple(items) if isinstance(held, (list, tuple, dict)) else held
            return UNKNOWN if self.changeable(items) else None
        try:
            if isinstance(node, ast.Subscript):
                return held[ast.literal_eval(node.slice)]
            return UNKNOWN if held is UNKNOWN else getattr(held, node.attr)
        except (AttributeError, LookupError):
            return None
        except Exception:
            return UNKNOWN

    def changeable(self, value):
        """Whether an object may be changed: no number, text, function or what hashes as they do."""
        if isinstance(value, (tuple, frozenset)):
            return any(self.changeable(item) for item in value)
        if isinstance(value, (MethodType, BuiltinFunctionType)):
            return self.changeable(value.__self__)
        if isinstance(value, type):
            ours = value.__module__ == self.module.__name__
            return ours or self.is_of_project(sys.modules.get(value.__module__))
        if isinstance(value, ModuleType):
            return self.is_of_project(value)
        if isinstance(value, logging.Logger):
            return False
        if isinstance(value, FunctionType):
            return self.has_state(value)
        kind = type(value)
        if self.changeable(kind) and not isinstance(value, enum.Enum):
            return True
        by_value = value is None or kind.__hash__ not in (None, object.__hash__)
        return not by_value or hasattr(kind, "__setitem__") or hasattr(kind, "assign")

    def shares_state(self, kind):
        """Whether the objects of a class may change what is the class's own."""
        if kind not in self.sharing:
            self.sharing[kind] = self.changes_its_class(kind)
        return self.sharing[kind]

    def changes_its_class(self, kind):
        """The same, from its methods and attributes."""
        shared = []
        for base in kind.__mro__ if self.changeable(kind) else ():
            own = vars(base) if self.changeable(base) else {}
            for name, value in own.items():
                function = getattr(value, "__func__", value)
                if isinstance(function, FunctionType):
                    code = function.__code__
                    stores = {step.opname for step in dis.get_instructions(code)} & STORES
                    used = {"type", "__class__", "__dict__"} & {*code.co_names}
                    if used or (stores and isinstance(value, classmethod)) or name == "__new__":
                        return True
                elif not name.startswith("__") and not hasattr(value, "__get__"):
                    shared.append(value)
        return any(self.changeable(value) for value in shared)

    def has_state(self, function):
        """Whether a function keeps variables of the one that made it."""
        try:
            kept = inspect.getclosurevars(function).nonlocals.values()
        except ValueError:  # a variable without a value yet
            return True
        sets = any(step.opname == "STORE_DEREF" for step in dis.get_instructions(function))
        return sets or any(self.changeable(v) for v in kept if not isinstance(v, FunctionType))

    def is_of_project(self, module):
        """Whether a module is the file itself or lies beside it, or where the command is typed."""
        file = getattr(module, "__file__", None)
        if module is self.module or not file:
            return module is self.module
        path = Path(file).resolve()
        library = module.__name__.split(".")[0] in sys.stdlib_module_names
        beside = [path.is_relative_to(at) for at in (self.path.resolve().parent, Path.cwd())]
        return any(beside) and not library and "site-packages" not in path.parts

    def data_of(self, value, called):
        """What functions of the project's other files use there; if `called`, may change there."""
        found = []
        seen = set()
        waiting = [value]
        while waiting:
            one = waiting.pop()
            one = getattr(one, "__func__", one)
            home = sys.modules.get(getattr(one, "__module__", None))
            kinds = (type, FunctionType)
            if not isinstance(one, kinds) or id(one) in seen or not self.is_of_project(home):
                continue
            seen.add(id(one))
            if isinstance(one, type):
                waiting += vars(one).values()
                continue
            for verb, name, _ in steps_of(one.__code__) if home is not self.module else ():
                data = vars(home).get(name)
                waiting.append(data)
                kept = not isinstance(data, (type, ModuleType)) and self.changeable(data)
                found += [data] if kept else [home] if verb != "LOAD" or not called else []
        return found


def steps_of(code, top=True):
    """What byte code does with global names; `later` is whether only a call does it."""
    later = bool(code.co_flags & inspect.CO_OPTIMIZED)
    for step in dis.get_instructions(code):
        verb, _, kind = step.opname.partition("_")
        in_class = kind == "NAME" and verb != "LOAD" and not top
        if ("GLOBAL" in kind or kind == "NAME") and verb != "IMPORT" and not in_class:
            yield verb, step.argval, later
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from steps_of(inner, top=False)


def _is_literal(node):
    return not any(isinstance(part, (ast.Name, ast.Call)) for part in ast.walk(node))


def uses_of(node, bodies=False):
    """(holder, chain) of all names, with their attributes and items, that a statement visits."""
    waiting = [node]
    while waiting:
        holder = waiting.pop()
        for child in ast.iter_child_nodes(holder):
            if not bodies and isinstance(holder, FUNCTIONS[:2]) and child in holder.body:
                continue
            goes_on = isinstance(holder, (ast.Attribute, ast.Subscript)) and holder.value is child
            if isinstance(child, CHAIN) and not goes_on:
                yield holder, child
            waiting.append(child)


def is_called(holder, node):
    """Whether a use is a call of it."""
    return isinstance(holder, ast.Call) and holder.func is node


def chain_of(node):
    """A chain `a.b[0]`, and what it goes on from: `a.b`, `a`."""
    chain = [node]
    while isinstance(chain[-1], (ast.Attribute, ast.Subscript)):
        chain.append(chain[-1].value)
    return chain


def root_of(node):
    """The name that a chain begins with; `None` where it begins with something else."""
    return getattr(chain_of(node)[-1], "id", None)
