"""VAEs whose weights are set by hand, so that their numbers are known."""

import re

import keras
import numpy as np
from keras import ops

from vaehelpers import losses
from vaehelpers.models import VAE, build_mlp

NOTHING = (0, 0.0)  # an encoder's map that gives 0 for every image
SAME_IMAGE = (np.zeros([2, 3]), 0.0)  # a decoder's map of two latent dimensions to three pixels


def linear_vae(to_mean=NOTHING, to_log_var=NOTHING, decoder=SAME_IMAGE, **arguments):
    """A VAE without hidden layers; each map is `(kernel, bias)`, numbers or arrays.

    The decoder's tells D and J; without any map, the VAE has collapsed.
    """
    latent_dim, dim = np.shape(decoder[0])
    vae = VAE(*build_mlp((dim,), hidden=None, latent_dim=latent_dim), **arguments)
    for name, (kernel, bias) in (("z_mean", to_mean), ("z_log_var", to_log_var)):
        weights = np.broadcast_to(kernel, (dim, latent_dim)), np.broadcast_to(bias, (latent_dim,))
        vae.encoder.get_layer(name).set_weights(weights)
    vae.decoder.set_weights([decoder[0], np.broadcast_to(decoder[1], (dim,))])
    return vae


def exact_vae(model, **arguments):
    """The VAE of `model`, which has unit variance and orthogonal columns, and its posterior."""
    _, covariance = model.posterior(model.mean[None])
    to_mean = model.weights @ covariance
    log_var = np.log(np.diag(covariance))
    arguments = {"log_likelihood": losses.gaussian_log_likelihood, **arguments}
    maps = (to_mean, -model.mean @ to_mean), (0, log_var), (model.weights.T, model.mean)
    return linear_vae(*maps, **arguments)


class Wide(keras.layers.Layer):
    """A prior N(0, 4 I) on two dimensions."""

    def log_prob(self, z):
        return losses.gaussian_log_likelihood(z, ops.zeros_like(z), np.log(4.0))

    def sample(self, n, seed=None):
        return 2 * keras.random.normal((n, 2), seed=seed)


def weighted(beta):
    return lambda distortion, kl_per_dim: ops.mean(distortion + beta * ops.sum(kl_per_dim, axis=-1))


def says(diagnosis, pattern):
    """Whether one of the findings matches."""
    return any(re.search(pattern, finding) for finding in diagnosis.findings)
