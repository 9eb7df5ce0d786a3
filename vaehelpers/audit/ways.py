"""How a loss may want to be called, read off its signature: the ways to try, the likeliest first.

A name leaves its argument a few kinds of contents (`may_hold`). A reading gives each argument one
so that together they are a form of losses; those that go least against the names are tried.
"""

import inspect
import math
from itertools import product
from typing import NamedTuple

from vaehelpers.audit.calls import ByName, Joined, Way
from vaehelpers.audit.names import (
    AGAINST,
    DOCUMENTED,
    ROLES,
    SPREADS,
    holds_lists,
    may_hold,
    role_of,
    says,
    spreads_of,
)
from vaehelpers.audit.verdict import AuditError

PLAIN = inspect.Parameter.POSITIONAL_OR_KEYWORD
ORDER = "x_decoded,x,z_mean,z_log_var"
WRAP = "write loss(x, x_decoded, z_mean, z_log_var) around it"

# What the arguments of a loss hold together.
FORMS = (
    DOCUMENTED,
    (*DOCUMENTED, "z"),
    ("x", "x_decoded", "codes"),
    ("x", "x_decoded", "codes", "z"),
    ("outputs", "x"),
    ("outputs",),
)


class Reading(NamedTuple):
    """What arguments may hold, by their names, and what speaks against it."""

    kinds: dict  # by the arguments' names, without those that are left
    gravity: tuple  # how many are not understood, contradicted, and settings to be asked for
    open: int  # how much the names leave open


def _contents(kind, spread):
    """The forms in which one argument holds what is of that kind, where the spread is that."""
    if kind == "codes":
        return [("z_mean", spread), Joined(spread), ByName(spread)]
    if kind == "outputs":
        return [
            ("x_decoded", "z_mean", spread),
            ("z_mean", spread, "x_decoded"),
            ("x_decoded", "z_mean", spread, "z"),
            ("x_decoded", "z", "z_mean", spread),
            ("x_decoded", "x", "z_mean", spread),
            ("x", "x_decoded", "z_mean", spread),
            ("z_mean", spread, "z", "x_decoded"),
            ByName(spread),
        ]
    return [{"z_log_var": spread, "entries": ByName(spread)}.get(kind, kind)]


def ways_of(loss_fn, arguments, order):
    """The ways in which a loss may be called, as groups: alternatives, and the next a resort.

    Args:
        loss_fn: anything that can be called.
        arguments: further arguments, by name.
        order: the roles in the order of the arguments, or `None`.

    Raises:
        AuditError: where an argument is missing or not understood; it says which, and what to type.

    Example:
        >>> ways = ways_of(lambda recon, sample, mu, logvar: 0.0, {}, None)
        >>> ways[0][0].positional
        ('x_decoded', 'x', 'z_mean', 'z_log_var')
    """
    if order is not None:
        return [[Way(check_order(order), source="order")]]
    required = required_parameters(loss_fn, arguments)
    if required is None:
        return [[Way()]]
    names = [parameter.name for parameter in required]
    _refuse_other_terms(names)
    readings = sorted(_readings(names), key=lambda reading: reading[1:])
    best = readings[0] if readings else Reading({}, (1, 0, 0), 0)
    if best.gravity[0] or best.gravity[2]:
        raise _refusal(names, best.kinds)
    resorts = [r for r in readings if r.open == math.inf and not r.gravity[2] and r != best]
    near = [r for r in readings if r.gravity == best.gravity and r.open <= best.open + 1]
    return _grouped(near + resorts, required)


def _readings(names):
    """Every way of giving the contents of a form to arguments of these names."""
    ranks = {name: may_hold(name) for name in names}
    settings = {name for name in names if role_of(name) == "setting"}
    for form in FORMS:
        holders = [[name for name in names if kind in ranks[name]] for kind in form]
        for chosen in product(*holders):
            kinds = dict(zip(chosen, form, strict=True))
            if len(kinds) == len(form):
                found = [ranks[name][kind] for name, kind in kinds.items()]
                unused = len(settings - kinds.keys())
                left = len(names) - len(kinds) - unused
                open_ = sum(rank for rank in found if rank < AGAINST)
                yield Reading(kinds, (left, found.count(AGAINST), unused), open_)
    entries = dict.fromkeys((name for name in names if name not in settings), "entries")
    if len(entries) in (1, 2, 3):  # a resort
        yield Reading(entries, (0, len(DOCUMENTED), len(settings)), math.inf)


def _grouped(readings, required):
    """The ways of all readings, in groups of those that go equally far against the names."""
    groups = {}
    for place, reading in enumerate(readings):
        alone = sum(other.open == reading.open for other in readings) == 1
        source = "trying" if place else "names" if alone else "documented"
        lists = any(holds_lists(name) for name in reading.kinds)
        for spread, cost, probed in _spreads(reading):
            for held in product(*(_contents(kind, spread) for kind in reading.kinds.values())):
                given = dict(zip(reading.kinds, held, strict=True))
                way = Way(
                    tuple(given[p.name] for p in required if p.kind != p.KEYWORD_ONLY),
                    tuple((p.name, given[p.name]) for p in required if p.kind == p.KEYWORD_ONLY),
                    source="refused" if cost == math.inf else source,
                    probed=probed,
                )
                if "z_log_var" not in reading.kinds.values():
                    way = way._replace(source="outputs")
                group = groups.setdefault(reading.open + cost, [])
                group += [way._replace(lists=True), way] if lists else [way]
    return [groups[cost] for cost in sorted(groups)]


