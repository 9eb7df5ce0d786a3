"""What a loss returned: the total that is trained, out of a number, a tuple, a dict or an object."""

from collections.abc import Mapping

from vaehelpers.audit.calling.names import TOTALS
from vaehelpers.audit.verdict import AuditError


class SeveralResults(Exception):
    """A loss returned several values and no name tells the total: `names` are what could be it, in order of trying."""

    def __init__(self, names):
        super().__init__(names)
        self.names = names


def total_of(result, which=None):
    """The total loss in what a loss returned.

    Args:
        result: a number or array, or a tuple, list, dict or object that holds one.
        which: the name or index of the total, or "sum" for that of all entries; `None` to find it by its name.

    Raises:
        SeveralResults: for a tuple of several entries where `which` is `None`.
        AuditError: where there is no such entry, or none that is called like a total.

    Example:
        >>> total_of({"kl": 1.0, "Loss": 3.0}), total_of((3.0,)), total_of((1.0, None, 2.0), "sum")
        (3.0, 3.0, 3.0)
    """
    entries = _entries(result)
    if entries is None:
        if which not in (None, "sum", 0):
            raise AuditError(f"result is {which!r}, but loss_fn returned one {type(result).__name__}: leave it out")
        return result
    if which is None:
        return _by_name(result, entries)
    held = [value for value in entries.values() if value is not None]
    if which == "sum":
        return sum(held[1:], start=held[0])
    index = int(which) if str(which).lstrip("-").isdigit() else which
    if isinstance(index, int) and -len(entries) <= index < len(entries):
        return total_of(list(entries.values())[index])
    if index not in entries:
        raise AuditError(f"result is {which!r}, but loss_fn returned {_listed(entries)}: name one of these")
    return total_of(entries[index])


def _entries(result):
    """What a result holds, by name or by place; `None` where it is one value itself."""
    if isinstance(result, Mapping):
        return dict(result)
    if hasattr(result, "_asdict"):
        return result._asdict()
    if isinstance(result, (tuple, list)):
        return dict(enumerate(result))
    if result is None or isinstance(result, str):
        raise AuditError(f"loss_fn returned {result!r}: return the total loss, a scalar or one number per example")
    if hasattr(result, "shape") or not hasattr(result, "__dict__"):
        return None
    return dict(vars(result)) or None


def _by_name(result, entries):
    if len(entries) == 1:
        return total_of(next(iter(entries.values())))
    for total in TOTALS:
        named = [name for name in entries if str(name).lower() == total]
        if named:
            return total_of(entries[named[0]])
    if all(isinstance(name, int) for name in entries) or hasattr(result, "_asdict"):
        places = [place for place, value in enumerate(entries.values()) if value is not None]
        raise SeveralResults([*places, "sum"])
    raise AuditError(f"loss_fn returned {_listed(entries)}, none of them called a total: say which with result=NAME")


def _listed(entries):
    return ", ".join(str(name) for name in entries)
