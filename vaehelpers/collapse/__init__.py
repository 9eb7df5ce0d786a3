"""What can be known without training: the threshold of collapse, and an exact model."""

from vaehelpers.collapse.linear_gaussian import LinearGaussian
from vaehelpers.collapse.no_code import collapse_at, no_code_pays_above
from vaehelpers.collapse.threshold import collapse_spectrum, collapse_threshold

__all__ = [
    "LinearGaussian",
    "collapse_at",
    "collapse_spectrum",
    "collapse_threshold",
    "no_code_pays_above",
]
