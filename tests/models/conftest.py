"""A VAE of 30 pixels, images for it, and its way through a file."""

import keras
import numpy as np
import pytest
from small_vaes import SHAPE

from vaehelpers import runtime
from vaehelpers.models import VAE, build_mlp


@pytest.fixture
def x():
    return np.random.default_rng(0).random((48, *SHAPE), dtype="float32")


@pytest.fixture
def small_vae():
    def small_vae(compiled=False, **arguments):
        """Compiling costs seconds, so it is done only where the compiled step is what is tested."""
        runtime.set_seed(0)
        vae = VAE(*build_mlp(SHAPE, hidden=16, latent_dim=3), **arguments)
        vae.compile(keras.optimizers.Adam(3e-3), run_eagerly=not compiled)
        return vae

    return small_vae


@pytest.fixture
def saved_and_loaded(tmp_path, x):
    def saved_and_loaded(vae, **custom_objects):
        """The model out of its file, after a check that it computes what the saved one does."""
        vae.save(tmp_path / "vae.keras")
        loaded = keras.saving.load_model(tmp_path / "vae.keras", custom_objects=custom_objects)
        assert loaded.evaluate(x, verbose=0) == vae.evaluate(x, verbose=0)
        return loaded

    return saved_and_loaded
