"""When collapse is a local optimum, computed from the data alone (NumPy, no training)."""

import numpy as np

from vaehelpers.data import check_images

LARGEST_MATRIX = 4096  # values in an image, above which no D x D matrix is held
TOP = 50
REFUSED = {
    "laplace": "its second derivative is 0 but at the median, where many pixels lie",
    "continuous_bernoulli": "nearly black pixels, whose variance is nearly 0, decide it alone",
}


def collapse_spectrum(x, likelihood="bernoulli", variance=1.0):
    """The eigenvalues of `V^(-1/2) Sigma V^(-1/2)`, descending; the first is `collapse_threshold`.

    Sigma is the covariance of the pixels over the data, V the decoder's variance at the mean image: `mean (1 - mean)`
    for a Bernoulli, `variance` for a Gaussian. Pixels that never vary are left out. At the collapsed solution (the
    encoder gives the prior, the decoder the mean image) a small code along the k-th eigenvector pays off where beta is
    below the k-th eigenvalue. That is a statement about small codes, local stability; a large one may pay off above it.

    Args:
        x: images `[N, ...]`, in [0, 1] for a Bernoulli; bits or grey.
        likelihood: "bernoulli" or "gaussian".
        variance: of the Gaussian: a number, an array of an image's shape, or "learned" for one shared variance that is
            trained: at collapse it is the mean variance of the pixels.

    Returns:
        `[D]` for up to 4,096 values in an image, else the 50 largest. No unit: a weight, as beta is.

    Raises:
        ValueError: for a likelihood without such a formula, a variance that does not fit, images that do not vary.

    Source: Lucas et al. (2019) for the linear Gaussian case, Sicks et al. (2021) for exponential families.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(10_000, 2)) * [2.0, 0.5]
        >>> collapse_spectrum(x, "gaussian", variance=0.25).round(0)
        array([16.,  1.])
    """
    if likelihood in REFUSED:
        raise ValueError(f"likelihood is {likelihood!r}, for which there is no such threshold: {REFUSED[likelihood]}")
    if likelihood not in ("bernoulli", "gaussian"):
        raise ValueError(f"likelihood is {likelihood!r}: pass 'bernoulli' or 'gaussian'")
    x = check_images(x, unit_interval=likelihood == "bernoulli")
    pixels = x.reshape(len(x), -1)
    mean = pixels.mean(axis=0, dtype="float64")
    if likelihood == "bernoulli":
        if not isinstance(variance, (int, float)) or variance != 1.0:
            raise ValueError("variance belongs to the Gaussian: a Bernoulli's follows from its mean")
        scale = mean * (1 - mean)
    else:
        scale = _gaussian_variance(pixels, mean, variance, x.shape[1:])
    varies = (scale > 1e-12) & (pixels.min(axis=0) < pixels.max(axis=0))
    if not varies.any():
        raise ValueError("x holds no pixel that varies: every model of it is a collapsed one")
    return _eigenvalues(pixels, mean, np.where(varies, 1 / np.sqrt(np.where(varies, scale, 1.0)), 0.0))


def collapse_threshold(x, likelihood="bernoulli", variance=1.0):
    """The beta above which the collapsed solution is a local optimum, for every architecture.

    Below it the collapsed solution is unstable wherever encoder and decoder can move along the first eigenvector. Both
    are derived for small codes; what training does in between 0.7 and 1.4 times it is another matter.

    Arguments, errors and source as `collapse_spectrum`.

    Example:
        >>> x = np.random.default_rng(0).integers(2, size=(1000, 1)).repeat(3, axis=1)  # three copies of one bit
        >>> round(float(collapse_threshold(x)), 6)
        3.0
    """
    return collapse_spectrum(x, likelihood, variance)[0]


def _gaussian_variance(pixels, mean, variance, image_shape):
    if isinstance(variance, str):
        if variance != "learned":
            raise ValueError(f"variance is {variance!r}: pass a number, an array or 'learned'")
        total = sum(np.square(part - mean).sum() for part in _parts(pixels))
        return np.full(mean.shape, total / pixels.size)
    variance = np.asarray(variance, "float64")
    if variance.shape not in ((), tuple(image_shape)):
        raise ValueError(f"variance has shape {variance.shape}: pass a number or one for each pixel, {image_shape}")
    if not (np.isfinite(variance).all() and (variance > 0).all()):
        raise ValueError("variance holds values that are not above 0")
    return np.broadcast_to(variance, image_shape).ravel()


def _parts(pixels, rows=4096):
    return (pixels[start : start + rows].astype("float64") for start in range(0, len(pixels), rows))


def _eigenvalues(pixels, mean, weights):
    """Of the covariance of `weights * pixels`: all of them, or the largest by Lanczos iterations."""
    n, size = pixels.shape
    if size <= LARGEST_MATRIX:
        second = sum(part.T @ part for part in ((part - mean) * weights for part in _parts(pixels)))
        return np.linalg.eigvalsh(second / n)[::-1].clip(0)
    from scipy.sparse.linalg import LinearOperator, eigsh

    def product(vector):
        scaled = weights * vector.ravel()
        along = pixels @ scaled.astype("float32") - mean @ scaled
        return weights * (along.astype("float32") @ pixels) / n  # along sums to 0, so pixels need no centring

    operator = LinearOperator((size, size), matvec=product, dtype="float64")
    start = np.random.default_rng(0).standard_normal(size)
    return eigsh(operator, k=min(TOP, size - 1), v0=start, tol=1e-5, return_eigenvectors=False)[::-1].clip(0)
