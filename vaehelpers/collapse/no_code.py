"""From which weight on NO code of any size pays: proved from the data alone, for every encoder, decoder and prior."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from vaehelpers.collapse.threshold import TOLERANCE, blocks, collapsed, spectrum_of

SPLITS = np.exp(np.linspace(1.01, 25, 5000))  # M of the proof, above e: the best of them counts


def no_code_pays_above(
    x: ArrayLike,
    likelihood: str | Callable = "bernoulli",
    variance: ArrayLike = 1.0,
    *,
    threshold: float | None = None,
) -> float:
    """The smallest weight from which it is proved that no code pays: collapse is the global optimum there.

    A code z saves at most `E_z S(w_z)` of the distortion, w_z being how the images are distributed given z and
    `S(w) = sum over pixels of kl(mean_w || mean)`, for a Gaussian `sum of (mean_w - mean)^2 / (2 variance)`. It costs
    at least its information, `I(x; z) = E_z KL(w_z || uniform)`, whatever the prior. S / KL is bounded in two ways:

    - on all data by the number of pixels that vary (data processing), for a Gaussian by `sum of range^2 / (4 variance)`
      (Pinsker's inequality): both are reached by copies of one fair bit;
    - on these data by splitting w at M times the uniform weight. Below, S is at most `collapse_threshold` (for a
      Gaussian half of it) times chi^2; above, at most its value at the single image where it is largest.

    Args:
        x: images `[N, ...]`, in [0, 1] for a Bernoulli; bits or grey.
        likelihood: "bernoulli", "gaussian" or the function of `losses` of that name.
        variance: of the Gaussian, a number or an array of an image's shape.
        threshold: `collapse_threshold` of the same three, where it is known already.

    Returns:
        A float, a weight as beta is, at least `collapse_threshold`: in between, larger codes are not decided.

    Raises:
        TypeError, ValueError: as `collapse_threshold`; for a learned variance, of which this is not proved.

    Example:
        >>> x = np.repeat([[0.0], [1.0]], 500, axis=0).repeat(3, axis=1)  # three copies of one fair bit
        >>> round(no_code_pays_above(x), 4)
        3.0
    """
    if isinstance(variance, str):
        raise ValueError(
            f"variance is {variance!r}: this is proved for a fixed one, pass a number or one for each pixel"
        )
    known = collapsed(x, likelihood, variance)
    if threshold is None:
        threshold = spectrum_of(known, most=1)[0]
    if known.likelihood == "bernoulli":
        steepest = threshold
        on_all_data = np.isfinite(known.variance).sum()
    else:
        steepest = threshold / 2
        reach = np.ptp(known.pixels, axis=0).astype("float64")
        on_all_data = (reach**2 / (4 * known.variance)).sum()
    on_these = _on_these_data(steepest * (1 + TOLERANCE), _largest_saving(known), len(known.pixels))
    return float(min(on_all_data, on_these))


def collapse_at(beta: float, threshold: float, no_code_above: float) -> str:
    """What the data say of a weight before training: one of three sentences, of a local or a global kind.

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


def _largest_saving(known):
    """S at the single image where it is largest."""
    from scipy.special import rel_entr

    mean = known.mean

    def saving(x):
        if known.likelihood == "bernoulli":
            return rel_entr(x, mean) + rel_entr(1 - x, 1 - mean)
        return (x - mean) ** 2 / (2 * known.variance)

    parts = (part.astype("float64") for part in blocks(known.pixels))
    return max(saving(part).sum(axis=1).max() for part in parts)


def _on_these_data(steepest, largest, n):
    """The smallest weight for which `S(w) <= weight KL(w || uniform)` is proved for every w on n images.

    Where w is nowhere above m times the uniform weight, `chi^2 <= c(m) KL`. Let t be w's share above M times it. Up to
    t = 1/2 the rest lies below 2 M, and the share alone has `KL >= t (log M - 1)`; beyond, `KL >= kl(1/2 || 1/(2 M))`.
    """

    def c(m):
        return (m - 1) ** 2 / (m * np.log(m) - m + 1)

    below = steepest * c(2 * SPLITS)
    share = (largest + 2 * below / SPLITS) / (np.log(SPLITS) - 1)
    half = 1 / (2 * SPLITS)
    beyond = largest / (-np.log(2) - 0.5 * np.log(half * (1 - half)))
    split = np.maximum(np.maximum(below, share), beyond).min()
    return float(min(split, steepest * c(n)))
