"""Checks of lesson 09: Comparing honestly."""

import numpy as np

from vaehelpers.exercises.verdicts import NOT_YET, check_function


def _standard_error(values):
    return values.std(ddof=1) / np.sqrt(len(values))


def check_paired_difference(answer):
    """Lesson 09, exercise 1: a function `(elbo_a, elbo_b) -> (mean, standard error)` of the paired difference."""
    rng = np.random.default_rng(5)
    cases = []
    for n in (9, 12, 2):
        image = rng.normal(-160, 30, size=n)
        cases.append((image + rng.normal(1.5, 2, size=n), image + rng.normal(0, 2, size=n)))

    def pair(mean, error):
        return lambda a, b: np.array([mean(a - b), error(a, b)])

    def paired(a, b):
        return _standard_error(a - b)

    def unpaired(a, b):
        return np.hypot(_standard_error(a), _standard_error(b))

    right = pair(np.mean, paired)
    separate = "take the difference image by image first: two separate errors hold the spread of easy and hard images"
    slips = [
        (pair(np.mean, unpaired), separate),
        (pair(np.mean, lambda a, b: np.hypot(a.std(), b.std()) / np.sqrt(len(a))), separate),
        (pair(np.mean, lambda a, b: _standard_error(a) + _standard_error(b)), separate),
        (pair(np.mean, lambda a, b: _standard_error(a) - _standard_error(b)), "errors are not subtracted"),
        (pair(np.mean, lambda a, b: (a - b).std(ddof=1)), "that is one image's spread: divide it by the root of N"),
        (pair(np.mean, lambda a, b: (a - b).std()), "that is one image's spread: divide it by the root of N"),
        (pair(np.mean, lambda a, b: (a - b).std(ddof=1) / len(a)), "divide by the root of N, not by N"),
        (pair(np.mean, lambda a, b: paired(a, b) ** 2), "that is the error squared: take the root"),
        (pair(np.mean, lambda a, b: (a - b).std() / np.sqrt(len(a))), "N - 1 in the standard deviation: ddof=1"),
        (pair(np.mean, lambda a, b: 1.96 * paired(a, b)), "that is half the width of an interval of 95 %"),
        (lambda a, b: right(b, a), "the sign: a - b"),
        (pair(np.sum, paired), "the mean difference, not the sum of the differences"),
        (lambda a, b: right(a, b)[::-1], "the order: first the mean, then its error"),
        (lambda a, b: right(a, b)[0], "the error is missing: a pair is wanted"),
    ]
    check_function(answer, cases, right, slips)


LETTERS, FAIR = "ABCDEF", "BDF"


def check_which_can_be_compared(answer):
    """Lesson 09, exercise 2: which of six comparisons are fair, as a list of letters."""
    if answer is ...:
        print(NOT_YET)
        return
    given = [str(a) for a in answer] if isinstance(answer, (list, tuple, set)) else [""]
    if not set(given) <= set(LETTERS) or len(set(given)) < len(given):
        print('✗ a list of letters from A to F is wanted, each at most once, such as ["A", "C"]')
        return
    aspects = {
        "A": "(A) D + 4 R is larger than D + R for one and the same network: each beta has a loss of its own",
        "B": "(B) an ELBO is -(D + R) for both, whatever beta they were trained with: one measure, the same digits",
        "C": "(C) densities of grey levels and probabilities of bits: two kinds of numbers on two kinds of data",
        "D": "(D) 784 times the mean of 784 terms is their sum: both losses are the same sum",
        "E": "(E) for one and the same model the bound rises with K, on average: the same K for both",
        "F": "(F) both are densities of the same data in the same unit: the likelihood may differ, the data may not",
    }
    wrong = [aspects[letter] for letter in LETTERS if (letter in given) != (letter in FAIR)]
    print("✓ right" if not wrong else f"✗ {wrong[0]}")


def check_error_over_seeds(answer):
    """Lesson 09, exercise 3: a function `elbo [S, N] -> (mean, standard error over seeds)`."""
    rng = np.random.default_rng(6)
    cases = []
    for n_seeds, n_images in ((5, 40), (3, 7), (8, 2)):
        seeds, images = rng.normal(0, 2, size=[n_seeds, 1]), rng.normal(-160, 30, size=n_images)
        cases.append((seeds + images + rng.normal(size=[n_seeds, n_images]),))

    def pair(error):
        return lambda e: np.array([e.mean(), error(e)])

    right = pair(lambda e: _standard_error(e.mean(1)))
    pooled = "the images of a run share its network: they are not S x N independent draws. First each run's mean"
    one_run = "that is how far one run lies from the mean of all: divide it by the root of S"
    images = "that is the error over images: here they stay, and the seeds are drawn anew"
    slips = [
        (pair(lambda e: _standard_error(e.ravel())), pooled),
        (pair(lambda e: e.std() / np.sqrt(e.size)), pooled),
        (pair(lambda e: e.std(ddof=1) / np.sqrt(len(e))), pooled),
        (pair(lambda e: e.std() / np.sqrt(len(e))), pooled),
        (pair(lambda e: e.mean(1).std(ddof=1)), one_run),
        (pair(lambda e: e.mean(1).std()), one_run),
        (pair(lambda e: e.mean(1).std() / np.sqrt(len(e))), "S - 1 in the standard deviation: ddof=1"),
        (pair(lambda e: _standard_error(e.mean(0))), images),
        (pair(lambda e: e.mean(0).std() / np.sqrt(e.shape[1])), images),
        (pair(lambda e: e.mean(1).std(ddof=1) / np.sqrt(e.shape[1])), "the root of the number of seeds, not of images"),
        (pair(lambda e: e.mean(1).std(ddof=1) / len(e)), "divide by the root of S, not by S"),
        (pair(lambda e: _standard_error(e.mean(1)) ** 2), "that is the error squared: take the root"),
        (lambda e: right(e)[::-1], "the order: first the mean, then its error"),
        (lambda e: right(e)[0], "the error is missing: a pair is wanted"),
    ]
    check_function(answer, cases, right, slips)