def _spreads(reading):
    """Each spread, how far it goes against the names, and the argument that is probed for it."""
    name = next((name for name, kind in reading.kinds.items() if kind == "z_log_var"), None)
    tried = (name and spreads_of(name)) or SPREADS
    for spread in (*tried, *[other for other in SPREADS if other not in tried]):
        cost = int(spread != tried[0]) if spread in tried else math.inf
        told = not cost and (len(tried) == 1 or spread == "z_log_var")
        yield spread, cost, None if told else name


def _refuse_other_terms(names):
    """Raise for arguments that no function of images and codes has."""
    networks = [name for name in names if role_of(name) == "network"]
    told = set().union(*(says(name) for name in names if name not in networks))
    if networks and not told & {"mean", "decoded"}:
        raise AuditError(
            f"the loss calls the networks itself (it wants {', '.join(networks)}): audit the "
            "function of images, reconstructions and codes inside of it"
        )
    computed = [n for n in names if "kl" in says(n) and not says(n) & {"weight", "setting"}]
    if computed and not told & {"mean", "spread"}:
        raise AuditError(
            f"it takes a KL that is computed already ({computed[0]}): {WRAP} that computes it"
        )


def _refusal(names, understood):
    """The error for arguments that stand for nothing which a multiple of the ELBO needs."""
    left = [name for name in names if name not in understood]
    roles = {"mean", "spread", "prior"}
    codes = [name for name in names if role_of(name) != "setting" and roles & says(name)]
    further = set(codes) & set(left)
    if further and len(codes) > 2:
        prior = any({"p", "prior"} & says(name) for name in further)
        what = "a learned prior" if prior else "a learned decoder variance, or two levels of codes"
        return AuditError(
            f"it takes {', '.join(codes)}: {what}? The KL to N(0, I) and one likelihood are all "
            f"that is audited; {WRAP} with the others held fixed"
        )
    if understood and not further:
        return missing(*left)
    return AuditError(
        f"which of its arguments ({', '.join(names)}) holds what, their names do not tell: say "
        f"order={ORDER!r}"
    )


def missing(*names):
    """The error for arguments that only the user can give a value.

    Example:
        >>> print(missing("beta"))
        the loss wants 'beta' as well: give a value, --with beta=1 or arguments={'beta': 1}
    """
    options = " ".join(f"--with {name}=1" for name in names)
    inside = ", ".join(f"{name!r}: 1" for name in names)
    wanted = " and ".join(map(repr, names))
    return AuditError(
        f"the loss wants {wanted} as well: give a value, {options} or arguments={{{inside}}}",
        about="call",
    )


def check_order(order):
    """The roles of an order that somebody wrote, as a tuple."""
    roles = tuple(role.strip() for role in (order.split(",") if isinstance(order, str) else order))
    known = set(roles) <= set(ROLES) and len(set(roles)) == len(roles)
    if not known or not {"x", "x_decoded", "z_mean"} <= set(roles) or not set(SPREADS) & set(roles):
        raise ValueError(
            f"order is {','.join(roles)!r}: pass x, x_decoded, z_mean and one of "
            f"{', '.join(SPREADS)} in the order of the arguments (and z, where the loss takes a "
            f"draw), such as {ORDER}"
        )
    return roles


def required_parameters(loss_fn, arguments):
    """The parameters that must be given beside `arguments`; `None` where there is no telling.

    One with a default counts where its name tells an image or a code that no other tells.
    """
    try:
        parameters = list(inspect.signature(loss_fn).parameters.values())
    except (TypeError, ValueError):  # a builtin, or PyTorch's scripted function, with a schema
        said = getattr(getattr(loss_fn, "schema", None), "arguments", None)
        if said is None:
            return None
        parameters = [inspect.Parameter(argument.name, PLAIN) for argument in said]
    nameless = any(p.kind == p.VAR_POSITIONAL for p in parameters)
    parameters = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    wanted = {p.name for p in parameters if p.default is p.empty} - set(arguments)
    told = {kind for p in parameters if p.name in wanted for kind in _told(p)}
    further = [p for p in parameters if p.name not in arguments and _told(p) - told]
    if {"z_mean", "z_log_var"} <= told.union(*map(_told, further)):
        wanted |= {p.name for p in further}
    if nameless and len(wanted) < len(DOCUMENTED):
        return None
    passed = [p.name in wanted for p in parameters]  # what is left out ends what goes by place
    return [
        p.replace(kind=p.KEYWORD_ONLY) if p.kind == PLAIN and not all(passed[:place]) else p
        for place, p in enumerate(parameters)
        if passed[place]
    ]


def _told(parameter):
    """Which image or code a parameter's name tells; none of one whose default is a setting."""
    setting = isinstance(parameter.default, (bool, int, float, str))
    ranks = {} if setting else may_hold(parameter.name)
    return {kind for kind in DOCUMENTED if ranks.get(kind) == 0}
