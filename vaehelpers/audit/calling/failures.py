"""Why a loss could not be called, in one line, and what to type instead."""

import re

from vaehelpers.audit.calling.frameworks import SetUpError
from vaehelpers.audit.verdict import AuditError


class NoCall(AuditError):
    """A loss raised on being called in every framework that was tried."""


def missing(*names):
    """The error for arguments that only the user can give a value."""
    options = " ".join(f"--with {name}=1" for name in names)
    inside = ", ".join(f"{name!r}: 1" for name in names)
    wanted = " and ".join(map(repr, names))
    return NoCall(f"the loss wants {wanted} as well: give a value, {options} or arguments={{{inside}}}")


def no_call(failures, said):
    """The error for a loss that raised in every framework: the audit's own fault where it could not even try one.

    Args:
        failures: pairs of a framework and what the loss raised there, in order of trying.
        said: how it was called.
    """
    for _, error in failures:
        if isinstance(error, SetUpError):
            return error
    framework, error = next((f for f in reversed(failures) if f[0] != "numpy"), failures[-1])
    wanted = _wanted(error)
    if wanted:
        return missing(wanted)
    message = " ".join(str(error).split())[:300]
    return NoCall(
        f"loss_fn could not be called as loss_fn({said}) on {framework} arrays: {type(error).__name__}: {message}"
        f"{_hint(message)}"
    )


def _wanted(error):
    """The argument whose lack an error is about."""
    if isinstance(error, KeyError) and error.args and isinstance(error.args[0], str):
        return error.args[0]
    lacking = re.search(r"missing \d+ required (?:positional|keyword-only) arguments?: '(\w+)'", str(error))
    return lacking[1] if lacking and isinstance(error, TypeError) else None


HINTS = (
    (
        r"object has no attribute",
        "if that is an argument of its class, make an object of it in the file and audit that",
    ),
    (
        r"NVIDIA|CUDA|cuda|hip driver",
        "the loss moves tensors to a GPU, and there is none here: take .cuda() out, or use x.device",
    ),
    (
        r"[Ss]ymbolic|Eager|eager|graph mode",
        "the import has switched TensorFlow to graph mode: leave disable_eager_execution() out",
    ),
    (r"support|constraint", "a distribution that takes bits only needs validate_args=False"),
)


def _hint(message):
    return next((f" ({hint})" for pattern, hint in HINTS if re.search(pattern, message)), "")
