"""Losses for the tests of the audit: the ELBO with one of its parts exchanged, and random ones in any framework."""

import numpy as np
import pytest

PIXELS = (1, 2, 3)

SHAPES = [(28, 28, 1), (12, 9, 3), (3, 16, 12), (8, 8), (50,), (5, 6, 4, 2)]
LATENTS = [1, 2, 5, 17, 64]
LIKELIHOODS = ["bernoulli", "bernoulli from logits", "gaussian", "half gaussian", "laplace"]


def kl_per_dim(m, v):
    return 0.5 * (np.exp(v) + m**2 - 1 - v)


def cross_entropy(x, p):
    return -x * np.log(p) - (1 - x) * np.log(1 - p)


def elbo(x, p, m, v, *, pixels=cross_entropy, kl=kl_per_dim, beta=1.0):
    """The ELBO with one of its parts exchanged."""
    return (pixels(x, p).sum(PIXELS) + beta * kl(m, v).sum(1)).mean()


class Namespace:
    """The five functions that the random losses need, in one framework."""

    def __init__(self, framework):
        if framework == "numpy":
            self.log, self.exp, self.abs = np.log, np.exp, np.abs
            self.sum, self.mean = np.sum, np.mean
        elif framework == "tensorflow":
            tf = pytest.importorskip("tensorflow")
            self.log, self.exp, self.abs, self.sum, self.mean = (
                tf.math.log, tf.exp, tf.abs, tf.reduce_sum, tf.reduce_mean,
            )  # fmt: skip
        elif framework == "jax":
            jnp = pytest.importorskip("jax").numpy
            self.log, self.exp, self.abs, self.sum, self.mean = (
                jnp.log,
                jnp.exp,
                jnp.abs,
                jnp.sum,
                jnp.mean,
            )
        else:
            torch = pytest.importorskip("torch")
            self.log, self.exp, self.abs, self.sum, self.mean = (
                torch.log, torch.exp, torch.abs, torch.sum, torch.mean,
            )  # fmt: skip

    def reduce(self, values, axes, reduction):
        return (
            {"sum": self.sum, "mean": self.mean}[reduction](values, tuple(axes)) if axes else values
        )


def random_loss(seed, framework):
    """A loss with random reductions and weights, and what the audit must find."""
    rng = np.random.default_rng(seed)
    f, shape, latent_dim = (
        Namespace(framework),
        SHAPES[seed % len(SHAPES)],
        int(rng.choice(LATENTS)),
    )
    batch_size = int(rng.integers(2, 12))
    name = LIKELIHOODS[rng.integers(len(LIKELIHOODS))]
    pixels, channels, latents = (str(rng.choice(["sum", "mean"])) for _ in range(3))
    batches = [
        ("mean", "mean"),
        ("sum", "sum"),
        ("none", "none"),
        ("mean", "sum"),
        ("sum", "mean"),
    ][rng.integers(5)]
    weights = 10 ** rng.uniform(-3, 3, 2)
    channel = {3: 1 if shape[0] == 3 else 3, 4: 4}.get(len(shape))
    axes = [axis for axis in range(1, len(shape) + 1) if axis != channel]
    per_pixel = {
        "bernoulli": lambda x, y: -(x * f.log(y) + (1 - x) * f.log(1 - y)),
        "bernoulli from logits": lambda x, y: f.log(1 + f.exp(y)) - x * y,
        "gaussian": lambda x, y: (x - y) ** 2,
        "half gaussian": lambda x, y: 0.5 * (x - y) ** 2,
        "laplace": lambda x, y: f.abs(x - y),
    }[name]

    def loss(x, x_decoded, z_mean, z_log_var):
        each = per_pixel(x, x_decoded)
        each = f.reduce(each, [channel] if channel else [], channels)
        order = [axis if not channel or axis < channel else axis - 1 for axis in axes]
        reconstruction = f.reduce(each, order, pixels)
        kl = f.reduce(0.5 * (f.exp(z_log_var) + z_mean**2 - 1 - z_log_var), [1], latents)
        terms = [w * t for w, t in zip(weights, (reconstruction, kl), strict=True)]
        terms = [
            t if b == "none" else f.reduce(t, [0], b) for t, b in zip(terms, batches, strict=True)
        ]
        return terms[0] + terms[1] + 3.0

    spatial = np.prod([shape[axis - 1] for axis in axes])
    n_channels = shape[channel - 1] if channel else 1
    distortion = (
        weights[0] * (2 if name == "gaussian" else 1) * (batch_size if batches[0] == "sum" else 1)
    )
    distortion /= (spatial if pixels == "mean" else 1) * (n_channels if channels == "mean" else 1)
    rate = (
        weights[1]
        * (batch_size if batches[1] == "sum" else 1)
        / (latent_dim if latents == "mean" else 1)
    )
    wanted = {
        "beta": rate / distortion,
        "scale": distortion / (batch_size if batches == ("sum", "sum") else 1),
        "likelihood": name.split()[-1] if "gaussian" in name else name.split()[0],
        "x_decoded": {"bernoulli": "probabilities", "bernoulli from logits": "logits"}.get(
            name, "means"
        ),
        "pixel_reduction": pixels,
        "channel_reduction": channels if channel else "none",
        "latent_reduction": latents,
        "batch_reduction": batches[0] if batches[0] == batches[1] else "mixed",
    }
    return loss, {"image_shape": shape, "latent_dim": latent_dim, "batch_size": batch_size}, wanted
