"""Checks of lesson 02: The ELBO."""

from functools import lru_cache

import numpy as np

from vaehelpers.exercises.verdicts import asked, function_verdict, number_verdict


@asked
def check_gap(answer):
    """Lesson 02, exercise 1: the gap at distortion 98.2, rate 6.3 and log p(x) = -101."""
    slips = [
        (-3.5, "the sign: a KL divergence is not negative"),
        (-104.5, "that is the ELBO: the gap is its distance from log p(x)"),
        (104.5, "that is minus the ELBO: the gap is its distance from log p(x)"),
        (2.8, "a term is missing: the ELBO holds the rate as well"),
        (
            -2.8,
            "a term is missing, and the sign: the ELBO holds the rate as well, and a KL divergence is not negative",
        ),
        (6.3, "that is the KL to the prior, the rate; asked is the one to the posterior"),
        (9.1, "the ELBO is -(distortion + rate): both are added"),
        (
            -9.1,
            "the ELBO is -(distortion + rate): both are added, and a KL divergence is not negative",
        ),
        (3.5 / np.log(2), "that is in bits: stay in nats"),
    ]
    return number_verdict(answer, 3.5, slips)


def _log_mean_exp(log_weights):
    return np.logaddexp.reduce(log_weights, axis=0) - np.log(len(log_weights))


@asked
def check_importance_weighted_bound(answer):
    """Lesson 02, exercise 2: a function from log weights `[K, B]` to the K-sample bound `[B]`."""
    rng = np.random.default_rng(0)
    shifts = np.array([0.0, -3, -2000, 2000])
    log_weights = rng.normal(size=[5, 4]) * [1, 3, 1, 1] + shifts
    log_weights[2, :2] += [1500, -1500]
    largest = log_weights.max()
    slips = [
        (
            lambda w: np.log(np.mean(np.exp(w), axis=0)),
            "it leaves the floating-point range: take the largest out",
        ),
        (
            lambda w: largest + np.log(np.mean(np.exp(w - largest), axis=0)),
            "take out each image's own largest",
        ),
        (
            lambda w: np.log(np.mean(np.exp(w - w.max(axis=0)), axis=0)),
            "add back the largest that was taken out",
        ),
        (lambda w: np.mean(w, axis=0), "that is the ELBO: the mean belongs under the logarithm"),
        (
            lambda w: np.logaddexp.reduce(w, axis=0),
            "a constant is missing: the mean of K weights is their sum / K",
        ),
        (lambda w: _log_mean_exp(w.T), "the axis: K is the first, one bound for each image"),
        (lambda w: _log_mean_exp(w)[None], "the shape: [B], without the axis K"),
        (
            lambda w: _log_mean_exp(w).mean(),
            "one bound for each image: [B], without a mean over images",
        ),
    ]
    return function_verdict(answer, [(log_weights,), (log_weights[:3],)], _log_mean_exp, slips)


MEANS_AND_WIDTHS = [
    (mean, width) for mean in np.linspace(0, 1, 51) for width in np.linspace(0.1, 1.5, 141)
]


@lru_cache(maxsize=1)
def _terms(distortion_and_rate):
    """Distortion and rate of each mean and width, `[51 x 141, 2]`."""
    return np.array([distortion_and_rate(mean, width) for mean, width in MEANS_AND_WIDTHS])


@asked
def check_width_under_the_mean(answer, distortion_and_rate):
    """Lesson 02, exercise 3: the width of the best normal q when the distortion is a mean over the eight pixels."""
    terms = _terms(distortion_and_rate)
    _, width_for_the_sum = MEANS_AND_WIDTHS[np.argmin(terms @ [1, 1])]
    mean, width = MEANS_AND_WIDTHS[np.argmin(terms @ [1 / 8, 1])]
    slips = [
        (width_for_the_sum, "that is the best width for the sum: divide the distortion by 8"),
        (mean, "that is q's mean; asked is its width"),
        (width**2, "that is the variance; asked is the width, its root"),
        (0.85, "that is the width of the best density of all; asked is the best normal one"),
        (1.0, "that is the prior's: q is near it and not there yet"),
    ]
    return number_verdict(answer, width, slips, within=0.02)
