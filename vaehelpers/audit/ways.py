"""How a loss may want to be called, read off its signature: the ways to try, the likeliest first.

Each name leaves its argument a few kinds of contents (`names.may_hold`). A reading gives every argument one of them so
that they make a form in which losses are written; the readings that go least against the names are tried.
"""

import inspect
import math
from itertools import product
from typing import NamedTuple

from vaehelpers.audit.calls import ByName, Joined, Way
from vaehelpers.audit.names import (
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

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
ORDER = "x_decoded,x,z_mean,z_log_var"
WRAP = "write loss(x, x_decoded, z_mean, z_log_var) around it"

# What the arguments of a loss hold together.
FORMS = (
    DOCUMENTED,
    (*DOCUMENTED, "z"),
    ("x", "x_decoded", "codes"),
    ("x", "x_decoded", "codes", "z"),
    ("outputs", "x"),
)


class Reading(NamedTuple):
    """What each argument holds, by its name; and what speaks against that, the gravest first."""

    kinds: dict
    left: int
    against: int
    unused: int
    open: int

    @property
    def gravity(self):
        """How many names are not understood, how many are contradicted, and how many settings must be given."""
        return self.left, self.against, self.unused


def _contents(kind, spread):
    """The forms in which one argument holds what is of that kind, where the spread is that."""
    if kind == "codes":
        return [("z_mean", spread), Joined(spread)]
    if kind == "outputs":
        return [
            ("x_decoded", "z_mean", spread),
            ("z_mean", spread, "x_decoded"),
            ("x_decoded", "z_mean", spread, "z"),
            ("x_decoded", "z", "z_mean", spread),
            ("x_decoded", "x", "z_mean", spread),
            ("z_mean", spread, "z", "x_decoded"),
            ByName(spread),
        ]
    return [spread if kind == "z_log_var" else kind]


def ways_of(loss_fn, arguments, order):
    """The ways in which a loss may be called, as groups: those of one are alternatives, the next a resort.

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
    settings = [name for name in names if role_of(name) == "setting"]
    _refuse_other_terms(names)
    readings = sorted(_readings(names), key=lambda reading: (reading.gravity, reading.open))
    likeliest = readings[0] if readings else Reading({}, len(names), 0, 0, 0)
    few = len(names) - len(settings) in (1, 2, 3)
    if few and likeliest.left:  # batches or outputs of which entries are taken by name
        likeliest = Reading(
            {name: "entries" for name in names if name not in settings}, 0, 0, len(settings), 0
        )
    if likeliest.left or likeliest.unused:
        raise _refusal(names, likeliest.kinds)
    readings = [reading for reading in readings if reading.gravity == likeliest.gravity]
    by_keyword = [p.name for p in required if p.kind == inspect.Parameter.KEYWORD_ONLY]
    by_place = [name for name in names if name not in by_keyword]
    groups = _grouped(readings, by_place, by_keyword)
    if few:
        entries = [dict.fromkeys(names, ByName(spread)) for spread in SPREADS]
        groups.append([_way(held, by_place, by_keyword) for held in entries])
    return groups


def _readings(names):
    """Every way of giving the contents of a form to arguments of these names, with what speaks against it."""
    ranks = {name: may_hold(name) for name in names}
    settings = {name for name in names if role_of(name) == "setting"}
    for form in FORMS:
        holders = [[name for name in names if kind in ranks[name]] for kind in form]
        for chosen in product(*holders):
            kinds = dict(zip(chosen, form, strict=True))
            if len(kinds) == len(form):
                found = [ranks[name][kind] for name, kind in kinds.items()]
                unused = settings - kinds.keys()
                left = len(names) - len(kinds) - len(unused)
                yield Reading(kinds, left, found.count(2), len(unused), found.count(1))


def _grouped(readings, by_place, by_keyword):
    """The ways of all readings, in groups of those that go equally far against the names."""
    groups = {}
    for place, reading in enumerate(readings):
        spread_name = next(
            (name for name, kind in reading.kinds.items() if kind == "z_log_var"), None
        )
        alone = sum(other.open == reading.open for other in readings) == 1
        source = "trying" if place else "names" if alone else "documented"
        source = source if spread_name else "outputs"
        lists = any(holds_lists(name) for name in reading.kinds)
        tried = (spread_name and spreads_of(spread_name)) or SPREADS
        for spread in (*tried, *[other for other in SPREADS if other not in tried]):
            refused = spread not in tried
            told = tried[0] == spread and (len(tried) == 1 or spread == "z_log_var")
            cost = math.inf if refused else reading.open + (spread != tried[0])
            for held in product(*(_contents(kind, spread) for kind in reading.kinds.values())):
                way = _way(dict(zip(reading.kinds, held, strict=True)), by_place, by_keyword)
                way = way._replace(
                    source="refused" if refused else source, probed=None if told else spread_name
                )
                groups.setdefault(cost, []).extend([way._replace(lists=True)] * lists + [way])
    return [groups[cost] for cost in sorted(groups)]


def _way(held, by_place, by_keyword):
    return Way(
        tuple(held[name] for name in by_place),
        tuple((name, held[name]) for name in by_keyword),
        source="outputs",
    )


def _refuse_other_terms(names):
    """Raise for arguments that no function of images and codes has."""
    networks = [name for name in names if role_of(name) == "network"]
    if networks:
        raise AuditError(
            f"the loss calls the networks itself (it wants {', '.join(networks)}): audit the "
            "function of images, reconstructions and codes inside of it"
        )
    computed = [name for name in names if "kl" in says(name) and "weight" not in says(name)]
    if computed and not any(says(name) & {"mean", "spread"} for name in names):
        raise AuditError(
            f"it takes a KL that is computed already ({computed[0]}): {WRAP} that computes it"
        )


def _refusal(names, understood):
    """The error for arguments that stand for nothing which a multiple of the ELBO needs."""
    left = [name for name in names if name not in understood]
    codes = [
        name
        for name in left
        if role_of(name) != "setting" and says(name) & {"mean", "spread", "prior"}
    ]
    if codes:
        prior = any(says(name) & {"p", "prior"} for name in codes)
        what = "a learned prior" if prior else "a learned decoder variance, or two levels of codes"
        return AuditError(
            f"it takes {', '.join(codes)}: {what}? The KL to N(0, I) and one likelihood are all "
            f"that is audited; {WRAP} with the others held fixed"
        )
    if understood:
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
    """The parameters that must be given, without those in `arguments`; `None` where there is no telling.

    One with a default counts where its name tells an image or a code that no other does.
    """
    try:
        parameters = list(inspect.signature(loss_fn).parameters.values())
    except (TypeError, ValueError):  # a builtin, or PyTorch's scripted function, with a schema
        said = getattr(getattr(loss_fn, "schema", None), "arguments", None)
        if said is None:
            return None
        parameters = [inspect.Parameter(argument.name, POSITIONAL[1]) for argument in said]
    if any(parameter.kind == inspect.Parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    parameters = [p for p in parameters if p.kind != p.VAR_KEYWORD and p.name not in arguments]
    told = {_kind(p.name) for p in parameters if p.default is p.empty}
    return [p for p in parameters if p.default is p.empty or _is_left_out(p, told)]


def _kind(name):
    role = role_of(name)
    return "z_log_var" if role in SPREADS else role


def _is_left_out(parameter, told):
    """Whether a default stands where the loss needs an image or a code: no number does that."""
    number = isinstance(parameter.default, (bool, int, float, str))
    return not number and _kind(parameter.name) in set(DOCUMENTED) - told
