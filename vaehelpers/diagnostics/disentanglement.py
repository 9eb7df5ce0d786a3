"""What each latent dimension tells about each known factor, and the gap that scores it (NumPy, float64, nats)."""

import numpy as np

from vaehelpers.data.checks import check_whole
from vaehelpers.diagnostics.densities import blocks, checked_codes, log_density_ratios

NOTHING = -700.0  # log of what adds nothing to a sum above 1; below it exp takes twice as long


def factor_information(z_mean, z_log_var, factors, n_samples=1, seed=0):
    """The mutual information of each latent dimension with each factor: the mean of `log q(z_j|v_k) - log q(z_j)`.

    The N images are the data: `q(z_j)` is the equal mixture of their N Gaussians, `q(z_j|v)` that of the images whose
    factor has the value v, and `z_j` is drawn from each image's own Gaussian, `n_samples` times. Both mixtures hold
    that Gaussian itself. That is right where the N images are the whole distribution, as a complete grid is; for a
    sample of a larger one the result is biased upward (to H(v_k) for narrow Gaussians, even where the code knows
    nothing of v_k).

    It is at most the factor's entropy H(v_k). Noise of the draws can bring it a little below 0. All dimensions share
    their noise, `z = z_mean + exp(z_log_var / 2) * sign(z_mean) * noise` with `noise [n_samples, N]`, so that permuted,
    mirrored or rescaled dimensions have the same information, not nearly the same.

    Args:
        z_mean, z_log_var: of `q(z|x)` for N images, `[N, J]`.
        factors: `[N, K]`, whole numbers, the values of K factors.
        n_samples: draws from each image's Gaussian, at least 1. Time grows as `n_samples * J * N^2`.
        seed: a whole number; the same seed gives the same noise.

    Returns:
        `[J, K]`, float64, nats.

    Raises:
        TypeError: for factors or n_samples that are not whole numbers, or arrays that hold no real numbers.
        ValueError: for shapes that do not fit, NaN or infinite values, log variances beyond ±300, no sample.

    Source: Chen et al. (2018), arXiv 1802.04942, section 4.

    Example:
        >>> factors = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        >>> found = factor_information(factors[:, :1], np.full([4, 1], -20.0), factors)  # a copy of the first factor
        >>> (found / np.log(2) + 0.0).round(6)  # in bits
        array([[1., 0.]])
    """
    z_mean, z_log_var, factors = _checked(z_mean, z_log_var, factors)
    n_samples = check_whole(n_samples, "n_samples")
    draws = np.random.default_rng(seed).standard_normal((n_samples, len(z_mean), 1)) * np.copysign(
        1.0, z_mean
    )
    members = np.concatenate([column[:, None] == np.unique(column) for column in factors.T], axis=1)
    columns = [
        (z_mean[:, [j]], z_log_var[:, [j]], draws[:, :, [j]]) for j in range(z_mean.shape[1])
    ]
    return np.array(
        [
            np.mean([_log_ratios(*q, noise, members) for noise in noises], axis=0)
            for *q, noises in columns
        ]
    )


def mutual_information_gap(z_mean, z_log_var, factors, n_samples=1, seed=0):
    """MIG, the mean over factors of `(I(z_j; v_k) - I(z_i; v_k)) / H(v_k)`, j the most informed dimension, i the next.

    1 where each factor is known from one dimension and from no other; 0 where the two best know equally much of it,
    be it nothing. H is the entropy of the factor's frequencies.

    It depends on the axes of the latent space. A rotation of them, which the prior does not see and a decoder can
    undo, leaves the model's likelihood as it is and changes the gap: no likelihood tells the two codes apart, and
    without an inductive bias there is no disentanglement to be learned (Locatello et al. 2019, arXiv 1811.12359).
    They found that a run's seed matters as much as beta, so compare several seeds. Nor does it ask whether a dimension
    holds one factor only: two factors in the same dimension are no loss.

    Arguments and errors as `factor_information`; besides, ValueError for a single dimension, which has no second, and
    for a factor that has the same value everywhere.

    Returns:
        A number, at most 1, without unit.

    Source: Chen et al. (2018), arXiv 1802.04942, equation 6.

    Example:
        >>> factors = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        >>> rotated = factors @ np.array([[1, 1], [1, -1]])  # each axis now knows half of each factor
        >>> narrow = np.full([4, 2], -20.0)
        >>> [round(mutual_information_gap(z_mean, narrow, factors), 6) + 0.0 for z_mean in (factors, rotated)]
        [1.0, 0.0]
    """
    z_mean, z_log_var, factors = _checked(z_mean, z_log_var, factors)
    if z_mean.shape[1] < 2:
        raise ValueError(
            f"z_mean has shape {z_mean.shape}: a gap needs two latent dimensions, pass [N, J] with J >= 2"
        )
    entropies = np.array([_entropy(column) for column in factors.T])
    if not entropies.all():
        constant = ", ".join(map(str, np.flatnonzero(entropies == 0)))
        raise ValueError(
            f"factors has the same value everywhere in column {constant}: leave it out with np.delete"
        )
    second, first = np.sort(
        factor_information(z_mean, z_log_var, factors, n_samples, seed), axis=0
    )[-2:]
    return float(((first - second) / entropies).mean())


def _log_ratios(z_mean, z_log_var, noise, members):
    """`log q(z|v_k) - log q(z)` for one draw from each image's Gaussian, averaged over the images: `[K]`."""
    n = len(z_mean)
    ones = members.astype("float64")
    sums = np.concatenate(
        [_relative_densities(z_mean, z_log_var, noise, rows) @ ones for rows in blocks(n)]
    )
    n_factors = members[0].sum()
    mixture = sums.sum(axis=1, keepdims=True) / (
        n_factors * n
    )  # the values of each factor cover every image
    mixture_of_value = (sums / members.sum(axis=0))[members].reshape(n, n_factors)
    return np.log(mixture_of_value / mixture).mean(axis=0)


def _relative_densities(z_mean, z_log_var, noise, rows):
    """`q(z_n|x_m) / q(z_n|x_n)` for n in `rows` and every m: `[n, N]`; the own one is 1, so no sum over m is less."""
    log_ratios = log_density_ratios(z_mean, z_log_var, noise, rows)
    np.maximum(log_ratios, NOTHING, out=log_ratios)
    return np.exp(log_ratios, out=log_ratios)


def _entropy(column):
    frequencies = np.unique(column, return_counts=True)[1] / len(column)
    return -(frequencies * np.log(frequencies)).sum()


def _checked(z_mean, z_log_var, factors):
    z_mean, z_log_var = checked_codes(z_mean, z_log_var)
    factors = np.asarray(factors)
    if factors.dtype.kind not in "iub":
        raise TypeError(
            f"factors holds {factors.dtype}, not whole numbers: number each factor's values 0, 1, 2, ..."
        )
    if factors.ndim != 2 or len(factors) != len(z_mean) or factors.size == 0:
        cure = (
            "add the axis with factors[:, None]"
            if factors.ndim == 1
            else "one row for each row of z_mean"
        )
        raise ValueError(f"factors has shape {factors.shape}, [{len(z_mean)}, K] is wanted: {cure}")
    return z_mean, z_log_var, factors
