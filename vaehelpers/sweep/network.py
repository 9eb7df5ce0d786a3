"""The stacked network: S dense VAEs as one Keras model, S times what `build_mlp` builds."""

from functools import partial

import keras
import numpy as np
from keras import ops

from vaehelpers import losses
from vaehelpers.models import build_mlp

ENCODER = ("hidden", "z_mean", "z_log_var")
DECODER = ("code", "output")


def log_likelihood_of(likelihood, variance):
    """The function of `losses` of that name, `(x, x_decoded) -> [B]`, as `VAE` takes it."""
    function = losses.log_likelihood_named(likelihood)
    gaussian = likelihood == "gaussian"
    return partial(function, log_var=float(np.log(variance))) if gaussian else function


def initial_weights(n_pixels, hidden, latent_dim, seeds):
    """Name to array `[1, n_seed, ...]`, from each seed alone: as `build_mlp`, Glorot uniform."""
    width = hidden or n_pixels  # what the heads see: hidden units or, in a linear VAE, the pixels
    sizes = {
        "z_mean": (width, latent_dim),
        "z_log_var": (width, latent_dim),
        "output": (hidden or latent_dim, n_pixels),
    }
    if hidden:
        sizes |= {"hidden": (n_pixels, hidden), "code": (latent_dim, hidden)}
    rngs = [np.random.default_rng([0, seed]) for seed in seeds]
    weights = {}
    for name, size in sorted(sizes.items()):
        limit = np.sqrt(6 / sum(size))
        kernels = [rng.uniform(-limit, limit, size).astype("float32") for rng in rngs]
        weights[f"{name}_kernel"] = np.stack(kernels)[None]
        weights[f"{name}_bias"] = np.zeros([1, len(rngs), size[1]], "float32")
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
    """S VAEs on the same images: inputs are images `[B, D]` and noise `[B, S, J]`.

    The loss is the sum over the members. No weight is shared and Adam works weight by weight, so
    that training the sum trains each member as if alone. A layer on the images is one product
    `[B, D] x [D, S * W]`: they are read once for all members.

    Args:
        weights: name to array `[S, ...]`.
        betas: `[S]`, the weight of each member's rate.
        log_likelihood: `(x, x_decoded) -> [B]`, see `log_likelihood_of`.
    """

    def __init__(self, weights, betas, log_likelihood):
        # Whatever the global policy: its loss scaling would stop all members when one overflows.
        super().__init__(dtype="float32")
        self.n_members = len(betas)
        self.log_likelihood = log_likelihood
        self.on_images = ("hidden",) if "hidden_kernel" in weights else ("z_mean", "z_log_var")
        self.parameters = {
            name: keras.Variable(self._turned(name, value), dtype="float32", name=name)
            for name, value in weights.items()
        }
        self.betas = keras.Variable(betas, trainable=False, dtype="float32", name="betas")
        totals = np.zeros([2, self.n_members])
        self.totals = keras.Variable(totals, trainable=False, dtype="float32", name="totals")
        self.built = True

    def _turned(self, name, value):
        """A kernel on the images from `[S, D, W]` to `[D, S, W]`, or back."""
        turned = name in [f"{layer}_kernel" for layer in self.on_images]
        return value.swapaxes(0, 1) if turned else value

    def member_weights(self):
        """Name to array `[S, ...]`: what the constructor took, as it is now."""
        return {
            name: self._turned(name, ops.convert_to_numpy(variable))
            for name, variable in self.parameters.items()
        }

    def state(self):
        """The variables that training goes on from: the weights, and Adam's."""
        return [*self.trainable_variables, *self.optimizer.variables]

    def _dense(self, h, name):
        kernel = self.parameters[f"{name}_kernel"]
        if name in self.on_images:
            h = ops.transpose(ops.tensordot(h, kernel, 1), (1, 0, 2))
        else:
            h = ops.matmul(h, kernel)
        return h + ops.expand_dims(self.parameters[f"{name}_bias"], 1)

    def call(self, inputs):
        """Distortion `[S, B]` and KL per dimension `[S, B, J]`."""
        x, noise = inputs
        deep = "hidden" in self.on_images
        h = ops.relu(self._dense(x, "hidden")) if deep else x
        z_mean = self._dense(h, "z_mean")
        z_log_var = self._dense(h, "z_log_var")
        z = z_mean + ops.exp(0.5 * z_log_var) * ops.transpose(noise, (1, 0, 2))
        x_decoded = self._dense(ops.relu(self._dense(z, "code")) if deep else z, "output")
        images = ops.broadcast_to(x, ops.shape(x_decoded))
        return (
            -self._per_member(self.log_likelihood, images, x_decoded),
            self._per_member(losses.gaussian_kl_per_dim, z_mean, z_log_var),
        )

    def _per_member(self, term, *tensors):
        """A function of `[B, ...]`, which a single VAE uses, on tensors `[S, B, ...]`."""
        flat = (ops.reshape(tensor, (-1, tensor.shape[-1])) for tensor in tensors)
        found = term(*flat)
        return ops.reshape(found, (self.n_members, -1, *found.shape[1:]))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The sum over the members of `mean(distortion + beta * rate)`."""
        distortion, kl_per_dim = y_pred
        distortion = ops.mean(distortion, axis=1)
        rate = ops.mean(ops.sum(kl_per_dim, axis=-1), axis=1)
        self.totals.assign_add(ops.stack([distortion, rate]))
        return ops.sum(distortion + self.betas * rate)

    def read_totals(self):
        """Distortion and rate `[2, S]`, summed over the batches since the last call."""
        totals = ops.convert_to_numpy(self.totals)
        self.totals.assign(np.zeros_like(totals))
        return totals
