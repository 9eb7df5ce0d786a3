"""From which weight on NO code pays, proved from the data alone, for any encoder and prior."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from vaehelpers.collapse.certificate import proved_weight
from vaehelpers.collapse.threshold import TOLERANCE, largest, scaled, weighted


def no_code_pays_above(
    x: ArrayLike,
    likelihood: str | Callable = "bernoulli",
    variance: ArrayLike = 1.0,
    *,
    threshold: float | None = None,
) -> float:
    """The smallest weight from which it is proved that collapse is the global optimum.

    No code pays there, of whatever size, for any encoder and prior, and for any decoder that sees z
    alone, whose pixels are independent given z, and that can give the mean image. A code z saves at
    most `E_z S(w_z)` of the distortion, w_z being how the images are distributed given z and
    `S(w) = sum over pixels of kl(mean_w || mean)`, for a Gaussian `sum of (mean_w - mean)^2 /
    (2 variance)`. It costs at least its information, `I(x; z) = E_z KL(w_z || uniform)`. S / KL is
    bounded in two ways, and the smaller bound counts:

    - on all data by the number of pixels that vary (data processing), for a Gaussian by `sum of
      range^2 / (4 variance)` (Pinsker's inequality): both are reached by copies of one fair bit;
    - on these data by `collapse_threshold` for weights near the uniform, and by S at each single
      image for the others: `certificate.proved_weight` has the proof.

    Args:
        x: images `[N, ...]`, in [0, 1] for a Bernoulli; bits or grey.
        likelihood: "bernoulli", "gaussian" or the function of `losses` of that name.
        variance: of the Gaussian, a number or an array of an image's shape.
        threshold: `collapse_threshold` of the same three, where it is known already.

    Returns:
        A float, a weight as beta is, at least `collapse_threshold`: in between, larger codes are
        not decided.

    Raises:
        TypeError, ValueError: as `collapse_threshold`; for a learned variance, for which there is
            no such weight.

    Example:
        >>> fair_bit = np.repeat([[0.0], [1.0]], 500, axis=0)
        >>> round(no_code_pays_above(fair_bit.repeat(3, axis=1)), 4)  # three copies of it
        3.0
    """
    if isinstance(variance, str):
        raise ValueError(
            f"variance is {variance!r}, for which there is no such weight: at every beta some code "
            "pays, as a decoder that names the image has a density without bound; "
            "pass a number or one for each pixel"
        )
    name, pixels, mean, weights = weighted(x, likelihood, variance)
    if threshold is None:
        threshold = largest(pixels, mean, weights, most=1)[0]
    if name == "bernoulli":
        on_all_data = np.count_nonzero(weights)
        steepest = threshold
        savings = _divergences(pixels, mean)
    else:
        ranges = pixels.max(axis=0).astype("float64") - pixels.min(axis=0)
        on_all_data = ((ranges * weights) ** 2 / 4).sum()
        steepest = threshold / 2
        savings = (part**2 / 2 for part in scaled(pixels, mean, weights))
    saved = np.concatenate([part.sum(axis=1) for part in savings])
    on_these_data = proved_weight(steepest, saved) * (1 + TOLERANCE)  # and so for its rounding
    return float(min(on_all_data, on_these_data))


def collapse_at(beta: float, threshold: float, no_code_above: float) -> str:
    """What the data say of a weight before training: one of three sentences.

    Exactly at the threshold, where the second order decides nothing, it is the second of them.

    Args:
        beta: the weight.
        threshold: `collapse_threshold`.
        no_code_above: `no_code_pays_above`.

    Example:
        >>> collapse_at(392, threshold=31.8, no_code_above=276.2)
        'no code of any size pays, for pixels that are independent given z'
    """
    if beta >= no_code_above:
        return "no code of any size pays, for pixels that are independent given z"
    if beta >= threshold:
        return "collapse is a local optimum; whether a larger code pays is not decided"
    return "collapse is unstable: a small code pays"


def rounded_up(weight, digits=4):
    """A weight that is proved, in so many digits and never below itself: 276.133 is 276.2."""
    places = digits - 1 - math.floor(math.log10(weight))
    return math.ceil(weight * 10.0**places * (1 - 1e-12)) / 10.0**places


def _divergences(pixels, mean):
    """kl(x || mean) of bits."""
    from scipy.special import rel_entr

    for part in scaled(pixels, 0.0, 1.0):
        yield rel_entr(part, mean) + rel_entr(1 - part, 1 - mean)
