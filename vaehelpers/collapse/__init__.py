"""What can be known without training: the threshold of collapse, an exact model, a weighted KL as another prior."""

from vaehelpers.collapse.linear_gaussian import LinearGaussian
from vaehelpers.collapse.no_code import collapse_at, no_code_pays_above
from vaehelpers.collapse.tempered_prior import (
    Tempered,
    exceptional_variance,
    gaussian_divergence,
    gaussian_entropy,
    tempered_gaussian,
)
from vaehelpers.collapse.threshold import collapse_spectrum, collapse_threshold

__all__ = [
    "LinearGaussian",
    "Tempered",
    "collapse_at",
    "collapse_spectrum",
    "collapse_threshold",
    "exceptional_variance",
    "gaussian_divergence",
    "gaussian_entropy",
    "no_code_pays_above",
    "tempered_gaussian",
]
