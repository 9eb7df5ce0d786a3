"""When collapse is a local optimum, computed from the data alone (NumPy, no training)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from vaehelpers.data.checks import check_images, check_unmasked, check_whole
from vaehelpers.data.likelihoods import LIKELIHOODS, chosen_likelihood, known_likelihood

ALL_AT_ONCE = 1500  # images, or values in one, up to which all eigenvalues are computed, exactly
LARGEST_MATRIX = 4096  # values in an image, up to which all are where nobody asks for fewer
TOP = 50  # above that
BLOCK = 2**19  # pixels at once in another precision
TOLERANCE = 1e-6  # of an eigenvalue by Lanczos iterations: the share by which it may be off
WITH_THRESHOLD = tuple(name for name, entry in LIKELIHOODS.items() if entry.no_threshold is None)


def collapse_spectrum(
    x: ArrayLike,
    likelihood: str | Callable = "bernoulli",
    variance: ArrayLike = 1.0,
    *,
    most: int | None = None,
) -> np.ndarray:
    """The eigenvalues of `V^(-1/2) Sigma V^(-1/2)`, descending; the first is `collapse_threshold`.

    Sigma is the covariance of the pixels over the data, V the decoder's variance at the mean
    image: `mean (1 - mean)` for a Bernoulli, `variance` for a Gaussian. Pixels that never vary are
    left out. At the collapsed solution (the encoder gives the prior, the decoder the mean image) a
    small code along the k-th eigenvector pays off where beta is below the k-th eigenvalue. That is
    a statement about small codes, local stability; a large one may pay off above it.

    Args:
        x: images `[N, ...]`, in [0, 1] for a Bernoulli; bits or grey.
        likelihood: "bernoulli", "gaussian" or the function of `losses` of that name.
        variance: of the Gaussian: a number, an array of an image's shape, or "learned" for one
            shared variance that is trained: at collapse it is the mean variance of the pixels.
        most: how many eigenvalues are wanted; a few take far less time than all.

    Returns:
        `[most]`; by default `[D]` for up to 4,096 values in an image, else the 50 largest. No
        unit: a weight, as beta is.

    Raises:
        TypeError: for images or a variance that are no real numbers.
        ValueError: for a likelihood without such a formula, a variance that does not fit, images
            that do not vary.

    Source: Lucas et al. (2019) for the linear Gaussian case, Sicks et al. (2021) for exponential
    families.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(10_000, 2)) * [2.0, 0.5]
        >>> collapse_spectrum(x, "gaussian", variance=0.25).round(0)
        array([16.,  1.])
    """
    _, pixels, mean, weights = weighted(x, likelihood, variance)
    return largest(pixels, mean, weights, most)


def collapse_threshold(
    x: ArrayLike, likelihood: str | Callable = "bernoulli", variance: ArrayLike = 1.0
) -> float:
    """The beta above which the collapsed solution is a local optimum, for every architecture.

    Its decoder sees z alone, and its pixels are independent given z. Exactly at the threshold the
    second order decides nothing. Below it the collapsed solution is unstable wherever encoder and
    decoder can move along the first eigenvector. Both are derived for small codes; what training
    does in between 0.7 and 1.4 times it is another matter.

    Where there are more than 1,500 images, and values in one, it is computed without the other
    eigenvalues, to a millionth of itself.

    Arguments, errors and source as `collapse_spectrum`.

    Example:
        >>> bit = np.random.default_rng(0).integers(2, size=(1000, 1))
        >>> round(collapse_threshold(bit.repeat(3, axis=1)), 6)  # three copies of it
        3.0
    """
    return float(collapse_spectrum(x, likelihood, variance, most=1)[0])


def weighted(x, likelihood, variance):
    """The likelihood's name, the pixels `[N, D]`, their mean and weights `[D]`, all checked.

    A weight is `V^(-1/2)`, 0 for a pixel that never varies.
    """
    name = _likelihood_with_a_threshold(likelihood).name
    x = check_images(x, unit_interval=LIKELIHOODS[name].unit_interval)
    pixels = x.reshape(len(x), -1)
    mean = pixels.mean(axis=0, dtype="float64")
    varies = pixels.min(axis=0) < pixels.max(axis=0)
    if not varies.any():
        raise ValueError("x holds no pixel that varies: every model of it is a collapsed one")
    if name == "gaussian":
        scale = _gaussian_variance(pixels, mean, variance, x.shape[1:])
    elif np.shape(variance) == () and variance == 1:
        scale = mean * (1 - mean)
    else:
        raise ValueError("variance belongs to the Gaussian: a Bernoulli's follows from its mean")
    return name, pixels, mean, 1 / np.sqrt(np.where(varies, scale, np.inf))


def _likelihood_with_a_threshold(likelihood):
    known = known_likelihood(likelihood)
    if known and known.no_threshold:
        raise ValueError(
            f"likelihood is {known.name!r}, for which there is no such threshold: "
            f"{known.no_threshold}"
        )
    if known and getattr(likelihood, "keywords", None):
        said = f"likelihood is a partial that sets {', '.join(likelihood.keywords)}"
        raise ValueError(f"{said}: pass the function itself, and a Gaussian's variance as variance")
    return chosen_likelihood(likelihood, WITH_THRESHOLD)


def _gaussian_variance(pixels, mean, variance, image_shape):
    if isinstance(variance, str):
        if variance != "learned":
            raise ValueError(f"variance is {variance!r}: pass a number, an array or 'learned'")
        return sum((part**2).sum() for part in scaled(pixels, mean, 1.0)) / pixels.size
    if np.asarray(variance).dtype.kind not in "fiu":
        raise TypeError(
            f"variance is {variance!r}: pass a number above 0, an array of them or 'learned'"
        )
    check_unmasked(variance, "variance")
    variance = np.asarray(variance, "float64")
    if variance.shape not in ((), tuple(image_shape)):
        raise ValueError(
            f"variance has shape {variance.shape}: "
            f"pass a number or one for each pixel, {image_shape}"
        )
    if not (np.isfinite(variance).all() and (variance > 0).all()):
        raise ValueError("variance holds values that are not above 0")
    return np.broadcast_to(variance, image_shape).ravel()


def scaled(pixels, mean, weights):
    """`(pixels - mean) * weights` in blocks of rows, each in the precision of mean and weights."""
    mean = np.broadcast_to(mean, pixels.shape)
    weights = np.broadcast_to(weights, pixels.shape)
    rows = max(1, BLOCK // pixels.shape[1])
    for start in range(0, len(pixels), rows):
        some = slice(start, start + rows)
        yield (pixels[some] - mean[some]) * weights[some]


def largest(pixels, mean, weights, most=None):
    """The `most` largest eigenvalues, descending."""
    n, size = pixels.shape
    if most is None:
        most = size if size <= LARGEST_MATRIX else TOP
    most = min(check_whole(most, "most"), size)
    if min(n, size) <= ALL_AT_ONCE or (size <= LARGEST_MATRIX and most > TOP):
        return _all(pixels, mean, weights)[:most]
    return _by_lanczos(pixels, mean, weights, most)


def _all(pixels, mean, weights):
    """From the smaller of `A^T A` and `A A^T`, A the scaled pixels: they share what is not 0."""
    n, size = pixels.shape
    if n < size:
        parts = scaled(pixels.T, mean[:, None], weights[:, None])
    else:
        parts = scaled(pixels, mean, weights)
    second = sum(part.T @ part for part in parts)
    found = np.linalg.eigvalsh(second / n)[::-1].clip(0)
    return np.pad(found, (0, size - len(found)))


def _by_lanczos(pixels, mean, weights, most):
    """Without a D x D matrix or a copy of the pixels.

    The iterations, in float32, find the eigenvectors; the values are those vectors' in float64.
    """
    from scipy.sparse.linalg import LinearOperator, eigsh

    n, size = pixels.shape
    unit = (np.ptp(pixels, axis=0) * weights).max()  # what float32 holds, whatever the scale
    weights = weights / unit
    near = mean.astype("float32")
    rest = ((mean - near) * weights).astype("float32")  # far from 0, it would drown what varies
    weights32 = weights.astype("float32")

    def product(vector):
        vector = vector.ravel().astype("float32")
        total = np.zeros(size)
        for part in scaled(pixels, near, weights32):
            part -= rest
            total += (part @ vector) @ part
        return total / n

    operator = LinearOperator((size, size), matvec=product, dtype="float64")
    start = np.random.default_rng(0).standard_normal(size)
    _, vectors = eigsh(operator, k=most, v0=start, tol=TOLERANCE / 10)
    along = (part @ vectors for part in scaled(pixels, mean, weights))
    second = sum(part.T @ part for part in along) / n
    return np.linalg.eigvalsh(second)[::-1].clip(0) * unit**2
