"""The variance that a Gaussian loss declares by its constant: `D/2 log(2 pi variance)` beside the squared error."""

import numpy as np


def find_decoder_variance(likelihood, reading):
    """The variance, or `None` where no constant reveals one.

    A log-likelihood of weight 1 weighs half the squared error with 1 / variance. Its constant must be the normaliser of
    just that variance, with or without 2 pi, at every size that was tried.
    """
    if likelihood.name != "gaussian":
        return None
    constants = [2 * w.constant / (w.distortion * w.sizes.pixels) for w in reading.weights]
    if abs(constants[0]) < 1e-4 or np.ptp(constants) > 1e-3 * abs(constants[0]):
        return None
    variance = 1 / reading.before_means
    normalisers = variance * np.log(2 * np.pi * variance), variance * np.log(variance)
    return float(variance) if np.isclose(constants[0], normalisers, rtol=1e-3).any() else None
