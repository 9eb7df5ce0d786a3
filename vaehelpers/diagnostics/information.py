"""How much the codes say about the images: the mutual information of x and z (NumPy)."""

import numpy as np

from vaehelpers.data.checks import check_whole
from vaehelpers.diagnostics.densities import blocks, checked_codes, log_density_ratios

MOST_IMAGES = 10_000  # that a diagnosis takes: the time grows with their square


def mutual_information(z_mean, z_log_var, n_samples=1, seed=0):
    """I(x; z) of q: the mean over n and `z ~ q(z|x_n)` of `log q(z|x_n) - log(1/N sum over m of q(z|x_m))`.

    It is the rate minus KL(aggregate posterior || prior), whatever the prior. For these N images taken as all the data
    there are it is exact but for the noise of sampling, and never above log N. As an estimate for the population that
    they were drawn from it is a lower bound in expectation, close where it is well below log N: the InfoNCE bound with
    the true critic. Time grows with N^2 J: seconds for N = 10,000 and J = 10.

    Args:
        z_mean, z_log_var: of q(z|x_n), `[N, J]`, one row for each image.
        n_samples: draws for each image, at least 1.
        seed: of `np.random.default_rng`.

    Returns:
        A float, nats. It may be below 0 by the noise.

    Raises:
        TypeError: for arrays that hold no real numbers, and no whole number of samples.
        ValueError: where the codes are no finite `[N, J]` each, for log variances beyond ±300, for no sample.

    Source: Hoffman & Johnson (2016), "ELBO surgery"; Poole et al. (2019) for the bound.

    Example:
        >>> codes = np.repeat([[-100.0], [100.0]], 50, axis=0)  # two values far apart: one bit
        >>> round(mutual_information(codes, np.zeros([100, 1])), 4)  # log 2 nats
        0.6931
    """
    z_mean, z_log_var = checked_codes(z_mean, z_log_var)
    n_samples = check_whole(n_samples, "n_samples")
    n = len(z_mean)
    rng = np.random.default_rng(seed)
    total = 0.0
    for _ in range(n_samples):
        noise = rng.standard_normal(z_mean.shape)
        total += sum(
            _log_crowd(log_density_ratios(z_mean, z_log_var, noise, rows)).sum()
            for rows in blocks(n)
        )
    return float(np.log(n) - total / (n * n_samples))


def _log_crowd(log_ratios):
    """log of `sum over m of q(z_n|x_m) / q(z_n|x_n)` for each row n: 0 where no other code is near."""
    highest = log_ratios.max(axis=1, keepdims=True)
    return highest[:, 0] + np.log(np.exp(log_ratios - highest).sum(axis=1))
