"""What a name needs of a script that is not run whole.

1. Needed is what binds the name, what that reads, and so on.
2. A statement touches what is needed if it binds it, stores into it, so uses it that its present
   object may change, or reaches for anything (exec, globals); or mentions what does when called.
3. What touches is run, in file order; what it reads, or binds and can change, is needed as well.
4. What would train, or raises, is refused by its line.
5. What is left out since it is no Python, or done in a run only, may touch nothing needed.
"""

import ast
import dis
import importlib
import inspect
import logging
import sys
from functools import cache, partial
from pathlib import Path
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType

from vaehelpers.command.parts import PASSES_ON, READS, TargetError, said_by

LOG = logging.getLogger("vaehelpers.audit")
METHODS = (MethodType, BuiltinFunctionType, type([].__len__))
WILD = (exec, globals, eval, locals, __import__, importlib.import_module)  # may do anything
GIVES_NEW = {"copy", "count", "get", "index", "item", "items", "keys", "log_prob", "mean", "values"}
TRAINING = {
    "fit", "train", "train_step", "train_epoch", "train_on_batch", "backward", "step", "minimize",
    "apply_gradients", "apply_updates", "grad", "value_and_grad", "gradient",
}  # fmt: skip


def closure(names, links):
    """The names, and those that they lead to; links are pairs of (names, those they lead to)."""
    found = set()
    while found != names:
        found = names
        names = names.union(*(ends for begins, ends in links if begins & names))
    return found


