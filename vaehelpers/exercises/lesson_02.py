"""Checks of lesson 02: The ELBO."""

import numpy as np

from vaehelpers.exercises.verdicts import check_function, check_number, units


def check_gap(answer):
    """Lesson 02, exercise 1: the gap at distortion 98.2, rate 6.3 and log p(x) = -101."""
    slips = [
        (-3.5, "the sign: a KL divergence is not negative"),
        (-104.5, "that is the ELBO: the gap is its distance from log p(x)"),
        (104.5, "that is minus the ELBO: the gap is its distance from log p(x)"),
        (2.8, "a term is missing: the ELBO holds the rate as well"),
        (3.5 / np.log(2), "that is in bits: stay in nats"),
    ]
    check_number(answer, 3.5, slips)


def check_rate(answer):
    """Lesson 02, exercise 2: KL(N(1, 0.5^2) || N(0, 1))."""
    right = 0.5 * (0.25 + 1 - 1 - np.log(0.25))
    slips = [
        (0.5 * (0.5 + 1 - 1 - np.log(0.5)), "0.5 is the standard deviation: the formula wants the variance"),
        (2 * right, "a constant is missing: the 1/2 in front"),
        (right + 0.5, "a constant is missing: the -1"),
        (0.5 * (0.25 + 1 - 1 + np.log(0.25)), "the sign of the logarithm"),
    ]
    check_number(answer, right, [*slips, *units(right)])


def _log_mean_exp(log_weights):
    return np.logaddexp.reduce(log_weights, axis=0) - np.log(len(log_weights))


def check_importance_weighted_bound(answer):
    """Lesson 02, exercise 3: a function from log weights `[K, B]` to the K-sample bound `[B]`."""
    rng = np.random.default_rng(0)
    log_weights = rng.normal(size=[5, 3]) * [[1, 3, 1]] - [[0, 3, 2000]]
    slips = [
        (
            lambda w: np.log(np.mean(np.exp(w), axis=0)),
            "it underflows for log weights of -2000: subtract the largest first",
        ),
        (lambda w: np.mean(w, axis=0), "that is the ELBO: the mean belongs under the logarithm"),
        (lambda w: np.logaddexp.reduce(w, axis=0), "a constant is missing: the mean of K weights is their sum / K"),
        (
            lambda w: np.logaddexp.reduce(w, axis=1) - np.log(3),
            "the axis: one bound for each image, K is the first axis",
        ),
    ]
    check_function(answer, [log_weights], _log_mean_exp, slips)
