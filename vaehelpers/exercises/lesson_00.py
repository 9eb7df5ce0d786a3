"""Checks of lesson 00: The question."""

from vaehelpers.exercises.verdicts import asked, is_truth, list_of, number_verdict, units, verdict


@asked
def check_distortion_from_mean(answer):
    """Lesson 00, exercise 1: 784 pixels at 0.21 nats each."""
    return number_verdict(
        answer,
        784 * 0.21,
        (0.21, "the factor 784: that is the mean over pixels"),
        (0.21 / 784, "multiply by 784, do not divide"),
        *units(784 * 0.21),
    )


@asked
def check_relative_weight(answer):
    """Lesson 00, exercise 2: how much heavier the rate becomes when the factor goes."""
    return number_verdict(
        answer,
        784,
        (1 / 784, "upside down: the rate becomes heavier, not lighter"),
        (28, "the image has 28 x 28 pixels, not 28"),
        (1, "the balance does change: one term is divided, the other is not"),
    )


@asked
def check_which_factors_survive(answer):
    """Lesson 00, exercise 3: at which of four factors the rate passes 0.05 nats."""
    given = list_of(answer, is_truth, length=4)
    if given is None:
        return "✗ four truth values are wanted, for the factors 1, 10, 100 and 784: [False, ...]"
    return verdict(
        given,
        [False, False, True, True],
        ([True, True, True, True], "the factor does matter: run all four, and look at the rates"),
        ([False, False, False, True], "784 is not the only factor with a code in use: look at 100"),
        ([False, True, True, True], "at 10 the rate weighs 78 times as much as at 784: look at it"),
        ([True, True, False, False], "the other way round: True for a rate above 0.05 nats"),
        otherwise="not this: compare each rate with 0.05 nats",
    )
