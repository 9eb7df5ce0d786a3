"""One way of calling a loss: which argument holds what, how images are laid out, and where the total is."""

from typing import NamedTuple

import numpy as np

from vaehelpers.audit.calling.frameworks import array_like, classes_of, exp, joined, reshape
from vaehelpers.audit.calling.names import DOCUMENTED, role_of
from vaehelpers.audit.calling.results import total_of

SPREAD = {
    "z_log_var": lambda v: v,
    "z_log_std": lambda v: v / 2,
    "z_std": lambda v: exp(v / 2),
    "z_var": exp,
}
SPREAD_WORDS = {
    "z_log_var": "log variance",
    "z_log_std": "log standard deviation",
    "z_std": "standard deviation",
    "z_var": "variance",
}
JOINED = "joined:"  # in front of a spread: mean and spread in one tensor, side by side
KEYED = "keyed:"  # in front of a spread: an argument of which entries are taken by name
LAYOUTS = ((), ("x_decoded",), ("x", "x_decoded"))  # which images are given flat, [B, D]


class Keyed:
    """A batch or a model's outputs, of which a loss takes entries or attributes by their names."""

    def __init__(self, given, spread):
        self._given = given
        self._spread = spread

    def __getitem__(self, key):
        role = role_of(str(key))
        role = self._spread if role in SPREAD else role
        if role not in self._given:
            raise KeyError(key)
        return self._given[role]

    def __contains__(self, key):
        return role_of(str(key)) in (*self._given, *SPREAD)

    def get(self, key, default=None):
        try:
            return self[key]
        except KeyError:
            return default

    def __getattr__(self, name):
        if name.startswith("_") or name not in self:
            raise AttributeError(name)
        return self[name]


class Levels:
    """One level of codes, to be gone through as a list of levels is; no framework takes it for an array `[1, B, J]`."""

    __array_ufunc__ = None

    def __init__(self, level):
        self._levels = [level]

    def __iter__(self):
        return iter(self._levels)

    def __len__(self):
        return 1

    def __getitem__(self, place):
        return self._levels[place]

    def __array__(self, *arguments, **options):
        raise TypeError("a list of levels is no array")


class Call(NamedTuple):
    """How a loss is called.

    Attributes:
        positional: a role for each positional argument, or a tuple of roles for an argument that holds several.
        by_name: pairs of an argument's name and its role.
        flat: which of the images are given as rows `[B, D]`.
        result: which part of what is returned is the total; `None` where its name tells.
        source: how the order is known: "documented", "names", "order", "trying", "outputs" (of a model) or
            "refused" (the log variance that a name promises).
        latent_shape: the shape of one code, where it is no vector.
        probed: the argument of which probing told what it holds, where its name does not.
        lists: whether mean and spread are given as lists of one level.
        classes: whether the target holds whole numbers, the classes along the last axis of x_decoded.
    """

    positional: tuple = DOCUMENTED
    by_name: tuple = ()
    flat: tuple = ()
    result: object = None
    source: str = "documented"
    latent_shape: tuple | None = None
    probed: str | None = None
    classes: bool = False
    lists: bool = False

    @property
    def roles(self):
        """All roles that the loss is given, in order."""
        return _flattened((*self.positional, *(role for _, role in self.by_name)))

    @property
    def spread(self):
        """What the encoder's second output is."""
        return next((role for role in map(_bare, self.roles) if role in SPREAD), None)

    def canonical(self, loss_fn, arguments):
        """The loss as a function `(x, x_decoded, z_mean, z_log_var)` to its total."""
        if self._replace(source="documented", probed=None) == Call():
            return lambda *probe: total_of(loss_fn(*probe, **arguments))

        def loss(x, x_decoded, z_mean, z_log_var):
            given = self._given(x, x_decoded, z_mean, z_log_var)
            positional = [_take(given, role) for role in self.positional]
            named = {name: _take(given, role) for name, role in self.by_name}
            return total_of(loss_fn(*positional, **named, **arguments), self.result)

        return loss

    def _given(self, x, x_decoded, z_mean, z_log_var):
        images = {"x": classes_of(x) if self.classes else x, "x_decoded": x_decoded}
        for name in self.flat:
            images[name] = reshape(images[name], (images[name].shape[0], -1))
        codes = {"z_mean": z_mean, "z_log_var": z_log_var}
        if self.latent_shape is not None:
            codes = {name: reshape(code, (code.shape[0], *self.latent_shape)) for name, code in codes.items()}
        given = images | {"z_mean": codes["z_mean"]}
        if self.spread:
            given[self.spread] = SPREAD[self.spread](codes["z_log_var"])
        if "z" in self.roles or any(role.startswith(KEYED) for role in self.roles):
            noise = np.random.default_rng().standard_normal(tuple(codes["z_mean"].shape))
            deviation = exp(codes["z_log_var"] / 2)
            given["z"] = codes["z_mean"] + deviation * array_like(codes["z_mean"], noise)
        if self.lists:
            given |= {name: Levels(given[name]) for name in ("z_mean", self.spread)}
        return given

    def said(self):
        """What was assumed, as sentences; nothing where the loss is called as it is documented."""
        notes = []
        if self.positional != DOCUMENTED or self.by_name:
            known = {"names": ", from its names", "trying": ", the order under which it is a known loss"}
            inside = ", ".join([*map(_written, self.positional), *(f"{name}={role}" for name, role in self.by_name)])
            notes.append(f"read as loss({inside}){known.get(self.source, '')}")
        if self.probed:
            refused = ", for it refuses a log variance" if self.source == "refused" else ", found by probing"
            notes.append(f"{self.probed} holds the {SPREAD_WORDS[self.spread]}{refused}")
        if self.lists:
            notes.append("mean and spread are given as lists of one level")
        if self.classes:
            notes.append("the target is given as whole numbers, the classes along the last axis of x_decoded")
        if self.flat:
            notes.append(f"{' and '.join(self.flat)} given flat, as rows of pixels")
        if self.result == "sum":
            notes.append("the sum of what it returns is taken as the total")
        elif self.result is not None:
            notes.append(f"entry {self.result} of what it returns is taken as the total")
        return notes


def _flattened(roles):
    return tuple(part for role in roles for part in (role if isinstance(role, tuple) else (role,)))


def _written(role):
    """A role as the reader sees it."""
    if isinstance(role, tuple):
        return f"({', '.join(role)})"
    if role.startswith(JOINED):
        return f"(z_mean, {_bare(role)}) side by side"
    return "entries by name" if role.startswith(KEYED) else role


def _bare(role):
    return role.removeprefix(KEYED).removeprefix(JOINED)


def _take(given, role):
    if not isinstance(role, tuple) and role.startswith(KEYED):
        return Keyed(given, _bare(role))
    if not isinstance(role, tuple) and role.startswith(JOINED):
        return joined(given["z_mean"], given[_bare(role)])
    return tuple(given[part] for part in role) if isinstance(role, tuple) else given[role]
