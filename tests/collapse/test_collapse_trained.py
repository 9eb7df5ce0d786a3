"""What training does at 0.7 and 1.4 times the threshold, and to a linear VAE's dimensions."""

import itertools

import keras
import numpy as np
import pytest

from vaehelpers.collapse import collapse_spectrum, collapse_threshold
from vaehelpers.diagnostics.evaluation import ALIVE, COLLAPSED
from vaehelpers.sweep import stacked, train_sweep

SEEDS = range(5)


@pytest.mark.slow
def test_gaussian_digits_are_alive_below_and_collapsed_above_from_a_trained_network(digits):
    """From beta 1, 5 of 5 seeds; lesson 06 claims it of Bernoulli digits and from scratch, too."""
    threshold = collapse_threshold(digits.x_train, "gaussian")
    options = {
        "likelihood": "gaussian",
        "learning_rate": 1e-3,
        "batch_size": 128,
        "epochs": 20,
        "progress": False,
    }
    trained = train_sweep(digits.x_train, [1.0], SEEDS, **options)
    assert (trained.rate > 1).all()
    result = train_sweep(
        digits.x_train, [0.7 * threshold, 1.4 * threshold], SEEDS, start=trained, **options
    )
    assert (result.rate[0] > ALIVE).all()
    assert (result.rate[1] < COLLAPSED).all()


def data_with(eigenvalues, seed, n=200):
    """Points whose covariance has exactly these eigenvalues, in a random basis."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((n, len(eigenvalues)))
    white = np.linalg.svd(noise - noise.mean(axis=0), full_matrices=False)[0] * np.sqrt(n)
    return (
        white * np.sqrt(eigenvalues) @ np.linalg.qr(rng.standard_normal((len(eigenvalues),) * 2))[0]
    )


def random_betas(rng, ratios, n):
    """n betas in gaps of a spectrum or beyond its ends, none within 1.4 times an eigenvalue."""
    ends = [8 * ratios[0], *ratios, ratios[-1] / 8]
    gaps = [
        (1.4 * below, above / 1.4)
        for above, below in itertools.pairwise(ends)
        if above / below > 1.4**2
    ]
    places = np.resize(rng.permutation(len(gaps)), n)
    return np.exp([rng.uniform(*np.log(gaps[k])) for k in places])


def objective(x, weights, variance, beta):
    """Distortion + beta * rate of a linear VAE, nats, its mean over images and, exactly, codes."""
    w = {name: value.astype("float64") for name, value in weights.items()}
    z_mean = x @ w["z_mean_kernel"] + w["z_mean_bias"]
    z_log_var = x @ w["z_log_var_kernel"] + w["z_log_var_bias"]
    error = np.sum((x - z_mean @ w["output_kernel"] - w["output_bias"]) ** 2, axis=1)
    error += np.exp(z_log_var) @ np.sum(w["output_kernel"] ** 2, axis=1)
    distortion = x.shape[1] / 2 * np.log(2 * np.pi * variance) + error / (2 * variance)
    rate = np.sum(z_mean**2 + np.exp(z_log_var) - 1 - z_log_var, axis=1) / 2
    return np.mean(distortion + beta * rate)


def least_objective(ratios, latent_dim, variance, beta):
    """Of all weights, by probabilistic PCA: eigenvalues over the variance above beta count."""
    coded = np.array([ratio for ratio in ratios[:latent_dim] if ratio > beta])
    distortion = len(ratios) / 2 * np.log(2 * np.pi * variance)
    return distortion + (beta * np.sum(np.log(coded / beta) + 1) + ratios.sum() - coded.sum()) / 2


def trained_to_the_end(x, betas, seed, options, least):
    """Rounds of large steps, then small ones, until one gains no member 0.03 * beta nats.

    A dimension whose eigenvalue is 1.4 * beta is worth (0.4 - log 1.4) / 2 * beta = 0.032 * beta.
    """
    result, before = None, np.inf
    for _ in range(8):
        for steps, learning_rate in ((1000, 0.03), (500, 0.003)):
            result = train_sweep(
                x, betas, [seed], epochs=steps, learning_rate=learning_rate, start=result, **options
            )
        weights = [
            {name: value[i, 0] for name, value in result.weights.items()} for i in range(len(betas))
        ]
        found = [
            objective(x, w, options["variance"], beta)
            for w, beta in zip(weights, betas, strict=True)
        ]
        left = np.array(found) - least
        assert (left > -1e-3).all()
        if (before - left < 0.03 * betas).all():
            break
        before = left
    assert (left < 0.03 * np.maximum(1, betas)).all()
    return result


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))]
)
def test_a_linear_vae_has_as_many_active_dimensions_as_eigenvalues_above_beta(seed, monkeypatch):
    """Random sizes, spectra and variances, six betas each; trained by gradients, as one stack."""
    monkeypatch.setattr(
        stacked, "COMPILE", keras.backend.backend() == "jax"
    )  # XLA is worth nothing at this size
    rng = np.random.default_rng([7, seed])
    latent_dim, variance = int(rng.integers(2, 7)), float(np.exp(rng.uniform(-2, 1)))
    ratios = np.sort(np.exp(rng.uniform(-3, 3.5, int(rng.integers(4, 9)))))[::-1]
    betas = random_betas(rng, ratios, 6)
    x = data_with(ratios * variance, seed)
    np.testing.assert_allclose(collapse_spectrum(x, "gaussian", variance), ratios, rtol=1e-4)
    options = {
        "hidden": None,
        "latent_dim": latent_dim,
        "likelihood": "gaussian",
        "variance": variance,
    }
    options |= {"batch_size": len(x), "progress": False}
    least = [least_objective(ratios, latent_dim, variance, beta) for beta in betas]
    result = trained_to_the_end(x, betas, seed, options, least)
    n_active = [min(latent_dim, int((ratios > beta).sum())) for beta in betas]
    assert len(set(n_active)) > 2
    for kl_per_dim, n in zip(np.sort(result.kl_per_dim[:, 0])[:, ::-1], n_active, strict=True):
        assert (kl_per_dim[:n] > ALIVE).all() and (kl_per_dim[n:] < COLLAPSED).all()
