"""Several lines or histograms over one axis, told apart by colour and by dashes."""

import numpy as np

from vaehelpers.plots.style import COLORS, axis

DASHES = ("-", "--", ":", "-.")


def plot_lines(x, lines, ax=None):
    """Draw lines over one axis, a dict from label to values at `x`.

    Raises:
        ValueError: for no lines.

    Example:
        >>> ax = plot_lines([0, 1], {"half the square": [0.0, 0.5]})
        >>> [float(y) for y in ax.lines[0].get_ydata()]
        [0.0, 0.5]
    """
    if not lines:
        raise ValueError("lines is empty: pass at least one, a dict from label to values")
    ax = axis(ax, (5.5, 2.8))
    for k, (label, values) in enumerate(lines.items()):
        ax.plot(x, values, DASHES[k % 4], color=COLORS[k % len(COLORS)], label=label)
    ax.legend(frameon=False, fontsize=8)
    return ax


def plot_histograms(groups, bins, ax=None):
    """Count the values of each group, a dict from label to values, in the same bins, and draw the outlines.

    Raises:
        ValueError: for no groups.

    Example:
        >>> ax = plot_histograms({"3": [0.1, 0.9, 0.8]}, bins=[0, 0.5, 1])
        >>> ax.get_legend_handles_labels()[1]
        ['3']
    """
    if not groups:
        raise ValueError("groups is empty: pass at least one, a dict from label to values")
    ax = axis(ax, (5.5, 2.8))
    for k, (label, values) in enumerate(groups.items()):
        counts, edges = np.histogram(values, bins)
        ax.stairs(
            counts,
            edges,
            linestyle=DASHES[k % 4],
            color=COLORS[k % len(COLORS)],
            linewidth=2,
            label=label,
        )
    ax.set_ylabel("how many")
    ax.legend(frameon=False, fontsize=8)
    return ax
