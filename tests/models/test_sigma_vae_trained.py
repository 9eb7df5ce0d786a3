"""A learned variance ends where a sweep over beta finds the best ELBO, from a start ten times off.

Steps are alike on either side: with more of them the networks err less, and both variances fall
together. Adam has beta_2 = 0.99, since with 0.999 it remembers the huge first gradients of a start
that is too small. The log variance moves by about the learning rate a step, so that log(10) takes
some 770 of the 2,520 steps.
"""

import keras
import numpy as np
import pytest

from vaehelpers import runtime
from vaehelpers.losses import GaussianWithLearnedVariance
from vaehelpers.models import VAE, build_mlp
from vaehelpers.sweep import train_sweep

SEEDS = range(3)
SHAPE = (14, 14, 1)
STEPS = {"epochs": 40, "batch_size": 64}
BETAS = 0.03 * 1.28 ** np.arange(-2.0, 3)


def best_variance(x):
    """Training with beta b at variance 1 trains the ELBO of a decoder of variance b, times b."""
    sweep = train_sweep(x, BETAS, SEEDS, likelihood="gaussian", hidden=128, progress=False, **STEPS)
    half_size = np.prod(SHAPE) / 2
    squared_error = 2 * (sweep.distortion - half_size * np.log(2 * np.pi))
    betas = BETAS[:, None]
    elbo = -(half_size * np.log(2 * np.pi * betas) + squared_error / (2 * betas) + sweep.rate).mean(
        axis=1
    )
    top = elbo.argmax()
    assert 0 < top < len(BETAS) - 1
    near = slice(top - 1, top + 2)
    curvature, slope, _ = np.polyfit(np.log(BETAS[near]), elbo[near], 2)
    return np.exp(-slope / (2 * curvature))


def learned_variance(x, start, seed):
    """What the variance is after training, from that start."""
    runtime.set_seed(seed)
    log_likelihood = GaussianWithLearnedVariance(float(start))
    vae = VAE(*build_mlp(SHAPE, hidden=128), log_likelihood=log_likelihood)
    vae.compile(keras.optimizers.Adam(3e-3, beta_2=0.99))
    vae.fit(x, verbose=0, **STEPS)
    return log_likelihood.variance


@pytest.mark.slow
def test_a_learned_variance_ends_at_the_best_one_of_a_sweep(digits):
    """One test, so that processes that share tests out do not each train the sweep."""
    x = digits.x_train.reshape(-1, 14, 2, 14, 2, 1).mean(axis=(2, 4))
    best = best_variance(x)
    runs = [(0.1, 0), (0.1, 1), (10, 2)]
    found = {(factor, seed): learned_variance(x, factor * best, seed) for factor, seed in runs}
    assert found == pytest.approx(dict.fromkeys(runs, best), rel=0.05)
