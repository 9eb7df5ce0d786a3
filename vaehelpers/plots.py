"""Figures of the lessons: every function takes arrays, draws on one axis and returns it."""

import matplotlib.pyplot as plt
import numpy as np

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#882255", "#999999", "#44AA99")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")


def _axis(ax, figsize):
    return plt.subplots(figsize=figsize, layout="constrained")[1] if ax is None else ax


def tile(images, n_columns):
    """Lay images `[N, H, W]`, `[N, H, W, 1]` or `[N, H, W, 3]` out as one, row by row; missing places stay white.

    Raises:
        ValueError: for an array that is not such a batch, or no column.

    Example:
        >>> tile(np.zeros([5, 2, 3]), n_columns=4).shape
        (4, 12)
    """
    images = np.asarray(images)
    if images.ndim not in (3, 4) or len(images) == 0:
        raise ValueError(f"images has shape {images.shape}: pass at least one image, [N, H, W] or [N, H, W, C]")
    if n_columns < 1:
        raise ValueError(f"n_columns is {n_columns}: pass at least 1")
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    n_rows = -(-len(images) // n_columns)
    height, width, *channels = images.shape[1:]
    places = np.full([n_rows * n_columns, height, width, *channels], 1.0 if channels else 0.0)  # white, as drawn
    places[: len(images)] = images
    rows = places.reshape(n_rows, n_columns, height, width, *channels)
    return rows.swapaxes(1, 2).reshape(n_rows * height, n_columns * width, *channels)


def plot_image_rows(rows, ax=None):
    """Draw one row of images for each entry of `rows`, a dict from the row's label to images `[N, H, W, 1]`.

    Raises:
        ValueError: where the rows are not equally long and their images not equally large.

    Example:
        >>> ax = plot_image_rows({"digits": np.zeros([10, 28, 28, 1]), "decoded": np.ones([10, 28, 28, 1])})
        >>> [label.get_text() for label in ax.get_yticklabels()]
        ['digits', 'decoded']
    """
    batches = [np.asarray(images) for images in rows.values()]
    if len({images.shape for images in batches}) != 1:
        raise ValueError(f"rows holds images of shapes {[images.shape for images in batches]}: they must be equal")
    n, height = batches[0].shape[:2]
    ax = _axis(ax, (0.85 * n + 1, 0.85 * len(rows)))
    ax.imshow(tile(np.concatenate(batches), n), cmap="gray_r", vmin=0, vmax=1)
    ax.set_yticks(height * (np.arange(len(rows)) + 0.5), rows)
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def plot_image_grid(images, n_columns, extent=None, ax=None):
    """Draw images as one grid, row by row; `extent` gives the axes' limits, as in matplotlib's `imshow`.

    Example:
        >>> plot_image_grid(np.zeros([6, 28, 28, 1]), n_columns=3).get_images()[0].get_size()
        (56, 84)
    """
    ax = _axis(ax, (5, 5))
    ax.imshow(tile(images, n_columns), cmap="gray_r", vmin=0, vmax=1, extent=extent)
    if extent is None:
        ax.set_axis_off()
    return ax


def plot_latent_plane(z_mean, labels, ax=None):
    """Draw codes `[N, 2]`, each class with its own colour and marker, over the circles of the standard normal.

    The circles hold 50 % and 95 % of the prior N(0, I).

    Raises:
        ValueError: where the codes are not `[N, 2]` with a label each.

    Example:
        >>> ax = plot_latent_plane(np.zeros([4, 2]), np.array([0, 1, 1, 7]))
        >>> ax.get_legend_handles_labels()[1]
        ['0', '1', '7']
    """
    z_mean, labels = np.asarray(z_mean), np.asarray(labels)
    if z_mean.ndim != 2 or z_mean.shape[1] != 2 or labels.shape != z_mean.shape[:1]:
        raise ValueError(f"z_mean has shape {z_mean.shape}, labels {labels.shape}: pass [N, 2] and [N]")
    ax = _axis(ax, (5.5, 5))
    for k, label in enumerate(np.unique(labels)):
        style = {"color": COLORS[k % len(COLORS)], "marker": MARKERS[k % len(MARKERS)]}
        ax.scatter(*z_mean[labels == label].T, s=12, linewidths=0, alpha=0.7, label=str(label), **style)
    for share in (0.5, 0.95):
        radius = np.sqrt(-2 * np.log(1 - share))
        ax.add_patch(plt.Circle((0, 0), radius, fill=False, linestyle=":", color="black"))
    ax.set(xlabel="z_mean, dimension 1", ylabel="z_mean, dimension 2", aspect="equal")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, markerscale=2)
    return ax


def plot_history(history, names=("distortion",), ax=None):
    """Draw metrics of a Keras `History` (or its dict) over the epochs: training solid, validation dashed.

    Raises:
        ValueError: for a metric that the history does not hold.

    Example:
        >>> ax = plot_history({"loss": [3.0, 2.0], "val_loss": [3.1, 2.2]}, names=["loss"])
        >>> ax.get_legend_handles_labels()[1]
        ['loss, training', 'loss, validation']
    """
    history = getattr(history, "history", history)
    names = [names] if isinstance(names, str) else names
    missing = [name for name in names if name not in history]
    if missing:
        raise ValueError(f"names holds {missing}, the history holds {sorted(history)}")
    ax = _axis(ax, (6, 3.5))
    for k, name in enumerate(names):
        for key, style, what in ((name, "-", "training"), (f"val_{name}", "--", "validation")):
            if key in history:
                epochs = np.arange(1, len(history[key]) + 1)
                ax.plot(epochs, history[key], style, color=COLORS[k], label=f"{name}, {what}")
    ax.set(xlabel="epoch", ylabel="nats per image")
    ax.legend(frameon=False)
    return ax


