"""What each latent dimension tells about each known factor, and the gap that scores it (NumPy)."""

import numpy as np
from numpy.typing import ArrayLike

from vaehelpers.data.checks import check_whole
from vaehelpers.diagnostics.information import checked_codes, log_density_ratios

NOTHING = -700.0  # log of what adds nothing to a sum above 1; below it exp takes twice as long


def factor_information(
    z_mean: ArrayLike, z_log_var: ArrayLike, factors: ArrayLike, n_samples: int = 1, seed: int = 0
) -> np.ndarray:
    """The mutual information of each latent dimension with each factor.

    It is the mean of `log q(z_j|v_k) - log q(z_j)`. The N images are the data: `q(z_j)` is the
    equal mixture of their N Gaussians, `q(z_j|v)` that of the images whose factor has the value v,
    and `z_j` is drawn from each image's own Gaussian, `n_samples` times. Both mixtures hold that
    Gaussian itself. That is right where the N images are the whole distribution, as a complete grid
    is; for a sample of a larger one the result is biased upward (to H(v_k) for narrow Gaussians,
    even where the code knows nothing of v_k).

    It is at most the factor's entropy H(v_k). Noise of the draws can bring it a little below 0. All
    dimensions share their noise, `z = z_mean + exp(z_log_var / 2) * sign(z_mean) * noise` with
    `noise [n_samples, N]`, so that permuted, mirrored or rescaled dimensions have the same
    information, not nearly the same.

    Args:
        z_mean, z_log_var: of `q(z|x)` for N images, `[N, J]`.
        factors: `[N, K]`, whole numbers, the values of K factors.
        n_samples: draws from each image's Gaussian, at least 1. Time grows as
            `n_samples * J * N^2`.
        seed: a whole number; the same seed gives the same noise.

    Returns:
        `[J, K]`, float64, nats.

    Raises:
        TypeError: for factors or n_samples that are not whole numbers, or arrays that hold no real
            numbers.
        ValueError: for shapes that do not fit, NaN or infinite values, log variances beyond ±300,
            no sample.

    Source: Chen et al. (2018), arXiv 1802.04942, section 4.

    Example:
        >>> factors = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        >>> narrow = np.full([4, 1], -20.0)
        >>> found = factor_information(factors[:, :1], narrow, factors)  # a copy of the first
        >>> (found / np.log(2) + 0.0).round(6)  # in bits
        array([[1., 0.]])
    """
    means, log_vars = checked_codes(z_mean, z_log_var)
    labels = _checked_factors(factors, len(means))
    n_samples = check_whole(n_samples, "n_samples")
    draws = np.random.default_rng(seed).standard_normal((n_samples, len(means), 1))
    draws = draws * np.copysign(1.0, means)
    members = np.concatenate([column[:, None] == np.unique(column) for column in labels.T], axis=1)
    information = []
    for j in range(means.shape[1]):
        mean, log_var = means[:, [j]], log_vars[:, [j]]
        of_draws = [_log_ratios(mean, log_var, draw[:, [j]], members) for draw in draws]
        information.append(np.mean(of_draws, axis=0))
    return np.array(information)


def mutual_information_gap(
    z_mean: ArrayLike, z_log_var: ArrayLike, factors: ArrayLike, n_samples: int = 1, seed: int = 0
) -> float:
    """MIG, the mean over factors of `(I(z_j; v_k) - I(z_i; v_k)) / H(v_k)`.

    j is the most informed dimension, i the next. It is 1 where each factor is known from one
    dimension and from no other; 0 where the two best know equally much of it, be it nothing. H is
    the entropy of the factor's frequencies.

    It depends on the axes of the latent space. A rotation of them, which the prior does not see and
    a decoder can undo, leaves the model's likelihood as it is and changes the gap: no likelihood
    tells the two codes apart, and without an inductive bias there is no disentanglement to be
    learned (Locatello et al. 2019, arXiv 1811.12359). They found that a run's seed matters as much
    as beta, so compare several seeds. Nor does it ask whether a dimension holds one factor only:
    two factors in the same dimension are no loss.

    Arguments and errors as `factor_information`; besides, ValueError for a single dimension, which
    has no second, and for a factor that has the same value everywhere.

    Returns:
        A number, at most 1, without unit.

    Source: Chen et al. (2018), arXiv 1802.04942, equation 6.

    Example:
        >>> factors = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        >>> rotated = factors @ [[1, 1], [1, -1]]  # each axis now knows half of each factor
        >>> narrow = np.full([4, 2], -20.0)
        >>> round(mutual_information_gap(factors, narrow, factors), 6)
        1.0
        >>> round(mutual_information_gap(rotated, narrow, factors), 6) + 0.0
        0.0
    """
    information = factor_information(z_mean, z_log_var, factors, n_samples, seed)
    if len(information) < 2:
        raise ValueError(
            f"z_mean has shape {np.shape(z_mean)}: a gap needs two latent dimensions, pass [N, J] "
            "with J >= 2"
        )
    counts = [np.unique(column, return_counts=True)[1] for column in np.transpose(factors)]
    constant = ", ".join(str(k) for k, count in enumerate(counts) if len(count) == 1)
    if constant:
        raise ValueError(
            f"factors has the same value everywhere in column {constant}: leave it out with "
            "np.delete"
        )
    second, first = np.sort(information, axis=0)[-2:]
    shares = [count / count.sum() for count in counts]
    entropies = [-(share * np.log(share)).sum() for share in shares]
    return float(np.mean((first - second) / entropies))


def _log_ratios(z_mean, z_log_var, noise, members):
    """`log q(z|v_k) - log q(z)` for one draw from each image, averaged over the images: `[K]`."""
    n = len(z_mean)
    ones = members.astype("float64")
    sums = np.empty(members.shape)
    for rows, ratios in log_density_ratios(z_mean, z_log_var, noise):
        sums[rows] = np.exp(np.maximum(ratios, NOTHING, out=ratios)) @ ones
    n_factors = members[0].sum()
    # The values of each factor cover every image, so all sums together count it n_factors times.
    mixture = sums.sum(axis=1, keepdims=True) / (n_factors * n)
    mixture_of_value = (sums / members.sum(axis=0))[members].reshape(n, n_factors)
    return np.log(mixture_of_value / mixture).mean(axis=0)


def _checked_factors(factors, n):
    factors = np.asarray(factors)
    if factors.dtype.kind not in "iub":
        raise TypeError(
            f"factors holds {factors.dtype}, not whole numbers: number each factor's values "
            "0, 1, 2, ..."
        )
    if factors.ndim != 2 or len(factors) != n or factors.size == 0:
        cure = "one row for each row of z_mean"
        if factors.ndim == 1:
            cure = "add the axis with factors[:, None]"
        raise ValueError(f"factors has shape {factors.shape}, [{n}, K] is wanted: {cure}")
    return factors
