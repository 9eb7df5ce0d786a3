"""Codes on the latent plane."""

import matplotlib.pyplot as plt
import numpy as np

from vaehelpers.plots.style import ArrayLike, Axes, as_it_is, axis, color, marker


def plot_latent_plane(z_mean: ArrayLike, labels: ArrayLike, ax: Axes | None = None) -> Axes:
    """Draw codes `[N, 2]`, each class with its colour and marker, over circles of the prior.

    The circles hold 50 % and 95 % of the prior N(0, I).

    Raises:
        ValueError: where the codes are not `[N, 2]` with a label each.

    Example:
        >>> ax = plot_latent_plane(np.zeros([4, 2]), np.array([0, 1, 1, 7]))
        >>> ax.get_legend_handles_labels()[1]
        ['0', '1', '7']
    """
    means = np.asarray(z_mean)
    classes = np.asarray(labels)
    if means.ndim != 2 or means.shape[1] != 2 or classes.shape != means.shape[:1]:
        raise ValueError(
            f"z_mean has shape {means.shape}, labels {classes.shape}: pass [N, 2] and [N]"
        )
    ax = axis(ax, (5.5, 5))
    for k, label in enumerate(np.unique(classes)):
        look = {"s": 12, "linewidths": 0, "alpha": 0.7, "color": color(k), "marker": marker(k)}
        ax.scatter(*means[classes == label].T, label=as_it_is(label), **look)
    for share in (0.5, 0.95):
        radius = np.sqrt(-2 * np.log(1 - share))
        ax.add_patch(plt.Circle((0, 0), radius, fill=False, linestyle=":", color="black"))
    ax.set(xlabel="z_mean, dimension 1", ylabel="z_mean, dimension 2", aspect="equal")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, markerscale=2)
    return ax
