"""Checks of lesson 07: Beta as a dial."""

import numpy as np

from vaehelpers.exercises.verdicts import (
    asked,
    entries_verdict,
    function_verdict,
    is_letter_of,
    number_verdict,
)


@asked
def check_break_even(answer):
    """Lesson 07, exercise 1: the price at which two networks have the same objective."""
    right = (178.5 - 165.5) / (4.9 - 2.0)
    of_one = "the price is in the differences of the two networks, not in one of them"
    return number_verdict(
        answer,
        right,
        (1 / right, "upside down: nats of distortion for one nat of rate"),
        (-right, "the sign: the slope is minus the price"),
        (178.5 - 165.5, "that is the distortion saved: divide it by the rate that it took"),
        (178.5 / 2.0, of_one),
        (165.5 / 4.9, of_one),
    )


@asked
def check_choices(answer):
    """Lesson 07, exercise 2: the networks best by ELBO, best at 8, and cheapest in code."""
    return entries_verdict(
        answer,
        is_letter_of("ABCD"),
        'a list of three letters, such as ["A", "B", "C"],',
        ("B", "(a) the ELBO is minus the sum of both, whatever beta was trained"),
        ("C", "(b) add 8 times the rate to each distortion"),
        ("D", "(c) the cheapest code has the lowest rate"),
    )


def _gap(information, entropies):
    second, first = np.sort(information, axis=0)[-2:]
    return ((first - second) / entropies).mean()


@asked
def check_gap_of_information(answer):
    """Lesson 07, exercise 3: the gap from a table of information and the factors' entropies."""
    return function_verdict(
        answer,
        [
            (np.array([[0.1, 0.9], [0.6, 0.2], [0.3, 0.1]]), np.array([0.7, 1.4])),
            (np.array([[1.0, 0.0, 0.2], [0.0, 0.8, 0.1]]), np.array([1.1, 0.9, 0.5])),
            (np.array([[0.2, 0.1], [0.2, 0.7], [0.1, 0.0], [0.0, 0.5]]), np.array([0.69, 2.0])),
        ],
        _gap,
        (lambda i, h: _gap(i, np.ones(len(h))), "each is divided by the entropy of its property"),
        (lambda i, h: (i.max(axis=0) / h).mean(), "the second best is to be subtracted"),
        (lambda i, h: _gap(i, h) * len(h), "averaged over the properties, not summed"),
        (
            lambda i, h: np.diff(np.sort(i, axis=1)[:, -2:]).mean(),
            "the best two dimensions of each property, not two properties of each dimension",
        ),
        (lambda i, h: ((i.max(0) - i.min(0)) / h).mean(), "the second best, not the worst"),
        (lambda i, h: _gap(i, np.full(len(h), h.mean())), "each property has its own entropy"),
    )
