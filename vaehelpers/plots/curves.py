"""Numbers as lines and lengths: training histories, densities, terms that add up."""

import numpy as np

from vaehelpers.plots.lines import plot_lines
from vaehelpers.plots.style import COLORS, axis


def plot_history(history, names=("distortion",), ax=None):
    """Draw metrics of a Keras `History` (or its dict) over the epochs: training solid, validation dashed.

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
                epochs = np.arange(1, len(history[key]) + 1)
                ax.plot(
                    epochs,
                    history[key],
                    style,
                    color=COLORS[k % len(COLORS)],
                    label=f"{name}, {what}",
                )
    ax.set(xlabel="epoch", ylabel="nats per image")
    ax.legend(frameon=False)
    return ax


def plot_densities(grid, densities, ax=None):
    """Draw densities over one axis, a dict from label to values on `grid`, where any of them is above 0.1 %.

    Raises:
        ValueError: for no densities.

    Example:
        >>> ax = plot_densities(np.linspace(-1, 1, 5), {"q": np.ones(5)})
        >>> ax.get_legend_handles_labels()[1]
        ['q']
    """
    if not densities:
        raise ValueError(
            "densities is empty: pass at least one, a dict from label to values on the grid"
        )
    ax = plot_lines(grid, densities, axis(ax, (5, 2.5)))
    highest = np.max([*densities.values()], axis=0)
    shown = np.asarray(grid)[highest >= 1e-3 * highest.max()]
    ax.set(xlabel="z", ylabel="density", xlim=(shown.min(), shown.max()), ylim=(0, None))
    return ax


def plot_lengths(rows, ax=None):
    """Draw each row, a dict from label to a length in nats, as one bar of segments laid end to end.

    Raises:
        ValueError: for no rows.

    Example:
        >>> ax = plot_lengths({"minus ELBO": {"distortion": 2.0, "rate": 1.5}})
        >>> [float(patch.get_width()) for patch in ax.patches]
        [2.0, 1.5]
    """
    if not rows:
        raise ValueError(
            "rows is empty: pass at least one, a dict from the row's label to its segments"
        )
    ax = axis(ax, (6, 0.8 * len(rows) + 0.6))
    k = 0
    for place, segments in enumerate(rows.values()):
        start = 0.0
        for label, length in segments.items():
            style = {
                "color": COLORS[k % len(COLORS)],
                "hatch": ("", "//", "..", "xx")[k % 4],
                "alpha": 0.6,
            }
            ax.barh(place, length, left=start, **style)
            text = {"ha": "center", "va": "center", "fontsize": 8, "backgroundcolor": "white"}
            ax.text(start + length / 2, place, f"{label} {length:.2f}", **text)
            start += length
            k += 1
    ax.set(xlabel="nats", yticks=range(len(rows)), yticklabels=rows)
    ax.invert_yaxis()
    return ax
