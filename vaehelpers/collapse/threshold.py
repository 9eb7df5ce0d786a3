"""When collapse is a local optimum, computed from the data alone (NumPy, no training)."""

import numpy as np

from vaehelpers.data import check_images
from vaehelpers.data.likelihoods import LIKELIHOODS, chosen_likelihood, known_likelihood

LARGEST_MATRIX = 4096  # values in an image, above which no D x D matrix is held
ALL_FOR_ONE = (
    1500  # values in an image, up to which all eigenvalues cost no more than the first alone
)
TOP = 50
ROWS = 4096  # images at once in float64
TOLERANCE = 1e-6  # of a Lanczos value: an eigenvalue lies within this share of it
WITH_THRESHOLD = tuple(name for name, entry in LIKELIHOODS.items() if entry.no_threshold is None)


def collapse_spectrum(x, likelihood="bernoulli", variance=1.0):
    """The eigenvalues of `V^(-1/2) Sigma V^(-1/2)`, descending; the first is `collapse_threshold`.

    Sigma is the covariance of the pixels over the data, V the decoder's variance at the mean image: `mean (1 - mean)`
    for a Bernoulli, `variance` for a Gaussian. Pixels that never vary are left out. At the collapsed solution (the
    encoder gives the prior, the decoder the mean image) a small code along the k-th eigenvector pays off where beta is
    below the k-th eigenvalue. That is a statement about small codes, local stability; a large one may pay off above it.

    Args:
        x: images `[N, ...]`, in [0, 1] for a Bernoulli; bits or grey.
        likelihood: "bernoulli", "gaussian" or the function of `losses` of that name.
        variance: of the Gaussian: a number, an array of an image's shape, or "learned" for one shared variance that is
            trained: at collapse it is the mean variance of the pixels.

    Returns:
        `[D]` for up to 4,096 values in an image, else the 50 largest. No unit: a weight, as beta is.

    Raises:
        TypeError: for images or a variance that are no real numbers.
        ValueError: for a likelihood without such a formula, a variance that does not fit, images that do not vary.

    Source: Lucas et al. (2019) for the linear Gaussian case, Sicks et al. (2021) for exponential families.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(10_000, 2)) * [2.0, 0.5]
        >>> collapse_spectrum(x, "gaussian", variance=0.25).round(0)
        array([16.,  1.])
    """
    pixels, mean, weights = _weighted(x, likelihood, variance)
    if pixels.shape[1] <= LARGEST_MATRIX:
        return _eigenvalues(pixels, mean, weights)
    return _largest(pixels, mean, weights, TOP)


def collapse_threshold(x, likelihood="bernoulli", variance=1.0):
    """The beta above which the collapsed solution is a local optimum, for every architecture.

    Below it the collapsed solution is unstable wherever encoder and decoder can move along the first eigenvector. Both
    are derived for small codes; what training does in between 0.7 and 1.4 times it is another matter.

    Above 1,500 values in an image it is computed without the other eigenvalues, to a millionth of itself.

    Arguments, errors and source as `collapse_spectrum`.

    Example:
        >>> x = np.random.default_rng(0).integers(2, size=(1000, 1)).repeat(3, axis=1)  # three copies of one bit
        >>> round(float(collapse_threshold(x)), 6)
        3.0
    """
    pixels, mean, weights = _weighted(x, likelihood, variance)
    if pixels.shape[1] <= ALL_FOR_ONE:
        return _eigenvalues(pixels, mean, weights)[0]
    return _largest(pixels, mean, weights, 1)[0]


def _weighted(x, likelihood, variance):
    """The pixels `[N, D]`, their mean `[D]`, and the weights `V^(-1/2)` `[D]`, 0 for a pixel that never varies."""
    name = _likelihood_with_a_threshold(likelihood).name
    x = check_images(x, unit_interval=LIKELIHOODS[name].unit_interval)
    pixels = x.reshape(len(x), -1)
    mean = pixels.mean(axis=0, dtype="float64")
    if name == "gaussian":
        scale = _gaussian_variance(pixels, mean, variance, x.shape[1:])
    elif np.shape(variance) == () and variance == 1:
        scale = mean * (1 - mean)
    else:
        raise ValueError("variance belongs to the Gaussian: a Bernoulli's follows from its mean")
    varies = (scale > 1e-12) & (pixels.min(axis=0) < pixels.max(axis=0))
    if not varies.any():
        raise ValueError("x holds no pixel that varies: every model of it is a collapsed one")
    return pixels, mean, np.where(varies, 1 / np.sqrt(np.where(varies, scale, 1.0)), 0.0)


def _likelihood_with_a_threshold(likelihood):
    known = known_likelihood(likelihood)
    if known and known.no_threshold:
        raise ValueError(
            f"likelihood is {known.name!r}, for which there is no such threshold: {known.no_threshold}"
        )
    if known and getattr(likelihood, "keywords", None):
        said = f"likelihood is a partial that sets {', '.join(likelihood.keywords)}"
        raise ValueError(f"{said}: pass the function itself, and a Gaussian's variance as variance")
    return chosen_likelihood(likelihood, WITH_THRESHOLD)


def _gaussian_variance(pixels, mean, variance, image_shape):
    if isinstance(variance, str):
        if variance != "learned":
            raise ValueError(f"variance is {variance!r}: pass a number, an array or 'learned'")
        total = sum(np.square(part - mean).sum() for part in _parts(pixels))
        return np.full(mean.shape, total / pixels.size)
    if np.asarray(variance).dtype.kind not in "fiu":
        raise TypeError(
            f"variance is {variance!r}: pass a number above 0, an array of them or 'learned'"
        )
    variance = np.asarray(variance, "float64")
    if variance.shape not in ((), tuple(image_shape)):
        raise ValueError(
            f"variance has shape {variance.shape}: pass a number or one for each pixel, {image_shape}"
        )
    if not (np.isfinite(variance).all() and (variance > 0).all()):
        raise ValueError("variance holds values that are not above 0")
    return np.broadcast_to(variance, image_shape).ravel()


def _parts(pixels, rows=ROWS):
    return (pixels[start : start + rows].astype("float64") for start in range(0, len(pixels), rows))


def _eigenvalues(pixels, mean, weights):
    """All eigenvalues of the covariance of `weights * pixels`, descending."""
    n = len(pixels)
    second = sum(part.T @ part for part in ((part - mean) * weights for part in _parts(pixels)))
    return np.linalg.eigvalsh(second / n)[::-1].clip(0)


def _largest(pixels, mean, weights, k):
    """The k largest of them, descending, by Lanczos iterations: no D x D matrix is held."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    n, size = pixels.shape
    # Centred before it is rounded: in float32 a mean far from 0 would drown what varies.
    scaled = np.empty(pixels.shape, "float32")
    for start in range(0, n, ROWS):
        scaled[start : start + ROWS] = (pixels[start : start + ROWS] - mean) * weights

    def product(vector):
        return scaled.T @ (scaled @ vector.ravel().astype("float32")) / n

    operator = LinearOperator((size, size), matvec=product, dtype="float64")
    start = np.random.default_rng(0).standard_normal(size)
    found = eigsh(operator, k=min(k, size - 1), v0=start, tol=TOLERANCE, return_eigenvectors=False)
    return found[::-1].clip(0)
