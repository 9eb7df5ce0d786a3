"""How much the codes say about the images: the mutual information of x and z (NumPy)."""

import numpy as np

WIDEST = 300.0  # of abs(z_log_var), as in disentanglement: beyond it float64 holds no ratio of two such densities
MOST_IMAGES = 10_000  # that a diagnosis takes: the time grows with their square
VALUES_AT_ONCE = 2**18  # pairs of images: 2 MB a buffer, which stays in the processor's cache


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
        ValueError: where the codes are no finite `[N, J]` each, for log variances beyond ±300, for no whole number of
            samples or none.

    Source: Hoffman & Johnson (2016), "ELBO surgery"; Poole et al. (2019) for the bound.

    Example:
        >>> codes = np.repeat([[-100.0], [100.0]], 50, axis=0)  # two values far apart: one bit
        >>> round(mutual_information(codes, np.zeros([100, 1])), 4)  # log 2 nats
        0.6931
    """
    z_mean, z_log_var = np.asarray(z_mean, "float64"), np.asarray(z_log_var, "float64")
    if z_mean.ndim != 2 or z_mean.shape != z_log_var.shape or z_mean.size == 0:
        raise ValueError(f"z_mean has shape {z_mean.shape}, z_log_var {z_log_var.shape}: pass [N, J] and [N, J]")
    for name, values in (("z_mean", z_mean), ("z_log_var", z_log_var)):
        if not np.isfinite(values).all():
            raise ValueError(f"{name} holds NaN or infinite values: leave those images out")
    if np.abs(z_log_var).max() > WIDEST:
        raise ValueError(f"z_log_var goes beyond ±{WIDEST:g}: it is a logarithm; pass np.log(variance), or clip it")
    if not isinstance(n_samples, (int, np.integer)) or n_samples < 1:
        raise ValueError(f"n_samples is {n_samples!r}: pass a whole number, at least 1")
    n, rng, total = len(z_mean), np.random.default_rng(seed), 0.0
    chunk = max(1, VALUES_AT_ONCE // n)
    for _ in range(n_samples):
        noise = rng.standard_normal(z_mean.shape)
        starts = range(0, n, chunk)
        total += sum(_log_crowd(z_mean, z_log_var, noise, slice(start, start + chunk)).sum() for start in starts)
    return float(np.log(n) - total / (n * n_samples))


def _log_crowd(z_mean, z_log_var, noise, rows):
    """log of `sum over m of q(z_n|x_m) / q(z_n|x_n)` for the images n in `rows`: 0 where no other code is near."""
    log_ratios = np.zeros((len(noise[rows]), len(z_mean)))
    with np.errstate(over="ignore"):  # codes so far apart that their density there is 0
        for mean, log_var, eps in zip(z_mean.T, z_log_var.T, noise[rows].T, strict=True):
            distance = mean[rows, None] - mean  # the means first: for equal ones no rounding hides a narrow q's noise
            distance += (np.exp(0.5 * log_var[rows]) * eps)[:, None]
            distance *= np.exp(-0.5 * log_var)
            log_ratios -= 0.5 * (np.square(distance, out=distance) + log_var)
            log_ratios += 0.5 * (eps**2 + log_var[rows])[:, None]
    highest = log_ratios.max(axis=1, keepdims=True)
    return highest[:, 0] + np.log(np.exp(log_ratios - highest).sum(axis=1))
