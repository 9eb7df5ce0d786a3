"""The variance that a Gaussian loss declares by its constant: `D/2 log(2 pi variance)` beside the squared error."""

import numpy as np


def find_decoder_variance(likelihood, reading):
    """The variance, or `None` where no constant reveals one.

    With w the weight of half the squared error and C the constant per pixel, `C / w = variance log(2 pi variance) / 2`.
    Below 1 / (2 pi e) two variances have the same constant; then the one with which the likelihood itself has weight 1.
    """
    if likelihood.name != "gaussian":
        return None
    ratios = [2 * w.constant / (w.distortion * w.sizes.pixels) for w in reading.weights]
    if abs(ratios[0]) < 1e-4 or np.ptp(ratios) > 1e-3 * abs(ratios[0]):
        return None
    found = _solve(ratios[0])
    weights = [reading.before_means * variance for variance in found]
    natural = [v for v, weight in zip(found, weights, strict=True) if abs(weight - 1) < 1e-2]
    if len(natural) == 1:
        return natural[0]
    return found[0] if len(found) == 1 else None


def _solve(ratio):
    """The variances with `variance * log(2 pi variance) == ratio`, by bisection on either side of the minimum."""
    turning = 1 / (2 * np.pi * np.e)
    if ratio < -turning:
        return []
    found = []
    for start in (1e-12, max(1.0, ratio)) if ratio < 0 else (max(1.0, ratio),):
        low, high = (start, turning) if start < turning else (turning, 10 * start + 10)
        for _ in range(200):
            middle = np.sqrt(low * high)
            above = middle * np.log(2 * np.pi * middle) > ratio
            low, high = (low, middle) if above == (start >= turning) else (middle, high)
        found.append(float(np.sqrt(low * high)))
    return found
