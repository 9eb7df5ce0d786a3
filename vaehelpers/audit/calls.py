"""One way of calling a loss, as data: which argument holds what, and where the total is."""

from collections import UserList
from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple

import numpy as np

from vaehelpers.audit.names import DOCUMENTED, TOTALS, role_of
from vaehelpers.audit.verdict import AuditError

JOINED = "joined"  # mean and spread in one tensor
LAYOUTS = ((), ("x_decoded",), ("x", "x_decoded"))  # which images are given flat, [B, D]
SPREAD = {  # its words; from the log variance; from its own value, its derivative by that
    "z_log_var": ("log variance", lambda v: v, np.ones_like),
    "z_log_std": ("log standard deviation", lambda v: v / 2, lambda s: np.full_like(s, 0.5)),
    "z_std": ("standard deviation", lambda v: np.exp(v / 2), lambda s: s / 2),
    "z_var": ("variance", np.exp, lambda s: s),
}


class Joined(NamedTuple):
    """An argument that holds the mean and the spread side by side, in one tensor."""

    spread: str


class ByName(NamedTuple):
    """A batch or a model's outputs, of which entries or attributes are taken by their names."""

    spread: str


class Keyed(Mapping):
    """What a `ByName` gives: its entries are found by any name that tells their role."""

    def __init__(self, tensors, spread):
        self._tensors = tensors | dict.fromkeys(SPREAD, tensors[spread])

    def __getitem__(self, key):
        return self._tensors[role_of(str(key)) or key]

    def __iter__(self):
        return iter(self._tensors)

    def __len__(self):
        return len(self._tensors)

    def __getattr__(self, name):
        if name.startswith("_") or name not in self:
            raise AttributeError(name)
        return self[name]


class Levels(UserList):
    """One level of codes in a list; no framework takes it for an array `[1, B, J]`."""

    __array_ufunc__ = None

    def __array__(self, *arguments, **options):
        raise TypeError("a list of levels is no array")


class Way(NamedTuple):
    """How a loss is called.

    Attributes:
        positional: for each positional argument a role, a `Joined`, a `ByName`, or a tuple of
            roles for an argument that holds several.
        by_name: pairs of a name and its role, for what is given by keyword only.
        source: how the order is known: "documented", "names", "order", "trying", "outputs" (of a
            model) or "refused" (a spread that is tried where the log variance is refused).
        probed: the argument of which probing told what it holds, where its name does not.
        lists: whether mean and spread are given as lists of one level.
        flat, classes: which images are rows `[B, D]`; whether the target holds whole numbers.
        latent_shape: the shape of one code, where it is no vector.
        result: which part of what is returned is the total; `None` where its name tells.
    """

    positional: tuple = DOCUMENTED
    by_name: tuple = ()
    source: str = "documented"
    probed: str | None = None
    lists: bool = False
    flat: tuple = ()
    classes: bool = False
    latent_shape: tuple | None = None
    result: object = None

    @property
    def roles(self):
        """All roles that the loss is given, in order; of a joined argument that of its spread."""
        forms = (*self.positional, *dict(self.by_name).values())
        return tuple(chain.from_iterable([f] if isinstance(f, str) else f for f in forms))

    @property
    def spread(self):
        """What the encoder's second output is."""
        return next(role for role in self.roles if role in SPREAD)

    def layouts(self, image_shape):
        """The same way with every form of images that a loss may want, the likeliest first."""
        whole = [self._replace(classes=True)] if image_shape[-1] > 1 else []
        return [self._replace(flat=flat) for flat in LAYOUTS] + whole

    def arrays(self, probe):
        """All that it may give, by role, as NumPy arrays; the draw z is another at each call."""
        shape = (len(probe.z_mean), *(self.latent_shape or probe.z_mean.shape[1:]))
        z_mean, z_log_var = (code.reshape(shape) for code in probe[2:])
        spread = SPREAD[self.spread][1](z_log_var)
        noise = np.random.default_rng().standard_normal(shape)
        given = {
            "x": probe.x.argmax(-1) if self.classes else probe.x,
            "x_decoded": probe.x_decoded,
            "z_mean": z_mean,
            self.spread: spread,
            "z": z_mean + np.exp(z_log_var / 2) * noise,
            JOINED: np.concatenate([z_mean, spread], -1),
        }
        return given | {name: given[name].reshape(len(probe.x), -1) for name in self.flat}

    def carried(self, gradients, arrays, probe):
        """Gradients by its arrays, as those by a probe's x_decoded, z_mean and z_log_var."""
        in_mean, in_spread = np.split(gradients[JOINED], 2, axis=-1)
        by_mean = gradients["z_mean"] + in_mean + gradients["z"]
        slope = SPREAD[self.spread][2](arrays[self.spread])
        by_spread = gradients[self.spread] + in_spread
        by_draw = gradients["z"] * (arrays["z"] - arrays["z_mean"]) / 2
        found = (gradients["x_decoded"], by_mean, by_spread * slope + by_draw)
        return [part.reshape(like.shape) for part, like in zip(found, probe[1:], strict=True)]

    def arguments(self, tensors):
        """The arguments of a call, by place and by name, from the tensors of all roles."""
        listed = ("z_mean", self.spread) if self.lists else ()
        tensors = tensors | {role: Levels([tensors[role]]) for role in listed}
        by_name = {name: _argument(form, tensors) for name, form in self.by_name}
        return [_argument(form, tensors) for form in self.positional], by_name

    def written(self):
        """The arguments as the reader sees them."""
        named = (f"{name}={_written(form)}" for name, form in self.by_name)
        return ", ".join([*map(_written, self.positional), *named])

    def said(self):
        """What was assumed, as sentences; nothing where it is called as it is documented."""
        how = {"names": ", from its names", "trying": ", the order under which it is a known loss"}
        found = "for it refuses a log variance" if self.source == "refused" else "found by probing"
        part = "the sum" if self.result == "sum" else f"entry {self.result}"
        classes = "whole numbers, the classes along the last axis of x_decoded"
        notes = {
            f"read as loss({self.written()}){how.get(self.source, '')}": self.written()
            != ", ".join(DOCUMENTED),
            f"{self.probed} holds the {SPREAD[self.spread][0]}, {found}": self.probed,
            "mean and spread are given as lists of one level": self.lists,
            f"the target is given as {classes}": self.classes,
            f"{' and '.join(self.flat)} given flat, as rows of pixels": self.flat,
            f"{part} of what it returns is taken as the total": self.result is not None,
        }
        return [sentence for sentence, holds in notes.items() if holds]


