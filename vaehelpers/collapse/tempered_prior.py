"""A weight on the KL, read as another prior: closed forms for normal distributions (NumPy, float64, nats)."""

from typing import NamedTuple

import numpy as np

from vaehelpers.collapse.normal import LOG_2PI, checked_covariance, divergence, half_log_det
from vaehelpers.data.checks import check_number


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
    root = np.linalg.cholesky(checked_covariance(covariance, "covariance"))
    return float(0.5 * len(root) * (LOG_2PI + 1) + half_log_det(root))


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
    given = {
        "q_mean": np.asarray(q_mean, "float64"),
        "q_covariance": checked_covariance(q_covariance, "q_covariance"),
        "p_mean": np.asarray(p_mean, "float64"),
        "p_covariance": checked_covariance(p_covariance, "p_covariance"),
    }
    latent_dim = len(given["q_covariance"])
    for name, value in given.items():
        if value.shape != (latent_dim,) * (1 + name.endswith("covariance")):
            shapes = ", ".join(f"{name} {value.shape}" for name, value in given.items())
            raise ValueError(
                f"the shapes do not fit: {shapes}; pass means [J] and covariances [J, J]"
            )
    return float(divergence(**given))


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
        TypeError: for a weight that is no number.
        ValueError: for a weight that is not above 0, a covariance that is not positive definite, another mean's shape.

    Source: Mathieu et al. (2019), arXiv 1812.02833, theorem 1.

    Example:
        >>> tempered_gaussian(np.zeros(1), np.eye(1), weight=4.0).covariance
        array([[0.25]])
    """
    weight = check_number(weight, "weight", above=0)
    covariance = checked_covariance(covariance, "covariance")
    root = np.linalg.cholesky(covariance)
    mean = np.asarray(mean, "float64")
    if mean.shape != (len(root),):
        raise ValueError(
            f"mean has shape {mean.shape}, covariance {covariance.shape}: pass [J] and [J, J]"
        )
    log_det = 2 * half_log_det(root)
    # Z is the integral of p^weight: a normal density's, whose covariance is S / weight, without its normaliser.
    log_normalizer = 0.5 * (
        (1 - weight) * (len(root) * LOG_2PI + log_det) - len(root) * np.log(weight)
    )
    return Tempered(mean, covariance / weight, float(log_normalizer))


def exceptional_variance(weight):
    """The variance of q at which the prior N(0, I / weight) does the weight's work: `weight^(1 / (weight - 1)) / e`.

    Where all q = N(m, v I) share this v, `KL(q || N(0, I / weight)) = weight KL(q || N(0, I))` for every mean m.

    Args:
        weight: lambda, above 0. At 1, where every variance will do, it is the limit: 1.

    Returns:
        A float.

    Raises:
        TypeError, ValueError: for a weight that is no number, or not above 0.

    Example:
        >>> round(exceptional_variance(2.0), 4)  # 2 / e
        0.7358
    """
    weight = check_number(weight, "weight", above=0)
    power = 1.0 if weight == 1 else np.log1p(weight - 1) / (weight - 1)
    return float(np.exp(power - 1))
