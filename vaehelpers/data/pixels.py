"""Grey levels as what a likelihood takes: bits, or values spread over [0, 1]."""

import numpy as np
from numpy.typing import ArrayLike

from vaehelpers.data.checks import check_images


def binarize(x: ArrayLike, seed: int | None = None) -> np.ndarray:
    """Turn grey values into bits: thresholded at 1/2, or drawn as probabilities of a 1.

    Args:
        x: images, grey values in [0, 1], any shape `[N, ...]`.
        seed: a whole number draws `x_bit ~ Bernoulli(x)`, as in Salakhutdinov & Murray (2008).
            `None` draws nothing: it thresholds, where other functions that sample take `None` for
            another draw at each call.

    Returns:
        An array of x's shape, float32, of zeros and ones.

    Raises:
        ValueError, TypeError: as `check_images`.

    Example:
        >>> binarize(np.array([[0.2, 0.9]])).tolist()
        [[0.0, 1.0]]
        >>> draws = binarize(np.full([1, 10_000], 0.3), seed=0)
        >>> bool(0.28 < draws.mean() < 0.32)
        True
    """
    x = check_images(x)
    threshold = (
        0.5 if seed is None else np.random.default_rng(seed).random(x.shape, dtype="float32")
    )
    return (x > threshold).astype("float32")


def dequantize(x: ArrayLike, seed: int | None = None) -> np.ndarray:
    """Spread each of 256 grey levels evenly over its 256th of [0, 1].

    The result is `(255 x + u) / 256`, u uniform on [0, 1). A density of exact grey levels has no
    upper limit: the model may put ever more of it on single values. Of these images it has one,
    and minus its logarithm in bits (`diagnostics.bits_per_dim`) bounds that of the levels.

    Args:
        x: images, grey levels 0, 1/255, ..., 1, any shape `[N, ...]`.
        seed: a whole number, or `None` for another draw at each call.

    Returns:
        An array of x's shape, float32, in [0, 1].

    Raises:
        ValueError, TypeError: as `check_images`.

    Source: Theis, van den Oord & Bethge (2016), section 3.1.

    Example:
        >>> spread = dequantize(np.ones([1, 1000]), seed=0)
        >>> bool(255 / 256 <= spread.min() and spread.max() <= 1)
        True
    """
    x = check_images(x)
    noise = np.random.default_rng(seed).random(x.shape, dtype="float32")
    return np.minimum((255 * x + noise) / 256, np.float32(1))
