"""A script that is only read, and a notebook: a loss is taken with all that may change it."""

import pytest
from scripts_as_read import as_notebook, as_script, is_as_in_the_whole_file

FORMS = {  # what stands before and behind, and scripts; "-> beta" is a loss that returns beta
    ("beta = 1.0\ndef f():\n    global beta\n    beta = 4.0\n", "\n-> beta"): {
        "global_dict": "steps = {'a': f}\nsteps['a']()",
        "list_fns": "fs = []\nfs.append(f)\nfor g in fs:\n    g()",
        "obj_fns": (
            "class Bus:\n    def __init__(self): self.fs = []\n"
            "    def on(self, g): self.fs.append(g)\n    def go(self): [g() for g in self.fs]\n"
            "bus = Bus()\nbus.on(f)\nbus.go()"
        ),
        "attr_fn": "class N:\n    pass\nn = N()\nn.go = f\nn.go()",
    },
    ("beta = 1.0\n", "\n-> beta"): {
        "augmented": "beta *= 4",
        "walrus": "print(beta := 4.0, file=__import__('io').StringIO())",
        "walrus_comp": "[beta := k for k in (1.0, 4.0)]",
        "global": "def configure():\n    global beta\n    beta = 4.0\nconfigure()",
        "global_deep": (
            "def inner():\n    global beta\n    beta = 4.0\ndef outer():\n    inner()\nouter()"
        ),
        "global_method": (
            "class S:\n    def go(self):\n        global beta\n        beta = 4.0\nS().go()"
        ),
        "global_init": (
            "class S:\n    def __init__(self):\n        global beta\n        beta = 4.0\ns = S()"
        ),
        "global_class_body": "class S:\n    global beta\n    beta = 4.0",
        "global_decorator": (
            "def dec(f):\n    global beta\n    beta = 4.0\n    return f\n@dec\ndef other():\n"
            "    pass"
        ),
        "global_with": (
            "class M:\n    def __enter__(self):\n        global beta\n        beta = 4.0\n"
            "    def __exit__(self, *a):\n        pass\nwith M():\n    pass"
        ),
        "global_prop": (
            "class M:\n    @property\n    def p(self):\n        global beta\n        beta = 4.0\n"
            "m = M()\nm.p"
        ),
        "global_iter": (
            "class M:\n    def __iter__(self):\n        global beta\n        beta = 4.0\n"
            "        return iter(())\nm = M()\nfor k in m:\n    pass"
        ),
        "global_gen": "def g():\n    global beta\n    beta = 4.0\n    yield 1\nx = list(g())",
        "init_subclass": (
            "class B:\n    def __init_subclass__(cls):\n        global beta\n        beta = 4.0\n"
            "class D(B):\n    pass"
        ),
        "metaclass": (
            "class T(type):\n    def __init__(cls, *a):\n        global beta\n        beta = 4.0\n"
            "class D(metaclass=T):\n    pass"
        ),
        "setname": (
            "class T:\n    def __set_name__(self, o, n):\n        global beta\n        beta = 4.0\n"
            "t = T()\nclass D:\n    x = t"
        ),
        "globals": "globals()['beta'] = 4.0",
        "globals_update": "globals().update(beta=4.0)",
        "globals_fn": "def f():\n    globals()['beta'] = 4.0\nf()",
        "globals_alias": "g = globals()\ng['beta'] = 4.0",
        "vars": "vars()['beta'] = 4.0",
        "exec": "exec('beta = 4.0')",
        "exec_alias": "run = exec\nrun('beta = 4.0')",
        "fn_globals": "def f():\n    pass\nf.__globals__['beta'] = 4.0",
        "match": "match 4.0:\n    case beta:\n        pass",
        "compile_exec": "code = compile('beta = 4.0', 'x', 'exec')\nexec(code)",
        "returned_fn2": (
            "def outer():\n    def inner():\n        global beta\n        beta = 4.0\n"
            "    return inner\nf = outer()\nf()"
        ),
        "decor_bus2": (
            "FS = {}\ndef on(name):\n    def inner(g):\n        FS[name] = g\n        return g\n"
            "    return inner\n@on('a')\ndef f():\n    global beta\n    beta = 4.0\nFS['a']()"
        ),
        "getattr_fn": (
            "class N:\n    def go(self):\n        global beta\n        beta = 4.0\nn = N()\n"
            "getattr(n, 'go')()"
        ),
        "import_self": "__import__('sys').modules[__name__].__dict__['beta'] = 4.0",
    },
    ("cfg = {'w': 1.0}\n", "\n-> cfg['w']"): {
        "update": "cfg.update(w=4.0)",
        "item": "cfg['w'] = 4.0",
        "alias": "d = cfg\nd['w'] = 4.0",
        "alias_list": "all_of = [cfg]\nall_of[0]['w'] = 4.0",
        "alias_method": "f = cfg.update\nf(w=4.0)",
        "argument": "def f(c):\n    c['w'] = 4.0\nf(cfg)",
        "argument_kw": "def f(*, c):\n    c['w'] = 4.0\nf(c=cfg)",
        "global_lambda": "f = lambda: cfg.update(w=4.0)\nf()",
        "fn_store": "def f():\n    cfg['w'] = 4.0\nf()",
        "fn_alias": "def f():\n    d = cfg\n    d['w'] = 4.0\nf()",
        "fn_return": "def get():\n    return cfg\nget()['w'] = 4.0",
        "class_body": "class X:\n    cfg['w'] = 4.0",
        "string_eval": 'eval("cfg.update(w=4.0)")',
        "kwargs": "def f(**k):\n    k['c']['w'] = 4.0\noptions = dict(c=cfg)\nf(**options)",
        "class_holds": "class H:\n    c = cfg\nH.c['w'] = 4.0",
        "class_holds2": (
            "class H:\n    c = cfg\n    def go(self):\n        self.c['w'] = 4.0\nH().go()"
        ),
        "default_holds": "def f(c=cfg):\n    c['w'] = 4.0\nf()",
        "lambda_default": "f = lambda c=cfg: c.update(w=4.0)\nf()",
        "generator_fn": "def g():\n    yield cfg\nfor c in g():\n    c['w'] = 4.0",
        "setitem_alias": "put = cfg.__setitem__\nput('w', 4.0)",
    },
    ("cfg = {'a': {'w': 1.0}}\n", "\n-> cfg['a']['w']"): {
        "nested_item": "cfg['a']['w'] = 4.0",
        "alias_inner": "d = cfg['a']\nd['w'] = 4.0",
        "loop_items": "for k, v in cfg.items():\n    v['w'] = 4.0",
        "comp_items": "x = [v.update(w=4.0) for v in cfg.values()]",
    },
    ("ws = [1.0]\n", "\n-> ws[-1]"): {
        "append": "ws.append(4.0)",
        "raise": "try:\n    ws.append(4.0)\n    raise ValueError\nexcept ValueError:\n    pass",
        "own print": "def print(x):\n    x.append(4.0)\nprint(ws)",
        "stack": "stack = []\nstack.append(ws)\nstack.pop().append(4.0)",
    },
    ("class C:\n    w = 1.0\n", "\n-> C.w"): {
        "attr": "C.w = 4.0",
        "setattr": "setattr(C, 'w', 4.0)",
        "alias_class": "D = C\nD.w = 4.0",
        "alias_instance": "c = C()\ntype(c).w = 4.0",
        "alias_dunder": "c = C()\nc.__class__.w = 4.0",
        "argument_class": "def f(c):\n    c.w = 4.0\nf(C)",
        "classmethod": "    @classmethod\n    def go(cls):\n        cls.w = 4.0\nC.go()",
        "staticmethod": "    @staticmethod\n    def go():\n        C.w = 4.0\nC.go()",
        "init_counts": "    def __init__(self):\n        C.w = 4.0\nx = C()",
        "string_name": "for k, v in {'w': 4.0}.items():\n    setattr(C, k, v)",
    },
    ("class A:\n    w = 1.0\n", "\n-> A.w"): {
        "mro3": "class B(A):\n    pass\nB.__mro__[1].w = 4.0",
        "sub": "class B(A):\n    def __init__(self):\n        A.w = 4.0\nx = B()",
        "inst_type": "a = A()\nD = type(a)\nD.w = 4.0",
        "inst_cls": "a = A()\nD = a.__class__\nD.w = 4.0",
        "inst_cls2": (
            "    def go(self):\n        c = type(self)\n        c.w = 4.0\na = A()\na.go()"
        ),
        "cls_cm": "    @classmethod\n    def go(cls):\n        cls.w = 4.0\na = A()\na.go()",
    },
    ("import numpy as np\nw = np.ones(4)\n", "\n-> w[0]"): {
        "np_view3": "v = w.reshape(2, 2)\nv[:] = 4.0",
        "np_view4": "v = np.asarray(w)\nv[:] = 4.0",
        "np_view5": "v = memoryview(w)\nv[0] = 4.0",
    },
    ("import numpy as np\nw = np.ones(2)\n", "\n-> w[0]"): {
        "numpy": "w[0] = 4.0",
        "numpy_view": "v = w[:1]\nv[:] = 4.0",
        "numpy_fill": "w.fill(4.0)",
        "numpy_out": "np.multiply(w, 4.0, out=w)",
        "numpy_copyto": "np.copyto(w, 4.0)",
        "numpy_aug": "w *= 4.0",
        "numpy_alias_aug": "v = w\nv *= 4.0",
    },
    ("last = [1.0]\n", "\n-> last[-1]"): {
        "setitem_hook": (
            "class S:\n    def __setitem__(self, k, v):\n        last.append(v)\ns = S()\n"
            "s['w'] = 4.0"
        ),
        "iadd_hook": (
            "class S:\n    def __iadd__(self, v):\n        last.append(v)\n        return self\n"
            "s = S()\ns += 4.0"
        ),
        "op_hook": (
            "class S:\n    def __lshift__(self, v):\n        last.append(v)\ns = S()\ns << 4.0"
        ),
        "attr_hook": (
            "class S:\n    @property\n    def go(self):\n        last.append(4.0)\ns = S()\ns.go"
        ),
        "iter_hook": (
            "class S:\n    def __iter__(self):\n        last.append(4.0)\n        return iter(())\n"
            "s = S()\na = [*s]"
        ),
    },
    ("class S:\n", "\n-> a.w"): {
        "singleton": (
            "    one = None\n    w = 1.0\n    @classmethod\n    def get(cls):\n"
            "        if cls.one is None:\n            cls.one = cls()\n        return cls.one\n"
            "a = S.get()\nb = S.get()\nb.w = 4.0"
        ),
        "singleton_new": (
            "    one = None\n    w = 1.0\n    def __new__(cls):\n        if cls.one is None:\n"
            "            cls.one = object.__new__(cls)\n        return cls.one\na = S()\nb = S()\n"
            "b.w = 4.0"
        ),
        "borg": (
            "    state = {}\n    def __init__(self):\n        self.__dict__ = self.state\na = S()\n"
            "a.w = 1.0\nb = S()\nb.w = 4.0"
        ),
    },
    ("", ""): {
        "if_after": "beta = 1.0\n-> beta\nflag = True\nif flag:\n    beta = 4.0",
        "for_target": "for beta in (1.0, 2.0, 4.0):\n    pass\n-> beta",
        "with_as": (
            "import contextlib\nbeta = 1.0\nwith contextlib.nullcontext(4.0) as beta:\n    pass\n"
            "-> beta"
        ),
        "del_item": "cfg = {'w': 1.0}\ndel cfg['w']\n-> cfg.get('w', 4.0)",
        "delattr": "class B:\n    w = 4.0\nclass C(B):\n    w = 1.0\ndelattr(C, 'w')\n-> C.w",
        "alias_object": (
            "class M:\n    def __init__(self, c):\n        self.c = c\n    def go(self):\n"
            "        self.c['w'] = 4.0\ncfg = {'w': 1.0}\nm = M(cfg)\nm.go()\n-> cfg['w']"
        ),
        "alias_partial": (
            "import functools\ncfg = {'w': 1.0}\nf = functools.partial(cfg.update, w=4.0)\nf()\n"
            "-> cfg['w']"
        ),
        "global_thread": (
            "import threading\nbeta = 1.0\ndef f():\n    global beta\n    beta = 4.0\n"
            "t = threading.Thread(target=f)\nt.start()\nt.join()\n-> beta"
        ),
        "fn_attr": (
            "def weight():\n    return weight.w\nweight.w = 1.0\nweight.w = 4.0\n-> weight()"
        ),
        "fn_default": (
            "def weight(c={'w': 1.0}):\n    return c['w']\nweight.__defaults__[0]['w'] = 4.0\n"
            "-> weight()"
        ),
        "class_body_for": "ws = []\nclass X:\n    ws.append(4.0)\n-> ws[-1]",
        "rebound_def": "def w():\n    return 1.0\n-> w()\ndef w():\n    return 4.0",
        "vars_class": "import types\nn = types.SimpleNamespace(w=1.0)\nvars(n)['w'] = 4.0\n-> n.w",
        "sys_modules": "import sys\nbeta = 1.0\nsys.modules[__name__].beta = 4.0\n-> beta",
        "sys_modules_setattr": (
            "import sys\nbeta = 1.0\nsetattr(sys.modules[__name__], 'beta', 4.0)\n-> beta"
        ),
        "sys_modules_alias": (
            "import sys\nbeta = 1.0\nme = sys.modules[__name__]\nme.beta = 4.0\n-> beta"
        ),
        "star": "beta = 1.0\nfrom math import *\n-> e",
        "tuple": "beta, gamma = 1.0, 2.0\nbeta, gamma = 4.0, 3.0\n-> beta",
        "del": (
            "import builtins\nbeta = 1.0\nbuiltins.beta_of_form = 4.0\ndel beta\nbeta = 4.0\n"
            "-> beta"
        ),
        "generator": "ws = []\nx = sum(ws.append(4.0) or 1 for k in (1, 2))\n-> ws[-1]",
        "shuffle": "import random\nws = [4.0, 4.0]\nrandom.shuffle(ws)\n-> ws[0]",
        "operator": (
            "import operator\ncfg = {'w': 1.0}\noperator.setitem(cfg, 'w', 4.0)\n-> cfg['w']"
        ),
        "environ": (
            "import os\nos.environ['BETA_FORM'] = '4.0'\n-> os.environ.get('BETA_FORM', '1.0')"
        ),
        "environ_from": (
            "from os import environ\nenviron['BETA_FORM2'] = '4.0'\n"
            "-> environ.get('BETA_FORM2', '1.0')"
        ),
        "module_attr": "import math\nmath.my_w = 4.0\n-> getattr(math, 'my_w', 1.0)",
        "argparse": (
            "import argparse\np = argparse.ArgumentParser()\n"
            "p.add_argument('--beta', type=float, default=4.0)\nargs = p.parse_args()\n-> args.beta"
        ),
        "argparse_default": (
            "import argparse\np = argparse.ArgumentParser()\n"
            "p.add_argument('--beta', type=float, default=1.0)\np.set_defaults(beta=4.0)\n"
            "args = p.parse_args()\n-> args.beta"
        ),
        "argparse_store": (
            "import argparse\nargs = argparse.Namespace(beta=1.0)\nargs.beta = 4.0\n-> args.beta"
        ),
        "group": (
            "import argparse\np = argparse.ArgumentParser()\ng = p.add_argument_group('g')\n"
            "g.add_argument('--beta', type=float, default=4.0)\nargs = p.parse_args()\n-> args.beta"
        ),
        "dataclass": (
            "from dataclasses import dataclass\n@dataclass\nclass C:\n    w: float = 1.0\nc = C()\n"
            "c.w = 4.0\n-> c.w"
        ),
        "registry_name": (
            "REG = {}\ndef register(name):\n    def inner(f):\n        REG[name] = f\n"
            "        return f\n    return inner\n@register('a')\ndef w():\n    return 4.0\n"
            "-> REG['a']()"
        ),
        "iterator": "it = iter([1.0, 4.0])\nnext(it)\n-> next(it)",
        "counter": "import itertools\nit = itertools.count(3)\nnext(it)\n-> next(it)",
        "closure": (
            "def make():\n    w = 1.0\n    def set_(v):\n        nonlocal w\n        w = v\n"
            "    def get():\n        return w\n    return set_, get\nset_, get = make()\n"
            "set_(4.0)\n-> get()"
        ),
        "closure_obj": (
            "def make():\n    c = {'w': 1.0}\n    def set_(v):\n        c['w'] = v\n"
            "    def get():\n        return c['w']\n    return set_, get\npair = make()\n"
            "put = pair[0]\nput(4.0)\n-> pair[1]()"
        ),
        "setdefault": "cfg = {}\nx = cfg.setdefault('w', 4.0)\n-> cfg.get('w', 1.0)",
        "pop": "ws = [4.0, 1.0]\nlast = ws.pop()\n-> ws[-1]",
        "swap": "a = [1.0]\nb = [4.0]\na, b = b, a\n-> a[0]",
        "context_obj": (
            "import contextlib\ncfg = {'w': 1.0}\nwith contextlib.ExitStack() as s:\n"
            "    s.callback(cfg.update, w=4.0)\n-> cfg['w']"
        ),
        "weak": (
            "import collections\ncfg = collections.ChainMap({}, {'w': 1.0})\ncfg['w'] = 4.0\n"
            "-> cfg['w']"
        ),
        "chain_method": (
            "class C:\n    def __init__(self):\n        self.w = 1.0\n    def with_(self, w):\n"
            "        self.w = w\n        return self\nc = C()\nc.with_(2.0).with_(4.0)\n-> c.w"
        ),
        "method_patch": (
            "class C:\n    def w(self):\n        return 1.0\ndef new(self):\n    return 4.0\n"
            "C.w = new\n-> C().w()"
        ),
        "future": (
            "from __future__ import annotations\nbeta: Nothing = 4.0\n"
            "def f(x: Other | None): return 1\n-> beta * f(1)"
        ),
        "async": (
            "import asyncio\nbeta = 1.0\nasync def f():\n    global beta\n    beta = 4.0\n"
            "asyncio.run(f())\n-> beta"
        ),
        "super_store": (
            "class B:\n    pass\nclass C(B):\n    w = 1.0\n    def __init__(self):\n"
            "        type(self).w = 4.0\nC()\n-> C.w"
        ),
        "skipped_reads2": "base = 2.0\nbeta = base\nbase += 2.0\n-> beta",
        "getattr_call": "ws = []\ngetattr(ws, 'append')(4.0)\n-> ws[-1]",
        "methodcaller": (
            "import operator\nws = []\noperator.methodcaller('append', 4.0)(ws)\n-> ws[-1]"
        ),
        "frozen": (
            "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass C:\n"
            "    w: float = 1.0\nc = C()\nobject.__setattr__(c, 'w', 4.0)\n-> c.w"
        ),
        "eq_dataclass": (
            "from dataclasses import dataclass\n@dataclass(unsafe_hash=True)\nclass C:\n"
            "    w: float = 1.0\nc = C()\nd = c\nd.w = 4.0\n-> c.w"
        ),
        "own_hash_alias": (
            "class C:\n    w = 1.0\n    def __hash__(self): return 3\nc = C()\nd = c\nd.w = 4.0\n"
            "-> c.w"
        ),
        "namedtuple": (
            "from collections import namedtuple\nN = namedtuple('N', 'c')\nn = N({'w': 1.0})\n"
            "n.c['w'] = 4.0\n-> n.c['w']"
        ),
        "namedtuple_replace": (
            "from collections import namedtuple\nN = namedtuple('N', 'w')\nn = N(1.0)\n"
            "n = n._replace(w=4.0)\n-> n.w"
        ),
        "enum": "import enum\nclass E(enum.Enum):\n    A = 1.0\nE.A._value_ = 4.0\n-> E.A.value",
        "queue": (
            "import collections\nws = [1.0]\nq = collections.deque([ws])\nq[0].append(4.0)\n"
            "-> ws[-1]"
        ),
        "obj_holds": (
            "class H:\n    pass\ncfg = {'w': 1.0}\nh = H()\nh.c = cfg\nh.c['w'] = 4.0\n-> cfg['w']"
        ),
        "method_return": (
            "class S:\n    def __init__(self):\n        self.c = {'w': 1.0}\n    def get(self):\n"
            "        return self.c\ns = S()\ns.get()['w'] = 4.0\n-> s.c['w']"
        ),
        "method_return2": (
            "class S:\n    def __init__(self):\n        self.c = {'w': 1.0}\n    def get(self):\n"
            "        return self.c\ns = S()\nd = s.get()\nd['w'] = 4.0\n-> s.c['w']"
        ),
        "singleton_fn": (
            "class S:\n    w = 1.0\nONE = S()\ndef get():\n    return ONE\nb = get()\nb.w = 4.0\n"
            "-> ONE.w"
        ),
        "lru": (
            "import functools\n@functools.lru_cache\ndef get():\n    return {'w': 1.0}\n"
            "get()['w'] = 4.0\n-> get()['w']"
        ),
        "lru2": (
            "import functools\n@functools.lru_cache\ndef get():\n    return {'w': 1.0}\nd = get()\n"
            "d['w'] = 4.0\n-> get()['w']"
        ),
        "property": (
            "class S:\n    def __init__(self):\n        self._w = 1.0\n    @property\n"
            "    def w(self):\n        return self._w\n    @w.setter\n    def w(self, v):\n"
            "        self._w = v\ns = S()\ns.w = 4.0\n-> s.w"
        ),
        "desc": (
            "class T:\n    def __set__(self, o, v):\n        T.last = v\n"
            "    def __get__(self, o, t=None):\n        return T.last\nT.last = 1.0\nclass S:\n"
            "    w = T()\ns = S()\ns.w = 4.0\n-> s.w"
        ),
        "desc_other": (
            "class T:\n    def __set__(self, o, v):\n        T.last = v\nT.last = 1.0\nclass S:\n"
            "    w = T()\ns = S()\ns.w = 4.0\n-> T.last"
        ),
        "atexit_less": (
            "import contextlib\nlast = [1.0]\n@contextlib.contextmanager\ndef c():\n"
            "    last.append(4.0)\n    yield\nwith c():\n    pass\n-> last[-1]"
        ),
        "with_alias": (
            "import contextlib\nlast = [1.0]\n@contextlib.contextmanager\ndef c():\n"
            "    yield last\nwith c() as d:\n    d.append(4.0)\n-> last[-1]"
        ),
        "lib_bus": (
            "import sched\nbeta = 1.0\ndef f():\n    global beta\n    beta = 4.0\n"
            "s = sched.scheduler()\ns.enter(0, 1, f)\ns.run()\n-> beta"
        ),
        "vars_self": "import sys\nbeta = 1.0\nvars(sys.modules[__name__])['beta'] = 4.0\n-> beta",
        "builtins_exec": "import builtins\nbeta = 1.0\nbuiltins.exec('beta = 4.0')\n-> beta",
        "frame2": (
            "import inspect\nbeta = 1.0\ng = inspect.currentframe().f_globals\ng['beta'] = 4.0\n"
            "-> beta"
        ),
        "code": (
            "def w():\n    return 1.0\ndef v():\n    return 4.0\nw.__code__ = v.__code__\n-> w()"
        ),
        "defaults": "def w(a=1.0):\n    return a\nw.__defaults__ = (4.0,)\n-> w()",
        "mro2": "class A:\n    w = 1.0\nclass B(A):\n    pass\nB.__bases__[0].w = 4.0\n-> B.w",
        "base_inst": "class A:\n    w = 1.0\nclass B(A):\n    pass\nb = B()\nA.w = 4.0\n-> b.w",
        "cls_list2": (
            "class A:\n    ws = [1.0]\n    def go(self):\n        self.ws.append(4.0)\nA().go()\n"
            "-> A().ws[-1]"
        ),
        "cls_list3": "class A:\n    ws = [1.0]\na = A()\na.ws.append(4.0)\n-> A.ws[-1]",
        "cls_count2": (
            "class A:\n    n = 0\n    def __init__(self):\n        type(self).n += 2\na = A()\n"
            "b = A()\n-> A.n"
        ),
        "np_view2": (
            "import numpy as np\nw = np.ones((2, 2))\nfor row in w:\n    row[:] = 4.0\n-> w[0, 0]"
        ),
        "bytearray": "b = bytearray([1])\nm = memoryview(b)\nm[0] = 4\n-> b[0]",
        "decimal": "import decimal\ndecimal.getcontext().prec = 3\n-> decimal.Decimal(1) / 3",
        "monkey": "import math\nmath.my_w = 1.0\nsetattr(math, 'my_w', 4.0)\n-> math.my_w",
        "tuple_swap": "a, b = [1.0], [4.0]\n(a[0], b[0]) = (b[0], a[0])\n-> a[0]",
        "star_assign": "ws = [1.0, 2.0]\nws[:] = [4.0, 4.0]\n-> ws[0]",
        "for_store": "ws = [1.0]\nfor ws[0] in (2.0, 4.0):\n    pass\n-> ws[0]",
        "with_store": (
            "import contextlib\nws = [1.0]\nwith contextlib.nullcontext(4.0) as ws[0]:\n    pass\n"
            "-> ws[0]"
        ),
        "except_bind": (
            "beta = 4.0\ntry:\n    raise ValueError\nexcept ValueError as err:\n    beta = 3.0\n"
            "-> beta"
        ),
        "partial_capture": (
            "from functools import partial\nw = [1.0]\nf = partial(sum, w)\nw.append(3.0)\n-> f()"
        ),
        "bound_capture": (
            "class A:\n    w = 1.0\n    def get(self):\n        return self.w\na = A()\n"
            "get = a.get\na.w = 4.0\n-> get()"
        ),
        "chainmap": (
            "from collections import ChainMap\na = {'w': 1.0}\nc = ChainMap(a)\na['w'] = 4.0\n"
            "-> c['w']"
        ),
        "holder_obj": (
            "class H:\n    def __init__(self, c): self.c = c\na = {'w': 1.0}\nh = H(a)\n"
            "a['w'] = 4.0\n-> h.c['w']"
        ),
        "holder_late": "a = {'w': 1.0}\nb = {}\nb['a'] = a\na['w'] = 4.0\n-> b['a']['w']",
        "holder_late2": "a = {'w': 1.0}\nb = []\nc = b\nc.append(a)\na['w'] = 4.0\n-> b[0]['w']",
        "np_random": (
            "import numpy as np\nnp.random.seed(3)\nnp.random.seed(4)\n-> np.random.rand()"
        ),
        "monkey2": "import math\nm = math\nm.my_w = 4.0\n-> getattr(math, 'my_w', 1.0)",
        "attrdict_fn": (
            "class A(dict):\n    __getattr__ = dict.__getitem__\n"
            "    __setattr__ = dict.__setitem__\nc = A(w=1.0)\ndef f(x):\n    x.w = 4.0\nf(c)\n"
            "-> c.w"
        ),
        "call_dunder": (
            "class C:\n    w = 1.0\n    def __call__(self, v): self.w = v\nc = C()\nc(4.0)\n-> c.w"
        ),
        "fn_defaults": (
            "def w(v=[1.0]):\n    return v[-1]\nf = w\nf.__defaults__[0].append(4.0)\n-> w()"
        ),
        "mut_default": (
            "def w(x=None, v=[1.0]):\n    if x: v.append(x)\n    return v[-1]\nw(4.0)\n-> w()"
        ),
        "in_iter": "it = iter([1.0, 2.0, 4.0])\nx = 2.0 in it\n-> next(it)",
        "sum_iter": "it = iter([1.0, 2.0, 4.0])\nx = sum(it)\n-> next(it, 9)",
        "max_iter": "it = iter([0, 2.0, 4.0])\nx = max(it)\n-> next(it, 9)",
        "contextvar": (
            "import contextvars\nv = contextvars.ContextVar('v', default=1.0)\nv.set(4.0)\n"
            "-> v.get()"
        ),
        "gc": (
            "import gc\nclass Found:\n    w = 1.0\nc = Found()\nfor o in gc.get_objects():\n"
            "    if type(o).__name__ == 'Found': o.w = 4.0\n-> c.w"
        ),
        "weakref": (
            "import weakref\nclass C:\n    w = 1.0\nc = C()\nr = weakref.ref(c)\nr().w = 4.0\n"
            "-> c.w"
        ),
        "dict_or": "a = {'x': {'w': 1.0}}\nd = a | {}\nd['x']['w'] = 4.0\n-> a['x']['w']",
        "fn_star": "a = {'x': {'w': 1.0}}\ndef f(x):\n    x['w'] = 4.0\nf(**a)\n-> a['x']['w']",
    },
}
SCRIPTS = {
    name: f"{before}{script}{behind}"
    for (before, behind), scripts in FORMS.items()
    for name, script in scripts.items()
}


@pytest.mark.parametrize("written", [as_script, as_notebook])
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_what_changes_what_is_needed_is_taken(folder, monkeypatch, script, written):
    assert is_as_in_the_whole_file(folder, monkeypatch, script, written)
