"""Encoders, decoders, the noise between them, and how they take many inputs."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from vaehelpers.data.checks import check_whole
from vaehelpers.losses.tensors import Tensor


@keras.saving.register_keras_serializable("vaehelpers")
class Sampling(layers.Layer):
    """The reparameterised draw `z = z_mean + exp(z_log_var / 2) * eps`, `eps ~ N(0, I)`.

    Args:
        seed: a whole number, or `None` for one that follows `runtime.set_seed`.

    Call: `(z_mean, z_log_var)`, both `[B, J]`, to z `[B, J]`; other noise at every call.

    Raises:
        ValueError: for a seed that is no whole number.

    Source: Kingma & Welling (2014), section 2.4.

    Example:
        >>> float(Sampling(seed=0)(np.full([1, 1], 3.0), np.full([1, 1], -80.0))[0, 0])
        3.0
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._start = ops.convert_to_numpy(self.seed_generator.state.value)

    def call(self, z_mean: Tensor, z_log_var: Tensor) -> Tensor:
        noise = keras.random.normal(ops.shape(z_mean), dtype=z_mean.dtype, seed=self.seed_generator)
        return z_mean + ops.exp(0.5 * z_log_var) * noise

    def restart(self) -> None:
        """Go back to the first noise of this layer's seed."""
        self.seed_generator.state.assign(self._start)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


def build_keras_example(latent_dim: int = 2) -> tuple[keras.Model, keras.Model]:
    """The convolutional network of the Keras example, for images `[B, 28, 28, 1]`.

    It differs in one point: the decoder returns logits, not probabilities, and sampling is left to
    `VAE`.

    Args:
        latent_dim: the number J of latent dimensions.

    Returns:
        `(encoder, decoder)`: the encoder maps images to `(z_mean, z_log_var)`, the decoder z to
        logits.

    Raises:
        TypeError, ValueError: for a latent_dim that is no whole number of at least 1.

    Source: keras.io, "Variational AutoEncoder", 2020.

    Example:
        >>> encoder, decoder = build_keras_example()
        >>> encoder.count_params(), decoder.count_params()
        (69076, 65089)
    """
    latent_dim = check_whole(latent_dim, "latent_dim")
    image = keras.Input((28, 28, 1))
    h = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")(image)
    h = layers.Conv2D(64, 3, strides=2, padding="same", activation="relu")(h)
    h = layers.Dense(16, activation="relu")(layers.Flatten()(h))
    encoder = _encoder(image, h, latent_dim)

    code = keras.Input((latent_dim,))
    h = layers.Reshape((7, 7, 64))(layers.Dense(7 * 7 * 64, activation="relu")(code))
    h = layers.Conv2DTranspose(64, 3, strides=2, padding="same", activation="relu")(h)
    h = layers.Conv2DTranspose(32, 3, strides=2, padding="same", activation="relu")(h)
    x_decoded = layers.Conv2DTranspose(1, 3, padding="same", name="x_decoded")(h)
    return encoder, keras.Model(code, x_decoded, name="decoder")


def build_mlp(
    image_shape: Sequence[int] = (28, 28, 1), hidden: int | None = 400, latent_dim: int = 2
) -> tuple[keras.Model, keras.Model]:
    """A dense network with one hidden ReLU layer on either side, for images of any shape.

    Args:
        image_shape: the shape of one image.
        hidden: the width of both hidden layers; `None` leaves them out, which makes the VAE linear.
        latent_dim: the number J of latent dimensions.

    Returns:
        `(encoder, decoder)`, as `build_keras_example`; the decoder's output has `image_shape`.

    Raises:
        TypeError, ValueError: for a width, a latent_dim or a side of the image that is no whole
            number of at least 1.

    Example:
        >>> encoder, decoder = build_mlp((8, 8, 3), hidden=16, latent_dim=4)
        >>> decoder(np.zeros([5, 4])).shape == (5, 8, 8, 3)
        True
    """
    image_shape = tuple(check_whole(side, "a side in image_shape") for side in image_shape)
    latent_dim = check_whole(latent_dim, "latent_dim")
    image = keras.Input(image_shape)
    code = keras.Input((latent_dim,))
    # In the order of Reshape, whatever the default.
    h = layers.Flatten(data_format="channels_last")(image)
    g = code
    if hidden is not None:
        hidden = check_whole(hidden, "hidden")
        h = layers.Dense(hidden, activation="relu")(h)
        g = layers.Dense(hidden, activation="relu")(g)
    pixels = layers.Dense(math.prod(image_shape))(g)
    x_decoded = layers.Reshape(image_shape, name="x_decoded")(pixels)
    return _encoder(image, h, latent_dim), keras.Model(code, x_decoded, name="decoder")


def _encoder(image, features, latent_dim):
    z_mean = layers.Dense(latent_dim, name="z_mean")(features)
    z_log_var = layers.Dense(latent_dim, name="z_log_var")(features)
    return keras.Model(image, (z_mean, z_log_var), name="encoder")


def in_batches(network, inputs, size=1000):
    """Apply a network without its compiled `predict`: compiling costs more than a few calls."""
    starts = range(0, len(inputs), size)
    parts = [network(inputs[start : start + size], training=False) for start in starts]
    return keras.tree.map_structure(
        lambda *batches: np.concatenate([*map(ops.convert_to_numpy, batches)]), *parts
    )
