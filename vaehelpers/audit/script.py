"""What a name needs of a script that is not run whole, with all that may change it.

A statement touches a name where it binds it, and where it may change the object: it stores into
it, calls a method on it, hands it on, or calls a function that does. What touches a needed name is
run, in the order of the file, and what that needs is needed as well. What cannot be run is refused
by its line: there is no answer with a statement left out.
"""

import ast
import builtins
import importlib
import logging
import sys
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

from vaehelpers.audit.objects import (
    DEFINITIONS,
    UNKNOWN,
    Objects,
    chain_of,
    closure,
    is_called,
    root_of,
)

LOG = logging.getLogger("vaehelpers.audit")
READS = (ast.Compare, ast.UnaryOp, ast.FormattedValue, ast.Expr, ast.Subscript)
READS += (ast.arg, ast.ExceptHandler)  # who has a value there does not keep it
CALLED = (MethodType, BuiltinFunctionType, FunctionType, partial)
ONLY_READ = "abs all any bool float format id int isinstance issubclass len max min print range"
ONLY_READ = {*ONLY_READ.split(), "repr", "round", "str", "sum", "super"}
WILD = (exec, eval, globals, locals, __import__, importlib.import_module)  # may change anything
REFLECTION = {"__globals__", "f_globals", "f_locals", "__bases__", "__mro__", "cell_contents"}
TRAINING = "fit train train_step train_epoch train_on_batch backward step minimize apply_gradients"
TRAINING = {*TRAINING.split(), "many_times", "apply_updates", "grad", "value_and_grad", "gradient"}
SIMPLE = (*DEFINITIONS, ast.Assign, ast.AnnAssign)


class TargetError(ImportError):
    """A target could not be had: its own file failed, or is not there. It says what to type."""


