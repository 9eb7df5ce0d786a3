"""Checks of lesson 00: The question."""

import numpy as np

from vaehelpers.exercises.verdicts import NOT_YET, check_number, units


def check_distortion_from_mean(answer):
    """Lesson 00, exercise 1: 784 pixels at 0.21 nats each."""
    right = 784 * 0.21
    hints = [(0.21, "the factor 784: that is the mean over pixels"), (0.21 / 784, "multiply by 784, do not divide")]
    check_number(answer, right, [*hints, *units(right)])


def check_relative_weight(answer):
    """Lesson 00, exercise 2: how much heavier the KL becomes when the factor goes."""
    slips = [
        (1 / 784, "upside down: the KL becomes heavier, not lighter"),
        (28, "the image has 28 x 28 pixels, not 28"),
        (392, "that is the weight against the summed distortion; before, it was 1/2: take the ratio"),
        (1, "the balance does change: one term is divided, the other is not"),
    ]
    check_number(answer, 784, slips)


def check_which_factors_survive(answer):
    """Lesson 00, exercise 3: for the factors 1, 10, 100 and 784, whether the rate ends above 0.05 nats."""
    if answer is ...:
        print(NOT_YET)
        return
    answer = answer.tolist() if isinstance(answer, np.ndarray) else answer
    if (
        not isinstance(answer, (list, tuple))
        or len(answer) != 4
        or not all(isinstance(a, (bool, np.bool_)) for a in answer)
    ):
        print("✗ four truth values are wanted, for the factors 1, 10, 100 and 784: [False, ...]")
        return
    said = [bool(a) for a in answer]
    hints = {
        (True, True, True, True): "the factor does matter: run the four trainings and look at the rates",
        (False, False, False, True): "784 is not the only factor with a living code: look at 100",
        (False, True, True, True): "at 10 the KL still weighs 78 times as much as in the ELBO: look at its rate",
        (True, True, False, False): "the other way round: True where the rate is above 0.05 nats",
    }
    if said == [False, False, True, True]:
        print("✓ right")
    else:
        print(f"✗ {hints.get(tuple(said), 'not this: compare each rate with 0.05 nats')}")
