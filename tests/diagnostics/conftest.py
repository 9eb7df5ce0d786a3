"""Data whose numbers are known, and the VAE that equals the model behind them."""

import numpy as np
import pytest
from hand_set import exact_vae

from vaehelpers.collapse import LinearGaussian


@pytest.fixture(scope="session")
def exact():
    """A linear-Gaussian model with a strong, a weak and an idle dimension, its data, its VAE."""
    weights = np.linalg.qr(np.random.default_rng(0).normal(size=[6, 3]))[0] * [3.0, 1.0, 0.0]
    model = LinearGaussian(weights, np.full(6, 0.5), 1.0)
    return model, model.sample(2000, seed=1)[0].astype("float32"), exact_vae(model)


@pytest.fixture(scope="session")
def bits():
    """Three copies of one bit, black or white as often: their threshold of collapse is 3."""
    return np.tile([[0.0], [1.0]], [150, 3]).astype("float32")
