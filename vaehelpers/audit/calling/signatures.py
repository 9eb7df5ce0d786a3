"""How a loss may want to be called, read off its signature: the ways to try, the likeliest first."""

import inspect
from itertools import permutations

from vaehelpers.audit.calling.calls import JOINED, KEYED, Call
from vaehelpers.audit.calling.failures import missing
from vaehelpers.audit.calling.names import (
    DOCUMENTED,
    KL,
    LISTS,
    PRIOR,
    ROLES,
    SPREADS,
    WEIGHT,
    role_of,
    spreads_of,
    words,
)
from vaehelpers.audit.verdict import AuditError

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
OUTPUTS = [("x_decoded", "z_mean", "z_log_var"), ("z_mean", "z_log_var", "x_decoded")]
OUTPUTS += [("x_decoded", "z_mean", "z_log_var", "z"), ("x_decoded", "z", "z_mean", "z_log_var")]
OUTPUTS += [("x_decoded", "x", "z_mean", "z_log_var"), ("z_mean", "z_log_var", "z", "x_decoded")]
ORDER = "x_decoded,x,z_mean,z_log_var"


def calls_of(loss_fn, arguments, order):
    """The ways in which a loss may be called, as groups: those of one group are alternatives, the next group a resort.

    Args:
        loss_fn: anything that can be called.
        arguments: further arguments, by name.
        order: the roles in the order of the arguments, or `None`.

    Raises:
        AuditError: where an argument is missing; it says what to type.
    """
    if order is not None:
        return [[Call(check_order(order), source="order")]]
    required = required_parameters(loss_fn, arguments)
    if required is None:
        return [[Call()]]
    positional = [parameter.name for parameter in required if parameter.kind in POSITIONAL]
    by_name = [parameter.name for parameter in required if parameter.kind == inspect.Parameter.KEYWORD_ONLY]
    return _groups(positional, by_name)


def check_order(order):
    """The roles of an order that somebody wrote, as a tuple."""
    roles = tuple(role.strip() for role in (order.split(",") if isinstance(order, str) else order))
    known = set(roles) <= set(ROLES) and len(set(roles)) == len(roles)
    if not known or not {"x", "x_decoded", "z_mean"} <= set(roles) or not set(SPREADS) & set(roles):
        raise ValueError(
            f"order is {','.join(roles)!r}: pass x, x_decoded, z_mean and one of {', '.join(SPREADS)} in the order of "
            f"the arguments (and z, where the loss takes a draw), such as {ORDER}"
        )
    return roles


