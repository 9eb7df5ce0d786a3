"""What all checks share: compare an answer with the right one, and with the usual slips.

A number is right within half a percent, so that rounding to three digits passes; a function to
1e-5, which float32 is. Everything here returns the sentence that `asked` prints.
"""

import functools
from collections.abc import Callable
from numbers import Integral

import numpy as np

NOT_YET = "… not answered yet: put your answer in the place of the three dots"
RIGHT = "✓ right"
NO_USUAL_SLIP = "not this, and none of the usual slips: go through the steps once more"
ROUNDED = 5e-3
EXACT = 1e-5


def asked(check: Callable[..., str]) -> Callable[..., None]:
    """What prints the sentence of `check(answer, ...)`, or, for `...`, that there is no answer.

    Example:
        >>> asked(lambda answer: verdict(answer, 3))(...)
        … not answered yet: put your answer in the place of the three dots
    """

    @functools.wraps(check)
    def printed(answer, *given, **named):
        print(NOT_YET if answer is ... else check(answer, *given, **named))

    return printed


def close(value, wanted, within):
    """Whether both have one shape and agree within that share of `wanted`; nan agrees with nan."""
    return np.shape(value) == np.shape(wanted) and bool(
        np.allclose(value, wanted, rtol=within, atol=1e-9, equal_nan=True)
    )


def verdict(value, right, *slips, within=ROUNDED, otherwise=NO_USUAL_SLIP):
    """The sentence on `value`; a slip is a pair of a wrong value and the aspect behind it.

    Example:
        >>> verdict(28, 784, (28, "the image has 28 x 28 pixels, not 28"))
        '✗ the image has 28 x 28 pixels, not 28'
    """
    if close(value, right, within):
        return RIGHT
    aspects = (aspect for wrong, aspect in slips if close(value, wrong, within))
    return f"✗ {next(aspects, otherwise)}"


def floats(value):
    """The value as float64, nan where it holds no real numbers: no text, no truth values.

    Example:
        >>> floats([1, 5]), floats("784"), floats(10**400)
        (array([1., 5.]), array(nan), array(nan))
    """
    try:
        array = np.asarray(value)
        is_real = array.dtype.kind in "iufO"
        return array.astype("float64") if is_real else np.full(array.shape, np.nan)
    except (TypeError, ValueError, OverflowError):
        return np.array(np.nan)


def number_verdict(answer, right, *slips, within=ROUNDED):
    """The sentence on an answer that must be one number.

    Example:
        >>> number_verdict([784], 784)
        '✗ the answer is an array of shape (1,): one number is wanted'
    """
    value = floats(answer)
    if value.shape != () or not np.isfinite(value):
        said = f"an array of shape {value.shape}" if value.shape else repr(answer)
        return f"✗ the answer is {said}: one number is wanted"
    return verdict(value, right, *slips, within=within)


def units(right):
    """The slips of every minus log-probability: its sign, and bits in the place of nats."""
    return [
        (-right, "the sign: minus the logarithm of a probability is positive"),
        (right / np.log(2), "that is in bits: take natural logarithms for nats"),
    ]


def function_verdict(answer, cases, right, *slips):
    """The sentence on a function, called on copies of each case's arguments, as the slips are.

    Example:
        >>> function_verdict(np.sum, [(np.ones(3),)], np.mean, (np.sum, "the mean, not the sum"))
        '✗ the mean, not the sum'
    """
    if not callable(answer):
        return f"✗ the answer is a {type(answer).__name__}: a function is wanted"
    try:
        values = [
            np.asarray(answer(*(argument.copy() for argument in case)), "float64") for case in cases
        ]
    except Exception as error:  # whatever the learner's function raises is shown to the learner
        return f"✗ your function stops with {type(error).__name__}: {error}"
    wanted = [right(*case) for case in cases]
    is_right = [close(*pair, EXACT) for pair in zip(values, wanted, strict=True)]
    if is_right[0] and not all(is_right):
        return "✗ right for one size of input and wrong for another: is a size written as a number?"
    with np.errstate(all="ignore"):
        wrong = [(slip(*cases[0]), aspect) for slip, aspect in slips]
    return verdict(values[0], wanted[0], *wrong, within=EXACT)


def is_truth(entry):
    """Whether an entry of a list is True or False."""
    return isinstance(entry, (bool, np.bool_))


def is_whole(entry):
    """Whether an entry of a list is a whole number, which True is not."""
    return isinstance(entry, Integral) and not is_truth(entry)


def is_letter_of(letters):
    """Whether an entry of a list is one of these letters, as a function of the entry."""
    return lambda entry: isinstance(entry, str) and entry in tuple(letters)


def list_of(answer, valid, length=None):
    """The answer as a list of `length` entries that are all `valid`; else None.

    Example:
        >>> list_of(np.array([True, False]), is_truth)
        [True, False]
        >>> list_of((1, 5), is_truth) is None
        True
    """
    entries = answer.tolist() if isinstance(answer, np.ndarray) else answer
    is_list = isinstance(entries, (list, tuple)) and length in (None, len(entries))
    return list(entries) if is_list and all(map(valid, entries)) else None


def entries_verdict(answer, valid, wanted, *pairs):
    """The sentence on a list, compared with pairs of a right entry and the aspect that leads to it.

    Example:
        >>> entries_verdict([True, True], is_truth, "two", (True, "one"), (False, "two"))
        '✗ two'
    """
    entries = list_of(answer, valid, length=len(pairs))
    if entries is None:
        return f"✗ {wanted} is wanted"
    off = (said for got, (right, said) in zip(entries, pairs, strict=True) if got != right)
    return next((f"✗ {said}" for said in off), RIGHT)