def _argument(form, tensors):
    if isinstance(form, ByName):
        return Keyed(tensors, form.spread)
    if isinstance(form, Joined):
        return tensors[JOINED]
    return tensors[form] if isinstance(form, str) else tuple(tensors[role] for role in form)


def _written(form):
    if isinstance(form, (str, ByName)):
        return form if isinstance(form, str) else "entries by name"
    joined = isinstance(form, Joined)
    return f"(z_mean, {form.spread}) side by side" if joined else f"({', '.join(form)})"


def tiers_of(result, which=None):
    """What may be the total in what a loss returned: tiers of names, the second a resort.

    `which` is the name or place of the total, or "sum"; `None` to find it by its name, which
    raises an `AuditError` where nothing in it can be the total.

    Example:
        >>> tiers_of({"kl": 1.0, "Loss": 3.0}), tiers_of((3.0, None, (1.0, 2.0), 4.0))
        ([[None]], [[0, 3], ['sum']])
    """
    held = _held(result)
    if which is not None or not held or _named(held) is not None:
        return [[which]]
    places = [place for place, value in enumerate(held.values()) if _is_one(value)]
    if places and (isinstance(result, tuple) or 0 in held):
        return [places, ["sum"]][: 1 + (len(places) == 2)]  # of more, some are counted twice
    names = ", ".join(map(str, held))
    raise AuditError(
        f"loss_fn returned {names}, none of them called a total: say which with result=NAME"
    )


def total_of(result, which=None):
    """The total in what a loss returned, an `AuditError` where there is none; see `tiers_of`.

    Example:
        >>> total_of({"kl": 1.0, "Loss": 3.0}), total_of((3.0,)), total_of((1.0, None, 2.0), "sum")
        (3.0, 3.0, 3.0)
    """
    one = _is_one(result)
    if one and which in (None, "sum", 0):
        return result
    held = _held(result) or {}
    if which == "sum" and parts_of(result):
        first, *others = parts_of(result)
        return sum(others, start=first)
    values = list(held.values())
    pairs = (*held.items(), *enumerate(values), *enumerate(values, -len(values)))
    entries = {str(name): value for name, value in pairs}
    name = str(_named(held) if which is None else which)
    if name in entries:
        return total_of(entries[name])
    said = ", ".join(map(str, held)) or (f"one {type(result).__name__}" if one else repr(result))
    asked = "" if which is None else f"result is {which!r}, but "
    raise AuditError(
        f"{asked}loss_fn returned {said}: return the total loss, a scalar or one number per "
        "example, or say which it is with result=NAME"
    )


def parts_of(result):
    """The single values in what a loss returned; what is nested deeper counts as none."""
    return [value for value in (_held(result) or {0: result}).values() if _is_one(value)]


def _held(result):
    """What a result holds, by name or by place; `None` where it is one value itself."""
    if isinstance(result, (tuple, list, Mapping)) and not hasattr(result, "_asdict"):
        return dict(result if isinstance(result, Mapping) else enumerate(result))
    if hasattr(result, "_asdict"):
        return result._asdict()
    return None if hasattr(result, "shape") else getattr(result, "__dict__", None) or None


def _named(held):
    """The name of the total: one that says so, or that of the only entry."""
    said = [name for total in TOTALS for name in held if str(name).lower() == total]
    return next(iter(said or (held if len(held) == 1 else ())), None)


def _is_one(value):
    return value is not None and not isinstance(value, str) and _held(value) is None
