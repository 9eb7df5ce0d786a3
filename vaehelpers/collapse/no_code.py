"""From which weight on NO code pays: proved from the data alone, for every network and prior."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from vaehelpers.collapse.threshold import TOLERANCE, largest, scaled, weighted

SPLITS = np.exp(np.linspace(1.01, 25, 5000))  # M of the proof, above e: the best of them counts


def no_code_pays_above(
    x: ArrayLike,
    likelihood: str | Callable = "bernoulli",
    variance: ArrayLike = 1.0,
    *,
    threshold: float | None = None,
) -> float:
    """The smallest weight from which it is proved that collapse is the global optimum.

    No code pays there, of whatever size. A code z saves at most `E_z S(w_z)` of the distortion, w_z
    being how the images are distributed given z and `S(w) = sum over pixels of kl(mean_w || mean)`,
    for a Gaussian `sum of (mean_w - mean)^2 / (2 variance)`. It costs at least its information,
    `I(x; z) = E_z KL(w_z || uniform)`, whatever the prior. S / KL is bounded in two ways:

    - on all data by the number of pixels that vary (data processing), for a Gaussian by `sum of
      range^2 / (4 variance)` (Pinsker's inequality): both are reached by copies of one fair bit;
    - on these data by splitting w at M times the uniform weight. Below, S is at most
      `collapse_threshold` (for a Gaussian half of it) times chi^2; above, at most its value at the
      single image where it is largest.

    Args:
        x: images `[N, ...]`, in [0, 1] for a Bernoulli; bits or grey.
        likelihood: "bernoulli", "gaussian" or the function of `losses` of that name.
        variance: of the Gaussian, a number or an array of an image's shape.
        threshold: `collapse_threshold` of the same three, where it is known already.

    Returns:
        A float, a weight as beta is, at least `collapse_threshold`: in between, larger codes are
        not decided.

    Raises:
        TypeError, ValueError: as `collapse_threshold`; for a learned variance, of which this is not
            proved.

    Example:
        >>> fair_bit = np.repeat([[0.0], [1.0]], 500, axis=0)
        >>> round(no_code_pays_above(fair_bit.repeat(3, axis=1)), 4)  # three copies of it
        3.0
    """
    if isinstance(variance, str):
        raise ValueError(
            f"variance is {variance!r}: this is proved for a fixed one, "
            "pass a number or one for each pixel"
        )
    name, pixels, mean, weights = weighted(x, likelihood, variance)
    if threshold is None:
        threshold = largest(pixels, mean, weights, most=1)[0]
    if name == "bernoulli":
        on_all_data = np.count_nonzero(weights)
        savings = _divergences(pixels, mean)
    else:
        on_all_data = ((np.ptp(pixels, axis=0) * weights) ** 2 / 4).sum()
        savings = (part**2 / 2 for part in scaled(pixels, mean, weights))
        threshold /= 2
    steepest = threshold * (1 + TOLERANCE)
    most_saved = max(saved.sum(axis=1).max() for saved in savings)
    return float(min(on_all_data, _on_these_data(steepest, most_saved, len(pixels))))


def collapse_at(beta: float, threshold: float, no_code_above: float) -> str:
    """What the data say of a weight before training: one of three sentences.

    Args:
        beta: the weight.
        threshold: `collapse_threshold`.
        no_code_above: `no_code_pays_above`.

    Example:
        >>> collapse_at(392, threshold=31.8, no_code_above=361)
        'no code of any size pays, whatever the network'
    """
    if beta >= no_code_above:
        return "no code of any size pays, whatever the network"
    if beta >= threshold:
        return "collapse is a local optimum; whether a larger code pays is not decided"
    return "collapse is unstable: a small code pays"


def _divergences(pixels, mean):
    """kl(x || mean) of bits."""
    from scipy.special import rel_entr

    for part in scaled(pixels, 0.0, 1.0):
        yield rel_entr(part, mean) + rel_entr(1 - part, 1 - mean)


def _on_these_data(steepest, largest, n):
    """The least weight for which `S(w) <= weight KL(w || uniform)` is proved for all w on n images.

    Where w is nowhere above m times the uniform weight, `chi^2 <= c(m) KL`. Let t be w's share
    above M times it. Up to t = 1/2 the rest lies below 2 M, and the share alone has `KL >= t (log M
    - 1)`; beyond, `KL >= kl(1/2 || 1/(2 M))`.
    """

    def c(m):
        return (m - 1) ** 2 / (m * np.log(m) - m + 1)

    below = steepest * c(2 * SPLITS)
    share = (largest + 2 * below / SPLITS) / (np.log(SPLITS) - 1)
    half = 1 / (2 * SPLITS)
    beyond = largest / (-np.log(2) - 0.5 * np.log(half * (1 - half)))
    split = np.maximum.reduce([below, share, beyond]).min()
    return min(split, steepest * c(n))
