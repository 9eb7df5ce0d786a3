"""The one VAE class of the course, in Keras 3 on TensorFlow or JAX, and the networks that it takes."""

from vaehelpers.models.networks import Sampling, build_keras_example, build_mlp
from vaehelpers.models.vae import VAE

__all__ = [
    "VAE",
    "Sampling",
    "build_keras_example",
    "build_mlp",
]
