"""What each latent dimension tells about each known factor, and the gap that scores it (NumPy, float64, nats)."""

import numpy as np

ROWS = 64  # draws at once: their densities under 4,608 images are 2.4 MB, which stays in the cache
WIDEST = 300.0  # of abs(z_log_var): beyond it float64 holds no ratio of two such densities
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
        TypeError: for factors that are not whole numbers, or arrays that hold no real numbers.
        ValueError: for shapes that do not fit, NaN or infinite values, log variances beyond +-300, no sample.

    Source: Chen et al. (2018), arXiv 1802.04942, section 4.

    Example:
        >>> factors = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        >>> found = factor_information(factors[:, :1], np.full([4, 1], -20.0), factors)  # a copy of the first factor
        >>> (found / np.log(2) + 0.0).round(6)  # in bits
        array([[1., 0.]])
    """
    z_mean, z_log_var, factors = _checked(z_mean, z_log_var, factors)
    if not isinstance(n_samples, (int, np.integer)) or n_samples < 1:
        raise ValueError(f"n_samples is {n_samples!r}: pass a whole number, at least 1")
    noise = np.random.default_rng(seed).standard_normal((n_samples, len(z_mean)))
    sigma = np.copysign(np.exp(z_log_var / 2), z_mean)
    members = np.concatenate([column[:, None] == np.unique(column) for column in factors.T], axis=1)
    columns = zip((z_mean + sigma * noise[:, :, None]).T, z_mean.T, z_log_var.T, strict=True)
    return np.array([np.mean([_log_ratios(draw, *q, members) for draw in z.T], axis=0) for z, *q in columns])


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
        raise ValueError(f"z_mean has shape {z_mean.shape}: a gap needs two latent dimensions, pass [N, J] with J >= 2")
    entropies = np.array([_entropy(column) for column in factors.T])
    if not entropies.all():
        constant = ", ".join(map(str, np.flatnonzero(entropies == 0)))
        raise ValueError(f"factors has the same value everywhere in column {constant}: leave it out with np.delete")
    second, first = np.sort(factor_information(z_mean, z_log_var, factors, n_samples, seed), axis=0)[-2:]
    return float(((first - second) / entropies).mean())


def _log_ratios(z, mean, log_var, members):
    """`log q(z|v_k) - log q(z)` for one draw z `[N]` from each image's Gaussian, averaged over the images: `[K]`."""
    parts, ones = [slice(start, start + ROWS) for start in range(0, len(z), ROWS)], members.astype("float64")
    sums = np.concatenate([_relative_densities(z, mean, log_var, part) @ ones for part in parts])
    n_factors = members[0].sum()
    mixture = sums.sum(axis=1, keepdims=True) / (n_factors * len(z))  # the values of each factor cover every image
    mixture_of_value = (sums / members.sum(axis=0))[members].reshape(len(z), n_factors)
    return np.log(mixture_of_value / mixture).mean(axis=0)


def _relative_densities(z, mean, log_var, part):
    """`q(z_n|x_m) / q(z_n|x_n)` for n in a part of the draws and every m: `[n, N]`; no sum over m is below 1."""
    log_density = z[part, None] - mean
    log_density *= np.exp(-log_var / 2)
    np.square(log_density, out=log_density)
    log_density *= -0.5
    log_density -= log_var / 2
    rows = np.arange(len(z))[part]
    log_density -= log_density[rows - rows[0], rows][:, None]
    np.maximum(log_density, NOTHING, out=log_density)
    return np.exp(log_density, out=log_density)


def _entropy(column):
    frequencies = np.unique(column, return_counts=True)[1] / len(column)
    return -(frequencies * np.log(frequencies)).sum()


def _checked(z_mean, z_log_var, factors):
    z_mean, z_log_var = _real(z_mean, "z_mean"), _real(z_log_var, "z_log_var")
    if not (abs(z_log_var) <= WIDEST).all():
        raise ValueError(f"z_log_var goes beyond +-{WIDEST:g}: it is a logarithm; pass np.log(variance), or clip it")
    if z_mean.shape != z_log_var.shape:
        raise ValueError(f"z_mean has shape {z_mean.shape}, z_log_var {z_log_var.shape}: pass two arrays [N, J]")
    factors = np.asarray(factors)
    if factors.dtype.kind not in "iub":
        raise TypeError(f"factors holds {factors.dtype}, not whole numbers: number each factor's values 0, 1, 2, ...")
    if factors.ndim != 2 or len(factors) != len(z_mean) or factors.size == 0:
        cure = "add the axis with factors[:, None]" if factors.ndim == 1 else "one row for each row of z_mean"
        raise ValueError(f"factors has shape {factors.shape}, [{len(z_mean)}, K] is wanted: {cure}")
    return z_mean, z_log_var, factors


def _real(values, name):
    values = np.asarray(values)
    if values.dtype.kind not in "fiu":
        raise TypeError(f"{name} holds {values.dtype}, not real numbers: pass a numeric array [N, J]")
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"{name} has shape {values.shape}: pass one row for each image, [N, J]")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds NaN or infinite values: look for the training step that made them")
    return values.astype("float64")
