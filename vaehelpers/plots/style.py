"""The house style of all figures: one colour one meaning, the title is the message."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

Labelled = Mapping[str, ArrayLike]  # a dict from label to values
Numbers = Sequence[float] | np.ndarray

MEANING = {
    "distortion": "#1F5FA8",
    "rate": "#C4501B",
    "elbo": "#2E7D55",
    "evidence": "#222222",
    "gap": "#8C8C8C",
    "posterior": "#222222",
    "q": "#C4501B",
    "prior": "#3D9BD1",
    "with": "#2E7D55",
    "without": "#8E4585",
}
INK = "#222222"
QUIET = "#6B6B6B"  # words beside the data; 5.3 to 1 on white
STYLE: Any = {  # of matplotlib
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "text.color": INK,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.labelsize": 11,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "lines.linewidth": 2,
    "lines.markersize": 6,
    "grid.color": "#E4E4E4",
    "legend.frameon": False,
    "figure.constrained_layout.h_pad": 0.08,  # between the message and the panels
    "figure.dpi": 144,
    "figure.facecolor": "white",
    "svg.hashsalt": "vaehelpers",
}
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


def subplots(
    title: str,
    *,
    columns: int = 1,
    rows: int = 1,
    width: float = 7.0,
    height: float = 3.0,
    **options: Any,
) -> tuple[Figure, Any]:
    """A figure in the house style, with its message as title.

    Args:
        title: the message, one sentence.
        columns, rows: how many axes; one axis comes back alone, several as an array.
        width, height: of the whole figure, in inches (144 dots each).
        **options: as `matplotlib.pyplot.subplots` takes them (`sharey`, `width_ratios`, ...).

    Returns:
        The figure and its axes.

    Raises:
        ValueError: for a title without words: what does the figure show?

    Example:
        >>> figure, ax = subplots("The code dies at 32", height=2)
        >>> ax.get_title(loc="left")
        'The code dies at 32'
    """
    if not title.strip():
        raise ValueError("title is empty: say in one sentence what the figure shows")
    with in_style():
        options = {"figsize": (width, height), "layout": "constrained"} | options
        axes: Any
        figure, axes = plt.subplots(rows, columns, **options)
        if rows * columns == 1:
            axes.set_title(as_it_is(title))
        else:
            figure.suptitle(as_it_is(title), x=0.01, ha="left", fontsize=12, fontweight="bold")
    return figure, axes


def ticks_at(ax: Axes, x: Iterable[float] = (), y: Iterable[float] = ()) -> None:
    """Set an axis' ticks at the values that were used, 1/4 written so, and at no others.

    Example:
        >>> _, ax = subplots("Three betas")
        >>> ticks_at(ax, x=[0.25, 1, 784])
        >>> [tick.get_text() for tick in ax.get_xticklabels()]
        ['1/4', '1', '784']
    """
    for ticks, values in ((ax.set_xticks, list(x)), (ax.set_yticks, list(y))):
        if values:
            ticks(values, [_written(value) for value in values])
            ticks([], minor=True)


def _written(value):
    """A fraction of 1 as 1/4, a large number as 10,000."""
    fraction = Fraction(value).limit_denominator(1_000_000)
    if fraction.numerator == 1 and fraction.denominator > 1:
        return f"1/{fraction.denominator:,}"
    return f"{value:,g}" if abs(value) < 1e6 else f"{value:g}"


@contextmanager
def in_style() -> Iterator[None]:
    """The house style for the figures that are made inside."""
    plt.draw_if_interactive()  # loads the backend: what that sets must outlast the style
    with plt.rc_context(STYLE):
        yield


def color(k):
    return COLORS[k % len(COLORS)]


def marker(k):
    return MARKERS[k % len(MARKERS)]


def meaning(name, k):
    """The colour that a name means in the whole course, else the k-th."""
    return MEANING.get(name, color(k))


def axis(ax: Axes | None, figsize) -> Axes:
    """The axis that was passed, or a new one in the house style."""
    if ax is not None:
        return ax
    with in_style():
        return plt.subplots(figsize=figsize, layout="constrained")[1]


def as_it_is(text):
    """A caller's text: a dollar sign in it opens no formula of matplotlib's."""
    return str(text).replace("$", r"\$")


def check_some(entries, name, wanted):
    if not entries:
        raise ValueError(f"{name} is empty: pass at least one, {wanted}")
