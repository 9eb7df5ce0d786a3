"""What all figures share: colours told apart by the colour-blind and in print, labels, types."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

Labelled = Mapping[str, ArrayLike]  # a dict from label to values
Numbers = Sequence[float] | np.ndarray

COLORS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#882255",
    "#999999",
    "#44AA99",
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
HATCHES = ("", "//", "..", "xx")


def color(k):
    return COLORS[k % len(COLORS)]


def marker(k):
    return MARKERS[k % len(MARKERS)]


def axis(ax: Axes | None, figsize) -> Axes:
    return plt.subplots(figsize=figsize, layout="constrained")[1] if ax is None else ax


def as_it_is(text):
    """A caller's text: a dollar sign in it opens no formula of matplotlib's."""
    return str(text).replace("$", r"\$")


def check_some(entries, name, wanted):
    if not entries:
        raise ValueError(f"{name} is empty: pass at least one, {wanted}")
