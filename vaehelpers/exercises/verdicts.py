"""What all checks share: compare an answer with the right one, and with the usual slips.

A number is right within half a percent, so that rounding to three digits passes; a function must be right to 1e-5,
which float32 is.
"""

import numpy as np

NOT_YET = "… not answered yet: put your answer in the place of the three dots"
ROUNDED, EXACT = 5e-3, 1e-5


def close(value, wanted, within):
    return np.shape(value) == np.shape(wanted) and bool(
        np.allclose(value, wanted, rtol=within, atol=1e-9, equal_nan=True)
    )


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


def check_number(answer, right, hints, within=ROUNDED):
    if answer is ...:
        print(NOT_YET)
        return
    try:
        value = np.asarray(answer, "float64")
    except (TypeError, ValueError):
        value = np.array(np.nan)
    if isinstance(answer, (bool, str)) or value.shape != () or not np.isfinite(value):
        said = f"an array of shape {value.shape}" if value.shape else repr(answer)
        print(f"✗ the answer is {said}: one number is wanted")
        return
    verdict(value, right, hints, within)


def check_function(answer, cases, right, slips):
    """Call the learner's function on copies of each case's arguments; the slips are functions, tried on the first."""
    if answer is ...:
        print(NOT_YET)
        return
    if not callable(answer):
        print(f"✗ the answer is a {type(answer).__name__}: a function is wanted")
        return
    try:
        values = [np.asarray(answer(*(argument.copy() for argument in case)), "float64") for case in cases]
    except Exception as error:  # whatever the learner's function raises is shown to the learner
        print(f"✗ your function stops with {type(error).__name__}: {error}")
        return
    wanted = [right(*case) for case in cases]
    if close(values[0], wanted[0], EXACT) and not all(map(close, values, wanted, [EXACT] * len(cases))):
        print("✗ right for one size of input and wrong for another: is a size written as a number?")
        return
    with np.errstate(all="ignore"):
        hints = [(slip(*cases[0]), aspect) for slip, aspect in slips]
    verdict(values[0], wanted[0], hints, EXACT)


def units(right):
    return [
        (-right, "the sign: minus the logarithm of a probability is positive"),
        (right / np.log(2), "that is in bits: take natural logarithms for nats"),
    ]
