"""What training does at 0.7 and 1.4 times the threshold, and to a linear VAE's dimensions."""

import numpy as np
import pytest

from vaehelpers.collapse import collapse_spectrum, collapse_threshold
from vaehelpers.diagnostics.evaluation import ALIVE, COLLAPSED
from vaehelpers.sweep import train_sweep

SEEDS = range(5)


def test_gaussian_digits_are_alive_below_and_collapsed_above_from_a_trained_network(digits):
    """From beta 1, 5 of 5 seeds. Lesson 06 claims the same of Bernoulli digits, and of either from scratch."""
    threshold = collapse_threshold(digits.x_train, "gaussian")
    options = {"likelihood": "gaussian", "learning_rate": 1e-3, "batch_size": 128, "epochs": 20, "progress": False}
    trained = train_sweep(digits.x_train, [1.0], SEEDS, **options)
    assert (trained.rate > 1).all()
    result = train_sweep(digits.x_train, [0.7 * threshold, 1.4 * threshold], SEEDS, start=trained, **options)
    assert (result.rate[0] > ALIVE).all()
    assert (result.rate[1] < COLLAPSED).all()


def data_with(eigenvalues, seed, n=200):
    """Points whose covariance has exactly these eigenvalues, in a random basis."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((n, len(eigenvalues)))
    white = np.linalg.svd(noise - noise.mean(axis=0), full_matrices=False)[0] * np.sqrt(n)
    return white * np.sqrt(eigenvalues) @ np.linalg.qr(rng.standard_normal((len(eigenvalues),) * 2))[0]


def random_spectrum(rng, n):
    """Eigenvalues in units of beta, descending, none within a factor 1.4 of 1."""
    while True:
        ratios = np.sort(np.exp(rng.uniform(-3, 3.5, n)))[::-1]
        if np.abs(np.log(ratios)).min() > np.log(1.4):
            return ratios


def trained_to_the_end(x, beta, seed, options):
    """Rounds of 1,000 steps until one gains less than 0.002 nats on the last, then smaller steps."""
    result, before = None, np.inf
    for _ in range(12):
        result = train_sweep(x, [beta], [seed], epochs=1000, learning_rate=0.03, start=result, **options)
        objective = np.mean([result.history["distortion"][-300:] + beta * result.history["rate"][-300:]])
        if objective > before - 0.002:
            break
        before = objective
    return train_sweep(x, [beta], [seed], epochs=500, learning_rate=0.003, start=result, **options)


@pytest.mark.parametrize("seed", range(20))
def test_a_linear_vae_has_as_many_active_dimensions_as_eigenvalues_above_beta(seed):
    """Random sizes, spectra, variances and betas; trained by gradients."""
    rng = np.random.default_rng([7, seed])
    latent_dim, variance, beta = int(rng.integers(2, 7)), np.exp(rng.uniform(-2, 1)), np.exp(rng.uniform(-1.5, 1.5))
    ratios = random_spectrum(rng, int(rng.integers(4, 9)))
    x = data_with(ratios * beta * variance, seed)
    np.testing.assert_allclose(collapse_spectrum(x, "gaussian", float(variance)), ratios * beta, rtol=1e-4)
    options = {"hidden": None, "latent_dim": latent_dim, "likelihood": "gaussian", "variance": float(variance)}
    options |= {"batch_size": len(x), "progress": False}
    result = trained_to_the_end(x, beta, seed, options)
    kl_per_dim = np.sort(result.kl_per_dim[0, 0])[::-1]
    n_active = min(latent_dim, int((ratios > 1).sum()))
    assert (kl_per_dim[:n_active] > ALIVE).all() and (kl_per_dim[n_active:] < COLLAPSED).all()
