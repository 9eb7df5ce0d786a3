"""Terms between the examples of a batch: a loss that is not the mean of its examples' losses."""

import numpy as np

WITHIN = 1e-3
DRAWS = 1024  # of single examples
MEAN = 2.0
LOG_VAR = -4.0  # narrow: a draw of z is close to its mean


def of_the_codes(prober, images):
    """Whether what one half of a batch costs depends on the other half's codes; a sentence or `None`.

    Halves a and b are moved from codes at 0 to codes at 2, alone and together: a mean over examples gives
    f(a, b) - f(a) - f(b) + f() = 0.
    """
    found = _interplay(prober, lambda first, second: (images, _codes(prober.sizes, first, second)))
    if found:
        return (
            "what an example's code costs depends on the other examples' codes (a total correlation, an MMD, a "
            "function of the batch's mean?): the loss of a batch is not the mean of its examples', and no single beta "
            "describes it"
        )
    return None


def of_the_images(prober, images):
    """Whether what one half of a batch costs depends on how the other half is reconstructed; a sentence or `None`."""
    x, x_decoded = images
    half = len(x) // 2

    def moved(first, second):
        other = x_decoded.copy()
        other[:half] += 0.5 * first * (x - x_decoded)[:half]
        other[half:] += 0.5 * second * (x - x_decoded)[half:]
        return (x, other), prober.still

    if _interplay(prober, moved):
        return (
            "what an example's reconstruction costs depends on the other examples: the loss of a batch is not the mean "
            "of its examples', and no single beta describes it"
        )
    return None


def _codes(sizes, first, second):
    z_mean = np.zeros((sizes.batch, sizes.latent_dim))
    half = sizes.batch // 2
    z_mean[:half] = MEAN * first
    z_mean[half:] = MEAN * second
    return z_mean, np.full(z_mean.shape, LOG_VAR)


def _interplay(prober, probe):
    if prober.sizes.batch < 2:
        return False
    draws = max(8, DRAWS // prober.sizes.batch)
    measured = [prober.measure(*probe(*moved), draws) for moved in ((1, 1), (1, 0), (0, 1), (0, 0))]
    both, first, second, none = (value for value, _ in measured)
    largest = max(abs(both - none), abs(first - none), abs(second - none))
    return abs(both - first - second + none) > WITHIN * largest + sum(error for _, error in measured)
