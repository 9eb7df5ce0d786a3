"""The importance-weighted bound on log p(x), for any model that samples its posterior."""

from typing import Any

import numpy as np

from vaehelpers.data.checks import check_whole
from vaehelpers.diagnostics.information import blocks

DECODED_AT_ONCE = 2000  # codes: bounds the memory whatever the numbers of images and samples


def importance_weighted_bound(
    model: Any, x: np.ndarray, n_samples: int, seed: int = 0
) -> np.ndarray:
    """The K-sample bound `log 1/K sum over k of p(x, z_k) / q(z_k|x)`, `z_k ~ q(z|x)`.

    In expectation it is the ELBO at K = 1, rises with K, and reaches log p(x) in the limit.

    Args:
        model: any object with `sample_posterior(x, k, seed) -> (z [k, B, J], log_q [k, B])` and
            `log_joint(x, z) -> [k, B]`: `VAE` and `LinearGaussian` are such.
        x: images `[B, ...]`.
        n_samples: K, at least 1. Memory does not grow with it.
        seed: a whole number; the same seed gives the same bound.

    Returns:
        `[B]`, float64, nats, computed in log space.

    Raises:
        TypeError: for an n_samples that is no whole number.
        ValueError: for no sample or no image.

    Source: Burda, Grosse & Salakhutdinov (2016), equation 8.

    Example:
        >>> from vaehelpers.collapse import LinearGaussian
        >>> model = LinearGaussian(np.ones([3, 1]), np.zeros(3), 0.5)
        >>> x, _ = model.sample(4, seed=0)
        >>> bound = importance_weighted_bound(model, x, n_samples=10, seed=0)
        >>> exact = model.log_evidence(x)
        >>> bool(np.allclose(bound, exact))  # from the exact posterior one sample is enough
        True
    """
    n_samples = check_whole(n_samples, "n_samples")
    if len(x) == 0:
        raise ValueError("x holds no images: pass at least one")
    images_at_once = min(len(x), DECODED_AT_ONCE // min(n_samples, 100))
    parts = blocks(len(x), images_at_once)
    seeds = np.random.SeedSequence(seed).spawn(len(parts))
    pairs = zip(parts, seeds, strict=True)
    return np.concatenate([_bound(model, x[part], n_samples, own) for part, own in pairs])


def _bound(model, x, n_samples, seed):
    chunk = DECODED_AT_ONCE // len(x)
    total = np.full(len(x), -np.inf)
    for start in range(0, n_samples, chunk):
        k = min(chunk, n_samples - start)
        z, log_q = model.sample_posterior(x, k, int(seed.spawn(1)[0].generate_state(1)[0]))
        log_weights = np.asarray(model.log_joint(x, z), "float64") - log_q
        total = np.logaddexp(total, np.logaddexp.reduce(log_weights, axis=0))
    return total - np.log(n_samples)
