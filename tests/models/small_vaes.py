"""A VAE of 30 pixels, and the parts of it that tests exchange."""

import keras
import numpy as np
from keras import ops

from vaehelpers import losses, runtime
from vaehelpers.models import VAE, build_mlp

SHAPE = (6, 5, 1)


def images(n=48):
    return np.random.default_rng(0).random((n, *SHAPE), dtype="float32")


def small_vae(compiled=False, **arguments):
    """Compiling costs seconds, so it is done only where the compiled step is what is tested."""
    runtime.set_seed(0)
    vae = VAE(*build_mlp(SHAPE, hidden=16, latent_dim=3), **arguments)
    vae.compile(keras.optimizers.Adam(3e-3), run_eagerly=not compiled)
    return vae


def saved_and_loaded(vae, folder, **custom_objects):
    """The model that comes back from a file, after a check that it computes what the saved one does."""
    vae.save(folder / "vae.keras")
    loaded = keras.saving.load_model(folder / "vae.keras", custom_objects=custom_objects)
    assert loaded.evaluate(images(), verbose=0) == vae.evaluate(images(), verbose=0)
    return loaded


@keras.saving.register_keras_serializable("tests")
class WideNormal(keras.layers.Layer):
    """A prior N(0, 4 I)."""

    def log_prob(self, z):
        return losses.gaussian_log_likelihood(z, ops.zeros_like(z), np.log(4.0))

    def sample(self, n, seed=None):
        return 2 * keras.random.normal((n, 3), seed=seed)


@keras.saving.register_keras_serializable("tests")
class Weighted(keras.layers.Layer):
    """An objective whose weight is a weight of the layer."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.beta = self.add_weight(shape=(), initializer="zeros", trainable=False, name="beta")

    def call(self, distortion, kl_per_dim):
        return ops.mean(distortion + self.beta * ops.sum(kl_per_dim, axis=-1))


def per_pixel(distortion, kl_per_dim):
    return ops.mean(distortion) / 784 + ops.mean(ops.sum(kl_per_dim, axis=-1))


class Batches(keras.utils.PyDataset):
    """Batches of 16 of some images, of any dtype."""

    def __init__(self, x):
        super().__init__()
        self.x = x

    def __len__(self):
        return len(self.x) // 16

    def __getitem__(self, index):
        return self.x[16 * index : 16 * index + 16]
