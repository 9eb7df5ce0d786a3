"""The one VAE class of the course, in Keras 3 on TensorFlow or JAX, and networks that it takes."""

from vaehelpers.data.checks import needs_course

with needs_course("vaehelpers.models"):
    import keras as keras

from vaehelpers.models.networks import Sampling, build_keras_example, build_mlp
from vaehelpers.models.vae import VAE

__all__ = [
    "VAE",
    "Sampling",
    "build_keras_example",
    "build_mlp",
]
