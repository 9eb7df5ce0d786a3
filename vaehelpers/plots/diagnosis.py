"""A `Diagnosis` as one figure."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

from vaehelpers.plots.codes import plot_latent_plane
from vaehelpers.plots.images import plot_image_rows
from vaehelpers.plots.style import COLORS, Axes, Sequence


def plot_diagnosis(diagnosis: Any, axes: Sequence[Axes] | None = None) -> np.ndarray:
    """Draw a `Diagnosis`: images beside what becomes of them; each dimension's KL; the codes.

    The codes are the means of q in the two dimensions of largest KL (where the prior is learned:
    that move the most), over the circles of the standard normal; for one dimension they are a
    histogram under its density.

    Args:
        diagnosis: what `diagnostics.diagnose` returns.
        axes: three of matplotlib's axes, or `None` for a new figure.

    Returns:
        The three axes, an array.

    Raises:
        ValueError: for another number of axes.

    Example:
        >>> from types import SimpleNamespace
        >>> rows = dict.fromkeys(["images", "reconstructions", "samples"], np.zeros([10, 8, 8]))
        >>> evaluation = SimpleNamespace(z_mean=np.zeros([10, 3]), kl_per_dim=[0.0, 0.1, 2.0])
        >>> axes = plot_diagnosis(SimpleNamespace(evaluation=evaluation, **rows))
        >>> axes[2].get_xlabel()
        'z_mean, dimension 2'
    """
    if axes is None:
        figure = plt.figure(figsize=(9, 6.5), layout="constrained")
        axes = [*figure.subplot_mosaic("AA;BC").values()]
    if len(axes) != 3:
        raise ValueError(
            f"axes holds {len(axes)}: pass three, for the images, the KL and the codes"
        )
    names = ("images", "reconstructions", "samples")
    plot_image_rows({name: _drawable(getattr(diagnosis, name)) for name in names}, ax=axes[0])
    z_mean = diagnosis.evaluation.z_mean
    kl_per_dim = np.asarray(diagnosis.evaluation.kl_per_dim)
    _plot_kl_per_dim(kl_per_dim, z_mean.shape[1], axes[1])
    if z_mean.shape[1] == 1:
        _plot_line_of_codes(z_mean[np.isfinite(z_mean)], axes[2])
    else:
        moves = kl_per_dim if len(kl_per_dim) == z_mean.shape[1] else z_mean.var(axis=0)
        _plot_plane_of_codes(z_mean, moves, axes[2])
    return np.array(axes)


def _drawable(images):
    """Images of any shape as `[N, H, W]` or `[N, H, W, 3]`.

    Vectors are one row, other channels their mean; an axis 1 of size 1 or 3 is that of the channels
    where the last axis is not.
    """
    if images.ndim == 2:
        return images[:, None]
    if images.ndim > 4:
        return images.reshape(*images.shape[:2], -1)
    if images.ndim == 4 and images.shape[1] in (1, 3) and images.shape[-1] not in (1, 3):
        images = np.moveaxis(images, 1, -1)
    return images if images.ndim == 3 or images.shape[-1] in (1, 3) else images.mean(axis=-1)


def _plot_kl_per_dim(kl_per_dim, latent_dim, ax):
    places = np.arange(1, len(kl_per_dim) + 1)
    ax.bar(places, kl_per_dim, color=COLORS[0])
    ax.set(xlabel="latent dimension", ylabel="mean KL to the prior, nats")
    if len(kl_per_dim) != latent_dim:
        ax.set_xticks(places, ["all"])
    elif latent_dim <= 10:
        ax.set_xticks(places)
    else:
        ax.xaxis.get_major_locator().set_params(integer=True)


def _plot_line_of_codes(codes, ax):
    ax.hist(codes, bins=40, density=len(codes) > 0, color=COLORS[0], alpha=0.6, label="codes")
    grid = np.linspace(np.min([-3, *codes]), np.max([3, *codes]), 200)
    ax.plot(grid, stats.norm.pdf(grid), ":", color="black", label="N(0, 1)")
    ax.set(xlabel="z_mean", ylabel="density")
    ax.legend(frameon=False)


def _plot_plane_of_codes(z_mean, moves, ax):
    """The two dimensions that move the most."""
    pair = np.sort(np.argsort(-moves, kind="stable")[:2])
    plot_latent_plane(z_mean[:, pair], np.zeros(len(z_mean)), ax=ax).get_legend().remove()
    first, second = (f"z_mean, dimension {j + 1}" for j in pair)
    ax.set(xlabel=first, ylabel=second)
