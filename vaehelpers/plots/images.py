"""Images in rows and grids."""

import numpy as np

from vaehelpers.data.checks import check_whole
from vaehelpers.plots.style import axis


def tile(images, n_columns):
    """Lay images `[N, H, W]`, `[N, H, W, 1]` or `[N, H, W, 3]` out as one, row by row; missing places stay white.

    Raises:
        TypeError: for a number of columns that is not whole.
        ValueError: for an array that is not such a batch, or no column.

    Example:
        >>> tile(np.zeros([5, 2, 3]), n_columns=4).shape
        (4, 12)
    """
    images = np.asarray(images)
    if images.ndim not in (3, 4) or len(images) == 0:
        raise ValueError(
            f"images has shape {images.shape}: pass at least one image, [N, H, W] or [N, H, W, C]"
        )
    n_columns = check_whole(n_columns, "n_columns")
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    n_rows = -(-len(images) // n_columns)
    height, width, *channels = images.shape[1:]
    places = np.full(
        [n_rows * n_columns, height, width, *channels], 1.0 if channels else 0.0
    )  # white, as drawn
    places[: len(images)] = images
    rows = places.reshape(n_rows, n_columns, height, width, *channels)
    return rows.swapaxes(1, 2).reshape(n_rows * height, n_columns * width, *channels)


def plot_image_rows(rows, ax=None):
    """Draw one row of images for each entry of `rows`, a dict from the row's label to images `[N, H, W, 1]`.

    Raises:
        ValueError: where the rows are not equally long and their images not equally large, and for no rows.

    Example:
        >>> ax = plot_image_rows({"digits": np.zeros([10, 28, 28, 1]), "decoded": np.ones([10, 28, 28, 1])})
        >>> [label.get_text() for label in ax.get_yticklabels()]
        ['digits', 'decoded']
    """
    batches = [np.asarray(images) for images in rows.values()]
    if len({images.shape for images in batches}) != 1:
        raise ValueError(
            f"rows holds images of shapes {[images.shape for images in batches]}: they must be equal"
        )
    n, height = batches[0].shape[:2]
    ax = axis(ax, (0.85 * n + 1, 0.85 * len(rows)))
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
    ax = axis(ax, (5, 5))
    ax.imshow(tile(images, n_columns), cmap="gray_r", vmin=0, vmax=1, extent=extent)
    if extent is None:
        ax.set_axis_off()
    return ax
