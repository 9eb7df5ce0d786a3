"""Probabilistic PCA, the one VAE whose log p(x), posterior and ELBO are closed forms, in nats."""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vaehelpers.collapse.normal import LOG_2PI, divergence, half_log_det
from vaehelpers.data.checks import check_number, check_unmasked, check_whole

ASYMMETRY = 1e-10  # of the largest entry: what an inverse leaves of rounding


@dataclass(frozen=True)
class LinearGaussian:
    """The model `z ~ N(0, I)`, `x | z ~ N(W z + mean, variance I)`.

    Args:
        weights: W, `[D, J]`.
        mean: `[D]`.
        variance: the decoder's variance, a number above 0.

    Raises:
        TypeError: for a variance that is no number.
        ValueError: where the shapes do not fit or the variance is not above 0; from the methods,
            for x or q that do not fit the model, a covariance of q that is not positive definite.

    Source: Tipping & Bishop (1999), "Probabilistic Principal Component Analysis".

    Example:
        >>> model = LinearGaussian(weights=np.array([[2.0], [0.0]]), mean=np.zeros(2), variance=1.0)
        >>> x = np.array([[1.0, 1.0]])
        >>> q_mean, q_covariance = model.posterior(x)
        >>> bool(np.isclose(model.elbo(x, q_mean, q_covariance)[0], model.log_evidence(x)[0]))
        True
    """

    weights: np.ndarray
    mean: np.ndarray
    variance: float

    def __post_init__(self) -> None:
        weights = np.asarray(self.weights, "float64")
        mean = np.asarray(self.mean, "float64")
        if weights.ndim != 2 or mean.shape != weights.shape[:1]:
            raise ValueError(
                f"weights has shape {weights.shape}, mean {mean.shape}: pass [D, J] and [D]"
            )
        object.__setattr__(self, "variance", check_number(self.variance, "variance", above=0))
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "mean", mean)

    @classmethod
    def fit(cls, x: ArrayLike, latent_dim: int) -> "LinearGaussian":
        """The maximum-likelihood model: W spans the leading eigenvectors of x's covariance.

        Args:
            x: `[N, D]`.
            latent_dim: J, from 0 to D - 1.

        Raises:
            TypeError: for a latent_dim that is no whole number.
            ValueError: where x is not such an array, J does not fit, or nothing is left for the
                variance.

        Source: Tipping & Bishop (1999), equations 7 and 8.
        """
        check_unmasked(x, "x")
        x = np.asarray(x, "float64")
        if x.ndim != 2 or len(x) < 2 or not np.isfinite(x).all():
            raise ValueError(f"x has shape {x.shape}: pass at least two finite rows, [N, D]")
        if not check_whole(latent_dim, "latent_dim", smallest=0) < x.shape[1]:
            raise ValueError(
                f"latent_dim is {latent_dim}: "
                f"pass 0 to {x.shape[1] - 1}, one less than x has columns"
            )
        values, vectors = np.linalg.eigh(np.cov(x.T, bias=True).reshape(x.shape[1], x.shape[1]))
        values = values[::-1]
        vectors = vectors[:, ::-1]
        variance = float(values[latent_dim:].mean())
        if variance <= 1e-12 * values[0]:
            raise ValueError(
                f"x has no variance beyond {latent_dim} dimensions: pass a smaller latent_dim"
            )
        scales = np.sqrt(np.maximum(values[:latent_dim] - variance, 0))
        return cls(vectors[:, :latent_dim] * scales, x.mean(axis=0), variance)

    def sample(self, n: int, seed: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Draw x `[n, D]` and the z `[n, J]` that made them; without a seed others each time."""
        rng = np.random.default_rng(seed)
        z = rng.standard_normal((n, self.weights.shape[1]))
        noise = rng.standard_normal((n, len(self.mean)))
        return self.mean + z @ self.weights.T + np.sqrt(self.variance) * noise, z

    def log_evidence(self, x: ArrayLike) -> np.ndarray:
        """log p(x) `[N]`: the density of `N(mean, W W^T + variance I)`.

        Its exponent `r (W W^T + variance I)^-1 r`, r being x - mean, is the smallest `|r - W z|^2 /
        variance + |z|^2`, which rounding leaves alone however small the variance is.
        """
        z, _ = self.posterior(x)
        smallest = self._squares(x, z) / self.variance + (z**2).sum(axis=1)
        _, scales, _ = self._precision()
        log_det = len(self.mean) * np.log(self.variance) + 2 * np.log(scales).sum()
        return -0.5 * (len(self.mean) * LOG_2PI + log_det + smallest)

    def posterior(self, x: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """p(z|x), which is normal: means `[N, J]` and the covariance `[J, J]` that all x share."""
        left, scales, turn = self._precision()
        root = turn.T / scales
        return self._centered(x) / np.sqrt(self.variance) @ left @ root.T, root @ root.T

    def _precision(self):
        """U `[D, J]`, S and V^T: the posterior's precision `I + W^T W / variance` is `V S^2 V^T`.

        They are those of W / sigma above I, of which the precision is the square: formed, it would
        lose half the digits.
        """
        unit = np.eye(self.weights.shape[1])
        stacked = np.vstack([self.weights / np.sqrt(self.variance), unit])
        left, scales, turn = np.linalg.svd(stacked, full_matrices=False)
        return left[: len(self.mean)], scales, turn

    def distortion(self, x: ArrayLike, q_mean: ArrayLike, q_covariance: ArrayLike) -> np.ndarray:
        """-E_q log p(x|z) `[N]`; q has means `[N, J]` and covariances `[J, J]` or `[N, J, J]`."""
        means, covariance = self._checked_q(x, q_mean, q_covariance)
        spread = np.einsum("dj,...jk,dk->...", self.weights, covariance, self.weights)
        squares = (self._squares(x, means) + spread) / self.variance
        return 0.5 * (len(self.mean) * (LOG_2PI + np.log(self.variance)) + squares)

    def rate(self, x: ArrayLike, q_mean: ArrayLike, q_covariance: ArrayLike) -> np.ndarray:
        """KL(q || N(0, I)) `[N]`."""
        means, covariance = self._checked_q(x, q_mean, q_covariance)
        latent_dim = means.shape[1]
        return divergence(means, covariance, np.zeros(latent_dim), np.eye(latent_dim))

    def elbo(self, x: ArrayLike, q_mean: ArrayLike, q_covariance: ArrayLike) -> np.ndarray:
        """-(distortion + rate) `[N]`, at most log p(x)."""
        return -(self.distortion(x, q_mean, q_covariance) + self.rate(x, q_mean, q_covariance))

    def gap(self, x: ArrayLike, q_mean: ArrayLike, q_covariance: ArrayLike) -> np.ndarray:
        """KL(q || p(z|x)) `[N]`, from the two distributions alone: `log p(x) = elbo + gap`."""
        q_mean, q_covariance = self._checked_q(x, q_mean, q_covariance)
        return divergence(q_mean, q_covariance, *self.posterior(x))

    def log_joint(self, x: ArrayLike, z: np.ndarray) -> np.ndarray:
        """log p(x, z) `[K, N]` for x `[N, D]` and z `[K, N, J]`."""
        log_likelihood = -0.5 * self._squares(x, z) / self.variance
        log_prior = -0.5 * ((z**2).sum(axis=-1) + z.shape[-1] * LOG_2PI)
        return log_likelihood - 0.5 * len(self.mean) * (LOG_2PI + np.log(self.variance)) + log_prior

    def sample_posterior(
        self, x: ArrayLike, k: int, seed: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw k codes for each x from the posterior: z `[k, N, J]` and log q(z|x) `[k, N]`."""
        mean, covariance = self.posterior(x)
        root = np.linalg.cholesky(covariance)
        noise = np.random.default_rng(seed).standard_normal((k, *mean.shape))
        log_q = -0.5 * (noise**2).sum(axis=-1) - 0.5 * mean.shape[1] * LOG_2PI - half_log_det(root)
        return mean + noise @ root.T, log_q

    def _centered(self, x):
        check_unmasked(x, "x")
        x = np.asarray(x, "float64")
        if x.ndim != 2 or x.shape[1] != len(self.mean):
            raise ValueError(f"x has shape {x.shape}: this model wants [N, {len(self.mean)}]")
        return x - self.mean

    def _squares(self, x, z):
        return ((self._centered(x) - z @ self.weights.T) ** 2).sum(axis=-1)

    def _checked_q(self, x, q_mean, q_covariance):
        q_mean = np.asarray(q_mean, "float64")
        q_covariance = np.asarray(q_covariance, "float64")
        mean_shape = (len(x), self.weights.shape[1])
        square = 2 * mean_shape[1:]
        if q_mean.shape != mean_shape or q_covariance.shape not in (square, (len(x), *square)):
            raise ValueError(
                f"q_mean has shape {q_mean.shape}, q_covariance {q_covariance.shape}: "
                f"pass {list(mean_shape)} and {list(square)}, or one covariance for each row of x"
            )
        return q_mean, _checked_covariance(q_covariance)


def _checked_covariance(covariance):
    """Covariances `[..., J, J]`, symmetric but for an inverse's rounding, and positive definite."""
    asymmetry = abs(covariance - covariance.swapaxes(-1, -2)).max(initial=0)
    if asymmetry <= ASYMMETRY * abs(covariance).max(initial=0):
        with suppress(np.linalg.LinAlgError):
            np.linalg.cholesky(covariance)
            return covariance
    raise ValueError(
        f"q_covariance has shape {covariance.shape}: "
        "pass a symmetric positive definite matrix [J, J]"
    )
