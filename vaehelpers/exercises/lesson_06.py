"""Checks of lesson 06: Collapse."""

from functools import cache

import numpy as np

from vaehelpers.collapse import collapse_threshold
from vaehelpers.data import binarize, load_mnist
from vaehelpers.exercises.verdicts import asked, function_verdict, number_verdict


@cache
def _thresholds_of_bits():
    """The right answer to exercise 1, and pairs of a wrong one and its aspect."""
    grey = load_mnist().x_train
    bits = binarize(grey).reshape(len(grey), -1)
    of_covariance = np.linalg.eigvalsh(np.cov(bits.T))[-1]
    return (
        collapse_threshold(bits),
        (collapse_threshold(grey), "that is the threshold of the grey digits: binarize them first"),
        (of_covariance, "that is the covariance's: divide each pixel by its standard deviation"),
        (1.0, "an eigenvalue of 1 is that of pixels without any correlation"),
        ((bits.std(axis=0) > 0).sum(), "that is the trace, the sum of all: the largest is wanted"),
    )


@asked
def check_threshold_of_bits(answer):
    """Lesson 06, exercise 1: the threshold of the binarized digits, by their correlations."""
    return number_verdict(answer, *_thresholds_of_bits())


def _linear_rate(eigenvalues, beta, latent_dim):
    largest = np.sort(eigenvalues)[::-1][: int(latent_dim)]
    return 0.5 * np.log(np.maximum(largest / beta, 1)).sum()


@asked
def check_linear_rate(answer):
    """Lesson 06, exercise 2: the rate of the best linear VAE."""
    return function_verdict(
        answer,
        [
            (np.array([0.5, 6.0, 2.0, 3.0]), np.float64(1.5), np.int64(2)),
            (np.array([9.0, 4.0, 0.1]), np.float64(0.5), np.int64(3)),
            (np.array([9.0, 4.0, 0.1, 7.0]), np.float64(8.0), np.int64(2)),
        ],
        _linear_rate,
        (lambda e, b, j: 2 * _linear_rate(e, b, j), "the factor 1/2 before the logarithm"),
        (lambda e, b, j: _linear_rate(e, b, len(e)), "no more than J can be active: the J largest"),
        (
            lambda e, b, j: 0.5 * np.log(np.maximum(e[:j] / b, 1)).sum(),
            "sort the eigenvalues first",
        ),
        (lambda e, b, j: 0.5 * np.log(e / b).sum(), "below beta the rate is 0, not negative"),
        (lambda e, b, j: _linear_rate(e, b, j) / np.log(2), "that is in bits: stay in nats"),
        (lambda e, b, j: _linear_rate(e, 1.0, j), "beta does not appear in it"),
        (lambda e, b, j: (np.sort(e)[-j:] > b).sum(), "that is the number of active dimensions"),
    )


@cache
def _thresholds_of_a_learned_variance():
    """The right answer to exercise 3, and pairs of a wrong one and its aspect."""
    grey = load_mnist().x_train.reshape(4000, -1)
    right = collapse_threshold(grey, "gaussian", variance="learned")
    at_1 = right * grey.var(axis=0).mean()
    varying = (grey.std(axis=0) > 0).mean()
    return (
        right,
        (at_1, "that is for the variance 1: the learned one is the pixels' mean variance"),
        (right / 784, "divided by the total variance: the mean one of its 784 pixels is wanted"),
        (right * varying, "pixels that never vary count in the mean too: all 784 share it"),
        (1 / right, "upside down"),
        (np.sqrt(at_1 * right), "a variance is wanted, not a standard deviation"),
    )


@asked
def check_learned_variance(answer):
    """Lesson 06, exercise 3: the threshold of the digits for a Gaussian of learned variance."""
    return number_verdict(answer, *_thresholds_of_a_learned_variance())
