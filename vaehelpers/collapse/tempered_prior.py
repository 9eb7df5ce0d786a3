"""A weight on the KL, read as another prior: closed forms for normal distributions (NumPy, float64, nats)."""

from numbers import Real
from typing import NamedTuple

import numpy as np

LOG_2PI = np.log(2 * np.pi)


class Tempered(NamedTuple):
    """The density p^lambda / Z of a normal p: its mean `[J]`, covariance `[J, J]`, and log Z."""

    mean: np.ndarray
    covariance: np.ndarray
    log_normalizer: float


def gaussian_entropy(covariance):
    """The entropy of a normal distribution, `1/2 log det(2 pi e S)`: nats, a float that may be negative.

    Args:
        covariance: S, `[J, J]`, positive definite.

    Raises:
        ValueError: where it is no such matrix.

    Example:
        >>> round(gaussian_entropy(np.eye(1)), 4)
        1.4189
    """
    root = _root(covariance, "covariance")
    return float(0.5 * len(root) * (LOG_2PI + 1) + np.log(np.diag(root)).sum())


def gaussian_divergence(q_mean, q_covariance, p_mean, p_covariance):
    """KL(q || p) of two normal distributions: `E_q log q - E_q log p`, nats, a float of at least 0.

    Args:
        q_mean, p_mean: `[J]`.
        q_covariance, p_covariance: `[J, J]`, positive definite.

    Raises:
        ValueError: where shapes do not fit or a covariance is not positive definite.

    Example:
        >>> gaussian_divergence(np.ones(2), np.eye(2), np.zeros(2), np.eye(2))
        1.0
    """
    q_root, p_root = _root(q_covariance, "q_covariance"), _root(p_covariance, "p_covariance")
    q_mean, p_mean = np.asarray(q_mean, "float64"), np.asarray(p_mean, "float64")
    if not q_mean.shape == p_mean.shape == (len(q_root),) == (len(p_root),):
        shapes = (
            f"q_mean {q_mean.shape}, q_covariance {q_root.shape}, p_mean {p_mean.shape}, p_covariance {p_root.shape}"
        )
        raise ValueError(f"the shapes do not fit: {shapes}; pass means [J] and covariances [J, J]")
    spread = np.linalg.solve(p_root, q_root)
    distance = np.linalg.solve(p_root, q_mean - p_mean)
    log_ratio = np.log(np.diag(p_root)).sum() - np.log(np.diag(q_root)).sum()
    return float(0.5 * ((spread**2).sum() + (distance**2).sum() - len(q_root)) + log_ratio)


def tempered_gaussian(mean, covariance, weight):
    """The density `p^weight / Z` of a normal p: again normal, with the covariance divided by the weight.

    For every q with a density, `weight KL(q||p) = KL(q||p^weight/Z) - (weight - 1) H(q) - log Z`: what a weighted KL
    trains is another prior and, for a weight above 1, a reward for the entropy H(q).

    Args:
        mean, covariance: of p, `[J]` and `[J, J]`.
        weight: lambda, above 0.

    Returns:
        A `Tempered`.

    Raises:
        ValueError: for a weight that is not above 0, a covariance that is not positive definite, another mean's shape.

    Source: Mathieu et al. (2019), arXiv 1812.02833, theorem 1.

    Example:
        >>> tempered_gaussian(np.zeros(1), np.eye(1), weight=4.0).covariance
        array([[0.25]])
    """
    _check_weight(weight)
    mean, covariance = np.asarray(mean, "float64"), np.asarray(covariance, "float64")
    root = _root(covariance, "covariance")
    if mean.shape != (len(root),):
        raise ValueError(f"mean has shape {mean.shape}, covariance {covariance.shape}: pass [J] and [J, J]")
    log_det = 2 * np.log(np.diag(root)).sum()
    # Z is the integral of p^weight: a normal density's, whose covariance is S / weight, without its normaliser.
    log_normalizer = 0.5 * ((1 - weight) * (len(root) * LOG_2PI + log_det) - len(root) * np.log(weight))
    return Tempered(mean, covariance / weight, float(log_normalizer))


def exceptional_variance(weight):
    """The variance of q at which the prior N(0, I / weight) does the weight's work: `weight^(1 / (weight - 1)) / e`.

    Where all q = N(m, v I) share this v, `KL(q || N(0, I / weight)) = weight KL(q || N(0, I))` for every mean m.

    Args:
        weight: lambda, above 0. At 1, where every variance will do, it is the limit: 1.

    Returns:
        A float.

    Raises:
        ValueError: for a weight that is not above 0.

    Example:
        >>> round(exceptional_variance(2.0), 4)  # 2 / e
        0.7358
    """
    _check_weight(weight)
    power = 1.0 if weight == 1 else np.log1p(weight - 1) / (weight - 1)
    return float(np.exp(power - 1))


def _check_weight(weight):
    if isinstance(weight, (bool, np.bool_)) or not isinstance(weight, Real) or not 0 < weight < np.inf:
        raise ValueError(f"weight is {weight!r}: pass one number above 0")


def _root(covariance, name):
    """The Cholesky factor of a covariance, or a ValueError that names it."""
    covariance = np.asarray(covariance, "float64")
    square = covariance.ndim == 2 and len(covariance) == covariance.shape[1] > 0 and np.isfinite(covariance).all()
    try:
        if not square or abs(covariance - covariance.T).max() > 1e-10 * abs(covariance).max():
            raise np.linalg.LinAlgError
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError as error:
        said = f"{name} has shape {covariance.shape}"
        raise ValueError(f"{said}: pass a symmetric positive definite matrix [J, J]") from error
