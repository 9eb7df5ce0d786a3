"""Checks of lesson 09: Comparing honestly."""

import numpy as np

from vaehelpers.exercises.verdicts import (
    asked,
    entries_verdict,
    function_verdict,
    is_letter_of,
    is_truth,
    list_of,
)


def _standard_error(values):
    return values.std(ddof=1) / np.sqrt(len(values))


def _paired_error(a, b):
    return _standard_error(a - b)


def _difference_and(error, mean=np.mean):
    """A function `(elbo_a, elbo_b) -> pair`, of how it computes the mean and its error."""
    return lambda a, b: np.array([mean(a - b), error(a, b)])


def _pair_of_models(rng, n):
    """Two models' bounds on the same n images, which differ more than the models do."""
    images = rng.normal(-160, 30, size=n)
    return images + rng.normal(1.5, 2, size=n), images + rng.normal(0, 2, size=n)


_of_pairs = _difference_and(_paired_error)
SEPARATE = "subtract image by image first: two errors hold the spread of easy and hard images"
ONE_IMAGE = "that is one image's spread: divide it by the root of N"
WRONG_ERRORS_OF_A_DIFFERENCE = [
    (lambda a, b: np.hypot(_standard_error(a), _standard_error(b)), SEPARATE),
    (lambda a, b: np.hypot(a.std(), b.std()) / np.sqrt(len(a)), SEPARATE),
    (lambda a, b: _standard_error(a) + _standard_error(b), SEPARATE),
    (lambda a, b: _standard_error(a) - _standard_error(b), "errors are not subtracted"),
    (lambda a, b: (a - b).std(ddof=1), ONE_IMAGE),
    (lambda a, b: (a - b).std(), ONE_IMAGE),
    (lambda a, b: (a - b).std(ddof=1) / len(a), "divide by the root of N, not by N"),
    (lambda a, b: _paired_error(a, b) ** 2, "that is the error squared: take the root"),
    (lambda a, b: (a - b).std() / np.sqrt(len(a)), "N - 1 in the standard deviation: ddof=1"),
    (lambda a, b: 1.96 * _paired_error(a, b), "that is half the width of an interval of 95 %"),
]


@asked
def check_paired_difference(answer):
    """Lesson 09, exercise 1: `(elbo_a, elbo_b) -> (mean difference, its paired error)`."""
    rng = np.random.default_rng(5)
    return function_verdict(
        answer,
        [_pair_of_models(rng, n) for n in (9, 12, 2)],
        _of_pairs,
        *((_difference_and(error), aspect) for error, aspect in WRONG_ERRORS_OF_A_DIFFERENCE),
        (lambda a, b: _of_pairs(b, a), "the sign: a - b"),
        (_difference_and(_paired_error, mean=np.sum), "the mean difference, not the sum of them"),
        (lambda a, b: _of_pairs(a, b)[::-1], "the order: first the mean, then its error"),
        (lambda a, b: _of_pairs(a, b)[0], "the error is missing: a pair is wanted"),
    )


COMPARISONS = {  # whether it is fair, and why
    "A": (False, "(A) distortion + 4 rate exceeds distortion + rate for one network: a loss each"),
    "B": (True, "(B) an ELBO is -(distortion + rate) for both, whatever beta: the same measure"),
    "C": (
        False,
        "(C) densities of grey levels, probabilities of black and white: two kinds of data",
    ),
    "D": (True, "(D) 784 times the mean of 784 terms is their sum: both losses are the same sum"),
    "E": (False, "(E) for one model the bound rises with K, on average: the same K for both"),
    "F": (True, "(F) both are densities of the same data in one unit: the likelihood may differ"),
}


@asked
def check_which_can_be_compared(answer):
    """Lesson 09, exercise 2: which of six comparisons are fair, as a list of letters."""
    given = list_of(list(answer) if isinstance(answer, set) else answer, is_letter_of(COMPARISONS))
    if given is None or len(set(given)) < len(given):
        return '✗ a list of letters from A to F is wanted, each at most once, such as ["A", "C"]'
    chosen = [letter in given for letter in COMPARISONS]
    return entries_verdict(chosen, is_truth, "a list of letters", *COMPARISONS.values())


def _mean_and(error):
    """A function `elbo [S, N] -> pair`, of how it computes the error."""
    return lambda elbo: np.array([elbo.mean(), error(elbo)])


def _runs(rng, n_seeds, n_images):
    """The bound of each of S runs on the same N images, `[S, N]`."""
    seeds = rng.normal(0, 2, size=[n_seeds, 1])
    images = rng.normal(-160, 30, size=n_images)
    return seeds + images + rng.normal(size=[n_seeds, n_images])


_over_seeds = _mean_and(lambda elbo: _standard_error(elbo.mean(1)))
POOLED = "a run's images share its network, so they are not S x N draws: first each run's mean"
ONE_RUN = "that is how far one run lies from the mean of all: divide it by the root of S"
OVER_IMAGES = "that is the error over images: here they stay, and the seeds are drawn anew"
WRONG_ERRORS_OVER_SEEDS = [
    (lambda e: _standard_error(e.ravel()), POOLED),
    (lambda e: e.std() / np.sqrt(e.size), POOLED),
    (lambda e: e.std(ddof=1) / np.sqrt(len(e)), POOLED),
    (lambda e: e.std() / np.sqrt(len(e)), POOLED),
    (lambda e: e.mean(1).std(ddof=1), ONE_RUN),
    (lambda e: e.mean(1).std(), ONE_RUN),
    (lambda e: e.mean(1).std() / np.sqrt(len(e)), "S - 1 in the standard deviation: ddof=1"),
    (lambda e: _standard_error(e.mean(0)), OVER_IMAGES),
    (lambda e: e.mean(0).std() / np.sqrt(e.shape[1]), OVER_IMAGES),
    (lambda e: e.mean(1).std(ddof=1) / np.sqrt(e.shape[1]), "the root of S, not of images"),
    (lambda e: e.mean(1).std(ddof=1) / len(e), "divide by the root of S, not by S"),
    (lambda e: _standard_error(e.mean(1)) ** 2, "that is the error squared: take the root"),
]


@asked
def check_error_over_seeds(answer):
    """Lesson 09, exercise 3: a function `elbo [S, N] -> (mean, standard error over seeds)`."""
    rng = np.random.default_rng(6)
    return function_verdict(
        answer,
        [(_runs(rng, *sizes),) for sizes in ((5, 40), (3, 7), (8, 2))],
        _over_seeds,
        *((_mean_and(error), aspect) for error, aspect in WRONG_ERRORS_OVER_SEEDS),
        (lambda e: _over_seeds(e)[::-1], "the order: first the mean, then its error"),
        (lambda e: _over_seeds(e)[0], "the error is missing: a pair is wanted"),
    )