def plot_densities(grid, densities, ax=None):
    """Draw densities over one axis, a dict from label to values on `grid`, where any of them is above 0.1 %.

    Example:
        >>> ax = plot_densities(np.linspace(-1, 1, 5), {"q": np.ones(5)})
        >>> ax.get_legend_handles_labels()[1]
        ['q']
    """
    ax = _axis(ax, (5, 2.5))
    for k, (label, values) in enumerate(densities.items()):
        ax.plot(grid, values, ("-", "--", ":", "-.")[k % 4], color=COLORS[k % len(COLORS)], label=label)
    highest = np.max([*densities.values()], axis=0)
    shown = np.asarray(grid)[highest > 1e-3 * highest.max()]
    ax.set(xlabel="z", ylabel="density", xlim=(shown.min(), shown.max()), ylim=(0, None))
    ax.legend(frameon=False, fontsize=8)
    return ax


def plot_lengths(rows, ax=None):
    """Draw each row, a dict from label to a length in nats, as one bar of segments laid end to end.

    Example:
        >>> ax = plot_lengths({"minus ELBO": {"distortion": 2.0, "rate": 1.5}})
        >>> [float(patch.get_width()) for patch in ax.patches]
        [2.0, 1.5]
    """
    ax = _axis(ax, (6, 0.8 * len(rows) + 0.6))
    k = 0
    for place, segments in enumerate(rows.values()):
        start = 0.0
        for label, length in segments.items():
            ax.barh(
                place, length, left=start, color=COLORS[k % len(COLORS)], alpha=0.6, hatch=("", "//", "..", "xx")[k % 4]
            )
            text = {"ha": "center", "va": "center", "fontsize": 8, "backgroundcolor": "white"}
            ax.text(start + length / 2, place, f"{label} {length:.2f}", **text)
            start, k = start + length, k + 1
    ax.set(xlabel="nats", yticks=range(len(rows)), yticklabels=rows)
    ax.invert_yaxis()
    return ax


def plot_diagnosis(diagnosis, axes=None):
    """Draw a `Diagnosis`: images, reconstructions and samples; the KL of each latent dimension; the codes.

    The codes are the means of q in the two dimensions of largest KL (where the prior is learned: that move the most),
    over the circles of the standard normal; for one dimension they are a histogram under its density.

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
        >>> evaluation = SimpleNamespace(z_mean=np.zeros([10, 3]), kl_per_dim=np.array([0.0, 0.1, 2.0]))
        >>> axes = plot_diagnosis(SimpleNamespace(evaluation=evaluation, **rows))
        >>> axes[2].get_xlabel()
        'z_mean, dimension 2'
    """
    if axes is None:
        axes = [*plt.figure(figsize=(9, 6.5), layout="constrained").subplot_mosaic("AA;BC").values()]
    if len(axes) != 3:
        raise ValueError(f"axes holds {len(axes)}: pass three, for the images, the KL and the codes")
    names = ("images", "reconstructions", "samples")
    plot_image_rows({name: _drawable(getattr(diagnosis, name)) for name in names}, ax=axes[0])
    z_mean, kl_per_dim = diagnosis.evaluation.z_mean, np.asarray(diagnosis.evaluation.kl_per_dim)
    _plot_kl_per_dim(kl_per_dim, z_mean.shape[1], axes[1])
    _plot_codes(z_mean, kl_per_dim, axes[2])
    return np.array(axes)


def _drawable(images):
    """Images of any shape as `[N, H, W]` or `[N, H, W, 3]`: vectors as one row, other channels as their mean.

    An axis 1 of size 1 or 3 is that of the channels where the last axis is not.
    """
    if images.ndim == 2:
        return images[:, None]
    if images.ndim > 4:
        return images.reshape(*images.shape[:2], -1)
    if images.ndim == 4 and images.shape[1] in (1, 3) and images.shape[-1] not in (1, 3):
        images = np.moveaxis(images, 1, -1)
    return images if images.ndim == 3 or images.shape[-1] in (1, 3) else images.mean(axis=-1)


def _plot_kl_per_dim(kl_per_dim, latent_dim, ax):
    of_all = len(kl_per_dim) != latent_dim
    places = np.arange(1, len(kl_per_dim) + 1)
    ax.bar(places, kl_per_dim, color=COLORS[0])
    ax.set(xlabel="latent dimension", ylabel="mean KL to the prior, nats")
    if of_all or latent_dim <= 10:
        ax.set_xticks(places, ["all"] if of_all else None)
    else:
        ax.xaxis.get_major_locator().set_params(integer=True)


def _plot_codes(z_mean, kl_per_dim, ax):
    if z_mean.shape[1] == 1:
        codes = z_mean[np.isfinite(z_mean)]
        ax.hist(codes, bins=40, density=len(codes) > 0, color=COLORS[0], alpha=0.6, label="codes")
        grid = np.linspace(np.min([-3, *codes]), np.max([3, *codes]), 200)
        ax.plot(grid, np.exp(-0.5 * grid**2) / np.sqrt(2 * np.pi), ":", color="black", label="N(0, 1)")
        ax.set(xlabel="z_mean", ylabel="density")
        ax.legend(frameon=False)
        return
    learned_prior = len(kl_per_dim) != z_mean.shape[1]
    largest = np.argsort(-(z_mean.var(axis=0) if learned_prior else kl_per_dim), kind="stable")[:2]
    first, second = np.sort(largest)
    plot_latent_plane(z_mean[:, [first, second]], np.zeros(len(z_mean)), ax=ax).get_legend().remove()
    ax.set(xlabel=f"z_mean, dimension {first + 1}", ylabel=f"z_mean, dimension {second + 1}")
