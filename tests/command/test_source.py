"""A script that is only read, and a notebook: a loss is taken with every statement that changes what it needs."""

import pytest
from scripts_as_read import as_notebook, as_script, folder_of_a_project, is_as_in_the_whole_file  # noqa: F401

FORMS = {  # a script, in which "-> beta" stands for a loss that returns beta
    "augmented": "beta = 1.0\nbeta *= 4\n-> beta",
    "if": "beta = 1.0\nif True:\n    beta = 4.0\n-> beta",
    "if_after": "beta = 1.0\n-> beta\nflag = True\nif flag:\n    beta = 4.0",
    "for": "beta = 1.0\nfor k in range(2):\n    beta *= 2\n-> beta",
    "for_target": "for beta in (1.0, 2.0, 4.0):\n    pass\n-> beta",
    "while": "beta = 1.0\nwhile beta < 4:\n    beta += 1\n-> beta",
    "with": "import contextlib\nbeta = 1.0\nwith contextlib.nullcontext():\n    beta = 4.0\n-> beta",
    "with_as": "import contextlib\nbeta = 1.0\nwith contextlib.nullcontext(4.0) as beta:\n    pass\n-> beta",
    "try": "beta = 1.0\ntry:\n    beta = 4.0\nfinally:\n    pass\n-> beta",
    "except": "beta = 1.0\ntry:\n    import nothing_such\nexcept ImportError:\n    beta = 4.0\n-> beta",
    "walrus": "beta = 1.0\nprint(beta := 4.0, file=__import__('io').StringIO())\n-> beta",
    "walrus_if": "beta = 1.0\nif (beta := 4.0) > 2:\n    pass\n-> beta",
    "walrus_comp": "beta = 1.0\n[beta := k for k in (1.0, 4.0)]\n-> beta",
    "update": "cfg = {'w': 1.0}\ncfg.update(w=4.0)\n-> cfg['w']",
    "append": "ws = [1.0]\nws.append(4.0)\n-> ws[-1]",
    "item": "cfg = {'w': 1.0}\ncfg['w'] = 4.0\n-> cfg['w']",
    "item_aug": "cfg = {'w': 1.0}\ncfg['w'] *= 4.0\n-> cfg['w']",
    "nested_item": "cfg = {'a': {'w': 1.0}}\ncfg['a']['w'] = 4.0\n-> cfg['a']['w']",
    "del_item": "cfg = {'w': 1.0}\ndel cfg['w']\n-> cfg.get('w', 4.0)",
    "attr": "class C:\n    w = 1.0\nC.w = 4.0\n-> C.w",
    "setattr": "class C:\n    w = 1.0\nsetattr(C, 'w', 4.0)\n-> C.w",
    "delattr": "class B:\n    w = 4.0\nclass C(B):\n    w = 1.0\ndelattr(C, 'w')\n-> C.w",
    "alias": "cfg = {'w': 1.0}\nd = cfg\nd['w'] = 4.0\n-> cfg['w']",
    "alias_inner": "cfg = {'a': {'w': 1.0}}\nd = cfg['a']\nd['w'] = 4.0\n-> cfg['a']['w']",
    "alias_list": "cfg = {'w': 1.0}\nall_of = [cfg]\nall_of[0]['w'] = 4.0\n-> cfg['w']",
    "alias_object": (
        "class M:\n    def __init__(self, c):\n        self.c = c\n    def go(self):\n        self.c['w'] = 4.0\n"
        "cfg = {'w': 1.0}\nm = M(cfg)\nm.go()\n-> cfg['w']"
    ),
    "alias_for": "cfg = {'w': 1.0}\nfor d in [cfg]:\n    d['w'] = 4.0\n-> cfg['w']",
    "alias_method": "cfg = {'w': 1.0}\nf = cfg.update\nf(w=4.0)\n-> cfg['w']",
    "alias_partial": "import functools\ncfg = {'w': 1.0}\nf = functools.partial(cfg.update, w=4.0)\nf()\n-> cfg['w']",
    "alias_class": "class C:\n    w = 1.0\nD = C\nD.w = 4.0\n-> C.w",
    "alias_instance": "class C:\n    w = 1.0\nc = C()\ntype(c).w = 4.0\n-> C.w",
    "alias_dunder": "class C:\n    w = 1.0\nc = C()\nc.__class__.w = 4.0\n-> C.w",
    "argument": "cfg = {'w': 1.0}\ndef f(c):\n    c['w'] = 4.0\nf(cfg)\n-> cfg['w']",
    "argument_class": "class C:\n    w = 1.0\ndef f(c):\n    c.w = 4.0\nf(C)\n-> C.w",
    "argument_kw": "cfg = {'w': 1.0}\ndef f(*, c):\n    c['w'] = 4.0\nf(c=cfg)\n-> cfg['w']",
    "global": "beta = 1.0\ndef configure():\n    global beta\n    beta = 4.0\nconfigure()\n-> beta",
    "global_late": "beta = 1.0\n-> beta\ndef configure():\n    global beta\n    beta = 4.0\nconfigure()",
    "global_deep": (
        "beta = 1.0\ndef inner():\n    global beta\n    beta = 4.0\ndef outer():\n    inner()\nouter()\n-> beta"
    ),
    "global_value": (
        "beta = 1.0\ndef configure():\n    global beta\n    beta = 4.0\n    return 3\nx = configure()\n-> beta"
    ),
    "global_if": "beta = 1.0\ndef configure():\n    global beta\n    beta = 4.0\nif True:\n    configure()\n-> beta",
    "global_method": (
        "beta = 1.0\nclass S:\n    def go(self):\n        global beta\n        beta = 4.0\nS().go()\n-> beta"
    ),
    "global_init": (
        "beta = 1.0\nclass S:\n    def __init__(self):\n        global beta\n        beta = 4.0\ns = S()\n-> beta"
    ),
    "global_class_body": "beta = 1.0\nclass S:\n    global beta\n    beta = 4.0\n-> beta",
    "global_decorator": (
        "beta = 1.0\ndef dec(f):\n    global beta\n    beta = 4.0\n    return f\n@dec\ndef other():\n    pass\n-> beta"
    ),
    "global_with": (
        "beta = 1.0\nclass M:\n    def __enter__(self):\n        global beta\n        beta = 4.0\n"
        "    def __exit__(self, *a):\n        pass\nwith M():\n    pass\n-> beta"
    ),
    "global_with_obj": (
        "beta = 1.0\nclass M:\n    def __enter__(self):\n        global beta\n        beta = 4.0\n"
        "    def __exit__(self, *a):\n        pass\nm = M()\nwith m:\n    pass\n-> beta"
    ),
    "global_dunder": (
        "beta = 1.0\nclass M:\n    def __add__(self, o):\n        global beta\n        beta = 4.0\nm = M()\nm + 1\n"
        "-> beta"
    ),
    "global_prop": (
        "beta = 1.0\nclass M:\n    @property\n    def p(self):\n        global beta\n        beta = 4.0\nm = M()\nm.p\n"
        "-> beta"
    ),
    "global_iter": (
        "beta = 1.0\nclass M:\n    def __iter__(self):\n        global beta\n        beta = 4.0\n"
        "        return iter(())\nm = M()\nfor k in m:\n    pass\n-> beta"
    ),
    "global_gen": "beta = 1.0\ndef g():\n    global beta\n    beta = 4.0\n    yield 1\nx = list(g())\n-> beta",
    "global_callback": "beta = 1.0\ndef f(k):\n    global beta\n    beta = 4.0\nx = list(map(f, [1]))\n-> beta",
    "global_thread": (
        "import threading\nbeta = 1.0\ndef f():\n    global beta\n    beta = 4.0\nt = threading.Thread(target=f)\n"
        "t.start()\nt.join()\n-> beta"
    ),
    "global_dict": "beta = 1.0\ndef f():\n    global beta\n    beta = 4.0\nsteps = {'a': f}\nsteps['a']()\n-> beta",
    "global_lambda": "cfg = {'w': 1.0}\nf = lambda: cfg.update(w=4.0)\nf()\n-> cfg['w']",
    "lambda_now": "cfg = {'w': 1.0}\n(lambda: cfg.update(w=4.0))()\n-> cfg['w']",
    "init_subclass": (
        "beta = 1.0\nclass B:\n    def __init_subclass__(cls):\n        global beta\n        beta = 4.0\nclass D(B):\n"
        "    pass\n-> beta"
    ),
    "metaclass": (
        "beta = 1.0\nclass T(type):\n    def __init__(cls, *a):\n        global beta\n        beta = 4.0\n"
        "class D(metaclass=T):\n    pass\n-> beta"
    ),
    "setname": (
        "beta = 1.0\nclass T:\n    def __set_name__(self, o, n):\n        global beta\n        beta = 4.0\nt = T()\n"
        "class D:\n    x = t\n-> beta"
    ),
    "fn_store": "cfg = {'w': 1.0}\ndef f():\n    cfg['w'] = 4.0\nf()\n-> cfg['w']",
    "fn_alias": "cfg = {'w': 1.0}\ndef f():\n    d = cfg\n    d['w'] = 4.0\nf()\n-> cfg['w']",
    "fn_return": "cfg = {'w': 1.0}\ndef get():\n    return cfg\nget()['w'] = 4.0\n-> cfg['w']",
    "fn_attr": "def weight():\n    return weight.w\nweight.w = 1.0\nweight.w = 4.0\n-> weight()",
    "fn_default": "def weight(c={'w': 1.0}):\n    return c['w']\nweight.__defaults__[0]['w'] = 4.0\n-> weight()",
    "classmethod": "class C:\n    w = 1.0\n    @classmethod\n    def go(cls):\n        cls.w = 4.0\nC.go()\n-> C.w",
    "staticmethod": "class C:\n    w = 1.0\n    @staticmethod\n    def go():\n        C.w = 4.0\nC.go()\n-> C.w",
    "class_body": "cfg = {'w': 1.0}\nclass X:\n    cfg['w'] = 4.0\n-> cfg['w']",
    "class_body_for": "ws = []\nclass X:\n    ws.append(4.0)\n-> ws[-1]",
    "init_counts": "class C:\n    w = 1.0\n    def __init__(self):\n        C.w = 4.0\nx = C()\n-> C.w",
    "later": "def weight():\n    return beta\n-> weight()\nbeta = 1.0\nbeta = 4.0",
    "again": "beta = 1.0\n-> beta\nbeta = 4.0",
    "rebound_def": "def w():\n    return 1.0\n-> w()\ndef w():\n    return 4.0",
    "rebound_import": "from math import tau as beta\n-> beta\nfrom math import e as beta",
    "globals": "beta = 1.0\nglobals()['beta'] = 4.0\n-> beta",
    "globals_update": "beta = 1.0\nglobals().update(beta=4.0)\n-> beta",
    "globals_fn": "beta = 1.0\ndef f():\n    globals()['beta'] = 4.0\nf()\n-> beta",
    "globals_alias": "beta = 1.0\ng = globals()\ng['beta'] = 4.0\n-> beta",
    "vars": "beta = 1.0\nvars()['beta'] = 4.0\n-> beta",
    "vars_class": "import types\nn = types.SimpleNamespace(w=1.0)\nvars(n)['w'] = 4.0\n-> n.w",
    "exec": "beta = 1.0\nexec('beta = 4.0')\n-> beta",
    "exec_alias": "beta = 1.0\nrun = exec\nrun('beta = 4.0')\n-> beta",
    "sys_modules": "import sys\nbeta = 1.0\nsys.modules[__name__].beta = 4.0\n-> beta",
    "sys_modules_setattr": "import sys\nbeta = 1.0\nsetattr(sys.modules[__name__], 'beta', 4.0)\n-> beta",
    "sys_modules_alias": "import sys\nbeta = 1.0\nme = sys.modules[__name__]\nme.beta = 4.0\n-> beta",
    "fn_globals": "beta = 1.0\ndef f():\n    pass\nf.__globals__['beta'] = 4.0\n-> beta",
    "star": "beta = 1.0\nfrom math import *\n-> e",
    "tuple": "beta, gamma = 1.0, 2.0\nbeta, gamma = 4.0, 3.0\n-> beta",
    "annotated": "beta: float = 1.0\nbeta: float = 4.0\n-> beta",
    "match": "beta = 1.0\nmatch 4.0:\n    case beta:\n        pass\n-> beta",
    "match_body": "beta = 1.0\nmatch 3:\n    case 3:\n        beta = 4.0\n-> beta",
    "del": "import builtins\nbeta = 1.0\nbuiltins.beta_of_form = 4.0\ndel beta\nbeta = 4.0\n-> beta",
    "import_try": "try:\n    from nothing_such import beta\nexcept ImportError:\n    beta = 4.0\n-> beta",
    "comprehension": "ws = []\n[ws.append(k) for k in (1.0, 4.0)]\n-> ws[-1]",
    "generator": "ws = []\nx = sum(ws.append(4.0) or 1 for k in (1, 2))\n-> ws[-1]",
    "shuffle": "import random\nws = [4.0, 4.0]\nrandom.shuffle(ws)\n-> ws[0]",
    "heap": "import heapq\nws = [5.0]\nheapq.heappush(ws, 4.0)\n-> ws[0]",
    "operator": "import operator\ncfg = {'w': 1.0}\noperator.setitem(cfg, 'w', 4.0)\n-> cfg['w']",
    "unbound": "cfg = {'w': 1.0}\ndict.update(cfg, w=4.0)\n-> cfg['w']",
    "numpy": "import numpy as np\nw = np.ones(2)\nw[0] = 4.0\n-> w[0]",
    "numpy_view": "import numpy as np\nw = np.ones(2)\nv = w[:1]\nv[:] = 4.0\n-> w[0]",
    "numpy_fill": "import numpy as np\nw = np.ones(2)\nw.fill(4.0)\n-> w[0]",
    "numpy_out": "import numpy as np\nw = np.ones(2)\nnp.multiply(w, 4.0, out=w)\n-> w[0]",
    "numpy_copyto": "import numpy as np\nw = np.ones(2)\nnp.copyto(w, 4.0)\n-> w[0]",
    "numpy_aug": "import numpy as np\nw = np.ones(2)\nw *= 4.0\n-> w[0]",
    "numpy_alias_aug": "import numpy as np\nw = np.ones(2)\nv = w\nv *= 4.0\n-> w[0]",
    "environ": "import os\nos.environ['BETA_FORM'] = '4.0'\n-> os.environ.get('BETA_FORM', '1.0')",
    "environ_from": "from os import environ\nenviron['BETA_FORM2'] = '4.0'\n-> environ.get('BETA_FORM2', '1.0')",
    "module_attr": "import math\nmath.my_w = 4.0\n-> getattr(math, 'my_w', 1.0)",
    "argparse": (
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--beta', type=float, default=4.0)\n"
        "args = p.parse_args()\n-> args.beta"
    ),
    "argparse_default": (
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--beta', type=float, default=1.0)\n"
        "p.set_defaults(beta=4.0)\nargs = p.parse_args()\n-> args.beta"
    ),
    "argparse_store": "import argparse\nargs = argparse.Namespace(beta=1.0)\nargs.beta = 4.0\n-> args.beta",
    "group": (
        "import argparse\np = argparse.ArgumentParser()\ng = p.add_argument_group('g')\n"
        "g.add_argument('--beta', type=float, default=4.0)\nargs = p.parse_args()\n-> args.beta"
    ),
    "dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    w: float = 1.0\nc = C()\nc.w = 4.0\n-> c.w"
    ),
    "registry": (
        "REG = {}\ndef register(f):\n    REG[f.__name__] = f\n    return f\n@register\ndef w():\n    return 4.0\n"
        "-> REG['w']()"
    ),
    "registry_name": (
        "REG = {}\ndef register(name):\n    def inner(f):\n        REG[name] = f\n        return f\n    return inner\n"
        "@register('a')\ndef w():\n    return 4.0\n-> REG['a']()"
    ),
    "string_join": "ws = ['1']\nws.extend(['4'])\n-> ws[-1]",
    "iterator": "it = iter([1.0, 4.0])\nnext(it)\n-> next(it)",
    "counter": "import itertools\nit = itertools.count(3)\nnext(it)\n-> next(it)",
    "closure": (
        "def make():\n    w = 1.0\n    def set_(v):\n        nonlocal w\n        w = v\n    def get():\n"
        "        return w\n    return set_, get\nset_, get = make()\nset_(4.0)\n-> get()"
    ),
    "closure_obj": (
        "def make():\n    c = {'w': 1.0}\n    def set_(v):\n        c['w'] = v\n    def get():\n        return c['w']\n"
        "    return set_, get\npair = make()\nput = pair[0]\nput(4.0)\n-> pair[1]()"
    ),
    "setdefault": "cfg = {}\nx = cfg.setdefault('w', 4.0)\n-> cfg.get('w', 1.0)",
    "pop": "ws = [4.0, 1.0]\nlast = ws.pop()\n-> ws[-1]",
    "swap": "a = [1.0]\nb = [4.0]\na, b = b, a\n-> a[0]",
    "string_eval": "cfg = {'w': 1.0}\neval(\"cfg.update(w=4.0)\")\n-> cfg['w']",
    "compile_exec": "beta = 1.0\ncode = compile('beta = 4.0', 'x', 'exec')\nexec(code)\n-> beta",
    "context_obj": (
        "import contextlib\ncfg = {'w': 1.0}\nwith contextlib.ExitStack() as s:\n    s.callback(cfg.update, w=4.0)\n"
        "-> cfg['w']"
    ),
    "weak": "import collections\ncfg = collections.ChainMap({}, {'w': 1.0})\ncfg['w'] = 4.0\n-> cfg['w']",
    "chain_method": (
        "class C:\n    def __init__(self):\n        self.w = 1.0\n    def with_(self, w):\n        self.w = w\n"
        "        return self\nc = C()\nc.with_(2.0).with_(4.0)\n-> c.w"
    ),
    "method_patch": (
        "class C:\n    def w(self):\n        return 1.0\ndef new(self):\n    return 4.0\nC.w = new\n-> C().w()"
    ),
    "future": (
        "from __future__ import annotations\nbeta: Nothing = 4.0\ndef f(x: Other | None): return 1\n-> beta * f(1)"
    ),
    "assert": "ws = []\nassert ws.append(4.0) is None\n-> ws[-1]",
    "raise": "ws = [1.0]\ntry:\n    ws.append(4.0)\n    raise ValueError\nexcept ValueError:\n    pass\n-> ws[-1]",
    "async": "import asyncio\nbeta = 1.0\nasync def f():\n    global beta\n    beta = 4.0\nasyncio.run(f())\n-> beta",
    "string_name": "class C:\n    w = 1.0\nfor k, v in {'w': 4.0}.items():\n    setattr(C, k, v)\n-> C.w",
    "super_store": (
        "class B:\n    pass\nclass C(B):\n    w = 1.0\n    def __init__(self):\n        type(self).w = 4.0\nC()\n-> C.w"
    ),
    "skipped_reads": "base = 2.0\nbase += 2.0\nbeta = base\n-> beta",
    "skipped_reads2": "base = 2.0\nbeta = base\nbase += 2.0\n-> beta",
    "getattr_call": "ws = []\ngetattr(ws, 'append')(4.0)\n-> ws[-1]",
    "methodcaller": "import operator\nws = []\noperator.methodcaller('append', 4.0)(ws)\n-> ws[-1]",
    "own print": "ws = [1.0]\ndef print(x):\n    x.append(4.0)\nprint(ws)\n-> ws[-1]",
    "frozen": (
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass C:\n    w: float = 1.0\nc = C()\n"
        "object.__setattr__(c, 'w', 4.0)\n-> c.w"
    ),
    "eq_dataclass": (
        "from dataclasses import dataclass\n@dataclass(unsafe_hash=True)\nclass C:\n    w: float = 1.0\nc = C()\n"
        "d = c\nd.w = 4.0\n-> c.w"
    ),
    "own_hash": (
        "class C:\n    w = 1.0\n    def __hash__(self): return 3\n    def __eq__(self, o): return True\n"
        "    def go(self):\n        self.w = 4.0\nc = C()\nc.go()\n-> c.w"
    ),
    "own_hash_alias": "class C:\n    w = 1.0\n    def __hash__(self): return 3\nc = C()\nd = c\nd.w = 4.0\n-> c.w",
    "namedtuple": (
        "from collections import namedtuple\nN = namedtuple('N', 'c')\nn = N({'w': 1.0})\nn.c['w'] = 4.0\n-> n.c['w']"
    ),
    "namedtuple_replace": (
        "from collections import namedtuple\nN = namedtuple('N', 'w')\nn = N(1.0)\nn = n._replace(w=4.0)\n-> n.w"
    ),
    "enum": "import enum\nclass E(enum.Enum):\n    A = 1.0\nE.A._value_ = 4.0\n-> E.A.value",
    "loop_items": "cfg = {'a': {'w': 1.0}}\nfor k, v in cfg.items():\n    v['w'] = 4.0\n-> cfg['a']['w']",
    "comp_items": "cfg = {'a': {'w': 1.0}}\nx = [v.update(w=4.0) for v in cfg.values()]\n-> cfg['a']['w']",
    "stack": "ws = [1.0]\nstack = []\nstack.append(ws)\nstack.pop().append(4.0)\n-> ws[-1]",
    "queue": "import collections\nws = [1.0]\nq = collections.deque([ws])\nq[0].append(4.0)\n-> ws[-1]",
    "kwargs": "cfg = {'w': 1.0}\ndef f(**k):\n    k['c']['w'] = 4.0\noptions = dict(c=cfg)\nf(**options)\n-> cfg['w']",
    "obj_holds": "class H:\n    pass\ncfg = {'w': 1.0}\nh = H()\nh.c = cfg\nh.c['w'] = 4.0\n-> cfg['w']",
    "class_holds": "cfg = {'w': 1.0}\nclass H:\n    c = cfg\nH.c['w'] = 4.0\n-> cfg['w']",
    "class_holds2": (
        "cfg = {'w': 1.0}\nclass H:\n    c = cfg\n    def go(self):\n        self.c['w'] = 4.0\nH().go()\n-> cfg['w']"
    ),
    "default_holds": "cfg = {'w': 1.0}\ndef f(c=cfg):\n    c['w'] = 4.0\nf()\n-> cfg['w']",
    "lambda_default": "cfg = {'w': 1.0}\nf = lambda c=cfg: c.update(w=4.0)\nf()\n-> cfg['w']",
    "generator_fn": "cfg = {'w': 1.0}\ndef g():\n    yield cfg\nfor c in g():\n    c['w'] = 4.0\n-> cfg['w']",
    "method_return": (
        "class S:\n    def __init__(self):\n        self.c = {'w': 1.0}\n    def get(self):\n        return self.c\n"
        "s = S()\ns.get()['w'] = 4.0\n-> s.c['w']"
    ),
    "method_return2": (
        "class S:\n    def __init__(self):\n        self.c = {'w': 1.0}\n    def get(self):\n        return self.c\n"
        "s = S()\nd = s.get()\nd['w'] = 4.0\n-> s.c['w']"
    ),
    "singleton": (
        "class S:\n    one = None\n    w = 1.0\n    @classmethod\n    def get(cls):\n        if cls.one is None:\n"
        "            cls.one = cls()\n        return cls.one\na = S.get()\nb = S.get()\nb.w = 4.0\n-> a.w"
    ),
    "singleton_fn": "class S:\n    w = 1.0\nONE = S()\ndef get():\n    return ONE\nb = get()\nb.w = 4.0\n-> ONE.w",
    "singleton_new": (
        "class S:\n    one = None\n    w = 1.0\n    def __new__(cls):\n        if cls.one is None:\n"
        "            cls.one = object.__new__(cls)\n        return cls.one\na = S()\nb = S()\nb.w = 4.0\n-> a.w"
    ),
    "borg": (
        "class S:\n    state = {}\n    def __init__(self):\n        self.__dict__ = self.state\na = S()\na.w = 1.0\n"
        "b = S()\nb.w = 4.0\n-> a.w"
    ),
    "lru": "import functools\n@functools.lru_cache\ndef get():\n    return {'w': 1.0}\nget()['w'] = 4.0\n-> get()['w']",
    "lru2": (
        "import functools\n@functools.lru_cache\ndef get():\n    return {'w': 1.0}\nd = get()\nd['w'] = 4.0\n"
        "-> get()['w']"
    ),
    "property": (
        "class S:\n    def __init__(self):\n        self._w = 1.0\n    @property\n    def w(self):\n"
        "        return self._w\n    @w.setter\n    def w(self, v):\n        self._w = v\ns = S()\ns.w = 4.0\n-> s.w"
    ),
    "desc": (
        "class T:\n    def __set__(self, o, v):\n        T.last = v\n    def __get__(self, o, t=None):\n"
        "        return T.last\nT.last = 1.0\nclass S:\n    w = T()\ns = S()\ns.w = 4.0\n-> s.w"
    ),
    "desc_other": (
        "class T:\n    def __set__(self, o, v):\n        T.last = v\nT.last = 1.0\nclass S:\n    w = T()\ns = S()\n"
        "s.w = 4.0\n-> T.last"
    ),
    "setattr_hook": (
        "last = [1.0]\nclass S:\n    def __setattr__(self, k, v):\n        last.append(v)\ns = S()\ns.w = 4.0\n"
        "-> last[-1]"
    ),
    "setitem_hook": (
        "last = [1.0]\nclass S:\n    def __setitem__(self, k, v):\n        last.append(v)\ns = S()\ns['w'] = 4.0\n"
        "-> last[-1]"
    ),
    "iadd_hook": (
        "last = [1.0]\nclass S:\n    def __iadd__(self, v):\n        last.append(v)\n        return self\ns = S()\n"
        "s += 4.0\n-> last[-1]"
    ),
    "op_hook": (
        "last = [1.0]\nclass S:\n    def __lshift__(self, v):\n        last.append(v)\ns = S()\ns << 4.0\n-> last[-1]"
    ),
    "attr_hook": (
        "last = [1.0]\nclass S:\n    @property\n    def go(self):\n        last.append(4.0)\ns = S()\ns.go\n-> last[-1]"
    ),
    "str_hook": (
        "last = [1.0]\nclass S:\n    def __str__(self):\n        last.append(4.0)\n        return ''\ns = S()\n"
        "x = f'{s}'\n-> last[-1]"
    ),
    "iter_hook": (
        "last = [1.0]\nclass S:\n    def __iter__(self):\n        last.append(4.0)\n        return iter(())\ns = S()\n"
        "a = [*s]\n-> last[-1]"
    ),
    "bool_hook": (
        "last = [1.0]\nclass S:\n    def __bool__(self):\n        last.append(4.0)\n        return True\ns = S()\n"
        "if s:\n    pass\n-> last[-1]"
    ),
    "atexit_less": (
        "import contextlib\nlast = [1.0]\n@contextlib.contextmanager\ndef c():\n    last.append(4.0)\n    yield\n"
        "with c():\n    pass\n-> last[-1]"
    ),
    "with_alias": (
        "import contextlib\nlast = [1.0]\n@contextlib.contextmanager\ndef c():\n    yield last\nwith c() as d:\n"
        "    d.append(4.0)\n-> last[-1]"
    ),
    "returned_fn": (
        "beta = 1.0\ndef outer():\n    def inner():\n        global beta\n        beta = 4.0\n    return inner\n"
        "outer()()\n-> beta"
    ),
    "returned_fn2": (
        "beta = 1.0\ndef outer():\n    def inner():\n        global beta\n        beta = 4.0\n    return inner\n"
        "f = outer()\nf()\n-> beta"
    ),
    "list_fns": (
        "beta = 1.0\ndef f():\n    global beta\n    beta = 4.0\nfs = []\nfs.append(f)\nfor g in fs:\n    g()\n-> beta"
    ),
    "obj_fns": (
        "beta = 1.0\ndef f():\n    global beta\n    beta = 4.0\nclass Bus:\n    def __init__(self): self.fs = []\n"
        "    def on(self, g): self.fs.append(g)\n    def go(self): [g() for g in self.fs]\nbus = Bus()\nbus.on(f)\n"
        "bus.go()\n-> beta"
    ),
    "lib_bus": (
        "import sched\nbeta = 1.0\ndef f():\n    global beta\n    beta = 4.0\ns = sched.scheduler()\ns.enter(0, 1, f)\n"
        "s.run()\n-> beta"
    ),
    "decor_bus": (
        "beta = 1.0\nFS = []\ndef on(g):\n    FS.append(g)\n    return g\n@on\ndef f():\n    global beta\n"
        "    beta = 4.0\ndef fire():\n    for g in FS:\n        g()\nfire()\n-> beta"
    ),
    "decor_bus2": (
        "beta = 1.0\nFS = {}\ndef on(name):\n    def inner(g):\n        FS[name] = g\n        return g\n"
        "    return inner\n@on('a')\ndef f():\n    global beta\n    beta = 4.0\nFS['a']()\n-> beta"
    ),
    "attr_fn": (
        "beta = 1.0\ndef f():\n    global beta\n    beta = 4.0\nclass N:\n    pass\nn = N()\nn.go = f\nn.go()\n-> beta"
    ),
    "getattr_fn": (
        "beta = 1.0\nclass N:\n    def go(self):\n        global beta\n        beta = 4.0\nn = N()\n"
        "getattr(n, 'go')()\n-> beta"
    ),
    "vars_self": "import sys\nbeta = 1.0\nvars(sys.modules[__name__])['beta'] = 4.0\n-> beta",
    "import_self": "beta = 1.0\n__import__('sys').modules[__name__].__dict__['beta'] = 4.0\n-> beta",
    "builtins_exec": "import builtins\nbeta = 1.0\nbuiltins.exec('beta = 4.0')\n-> beta",
    "builtins_globals": "import builtins\nbeta = 1.0\nbuiltins.globals()['beta'] = 4.0\n-> beta",
    "frame2": "import inspect\nbeta = 1.0\ng = inspect.currentframe().f_globals\ng['beta'] = 4.0\n-> beta",
    "code": "def w():\n    return 1.0\ndef v():\n    return 4.0\nw.__code__ = v.__code__\n-> w()",
    "defaults": "def w(a=1.0):\n    return a\nw.__defaults__ = (4.0,)\n-> w()",
    "mro": "class A:\n    w = 1.0\nclass B(A):\n    pass\nA.w = 4.0\n-> B.w",
    "mro2": "class A:\n    w = 1.0\nclass B(A):\n    pass\nB.__bases__[0].w = 4.0\n-> B.w",
    "mro3": "class A:\n    w = 1.0\nclass B(A):\n    pass\nB.__mro__[1].w = 4.0\n-> A.w",
    "base_inst": "class A:\n    w = 1.0\nclass B(A):\n    pass\nb = B()\nA.w = 4.0\n-> b.w",
    "sub": "class A:\n    w = 1.0\nclass B(A):\n    def __init__(self):\n        A.w = 4.0\nx = B()\n-> A.w",
    "inst_type": "class A:\n    w = 1.0\na = A()\nD = type(a)\nD.w = 4.0\n-> A.w",
    "inst_cls": "class A:\n    w = 1.0\na = A()\nD = a.__class__\nD.w = 4.0\n-> A.w",
    "inst_cls2": (
        "class A:\n    w = 1.0\n    def go(self):\n        c = type(self)\n        c.w = 4.0\na = A()\na.go()\n-> A.w"
    ),
    "cls_cm": "class A:\n    w = 1.0\n    @classmethod\n    def go(cls):\n        cls.w = 4.0\na = A()\na.go()\n-> A.w",
    "cls_list": (
        "class A:\n    ws = [1.0]\n    def go(self):\n        self.ws.append(4.0)\na = A()\na.go()\n-> A.ws[-1]"
    ),
    "cls_list2": "class A:\n    ws = [1.0]\n    def go(self):\n        self.ws.append(4.0)\nA().go()\n-> A().ws[-1]",
    "cls_list3": "class A:\n    ws = [1.0]\na = A()\na.ws.append(4.0)\n-> A.ws[-1]",
    "cls_count2": "class A:\n    n = 0\n    def __init__(self):\n        type(self).n += 2\na = A()\nb = A()\n-> A.n",
    "super_list": "class P:\n    ws = [1.0]\nclass A(P):\n    pass\na = A()\na.ws.append(4.0)\n-> P.ws[-1]",
    "np_view2": "import numpy as np\nw = np.ones((2, 2))\nfor row in w:\n    row[:] = 4.0\n-> w[0, 0]",
    "np_view3": "import numpy as np\nw = np.ones(4)\nv = w.reshape(2, 2)\nv[:] = 4.0\n-> w[0]",
    "np_view4": "import numpy as np\nw = np.ones(4)\nv = np.asarray(w)\nv[:] = 4.0\n-> w[0]",
    "np_view5": "import numpy as np\nw = np.ones(4)\nv = memoryview(w)\nv[0] = 4.0\n-> w[0]",
    "bytearray": "b = bytearray([1])\nm = memoryview(b)\nm[0] = 4\n-> b[0]",
    "decimal": "import decimal\ndecimal.getcontext().prec = 3\n-> decimal.Decimal(1) / 3",
    "monkey": "import math\nmath.my_w = 1.0\nsetattr(math, 'my_w', 4.0)\n-> math.my_w",
    "tuple_swap": "a, b = [1.0], [4.0]\n(a[0], b[0]) = (b[0], a[0])\n-> a[0]",
    "star_assign": "ws = [1.0, 2.0]\nws[:] = [4.0, 4.0]\n-> ws[0]",
    "for_store": "ws = [1.0]\nfor ws[0] in (2.0, 4.0):\n    pass\n-> ws[0]",
    "with_store": "import contextlib\nws = [1.0]\nwith contextlib.nullcontext(4.0) as ws[0]:\n    pass\n-> ws[0]",
    "except_bind": "beta = 4.0\ntry:\n    raise ValueError\nexcept ValueError as err:\n    beta = 3.0\n-> beta",
    "for_else": "for k in ():\n    pass\nelse:\n    beta = 4.0\n-> beta",
    "cond_import": "if True:\n    from math import e as w\n-> w",
    "try_def": (
        "try:\n    import nothing_at_all\n    def w(): return 1.0\nexcept ImportError:\n    def w(): return 4.0\n-> w()"
    ),
    "lambda_capture": "w = 1.0\nf = lambda: w\nw = 4.0\n-> f()",
    "partial_capture": "from functools import partial\nw = [1.0]\nf = partial(sum, w)\nw.append(3.0)\n-> f()",
    "bound_capture": (
        "class A:\n    w = 1.0\n    def get(self):\n        return self.w\na = A()\nget = a.get\na.w = 4.0\n-> get()"
    ),
    "chainmap": "from collections import ChainMap\na = {'w': 1.0}\nc = ChainMap(a)\na['w'] = 4.0\n-> c['w']",
    "holder_first": "a = {'w': 1.0}\nb = {'a': a}\na['w'] = 4.0\n-> b['a']['w']",
    "holder_obj": (
        "class H:\n    def __init__(self, c): self.c = c\na = {'w': 1.0}\nh = H(a)\na['w'] = 4.0\n-> h.c['w']"
    ),
    "holder_late": "a = {'w': 1.0}\nb = {}\nb['a'] = a\na['w'] = 4.0\n-> b['a']['w']",
    "holder_late2": "a = {'w': 1.0}\nb = []\nc = b\nc.append(a)\na['w'] = 4.0\n-> b[0]['w']",
    "np_random": "import numpy as np\nnp.random.seed(3)\nnp.random.seed(4)\n-> np.random.rand()",
    "monkey2": "import math\nm = math\nm.my_w = 4.0\n-> getattr(math, 'my_w', 1.0)",
    "setitem_alias": "cfg = {'w': 1.0}\nput = cfg.__setitem__\nput('w', 4.0)\n-> cfg['w']",
    "attrdict_fn": (
        "class A(dict):\n    __getattr__ = dict.__getitem__\n    __setattr__ = dict.__setitem__\nc = A(w=1.0)\n"
        "def f(x):\n    x.w = 4.0\nf(c)\n-> c.w"
    ),
    "call_dunder": "class C:\n    w = 1.0\n    def __call__(self, v): self.w = v\nc = C()\nc(4.0)\n-> c.w",
    "fn_defaults": "def w(v=[1.0]):\n    return v[-1]\nf = w\nf.__defaults__[0].append(4.0)\n-> w()",
    "mut_default": "def w(x=None, v=[1.0]):\n    if x: v.append(x)\n    return v[-1]\nw(4.0)\n-> w()",
    "cls_setattr": (
        "class A:\n    w = 1.0\n    @classmethod\n    def go(klass):\n        setattr(klass, 'w', 4.0)\na = A()\n"
        "a.go()\n-> A.w"
    ),
    "in_iter": "it = iter([1.0, 2.0, 4.0])\nx = 2.0 in it\n-> next(it)",
    "sum_iter": "it = iter([1.0, 2.0, 4.0])\nx = sum(it)\n-> next(it, 9)",
    "max_iter": "it = iter([0, 2.0, 4.0])\nx = max(it)\n-> next(it, 9)",
    "contextvar": "import contextvars\nv = contextvars.ContextVar('v', default=1.0)\nv.set(4.0)\n-> v.get()",
    "gc": (
        "import gc\nclass C:\n    w = 1.0\nc = C()\nfor o in gc.get_objects():\n"
        "    if type(o).__name__ == 'C': o.w = 4.0\n-> c.w"
    ),
    "weakref": "import weakref\nclass C:\n    w = 1.0\nc = C()\nr = weakref.ref(c)\nr().w = 4.0\n-> c.w",
    "dict_or": "a = {'x': {'w': 1.0}}\nd = a | {}\nd['x']['w'] = 4.0\n-> a['x']['w']",
    "fn_star": "a = {'x': {'w': 1.0}}\ndef f(x):\n    x['w'] = 4.0\nf(**a)\n-> a['x']['w']",
}


@pytest.mark.parametrize("written", [as_script, as_notebook])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_changes_what_is_needed_is_taken(folder, monkeypatch, form, written):
    assert is_as_in_the_whole_file(folder, monkeypatch, form, written)
