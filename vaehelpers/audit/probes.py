"""The inputs on which a loss is probed: images, decoder outputs and codes of any sizes."""

from numbers import Integral
from typing import NamedTuple

import numpy as np

MOST_RANDOM = 500_000  # random numbers of an image; a batch of more values repeats them


class Sizes(NamedTuple):
    """The sizes of one call: the batch, one image, and the latent space."""

    batch: int
    image_shape: tuple
    latent_dim: int

    @property
    def pixels(self):
        return int(np.prod(self.image_shape))


def check_sizes(image_shape, latent_dim, batch_size):
    """Whole positive numbers, as `Sizes`."""
    if not isinstance(image_shape, (tuple, list)):
        raise TypeError(f"image_shape is {image_shape!r}: pass a tuple such as (28, 28, 1)")
    if not image_shape:
        raise ValueError(f"image_shape is {image_shape!r}, without an axis: pass a tuple such as (28, 28, 1)")
    numbers = [("image_shape", n) for n in image_shape] + [("latent_dim", latent_dim), ("batch_size", batch_size)]
    for name, value in numbers:
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise TypeError(f"{name} holds {value!r}: whole numbers are wanted")
        if value < 1:
            raise ValueError(f"{name} holds {value}: it must be at least 1")
    return Sizes(int(batch_size), tuple(map(int, image_shape)), int(latent_dim))


class Probe(NamedTuple):
    """What a loss is called with: images, the decoder's output, and the posterior's parameters."""

    x: np.ndarray
    x_decoded: np.ndarray
    z_mean: np.ndarray
    z_log_var: np.ndarray


def probe_at(images, codes):
    return Probe(*images, *codes)


def at_the_prior(sizes):
    """Codes whose KL is 0, but for a hair: a logarithm of z_log_var itself stays finite."""
    shape = (sizes.batch, sizes.latent_dim)
    return np.zeros(shape), np.full(shape, 1e-6)


def certain_codes(sizes):
    """Codes at 0 of nearly no variance, at which a draw z is all but certain."""
    shape = (sizes.batch, sizes.latent_dim)
    return np.zeros(shape), np.full(shape, -14.0)


def _uniform(shape, rng, function=lambda u: u):
    """A function of uniform random numbers; of a large batch they are repeated, with a period that is no image's."""
    size = int(np.prod(shape))
    if size <= MOST_RANDOM:
        return function(rng.random(shape))
    return np.resize(function(rng.random(MOST_RANDOM + int(rng.integers(1000)))), shape)


def random_images(sizes, rng, grey=False):
    """Images and outputs in (0.05, 0.95), probabilities or logits alike, of another distribution each time.

    A tenth of the pixels is black and a tenth white, unless all are to be grey.
    """
    shape = (sizes.batch, *sizes.image_shape)
    x, noise = (0.05 + 0.9 * _uniform(shape, rng, lambda u: u ** rng.uniform(0.3, 3)) for _ in range(2))
    weight = rng.uniform(0, 0.9)
    x_decoded = weight * x + (1 - weight) * noise
    kind = np.full(shape, 0.5) if grey else _uniform(shape, rng)
    return np.where(kind < 0.1, 0.0, np.where(kind > 0.9, 1.0, x)), x_decoded


def perfect_images(sizes, likelihood, rng):
    """Images that are reconstructed nearly without distortion, so that small weights of the KL can be seen."""
    if hasattr(likelihood, "perfect"):
        return likelihood.perfect(sizes, rng)
    x = rng.integers(2, size=(sizes.batch, *sizes.image_shape)).astype("float64")
    if likelihood.name == "bernoulli":
        return (x, 28 * x - 14) if likelihood.from_logits else (x, np.abs(x - 1e-6))
    x_decoded = rng.uniform(-1, 1, x.shape) if likelihood.from_logits else 0.05 + 0.9 * rng.random(x.shape)
    return likelihood.mean(x_decoded), x_decoded


def random_codes(sizes, scale, rng):
    """Means of this scale; log variances in (-3, 2), nearer to 0 for scales below 1."""
    shape = (sizes.batch, sizes.latent_dim)
    z_mean = rng.standard_normal(shape)
    uniform = rng.random(shape)
    return scale * z_mean, min(1, scale) * (5 * uniform - 3)


def far_codes(sizes, rng, noisy):
    """Codes of a large KL; further out and narrower for a Monte Carlo KL, of which one draw is off by a thousandth."""
    signs = rng.choice([-1.0, 1.0], size=(sizes.batch, sizes.latent_dim))
    return (100 * signs, np.full(signs.shape, -8.0)) if noisy else (30 * signs, np.full(signs.shape, -2.0))