class Reading:
    """One pass through a file, in its order, that runs what touches a needed name."""

    def __init__(self, path, name, parts, module, needed=None):
        self.path = path
        self.name = name
        self.parts = parts
        self.objects = Objects(path, module)
        self.namespace = vars(module)
        self.needed = needed or self.closure({name})
        defined = [part.binds for part in parts if isinstance(part.node, DEFINITIONS)]
        self.known = set(dir(builtins)).union(*defined)  # what one knows to do when it is called
        self.only_read = ONLY_READ.difference(*(part.binds for part in parts))
        self.handed_on = self.functions_handed_on()

    def closure(self, names):
        """The names, and what the statements that are run need for them."""
        return closure(names, [part for part in self.parts if part.runs])

    def run(self):
        """Run what touches a needed name; the needed names, with those that turned out to be."""
        for part in self.parts:
            touched = self.touched(part) if part.runs else None
            if touched and not part.reads <= self.needed:
                return self.needed | self.closure(part.reads)
            if touched or (part.runs and part.imports):
                self.execute(part, touched)
            values = {name: self.namespace.get(name) for name in part.binds if touched}
            held = {name for name, value in values.items() if self.objects.changeable(value)}
            if not held <= self.needed:  # may hold what is needed: d = config, model = VAE(config)
                return self.needed | self.closure(held)
        return self.needed

    def execute(self, part, touched):
        """Run one statement; an import that nothing needs may fail."""
        binds = touched in part.binds and isinstance(part.node, SIMPLE)
        role = "which {} needs" if binds else self.may_change(touched)
        if touched and not binds and self.trains(part):
            raise self.refused(part, f"{role}, and trains or takes times: it was not run")
        LOG.info("running %s of %s", part.where, self.path)
        try:
            exec(part.code(str(self.path)), self.namespace)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if touched or part.binds_anything:
                raise self.refused(part, f"{role}, raised {said_by(error)}") from error

    def may_change(self, name):
        """So much of a refusal."""
        which = name in (self.name, "*", None)
        return "may change what {} needs" if which else f"may change {name}, which {{}} needs"

    def refused(self, part, said, cure="put {} and what it needs into a file of their own"):
        """What is wrong with a line; {} stands for the name."""
        said = f"{part.where} of {self.path}, {part.text}, {said}: {cure}"
        return TargetError(said.replace("{}", self.name))

    def refuse_what_is_left_out(self):
        """What only a run of the file does, and what is no Python, may change nothing needed."""
        imported = set().union(*(part.binds for part in self.parts if part.imports))
        for part in self.parts:
            mentioned = part.words & (self.needed - imported | {"*"})
            if mentioned:
                said = f"is no Python that can be read, and {self.may_change(min(mentioned))}"
                raise self.refused(part, said)
            touched = self.touched(part, certain=True) if part.only_run else None
            if touched:
                said = f"changes {touched}, which {{}} needs, only where the file is run"
                raise self.refused(part, said, "move that line to the top of the file")

    def touched(self, part, certain=False):
        """The needed name that a statement may change; or, `certain`, that it does change."""
        called = self.called(part)
        roots = set().union(*(one.calls for one in (part, *called)))
        decorated = getattr(part.node, "decorator_list", ())
        kept = self.handed_on if decorated or not roots <= self.known else []
        bound = part.binds.union(*(one.binds_later for one in called + kept)) & self.needed
        if certain:
            bound &= self.namespace.keys()  # what nothing else binds is missed when it is used
        if bound:
            return min(bound)
        uses = [(*use, certain) for use in part.uses_at_once]
        uses += [(*use, certain) for one in called for use in one.uses_later]
        uses += [(*use, True) for one in kept for use in one.uses_later]
        found = (self.changed(*use) for use in uses)
        return next((name for name in found if name), None)

    def called(self, part):
        """What the file defines and a statement may call, by the names that it reads at once."""
        if part.imports or part.only_defines:
            return []
        names = closure(part.reads_at_once, self.parts)
        return [other for other in self.parts if other.binds & names and not other.imports]

    def functions_handed_on(self):
        """The functions and classes that something may keep, to call them when it is called."""
        uses = [use for part in self.parts for use in part.uses_at_once + part.uses_later]
        names = {getattr(node, "id", "") for holder, node in uses if not is_called(holder, node)}
        defined = [part for part in self.parts if isinstance(part.node, DEFINITIONS[2:])]
        return [part for part in defined if part.binds & names or part.node.decorator_list]

    def changed(self, holder, node, certain):
        """The needed name whose object a use of it may change, or `None`."""
        root = root_of(node)
        called = is_called(holder, node)
        stores = not isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
        if self.is_wild(holder, node, certain):
            return self.name
        if not root:
            return None
        owner = self.objects.value(node.value if stores else node)
        given_to = getattr(getattr(holder, "func", None), "id", None)
        if stores:
            changes = not self.is_switch(node, root, certain)
            if changes and not certain and self.may_hold(root):
                return self.name
        elif given_to in ("setattr", "delattr"):
            changes = holder.args[0] is node
        elif certain:
            changes = isinstance(getattr(owner, "__self__", None), (list, dict, set))
        elif called:
            changes = self.changes_its_own(node, owner)
        else:
            changes = not isinstance(holder, READS) and given_to not in self.only_read
            changes = changes and self.objects.changeable(owner)
        used = [] if stores or certain else self.objects.data_of(owner, called=True)
        if changes and root in self.needed:
            return root
        used += [self.objects.value(one) for one in chain_of(node)[stores:] if changes]
        used += [getattr(owner, "__self__", None)] if changes else []
        ours = any(
            one is held for one in used for held in self.held() if self.objects.changeable(one)
        )
        return self.name if ours else None

    def is_switch(self, node, root, certain):
        """Whether a library's own setting is set, `torch.backends.cudnn.benchmark = True`."""
        module = self.namespace.get(root)
        library = isinstance(module, ModuleType) and not self.objects.changeable(module)
        return library and (certain or isinstance(self.objects.value(node), bool))

    def may_hold(self, name):
        """Whether what was not made, since nothing needs it, would be made of what is needed."""
        if name in self.namespace:
            return False
        made_of = closure({name}, self.parts) & self.needed & self.namespace.keys()
        return any(self.objects.changeable(self.namespace[one]) for one in made_of)

    def changes_its_own(self, node, called):
        """Whether a call may change the object whose method it is."""
        if isinstance(called, CALLED):
            return self.objects.changeable(called)
        if isinstance(called, type):
            return self.objects.shares_state(called)
        owner = self.objects.value(node.value) if isinstance(node, ast.Attribute) else None
        return called is UNKNOWN or (
            not isinstance(owner, ModuleType) and self.objects.changeable(owner)
        )

    def held(self):
        """The objects of the needed names, and those of other files that their functions use."""
        values = [self.namespace.get(name) for name in self.needed]
        for module in [one for one in values if isinstance(one, ModuleType)]:
            values += vars(module).values() if self.objects.is_of_project(module) else ()
        return values + [
            one for value in values for one in self.objects.data_of(value, called=False)
        ]

    def is_wild(self, holder, node, certain):
        """Whether a use may change anything by its name: `exec`, `globals()`, `sys.modules`."""
        chain = chain_of(node)
        if certain:
            return getattr(getattr(chain[-1], "func", chain[-1]), "id", "") in ("globals", "exec")
        attributes = {getattr(part, "attr", "") for part in chain}
        last = getattr(node, "attr", "") == "__class__" or not isinstance(node.ctx, ast.Load)
        if attributes & REFLECTION or ("__class__" in attributes and last):
            return True
        if not root_of(node):
            return not isinstance(node.ctx, ast.Load)
        if isinstance(holder, READS):
            return False
        values = [self.objects.value(part) for part in chain]
        if isinstance(node, ast.Name) and node.id not in self.namespace:
            values = [getattr(builtins, node.id, None)]
        if values[0] is vars and is_called(holder, node) and not holder.args:
            return True
        wild = (*WILD, sys.modules, sys.path)
        return any(value is one for value in values for one in wild)

    def trains(self, part):
        """Whether a statement, or what it calls, does what only training does."""
        bodies = [one.node for one in (part, *self.called(part))]
        calls = [n.func for body in bodies for n in ast.walk(body) if isinstance(n, ast.Call)]
        return any(getattr(call, "attr", getattr(call, "id", "")) in TRAINING for call in calls)


def said_by(error):
    """The class and the words of an error, on one line; also of one whose words raise one."""
    try:
        words = " ".join(str(error).split())[:200]
    except Exception:
        words = "(its message cannot be had)"
    return f"{type(error).__name__}: {words}"
