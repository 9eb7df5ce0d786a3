"""Numbers as lines and lengths: histories, densities, histograms, terms that add up."""

from typing import Any

import numpy as np

from vaehelpers.plots.style import (
    HATCHES,
    ArrayLike,
    Axes,
    Labelled,
    Mapping,
    Numbers,
    Sequence,
    as_it_is,
    axis,
    check_some,
    color,
)

DASHES = ("-", "--", ":", "-.")


def plot_history(
    history: Any, names: str | Sequence[str] = ("distortion",), ax: Axes | None = None
) -> Axes:
    """Draw metrics of a Keras `History` (or its dict): training solid, validation dashed.

    Raises:
        ValueError: for no metric, and for one that the history does not hold.

    Example:
        >>> ax = plot_history({"loss": [3.0, 2.0], "val_loss": [3.1, 2.2]}, names=["loss"])
        >>> ax.get_legend_handles_labels()[1]
        ['loss, training', 'loss, validation']
    """
    history = getattr(history, "history", history)
    names = [names] if isinstance(names, str) else names
    missing = [name for name in names if name not in history]
    if missing or not names:
        raise ValueError(f"names holds {missing or 'nothing'}, the history holds {sorted(history)}")
    ax = axis(ax, (6, 3.5))
    for k, name in enumerate(names):
        for key, style, what in ((name, "-", "training"), (f"val_{name}", "--", "validation")):
            if key in history:
                epochs = range(1, len(history[key]) + 1)
                label = as_it_is(f"{name}, {what}")
                ax.plot(epochs, history[key], style, color=color(k), label=label)
    ax.set(xlabel="epoch", ylabel="nats per image")
    ax.legend(frameon=False)
    return ax


def plot_lines(x: ArrayLike, lines: Labelled, ax: Axes | None = None) -> Axes:
    """Draw lines over one axis, a dict from label to values at `x`.

    Raises:
        ValueError: for no lines.

    Example:
        >>> ax = plot_lines([0, 1], {"half the square": [0.0, 0.5]})
        >>> [float(y) for y in ax.lines[0].get_ydata()]
        [0.0, 0.5]
    """
    check_some(lines, "lines", "a dict from label to values")
    ax = axis(ax, (5.5, 2.8))
    for k, (label, values) in enumerate(lines.items()):
        ax.plot(x, values, DASHES[k % 4], color=color(k), label=as_it_is(label))
    ax.legend(frameon=False, fontsize=8)
    return ax


def plot_histograms(
    groups: Labelled,
    bins: int | Numbers | np.ndarray,
    ax: Axes | None = None,
) -> Axes:
    """Count each group's values, a dict from label to values, in the same bins, as outlines.

    Raises:
        ValueError: for no groups.

    Example:
        >>> ax = plot_histograms({"3": [0.1, 0.9, 0.8]}, bins=[0, 0.5, 1])
        >>> ax.get_legend_handles_labels()[1]
        ['3']
    """
    check_some(groups, "groups", "a dict from label to values")
    ax = axis(ax, (5.5, 2.8))
    for k, (label, values) in enumerate(groups.items()):
        look = {"linestyle": DASHES[k % 4], "color": color(k), "linewidth": 2}
        ax.stairs(*np.histogram(values, bins), label=as_it_is(label), **look)
    ax.set_ylabel("how many")
    ax.legend(frameon=False, fontsize=8)
    return ax


def plot_densities(grid: ArrayLike, densities: Labelled, ax: Axes | None = None) -> Axes:
    """Draw densities, a dict from label to values on `grid`, where any of them is above 0.1 %.

    Raises:
        ValueError: for no densities.

    Example:
        >>> ax = plot_densities(np.linspace(-1, 1, 5), {"q": np.ones(5)})
        >>> ax.get_legend_handles_labels()[1]
        ['q']
    """
    check_some(densities, "densities", "a dict from label to values on the grid")
    ax = plot_lines(grid, densities, axis(ax, (5, 2.5)))
    highest = np.max([np.asarray(values) for values in densities.values()], axis=0)
    shown = np.asarray(grid)[highest >= 1e-3 * highest.max()]
    ax.set(xlabel="z", ylabel="density", xlim=(shown.min(), shown.max()), ylim=(0, None))
    return ax


def plot_lengths(rows: Mapping[str, Mapping[str, float]], ax: Axes | None = None) -> Axes:
    """Draw each row, a dict from label to a length in nats, as one bar of segments end to end.

    Raises:
        ValueError: for no rows.

    Example:
        >>> ax = plot_lengths({"minus ELBO": {"distortion": 2.0, "rate": 1.5}})
        >>> [float(patch.get_width()) for patch in ax.patches]
        [2.0, 1.5]
    """
    check_some(rows, "rows", "a dict from the row's label to its segments")
    ax = axis(ax, (6, 0.8 * len(rows) + 0.6))
    text: dict[str, Any] = {
        "ha": "center",
        "va": "center",
        "fontsize": 8,
        "backgroundcolor": "white",
    }
    for place, segments in enumerate(rows.values()):
        start = 0.0
        for label, length in segments.items():
            k = len(ax.patches)
            look = {"color": color(k), "hatch": HATCHES[k % 4], "alpha": 0.6}
            ax.barh(place, length, left=start, **look)
            ax.text(start + length / 2, place, as_it_is(f"{label} {length:.2f}"), **text)
            start += length
    ax.set(xlabel="nats", yticks=range(len(rows)), yticklabels=map(as_it_is, rows))
    ax.invert_yaxis()
    return ax
