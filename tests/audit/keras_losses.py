"""What the tests of Keras models share: terms, a layer that draws, images, and checks."""

from functools import partial

import keras
import numpy as np
import pytest
from audit_losses import refused, trains
from keras import ops

from vaehelpers.audit import audit_keras_vae

tensorflow_only = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="a GradientTape needs TensorFlow"
)
BITS = np.tile([[0.0], [1.0]], [160, 3]).astype("float32")  # of one bit, thrice: thresholds 3 and 3
keras_trains = partial(trains, rel=1e-3, audit=audit_keras_vae)
keras_refused = partial(refused, audit=audit_keras_vae)


def kl_per_dim(z_mean, z_log_var):
    return 0.5 * (ops.exp(z_log_var) + ops.square(z_mean) - 1 - z_log_var)


def kl(z_mean, z_log_var):
    return ops.mean(ops.sum(kl_per_dim(z_mean, z_log_var), axis=1))


def bce(x, x_decoded):
    """One number an image; as `compile(loss=...)` takes it."""
    return ops.sum(keras.losses.binary_crossentropy(x, x_decoded), axis=(1, 2))


def drawn(z_mean, z_log_var, seed=None):
    noise = keras.random.normal(ops.shape(z_mean), seed=seed)
    return z_mean + ops.exp(0.5 * z_log_var) * noise


class Sampling(keras.layers.Layer):
    """One draw; with a weight it adds the KL that often."""

    def __init__(self, weight=0.0, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight
        self.seeds = keras.random.SeedGenerator(0)

    def call(self, codes):
        if self.weight:
            self.add_loss(self.weight * kl(*codes))
        return drawn(*codes, seed=self.seeds)


class TwoNetworks(keras.Model):
    """A class of models that is made with its networks."""

    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder


def compiled(model, **arguments):
    model.compile("adam", **arguments)
    return model


def stepped(model, tape, total):
    """The end of a training step that is written out."""
    gradients = tape.gradient(total, model.trainable_weights)
    model.optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
    model.loss_tracker.update_state(total)
    return {"loss": model.loss_tracker.result()}


def same(found, expected):
    """The same arrays, bit by bit."""
    assert len(found) == len(expected)
    for new, old in zip(found, expected, strict=True):
        np.testing.assert_array_equal(new, old)
