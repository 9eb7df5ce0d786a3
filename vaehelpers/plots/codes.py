"""Codes on the latent plane."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patheffects import withStroke

from vaehelpers.plots.style import INK, MEANING, ArrayLike, Axes, as_it_is, axis, color, marker

HALO = [withStroke(linewidth=3, foreground="white")]
APART = 0.4  # of two classes' names, in standard deviations of the prior


def plot_latent_plane(z_mean: ArrayLike, labels: ArrayLike, ax: Axes | None = None) -> Axes:
    """Draw codes `[N, 2]`, each class with its colour and marker, over circles of the prior.

    The circles hold 50 % and 95 % of the prior N(0, I), which is written at them. A class has its
    name at its median, where no other class's median is near; the legend names all.

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
    medians = {}
    for k, label in enumerate(np.unique(classes)):
        own = means[classes == label]
        look = {"s": 14, "linewidths": 0, "alpha": 0.7, "color": color(k), "marker": marker(k)}
        ax.scatter(*own.T, label=as_it_is(label), **look)
        medians[as_it_is(label)] = np.median(own, axis=0)
    _name_classes(ax, medians)
    _circle_prior(ax)
    ax.set(xlabel="z_mean, dimension 1", ylabel="z_mean, dimension 2", aspect="equal")
    legend = ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, markerscale=2)
    plt.setp(legend.legend_handles, alpha=1)
    return ax


def _name_classes(ax, medians):
    """A class's name at its median; one class alone needs none."""
    places = np.array([*medians.values()])
    for label, place in medians.items():
        distances = np.sort(np.hypot(*(places - place).T))
        if len(distances) > 1 and distances[1] > APART:
            look = {"ha": "center", "va": "center", "fontsize": 15, "fontweight": "bold"}
            ax.text(*place, label, color=INK, path_effects=HALO, **look)


def _circle_prior(ax):
    """Two circles of the prior, each with its share written at its top."""
    ink = MEANING["prior"]
    for share in (0.5, 0.95):
        radius = np.sqrt(-2 * np.log(1 - share))
        look = {"fill": False, "linestyle": "--", "linewidth": 1.5, "edgecolor": ink}
        ax.add_patch(plt.Circle((0, 0), radius, **look))
        look = {"ha": "center", "va": "bottom", "fontsize": 9, "path_effects": HALO}
        ax.text(0, radius, f"{share:.0%} of the prior", color=ink, **look)