class Reading:
    """One pass through a file, in its order, that runs what touches a needed name."""

    def __init__(self, path, name, parts, module, needed=None):
        self.path = path
        self.name = name
        self.parts = parts
        self.module = module
        self.namespace = vars(module)
        self.links = [(part.binds, part.reads) for part in parts]
        self.calls = [link for part in parts for link in part.functions]
        self.shadows = set().union(*(part.binds for part in parts)) & (READS | PASSES_ON)
        self.needed = needed or closure({name}, self.links)

    def run(self):
        """Run what touches a needed name; the needed names, with those that turned out to be."""
        for part in [part for part in self.parts if not part.only_run]:
            touched = self.touched(part)
            if touched and not part.reads <= self.needed:
                return closure(self.needed | part.reads, self.links)
            if touched or part.imports:
                self.execute(part, touched)
            held = {n for n in part.binds if touched and self.changeable(self.namespace.get(n))}
            if not held <= self.needed:  # may hold what is needed: d = config, model = VAE(config)
                return closure(self.needed | held, self.links)
        return self.needed

    def execute(self, part, touched):
        """Run one statement; an import that nothing needs may fail."""
        if touched and closure(part.calls, self.calls) & TRAINING:
            raise self.refused(part, touched, "may change {}, and trains: it was not run")
        LOG.info("running %s of %s", part.where, self.path)
        try:
            exec(part.code(str(self.path)), self.namespace)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if touched or "import *" in ast.unparse(part.node):
                said = f"may change {{}}, raised {said_by(error)}"
                raise self.refused(part, touched, said) from error

    def touched(self, part, surely=False):
        """The needed name that a statement may change; or, `surely`, that it does change."""
        mentioned = closure(part.reads_now, self.links)
        called = [one for one in self.parts if one.binds & mentioned and not one.imports]
        bound = part.binds.union(*(one.binds_later for one in called)) & self.needed
        bound &= self.namespace.keys() if surely else bound  # what nothing else binds is missed
        beside = [one for one in self.parts if any(map(self.is_ours, one.modules))]
        names = set().union(*(one.binds for one in beside if one.imports))
        names = names if names & self.needed else set()  # files beside may share their data
        if bound or (names and not part.imports and {*beside} & {part, *called}):
            return min(bound, default=self.name)
        uses = [(*use[:3], surely) for use in part.uses_now]
        surely = surely or part.decorated  # it is handed to its decorator, and may be called
        uses += [(*use[:3], surely) for one in called for use in one.uses_later]
        use = next((use for use in uses if self.changes(*use, names)), None)
        return use and (use[1] if use[1] in self.needed else self.name)

    def changes(self, how, root, chain, surely, names):
        """Whether a use may change, or surely changes, the object of a needed name."""
        how = "risk" if how == "read" and self.shadows else how
        links = [self.value(link) for link in chain]
        if how in ("wild", "read"):
            spent = root in self.needed and hasattr(links[0], "__next__")
            return not surely and (how == "wild" or spent)
        wild = [one for one in (*WILD, sys.modules, sys.path) for link in links if one is link]
        if wild or root not in names | self.needed:
            return bool(wild) and (not surely or wild[0] in WILD[:2])
        owner = links[0].__self__ if isinstance(links[0], METHODS) else None
        of_library = isinstance(links[-1], ModuleType) and not self.is_ours(links[-1].__name__)
        if how == "store":  # but torch.backends.cudnn.benchmark = True changes no loss
            return not (of_library and (surely or isinstance(links[0], bool)))
        method = getattr(chain[0], "attr", "") if how == "call" else ""
        if surely:
            return isinstance(owner, (dict, list, set)) and method not in {"", *GIVES_NEW}
        held = chain[1:] and not (of_library or isinstance(links[1], (ModuleType, type)))
        unknown = held and callable(links[0]) and owner is None  # it may be any function
        sets = method.startswith("set") or "seed" in method  # what a library keeps for itself
        if sets or unknown or (of_library and chain[1:]):
            return sets or unknown
        return self.changeable(owner if method in GIVES_NEW else links[0], how)

    def value(self, node):
        """What a chain of names, attributes and items stands for by now; if unknown, a list."""
        names = [one for one in ast.walk(node) if isinstance(one, (ast.Name, ast.Call))]
        try:
            return eval(ast.unparse(node), self.namespace) if len(names) == 1 else []
        except Exception:
            return None if isinstance(node, ast.Name) else []

    def changeable(self, value, how="risk"):
        """Whether an object may be changed where it may be kept, or only where it is called."""
        if isinstance(value, METHODS):
            return not isinstance(value.__self__, ModuleType) and self.changeable(value.__self__)
        if isinstance(value, partial):
            return any(map(self.changeable, [value.func, *value.args, *value.keywords.values()]))
        if isinstance(value, (tuple, frozenset, *([] if how == "risk" else [dict, list]))):
            items = value.values() if isinstance(value, dict) else value
            return any(callable(one) or self.changeable(one) for one in items)
        if isinstance(value, FunctionType) or (isinstance(value, type) and how == "call"):
            return any(map(self.changeable, self.kept_by(value)))
        if isinstance(value, type):
            return self.is_ours(value.__module__)
        kind = type(value)
        can = hasattr(kind, "__setitem__") or hasattr(kind, "assign")  # else what hashes by value
        can = can or (kind.__hash__ in (None, object.__hash__) and value is not None)
        can = can and how != "call" and not isinstance(value, logging.Logger)
        return can or self.is_ours(kind.__module__) or isinstance(value, type(cache(len)))

    def kept_by(self, value):
        """What outlives a call of a function or a class of ours; with `[]` if it is set there."""
        home = sys.modules.get(value.__module__)
        if isinstance(value, type):
            kinds = [one for one in value.__mro__ if self.is_ours(one.__module__)]
            own = [(key, v) for one in kinds for key, v in vars(one).items() if key != "_abc_impl"]
            makers = [v.__func__ for k, v in own if isinstance(v, classmethod) or k == "__new__"]
            steps = [step for one in makers for step in dis.get_instructions(one)]
            data = [v for k, v in own if k[:2] != "__" and not hasattr(v, "__get__")]
            sets = any(step.opname == "STORE_ATTR" or step.argval == "setattr" for step in steps)
            return [*data, [] if sets else None]
        if home is not self.module and self.is_ours(value.__module__):
            data = [one for name, one in vars(home).items() if name[:2] != "__"]
            data = [one for one in data if not (callable(one) or isinstance(one, ModuleType))]
            return [*data, [] if "global " in inspect.getsource(home) else None]
        kept = [cell.cell_contents for cell in value.__closure__ or () if cell != CellType()]
        kept += [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
        kept += [[] for step in dis.get_instructions(value) if step.opname == "STORE_DEREF"]
        return [one for one in kept if one is not value and not isinstance(one, (type, ModuleType))]

    def is_ours(self, name):
        """Whether a module is this file or another of the project, by its name."""
        parts = Path(getattr(sys.modules.get(name), "__file__", None) or "").parts
        known = {*sys.stdlib_module_names, __name__.split(".")[0]}
        library = str(name).split(".")[0] in known or {"site-packages", "dist-packages"} & {*parts}
        return name == self.module.__name__ or bool(parts and not library)

    def refuse_what_is_left_out(self):
        """What only a run of the file does, and what is no Python, may change nothing needed."""
        imported = set().union(*(part.binds for part in self.parts if part.imports))
        for part in self.parts:
            for name in part.words & (self.needed - imported | {"*"}):
                raise self.refused(part, name, "is no Python that can be read, and may change {}")
            if part.only_run and (touched := self.touched(part, surely=True)):
                cure = "move that line to the top of the file"
                raise self.refused(part, touched, "changes {}, only where the file is run", cure)

    def refused(self, part, name, said, cure=""):
        """What is wrong with a line, which may change what {} stands for."""
        text = part.unread or ast.unparse(part.node).splitlines()[0][:80]
        name = f"{name}, which" if name in self.needed - {self.name} else "what"
        said = said.replace("{}", f"{name} {self.name} needs")
        cure = cure or f"put {self.name} and what it needs into a file of their own"
        return TargetError(f"{part.where} of {self.path}, {text!r}, {said}: {cure}")
