"""Throw-away: the new ways as the old calls."""

from vaehelpers.audit.calling.calls import JOINED, KEYED, Call
from vaehelpers.audit.calls import ByName, Joined
from vaehelpers.audit.ways import check_order, required_parameters, ways_of  # noqa: F401


def _old(role):
    if isinstance(role, Joined):
        return JOINED + role.spread
    return KEYED + role.spread if isinstance(role, ByName) else role


def calls_of(loss_fn, arguments, order):
    """The ways of `ways_of`, as `Call`s."""
    return [
        [
            Call(
                tuple(map(_old, way.positional)),
                tuple((name, _old(role)) for name, role in way.by_name),
                source=way.source,
                probed=way.probed,
                lists=way.lists,
            )
            for way in group
        ]
        for group in ways_of(loss_fn, arguments, order)
    ]
