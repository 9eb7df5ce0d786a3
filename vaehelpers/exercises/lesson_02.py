"""Checks of lesson 02: The ELBO."""

from functools import lru_cache

import numpy as np

from vaehelpers.exercises.verdicts import asked, floats, function_verdict, number_verdict


@asked
def check_gap(answer):
    """Lesson 02, exercise 1: the gap at distortion 98.2, rate 6.3 and log p(x) = -101."""
    return number_verdict(
        answer,
        3.5,
        (-3.5, "the sign: a KL divergence is not negative"),
        (-104.5, "that is the ELBO: the gap is its distance from log p(x)"),
        (104.5, "that is minus the ELBO: the gap is its distance from log p(x)"),
        (2.8, "a term is missing: the ELBO holds the rate as well"),
        (-2.8, "a term is missing, the rate, and the sign: a KL divergence is not negative"),
        (6.3, "that is the KL to the prior, the rate; asked is the one to the posterior"),
        (9.1, "the ELBO is -(distortion + rate): both are added"),
        (-9.1, "in the ELBO both are added, and a KL divergence is not negative"),
        (3.5 / np.log(2), "that is in bits: stay in nats"),
    )


def _log_mean_exp(w):
    return np.logaddexp.reduce(w, axis=0) - np.log(len(w))


@asked
def check_importance_weighted_bound(answer):
    """Lesson 02, exercise 2: a function from log weights `[K, B]` to the K-sample bound `[B]`."""
    shifts = np.array([0.0, -3, -2000, 2000])
    weights = np.random.default_rng(0).normal(size=[5, 4]) * [1, 3, 1, 1] + shifts
    weights[2, :2] += [1500, -1500]
    most = weights.max()
    return function_verdict(
        answer,
        [(weights,), (weights[:3],)],
        _log_mean_exp,
        (lambda w: np.log(np.exp(w).mean(0)), "out of floating-point range: take out the largest"),
        (lambda w: most + np.log(np.exp(w - most).mean(0)), "take out each image's own largest"),
        (lambda w: _log_mean_exp(w) - w.max(0), "add back the largest that was taken out"),
        (lambda w: w.mean(0), "that is the ELBO: the mean belongs under the logarithm"),
        (lambda w: w.max(0), "that is the largest alone: the others count, too"),
        (lambda w: np.exp(w).mean(0), "the logarithm of the average is still to be taken"),
        (lambda w: np.logaddexp.reduce(w, axis=0), "a constant: the mean of K is their sum / K"),
        (lambda w: _log_mean_exp(w.T), "the axis: K is the first, one bound for each image"),
        (lambda w: _log_mean_exp(w)[None], "the shape: [B], without the axis K"),
        (lambda w: _log_mean_exp(w).mean(), "one bound for each image: [B], no mean over images"),
    )


MEANS_AND_WIDTHS = [
    (mean, width) for mean in np.linspace(0, 1, 51) for width in np.linspace(0.1, 1.5, 141)
]


@lru_cache(maxsize=1)
def _terms(distortion_and_rate):
    """Distortion and rate of each mean and width, `[51 x 141, 2]`."""
    return np.array([distortion_and_rate(*pair) for pair in MEANS_AND_WIDTHS])


@asked
def check_width_under_the_mean(answer, distortion_and_rate):
    """Lesson 02, exercise 3: the best normal q's width under a mean over the eight pixels."""
    terms = _terms(distortion_and_rate)
    _, width_for_the_sum = MEANS_AND_WIDTHS[np.argmin(terms @ [1, 1])]
    mean, width = MEANS_AND_WIDTHS[np.argmin(terms @ [1 / 8, 1])]
    value = floats(answer)
    direction = "wider" if np.all(value < width) else "narrower"
    is_near = value.shape == () and 0.6 < value < 0.99
    return number_verdict(
        answer,
        width,
        (width_for_the_sum, "that is the best width for the sum: divide the distortion by 8"),
        (mean, "that is q's mean; asked is its width"),
        (width**2, "that is the variance; asked is the width, its root"),
        (0.85, "that is the width of the best density of all; asked is the best normal one"),
        (1.0, "that is the prior's: q is near it and not there yet"),
        (value if is_near else np.nan, "near: the best is a little " + direction),
        within=0.02,
    )
