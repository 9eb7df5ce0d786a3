"""Claims: sentences of the lessons that a cell checks.

What was measured is printed in one form, "; here 6.94" at the end of a line, which the tests leave
out on both sides (tests/course/sanitize.cfg): apart from it, a claim's output is the same on every
machine.
"""

import os

import numpy as np
from numpy.typing import ArrayLike

from vaehelpers.data.checks import check_number


class ClaimError(AssertionError):
    """A sentence of the course does not hold on this run."""


def claim(sentence: str, holds: ArrayLike) -> None:
    """Print the sentence with a tick where it holds, else raise.

    Args:
        sentence: what is claimed, in words.
        holds: one truth value.

    Raises:
        ClaimError: where `holds` is false.
        TypeError: where `holds` is not one truth value.

    Example:
        >>> claim("an image of MNIST has 784 pixels", 28 * 28 == 784)
        ✓ an image of MNIST has 784 pixels
    """
    holds = np.asarray(holds)
    if holds.shape != () or holds.dtype != bool:
        found = f"type {holds.dtype} and shape {holds.shape}"
        raise TypeError(f"holds has {found}: pass one True or False, e.g. bool(...)")
    if not holds:
        raise ClaimError(f"does not hold here: {sentence}")
    print(f"✓ {sentence}")


def claim_close(
    sentence: str, value: ArrayLike, expected: float, within: float, unit: str = ""
) -> None:
    """Claim that `|value - expected| <= within`; print the expected number and the measured one.

    Where the environment holds VAEHELPERS_MEASURED=hidden, as in the notebooks that are stored,
    only the expected one.

    Args:
        sentence: what is measured, in words.
        value: the measured number.
        expected: the number that the prose states, in `unit`.
        within: the tolerance, in `unit`: from the spread over seeds, threads and processors.
        unit: the unit, printed behind the numbers.

    Raises:
        ClaimError: where the value is further away, or not a number; it says what was measured.
        TypeError: where an argument is not one number.
        ValueError: where `expected` or `within` is not finite, or `within` is not above 0.

    Example:
        >>> claim_close("a fair coin's entropy", 0.693147, 0.6931, within=0.0001, unit="nats")
        ✓ a fair coin's entropy: 0.6931 ± 0.0001 nats; here 0.6931
    """
    value = np.asarray(value)
    if value.shape != () or not np.issubdtype(value.dtype, np.number):
        raise TypeError(f"value has type {value.dtype} and shape {value.shape}: pass one number")
    check_number(expected, "expected")
    check_number(within, "within", above=0)
    suffix = f" {unit}" if unit else ""
    if not abs(float(value) - expected) <= within:
        found = f"measured {float(value):.6g}, claimed {expected} ± {within}{suffix}"
        raise ClaimError(f"{sentence}: {found}")
    hidden = os.environ.get("VAEHELPERS_MEASURED") == "hidden"
    measured = "" if hidden else f"; here {float(value):.4g}"
    print(f"✓ {sentence}: {expected} ± {within}{suffix}{measured}")
