"""How much the codes say about the images: the mutual information of x and z (NumPy)."""

import numpy as np
from numpy.typing import ArrayLike

from vaehelpers.data.checks import check_whole

WIDEST = 300.0  # of abs(z_log_var): beyond it float64 holds no ratio of two such densities
MOST_IMAGES = 10_000  # that a diagnosis takes: the time grows with their square
VALUES_AT_ONCE = 2**18  # pairs of images: 2 MB a buffer, which stays in the processor's cache


def mutual_information(
    z_mean: ArrayLike, z_log_var: ArrayLike, n_samples: int = 1, seed: int = 0
) -> float:
    """I(x; z) of q: the mean of `log q(z|x_n) - log(1/N sum over m of q(z|x_m))`, z ~ q(z|x_n).

    It is the rate minus KL(aggregate posterior || prior), whatever the prior. For these N images
    taken as all the data there are it is exact but for the noise of sampling, and never above log
    N. As an estimate for the population that they were drawn from it is a lower bound in
    expectation, close where it is well below log N: the InfoNCE bound with the true critic. Time
    grows with N^2 J: seconds for N = 10,000 and J = 10.

    Args:
        z_mean, z_log_var: of q(z|x_n), `[N, J]`, one row for each image.
        n_samples: draws for each image, at least 1.
        seed: of `np.random.default_rng`.

    Returns:
        A float, nats. It may be below 0 by the noise.

    Raises:
        TypeError: for arrays that hold no real numbers, and no whole number of samples.
        ValueError: where the codes are no finite `[N, J]` each, for log variances beyond ±300, for
            no sample.

    Source: Hoffman & Johnson (2016), "ELBO surgery"; Poole et al. (2019) for the bound.

    Example:
        >>> codes = np.repeat([[-100.0], [100.0]], 50, axis=0)  # two values far apart: one bit
        >>> round(mutual_information(codes, np.zeros([100, 1])), 4)  # log 2 nats
        0.6931
    """
    means, log_vars = checked_codes(z_mean, z_log_var)
    n_samples = check_whole(n_samples, "n_samples")
    n = len(means)
    rng = np.random.default_rng(seed)
    total = 0.0
    for _ in range(n_samples):
        noise = rng.standard_normal(means.shape)
        for _, ratios in log_density_ratios(means, log_vars, noise):
            total += _log_crowd(ratios).sum()
    return float(np.log(n) - total / (n * n_samples))


def _log_crowd(log_ratios):
    """log of the sum of each row's exponentials, in half the time of SciPy's logsumexp."""
    highest = log_ratios.max(axis=1, keepdims=True)
    return highest[:, 0] + np.log(np.exp(log_ratios - highest).sum(axis=1))


def blocks(n, at_once):
    """Slices of n rows, at most so many in each."""
    return [slice(start, start + at_once) for start in range(0, n, at_once)]


def log_density_ratios(z_mean, z_log_var, noise):
    """Slices of rows n, and for them and every m `log q(z_n|x_m) - log q(z_n|x_n)`.

    `z_n = z_mean_n + exp(z_log_var_n / 2) * noise_n`. The arrays are `[N, J]`, the ratios `[n, N]`,
    few enough to stay in the cache.
    """
    for rows in blocks(len(z_mean), max(1, VALUES_AT_ONCE // len(z_mean))):
        yield rows, _log_density_ratios(z_mean, z_log_var, noise, rows)


def _log_density_ratios(z_mean, z_log_var, noise, rows):
    """The means are subtracted first: for equal ones no rounding hides a narrow q's noise."""
    own = 0.5 * (np.square(noise[rows]) + z_log_var[rows]).sum(axis=1)
    ratios = own[:, None] - 0.5 * z_log_var.sum(axis=1)
    with np.errstate(over="ignore"):  # codes so far apart that their density there is 0
        for mean, log_var, eps in zip(z_mean.T, z_log_var.T, noise[rows].T, strict=True):
            distance = mean[rows, None] - mean
            distance += (np.exp(0.5 * log_var[rows]) * eps)[:, None]
            distance *= np.sqrt(0.5) * np.exp(-0.5 * log_var)
            ratios -= np.square(distance, out=distance)
    # The own one is 0 but for rounding, and no mixture may be below its own part.
    np.fill_diagonal(ratios[:, rows], 0.0)
    return ratios


def checked_codes(z_mean, z_log_var):
    """Both as float64 `[N, J]`.

    Raises:
        TypeError: for arrays that hold no real numbers.
        ValueError: for shapes that do not fit, NaN or infinite values, log variances beyond ±300.
    """
    z_mean = _finite(z_mean, "z_mean")
    z_log_var = _finite(z_log_var, "z_log_var")
    if z_mean.shape != z_log_var.shape:
        raise ValueError(
            f"z_mean has shape {z_mean.shape}, z_log_var {z_log_var.shape}: pass two arrays [N, J]"
        )
    if np.abs(z_log_var).max() > WIDEST:
        raise ValueError(
            f"z_log_var goes beyond ±{WIDEST:g}: it is a logarithm; pass np.log(variance), or clip "
            "it"
        )
    return z_mean, z_log_var


def _finite(values, name):
    values = np.asarray(values)
    if values.dtype.kind not in "fiu":
        raise TypeError(
            f"{name} holds {values.dtype}, not real numbers: pass a numeric array [N, J]"
        )
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"{name} has shape {values.shape}: pass one row for each image, [N, J]")
    if not np.isfinite(values).all():
        raise ValueError(
            f"{name} holds NaN or infinite values: look for the training step that made them"
        )
    return values.astype("float64")
