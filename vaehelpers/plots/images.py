"""Images in rows and grids."""

import numpy as np

from vaehelpers.data.checks import check_whole
from vaehelpers.plots.style import ArrayLike, Axes, Labelled, Sequence, as_it_is, axis


def tile(images: ArrayLike, n_columns: int) -> np.ndarray:
    """Lay images `[N, H, W]`, `[N, H, W, 1]` or `[N, H, W, 3]` out as one, row by row.

    Missing places stay white.

    Raises:
        TypeError: for a number of columns that is not whole.
        ValueError: for an array that is not such a batch, or no column.

    Example:
        >>> tile(np.zeros([5, 2, 3]), n_columns=4).shape
        (4, 12)
    """
    batch = np.asarray(images)
    if batch.ndim not in (3, 4) or len(batch) == 0:
        raise ValueError(
            f"images has shape {batch.shape}: pass at least one image, [N, H, W] or [N, H, W, C]"
        )
    n_columns = check_whole(n_columns, "n_columns")
    if batch.ndim == 4 and batch.shape[-1] == 1:
        batch = batch[..., 0]
    missing = -len(batch) % n_columns
    white = 1.0 if batch.ndim == 4 else 0.0  # as drawn: grey images as ink
    places = np.pad(batch, [(0, missing)] + [(0, 0)] * (batch.ndim - 1), constant_values=white)
    rows = [np.hstack(row) for row in places.reshape(-1, n_columns, *batch.shape[1:])]
    return np.vstack(rows)


def plot_image_rows(
    rows: Labelled, ax: Axes | None = None, *, ends: Sequence[str] | None = None
) -> Axes:
    """Draw one row of images for each entry of `rows`, a dict from label to images `[N, H, W, 1]`.

    `ends` holds one text a row, written at its right end ("rate 5.5 nats").

    Raises:
        ValueError: where the rows are not equally long and their images not equally large, for no
            rows, and where there is not one end a row.

    Example:
        >>> digits = np.zeros([10, 28, 28, 1])
        >>> ax = plot_image_rows({"digits": digits, "inverted": 1 - digits})
        >>> [label.get_text() for label in ax.get_yticklabels()]
        ['digits', 'inverted']
    """
    shapes = [np.shape(images) for images in rows.values()]
    if len(set(shapes)) != 1:
        raise ValueError(f"rows holds images of shapes {shapes}: they must be equal")
    if ends is not None and len(ends) != len(rows):
        raise ValueError(f"ends holds {len(ends)} texts for {len(rows)} rows: pass one a row")
    n, height = shapes[0][:2]
    ax = axis(ax, (0.85 * n + 1, 0.85 * len(rows)))
    ax.imshow(tile(np.concatenate([*rows.values()]), n), cmap="gray_r", vmin=0, vmax=1)
    ax.set_yticks(height * (np.arange(len(rows)) + 0.5), map(as_it_is, rows))
    for place, end in zip(ax.get_yticks(), ends or [], strict=False):
        ax.text(n * shapes[0][2] + 6, place, as_it_is(end), va="center")
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def plot_image_grid(
    images: ArrayLike,
    n_columns: int,
    extent: tuple[float, float, float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw images as one grid, row by row.

    `extent` gives the axes' limits, as in matplotlib's `imshow`.

    Example:
        >>> plot_image_grid(np.zeros([6, 28, 28, 1]), n_columns=3).get_images()[0].get_size()
        (56, 84)
    """
    ax = axis(ax, (5, 5))
    ax.imshow(tile(images, n_columns), cmap="gray_r", vmin=0, vmax=1, extent=extent)
    if extent is None:
        ax.set_axis_off()
    return ax