def required_parameters(loss_fn, arguments):
    """The parameters that must be given, without those in `arguments`; `None` where there is no telling."""
    try:
        parameters = list(inspect.signature(loss_fn).parameters.values())
    except (TypeError, ValueError):  # a builtin, or a scripted function of PyTorch, which has a schema instead
        said = getattr(getattr(loss_fn, "schema", None), "arguments", None)
        if said is None:
            return None
        parameters = [inspect.Parameter(argument.name, POSITIONAL[1]) for argument in said]
    if any(parameter.kind == inspect.Parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    parameters = [p for p in parameters if p.kind != inspect.Parameter.VAR_KEYWORD and p.name not in arguments]
    optional = [p for p in parameters if p.default is not inspect.Parameter.empty]
    return [p for p in parameters if p not in optional or (len(parameters) <= 4 and role_of(p.name) in DOCUMENTED)]


def _groups(positional, by_name):
    roles = {name: role_of(name) for name in [*positional, *by_name]}
    settings = [name for name, role in roles.items() if role == "setting"]
    networks = [name for name, role in roles.items() if role == "network"]
    if networks:
        raise AuditError(
            f"the loss calls the networks itself (it wants {', '.join(networks)}): audit the function of images, "
            "reconstructions and codes inside of it"
        )
    _refuse_other_terms(roles)
    if len(roles) > 4 and (settings or len(roles) > 5):
        others = [name for name, role in roles.items() if role in (None, "setting")]
        raise missing(*(settings if len(roles) - len(others) < 4 and settings else others or [list(roles)[-1]]))
    if len(roles) == 2 and not by_name:
        return _two(positional, roles)
    if len(roles) in (1, 3) and not by_name:
        return [*_codes_as_one(positional, roles), *_keyed(positional)]
    unknown = [name for name, role in roles.items() if role in (None, "setting")]
    left = [role for role in DOCUMENTED if role not in _kinds(roles.values())]
    if len(unknown) > len(left):
        raise missing(*unknown[len(left) :])
    twice = len(set(_kinds(roles.values()))) < len([role for role in roles.values() if role])
    if twice or len(left) != len(unknown):
        return [[Call()]] if len(roles) == 4 else _cannot_tell(roles)
    return _filled(positional, by_name, roles, unknown, left)


def _refuse_other_terms(roles):
    """Raise for arguments that belong to no multiple of KL(q || N(0, I)): other codes than those of one encoder."""
    means = [name for name, role in roles.items() if role == "z_mean"]
    spreads = [name for name, role in roles.items() if role in SPREADS]
    if len(means) > 1 or (len(spreads) > 1 and len(roles) > 4):
        prior = any(PRIOR & set(words(name)) for name in roles)
        what = "a learned prior" if prior else "a learned decoder variance, or two levels of codes"
        raise AuditError(
            f"it takes {', '.join(means + spreads)}: {what}? The KL to N(0, I) and one likelihood are all that is "
            "audited; write loss(x, x_decoded, z_mean, z_log_var) around it with the others held fixed"
        )
    computed = [name for name in roles if KL & set(words(name)) and not set(words(name)) & WEIGHT]
    if computed and not means and not spreads:
        raise AuditError(
            f"it takes a KL that is computed already ({computed[0]}): write loss(x, x_decoded, z_mean, z_log_var) "
            "around it that computes it"
        )


def _kinds(roles):
    """Roles, with every kind of spread as one."""
    return ["z_log_var" if role in SPREADS else role for role in roles if role]


def _filled(positional, by_name, roles, unknown, left):
    """One call for each way of giving the roles that are left to the names that tell none."""
    groups = [[], []]
    documented = sorted(permutations(left), key=lambda order: order != tuple(left))
    for order in documented:
        full = roles | dict(zip(unknown, order, strict=True))
        source = "documented" if not unknown or order == tuple(left) else "trying"
        source = "names" if not unknown else source
        spread_name = next(name for name, role in full.items() if role in SPREADS)
        spreads = spreads_of(spread_name) or SPREADS
        for spread in spreads:
            given = full | {spread_name: spread}
            named = tuple((name, given[name]) for name in by_name)
            probed = spread_name if len(spreads) > 1 and (spread != "z_log_var" or spreads[0] != spread) else None
            call = Call(tuple(given[name] for name in positional), named, source=source, probed=probed)
            if any(LISTS & set(words(name)) for name in full):
                groups[0].append(call._replace(lists=True))
            groups[0 if spread == spreads[0] else 1].append(call)
        if len(spreads) == 1:
            groups[1] += _if_refused(groups[0][-1], spread_name)
    return [group for group in groups if group]


def _if_refused(call, name):
    """Other spreads for a name that promises a log variance: to be tried where that cannot even be called."""
    for spread in SPREADS[1:]:
        positional = tuple(spread if role == "z_log_var" else role for role in call.positional)
        by_name = tuple((key, spread if role == "z_log_var" else role) for key, role in call.by_name)
        yield call._replace(positional=positional, by_name=by_name, source="refused", probed=name)


def _two(positional, roles):
    """The outputs of a model as one argument, and its target as the other."""
    target = next((name for name in reversed(positional) if roles[name] == "x"), positional[-1])
    place = positional.index(target)
    as_tuples = [Call((outputs, "x") if place else ("x", outputs), source="outputs") for outputs in OUTPUTS]
    by_name = [(KEYED + spread, "x") if place else ("x", KEYED + spread) for spread in SPREADS]
    return [as_tuples, [Call(roles, source="outputs") for roles in by_name], *_keyed(positional)]


def _codes_as_one(positional, roles):
    """The mean and the spread as one argument, beside two images whose names tell which they are."""
    unknown = [name for name in positional if roles[name] not in ("x", "x_decoded")]
    if len(positional) != 3 or len(unknown) != 1 or {"x", "x_decoded"} - set(roles.values()):
        return []
    forms = [form for spread in SPREADS for form in (("z_mean", spread), JOINED + spread)]
    full = [tuple(form if name in unknown else roles[name] for name in positional) for form in forms]
    return [[Call(call, source="outputs") for call in full]]


def _keyed(names):
    """Every argument as a batch or outputs, of which entries are taken by name."""
    return [[Call((KEYED + spread,) * len(names), source="outputs") for spread in SPREADS]]


def _cannot_tell(roles):
    names = ", ".join(roles)
    raise AuditError(f"which of its arguments ({names}) holds what, their names do not tell: say order={ORDER!r}")
