"""Parts of a VAE of 30 pixels that tests exchange; the file of a model names these classes."""

import keras
import numpy as np
from keras import ops

from vaehelpers import losses

SHAPE = (6, 5, 1)


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
