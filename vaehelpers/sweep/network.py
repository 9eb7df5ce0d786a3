"""The stacked network: S dense VAEs as one Keras model, S times what `build_mlp` builds."""

from functools import partial

import keras
import numpy as np
from keras import ops

from vaehelpers import losses
from vaehelpers.models import build_mlp

ENCODER, DECODER = ("hidden", "z_mean", "z_log_var"), ("code", "output")


def log_likelihood_of(likelihood, variance):
    """The function of `losses` for a name of `data.likelihoods`, `(x, x_decoded) -> [B]`, as `VAE` takes it."""
    function = losses.log_likelihood_named(likelihood)
    return (
        partial(function, log_var=float(np.log(variance))) if likelihood == "gaussian" else function
    )


def initial_weights(n_pixels, hidden, latent_dim, seed):
    """One member's weights, name to array, from the seed alone: Glorot uniform kernels, biases 0, as `build_mlp`."""
    rng = np.random.default_rng([0, seed])
    width = hidden or n_pixels  # what the heads see: hidden units or, in a linear VAE, the pixels
    sizes = {
        "z_mean": (width, latent_dim),
        "z_log_var": (width, latent_dim),
        "output": (hidden or latent_dim, n_pixels),
    }
    if hidden:
        sizes |= {"hidden": (n_pixels, hidden), "code": (latent_dim, hidden)}
    weights = {}
    for name in sorted(sizes):
        limit = np.sqrt(6 / sum(sizes[name]))
        weights[f"{name}_kernel"] = rng.uniform(-limit, limit, sizes[name]).astype("float32")
        weights[f"{name}_bias"] = np.zeros(sizes[name][1], "float32")
    return weights


def member_networks(weights, image_shape, hidden, latent_dim):
    """`(encoder, decoder)` of `build_mlp` with one member's weights."""
    encoder, decoder = build_mlp(image_shape, hidden, latent_dim)
    for network, names in ((encoder, ENCODER), (decoder, DECODER)):
        present = [name for name in names if f"{name}_kernel" in weights]
        network.set_weights(
            [weights[f"{name}_{part}"] for name in present for part in ("kernel", "bias")]
        )
    return encoder, decoder


class StackedVAE(keras.Model):
    """S VAEs on the same images. Inputs: images `[B, D]` and noise `[B, S, J]`; the loss is the sum over the members.

    No weight is shared and Adam works weight by weight, so that training the sum trains each member as if alone.
    A layer on the images is one product `[B, D] x [D, S * W]`: they are read once for all members.

    Args:
        weights: name to array `[S, ...]`, see `initial_weights`.
        betas: `[S]`, the weight of each member's rate.
        log_likelihood: `(x, x_decoded) -> [B]`, see `log_likelihood_of`.
    """

    def __init__(self, weights, betas, log_likelihood):
        # Whatever the global policy: its loss scaling would stop all members when one overflows.
        super().__init__(dtype="float32")
        self.n_members = len(betas)
        self.log_likelihood = log_likelihood
        self.on_images = ("hidden",) if "hidden_kernel" in weights else ("z_mean", "z_log_var")
        self.parameters = {}
        for name, value in weights.items():
            self.parameters[name] = self._variable(self._pack(name, value), name, trainable=True)
        self.betas = self._variable(np.asarray(betas, "float32"), "betas", trainable=False)
        self.totals = self._variable(
            np.zeros([2, self.n_members], "float32"), "totals", trainable=False
        )
        self.built = True

    def _variable(self, value, name, trainable):
        def initializer(shape, dtype=None):
            return ops.convert_to_tensor(value, dtype)

        return self.add_weight(
            shape=value.shape, initializer=initializer, name=name, trainable=trainable
        )

    def _pack(self, name, value):
        """`[S, D, W]` of a layer on the images to `[D, S * W]`; a bias of another layer gets an axis for the batch."""
        if name.rpartition("_")[0] in self.on_images:
            return np.moveaxis(value, 0, -2).reshape(*value.shape[1:-1], -1)
        return value[:, None] if name.endswith("bias") else value

    def member_weights(self):
        """Name to array `[S, ...]`: what the constructor took, as it is now."""
        found = {}
        for name, variable in self.parameters.items():
            value = ops.convert_to_numpy(variable)
            if name.rpartition("_")[0] in self.on_images:
                found[name] = np.moveaxis(
                    value.reshape(*value.shape[:-1], self.n_members, -1), -2, 0
                )
            else:
                found[name] = value[:, 0] if name.endswith("bias") else value
        return found

    def _dense(self, h, name):
        kernel, bias = self.parameters[f"{name}_kernel"], self.parameters[f"{name}_bias"]
        h = ops.matmul(h, kernel) + bias
        if name in self.on_images:
            h = ops.transpose(
                ops.reshape(h, (-1, self.n_members, h.shape[-1] // self.n_members)), (1, 0, 2)
            )
        return h

    def call(self, inputs):
        x, noise = inputs
        deep = "hidden_kernel" in self.parameters
        h = ops.relu(self._dense(x, "hidden")) if deep else x
        z_mean, z_log_var = self._dense(h, "z_mean"), self._dense(h, "z_log_var")
        z = z_mean + ops.exp(0.5 * z_log_var) * ops.transpose(noise, (1, 0, 2))
        x_decoded = self._dense(ops.relu(self._dense(z, "code")) if deep else z, "output")
        return self.terms(x, x_decoded, z_mean, z_log_var)

    def terms(self, x, x_decoded, z_mean, z_log_var):
        """Distortion `[S, B]` and KL per dimension `[S, B, J]`, by the functions that a single VAE uses."""
        n_pixels, latent_dim = x.shape[-1], z_mean.shape[-1]
        images = ops.reshape(ops.broadcast_to(x, ops.shape(x_decoded)), (-1, n_pixels))
        log_likelihood = self.log_likelihood(images, ops.reshape(x_decoded, (-1, n_pixels)))
        kl = losses.gaussian_kl_per_dim(
            *(ops.reshape(part, (-1, latent_dim)) for part in (z_mean, z_log_var))
        )
        return -ops.reshape(log_likelihood, (self.n_members, -1)), ops.reshape(
            kl, (self.n_members, -1, latent_dim)
        )

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        distortion, kl_per_dim = y_pred
        distortion, rate = (
            ops.mean(distortion, axis=1),
            ops.mean(ops.sum(kl_per_dim, axis=-1), axis=1),
        )
        self.totals.assign_add(ops.stack([distortion, rate]))
        return ops.sum(distortion + self.betas * rate)

    def read_totals(self):
        """Distortion and rate `[2, S]`, summed over the batches since the last call."""
        totals = ops.convert_to_numpy(self.totals)
        self.totals.assign(np.zeros(self.totals.shape, "float32"))
        return totals
