"""Checks of lesson 06: Collapse."""

from functools import cache

import numpy as np

from vaehelpers.collapse import collapse_threshold
from vaehelpers.data import binarize, load_mnist
from vaehelpers.exercises.verdicts import check_function, check_number


@cache
def eigenvalues_of_digits():
    """The right answers to exercises 1 and 3, and what the usual slips give."""
    grey = load_mnist().x_train
    bits = binarize(grey)
    return {
        "grey": collapse_threshold(grey),
        "bits": collapse_threshold(bits),
        "covariance of bits": np.linalg.eigvalsh(np.cov(bits.reshape(len(bits), -1).T))[-1],
        "variance 1": collapse_threshold(grey, "gaussian"),
        "learned": collapse_threshold(grey, "gaussian", variance="learned"),
        "varying grey": (grey.std(axis=0) > 0).sum(),
        "varying bits": (bits.std(axis=0) > 0).sum(),
    }


def check_threshold_of_bits(answer):
    """Lesson 06, exercise 1: the threshold of the thresholded training digits, from their correlation matrix."""
    known = eigenvalues_of_digits()
    hints = [
        (known["grey"], "that is the threshold of the grey digits: binarize them first"),
        (known["covariance of bits"], "that is the covariance's: each pixel is divided by its standard deviation"),
        (1.0, "an eigenvalue of 1 is that of pixels without any correlation"),
        (known["varying bits"], "that is the trace, the sum of all eigenvalues: the largest one is wanted"),
    ]
    check_number(answer, known["bits"], hints)


def linear_rate(eigenvalues, beta, latent_dim):
    largest = np.sort(eigenvalues)[::-1][: int(latent_dim)]
    return 0.5 * np.log(np.maximum(largest / beta, 1)).sum()


def check_linear_rate(answer):
    """Lesson 06, exercise 2: the rate of the best linear VAE."""
    cases = [
        (np.array([0.5, 6.0, 2.0, 3.0]), np.float64(1.5), np.int64(2)),
        (np.array([9.0, 4.0, 0.1]), np.float64(0.5), np.int64(3)),
        (np.array([9.0, 4.0, 0.1, 7.0]), np.float64(8.0), np.int64(2)),
    ]

    def ordered(e):
        return np.sort(e)[::-1]

    slips = [
        (lambda e, b, j: 2 * linear_rate(e, b, j), "the factor 1/2 before the logarithm"),
        (lambda e, b, j: linear_rate(e, b, len(e)), "no more dimensions can be active than there are: the J largest"),
        (lambda e, b, j: 0.5 * np.log(np.maximum(e[:j] / b, 1)).sum(), "the eigenvalues come in any order: sort them"),
        (lambda e, b, j: 0.5 * np.log(e / b).sum(), "a dimension below beta has rate 0, not a negative one"),
        (lambda e, b, j: linear_rate(e, b, j) / np.log(2), "that is in bits: take natural logarithms for nats"),
        (lambda e, b, j: linear_rate(e, 1.0, j), "beta does not appear in it"),
        (lambda e, b, j: float((ordered(e)[:j] > b).sum()), "that is the number of active dimensions, not their rate"),
    ]
    check_function(answer, cases, linear_rate, slips)


def check_learned_variance(answer):
    """Lesson 06, exercise 3: the threshold of the training digits for a Gaussian whose variance is learned."""
    known = eigenvalues_of_digits()
    right, first = known["learned"], known["variance 1"]
    hints = [
        (first, "that is for the variance 1: at collapse the learned variance is the pixels' mean variance"),
        (right / 784, "divided by the total variance of the image: the mean variance of its 784 pixels is wanted"),
        (right * known["varying grey"] / 784, "pixels that never vary count in the mean too: all 784 share it"),
        (1 / right, "upside down"),
        (np.sqrt(first * right), "a variance is wanted, not a standard deviation"),
    ]
    check_number(answer, right, hints)
