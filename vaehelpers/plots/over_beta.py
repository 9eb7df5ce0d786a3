"""What was measured over beta, on a logarithmic axis."""

import numpy as np

from vaehelpers.plots.style import COLORS, MARKERS, axis


def plot_over_beta(betas, values, label=None, k=0, join=False, ax=None):
    """Draw the mean of each row of `values` `[n, S]` over its beta, its bar one standard deviation over the S seeds.

    `k` picks the colour and the marker, `join` draws a line from point to point.

    Raises:
        ValueError: where `values` is not one row a beta, of two seeds at least.

    Example:
        >>> ax = plot_over_beta([1, 64], [[5.0, 5.2], [0.0, 0.0]], label="rate")
        >>> ax.get_xscale(), [float(y) for y in ax.lines[0].get_ydata()]
        ('log', [5.1, 0.0])
    """
    values = np.asarray(values)
    if values.ndim != 2 or len(values) != len(betas) or values.shape[1] < 2:
        raise ValueError(
            f"values has shape {values.shape} for {len(betas)} betas: pass [n, S], S at least 2"
        )
    ax = axis(ax, (6, 3))
    style = {
        "fmt": MARKERS[k % len(MARKERS)],
        "color": COLORS[k % len(COLORS)],
        "linestyle": "-" if join else "none",
    }
    ax.errorbar(
        betas, values.mean(axis=1), values.std(axis=1, ddof=1), capsize=3, label=label, **style
    )
    ax.set(xscale="log", xlabel="beta")
    return ax
