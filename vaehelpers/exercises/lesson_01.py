"""Checks of lesson 01: Pixels and likelihoods."""

import numpy as np

from vaehelpers.exercises.verdicts import asked, number_verdict, units


@asked
def check_three_pixels(answer):
    """Lesson 01, exercise 1: the distortion of x = (1, 0, 1) under p = (0.9, 0.2, 0.6)."""
    costs = -np.log([0.9, 0.8, 0.6])
    right = costs.sum()
    return number_verdict(
        answer,
        right,
        (right / 3, "the factor 3: that is the mean; probabilities multiply, logarithms add"),
        (costs[0] + costs[2], "the white pixel costs something too: -log(1 - 0.2)"),
        (np.exp(-right), "that is the probability: take minus its logarithm"),
        (-np.log([0.9, 0.2, 0.6]).sum(), "the white pixel has probability 1 - 0.2, not 0.2"),
        *units(right),
    )


@asked
def check_hidden_variance(answer):
    """Lesson 01, exercise 2: the variance in a loss of 10 times the summed squared error."""
    return number_verdict(
        answer,
        0.05,
        (0.1, "a constant is off: the density has a 1/2 in front of the squared error"),
        (10, "upside down: a larger weight means a smaller variance"),
        (20, "upside down: weight = 1 / (2 variance)"),
        (5, "upside down, and the 2 is on the wrong side: weight = 1 / (2 variance)"),
        (np.sqrt(0.05), "that is the standard deviation: the variance is its square"),
    )


def _entropy(p):
    return -p * np.log(p) - (1 - p) * np.log(1 - p)


@asked
def check_floor(answer, images):
    """Lesson 01, exercise 3: the mean over images of the summed entropy of their pixels, nats."""
    p = np.asarray(images, "float64").reshape(len(images), -1).clip(1e-12, 1 - 1e-12)
    right = _entropy(p).sum(axis=1).mean()
    return number_verdict(
        answer,
        right,
        (right / p.shape[1], f"the factor {p.shape[1]}: sum over pixels, mean over images"),
        (right * len(p), f"the factor {len(p)}: sum over pixels, mean over images"),
        (_entropy(p.mean(axis=0)).sum(), "that is the ceiling: the entropy of the mean"),
        (46.396, "that is the floor of the 28 x 28 images"),
        *units(right),
    )
