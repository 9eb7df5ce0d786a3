"""VAEs whose weights are set by hand, so that their numbers are known."""

import functools

import keras
import numpy as np
from keras import ops

from vaehelpers import losses
from vaehelpers.collapse import LinearGaussian
from vaehelpers.models import VAE, build_mlp

NOTHING = (0, 0.0)  # an encoder's map that gives 0 for every image


def linear_vae(to_mean, to_log_var, decoder, **arguments):
    """A VAE without hidden layers; each map is `(kernel, bias)`, which may be numbers; the decoder's tells D and J."""
    latent_dim, dim = np.shape(decoder[0])
    vae = VAE(*build_mlp((dim,), hidden=None, latent_dim=latent_dim), **arguments)
    for name, (kernel, bias) in (("z_mean", to_mean), ("z_log_var", to_log_var)):
        weights = np.broadcast_to(kernel, (dim, latent_dim)), np.broadcast_to(bias, (latent_dim,))
        vae.encoder.get_layer(name).set_weights(weights)
    vae.decoder.set_weights([decoder[0], np.broadcast_to(decoder[1], (dim,))])
    return vae


def exact_vae(model, **arguments):
    """The VAE whose decoder is `model`, of unit variance and orthogonal columns, and whose q is the exact posterior."""
    _, covariance = model.posterior(model.mean[None])
    to_mean = model.weights @ covariance
    log_var = np.log(np.diag(covariance))
    arguments = {"log_likelihood": losses.gaussian_log_likelihood, **arguments}
    return linear_vae(
        (to_mean, -model.mean @ to_mean), (0, log_var), (model.weights.T, model.mean), **arguments
    )


class Wide(keras.layers.Layer):
    """A prior N(0, 4 I) on two dimensions."""

    def log_prob(self, z):
        return losses.gaussian_log_likelihood(z, ops.zeros_like(z), np.log(4.0))

    def sample(self, n, seed=None):
        return 2 * keras.random.normal((n, 2), seed=seed)


def weighted(beta):
    return lambda distortion, kl_per_dim: ops.mean(distortion + beta * ops.sum(kl_per_dim, axis=-1))


@functools.cache
def exact():
    """A linear-Gaussian model with a strong, a weak and an idle dimension, its data, and the VAE that equals it."""
    weights = np.linalg.qr(np.random.default_rng(0).normal(size=[6, 3]))[0] * [3.0, 1.0, 0.0]
    model = LinearGaussian(weights, np.full(6, 0.5), 1.0)
    return model, model.sample(2000, seed=1)[0].astype("float32"), exact_vae(model)
