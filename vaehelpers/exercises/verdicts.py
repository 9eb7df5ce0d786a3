"""What all checks share: compare an answer with the right one, and with the usual slips.

A number is right within half a percent, so that rounding to three digits passes; a function must be right to 1e-5,
which float32 is.
"""

import numpy as np

NOT_YET = "… not answered yet: put your answer in the place of the three dots"
ROUNDED, EXACT = 5e-3, 1e-5


def close(value, wanted, within):
    return np.shape(value) == np.shape(wanted) and bool(np.allclose(value, wanted, rtol=within, atol=1e-9))


def verdict(value, right, hints, within=ROUNDED):
    """Print what is said of `value`; `hints` holds pairs of a wrong value and the aspect that leads to it."""
    if close(value, right, within):
        print("✓ right")
        return
    for wrong, aspect in hints:
        if close(value, wrong, within):
            print(f"✗ {aspect}")
            return
    print("✗ not this, and none of the usual slips: go through the steps once more")


def check_number(answer, right, hints):
    if answer is ...:
        print(NOT_YET)
        return
    try:
        value = np.asarray(answer, "float64")
    except (TypeError, ValueError):
        value = np.array(np.nan)
    if isinstance(answer, (bool, str)) or value.shape != () or not np.isfinite(value):
        print(f"✗ the answer is {answer!r}: one number is wanted")
        return
    verdict(value, right, hints)


def check_function(answer, arguments, right, slips):
    """Call the learner's function and compare with the right one and with the slips, functions themselves."""
    if answer is ...:
        print(NOT_YET)
        return
    if not callable(answer):
        print(f"✗ the answer is a {type(answer).__name__}: a function is wanted")
        return
    try:
        value = np.asarray(answer(*arguments), "float64")
    except Exception as error:  # whatever the learner's function raises is shown to the learner
        print(f"✗ your function stops with {type(error).__name__}: {error}")
        return
    with np.errstate(all="ignore"):
        hints = [(slip(*arguments), aspect) for slip, aspect in slips]
    verdict(value, right(*arguments), hints, EXACT)


def units(right):
    return [
        (-right, "the sign: a negative logarithm of a probability is positive"),
        (right / np.log(2), "that is in bits: take natural logarithms for nats"),
    ]
