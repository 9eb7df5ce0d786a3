"""The inputs on which a loss is probed, and the exact terms of the ELBO at each of them."""

from typing import NamedTuple

import numpy as np

from vaehelpers.audit.oracle import Probe


class Sizes(NamedTuple):
    """The sizes of one call: the batch, one image, and the latent space."""

    batch: int
    image_shape: tuple
    latent_dim: int

    @property
    def pixels(self):
        return int(np.prod(self.image_shape))


def _sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def _bernoulli(x, p):
    return -x * np.log(p) - (1 - x) * np.log1p(-p)


DISTORTIONS = {
    "gaussian": (lambda x, mean: 0.5 * (x - mean) ** 2, lambda x, mean: mean - x),
    "laplace": (lambda x, mean: np.abs(x - mean), lambda x, mean: np.sign(mean - x)),
    "bernoulli": (_bernoulli, lambda x, p: (p - x) / (p * (1 - p))),
}


class Likelihood(NamedTuple):
    """Minus log p(x|z) up to its constant, at unit scale, of the decoder's output or of its sigmoid."""

    name: str
    from_logits: bool

    @property
    def reads(self):
        """What x_decoded is to it."""
        if self.from_logits:
            return "logits"
        return "probabilities" if self.name == "bernoulli" else "means"

    def per_pixel(self, probe):
        return DISTORTIONS[self.name][0](probe.x, self.mean(probe.x_decoded))

    def mean(self, x_decoded):
        return _sigmoid(x_decoded) if self.from_logits else x_decoded

    def distortion(self, probe):
        """Sum over pixels, mean over examples."""
        return self.per_pixel(probe).sum() / len(probe.x)

    def gradient(self, probe):
        """d distortion / d x_decoded."""
        mean = self.mean(probe.x_decoded)
        chain = mean * (1 - mean) if self.from_logits else 1.0
        return DISTORTIONS[self.name][1](probe.x, mean) * chain / len(probe.x)


LIKELIHOODS = [Likelihood(name, from_logits) for from_logits in (False, True) for name in DISTORTIONS]


def kl(z_mean, z_log_var):
    """KL(N(z_mean, exp(z_log_var)) || N(0, I)): sum over latents, mean over examples."""
    return 0.5 * (np.expm1(z_log_var) - z_log_var + z_mean**2).sum() / len(z_mean)


def at_the_prior(sizes):
    """Codes whose KL is 0, but for a hair: a logarithm of z_log_var itself stays finite."""
    shape = (sizes.batch, sizes.latent_dim)
    return np.zeros(shape), np.full(shape, 1e-6)


def random_images(sizes, rng, grey=False):
    """Images and outputs in (0.05, 0.95), probabilities or logits alike, of another distribution each time.

    A tenth of the pixels is black and a tenth white, unless all are to be grey.
    """
    shape = (sizes.batch, *sizes.image_shape)
    x, noise = (0.05 + 0.9 * rng.random(shape) ** rng.uniform(0.3, 3) for _ in range(2))
    weight = rng.uniform(0, 0.9)
    x_decoded = weight * x + (1 - weight) * noise
    kind = np.full(shape, 0.5) if grey else rng.random(shape)
    return np.where(kind < 0.1, 0.0, np.where(kind > 0.9, 1.0, x)), x_decoded


def perfect_images(sizes, likelihood, rng):
    """Images that are reconstructed nearly without distortion, so that small weights of the KL can be seen."""
    x = rng.integers(2, size=(sizes.batch, *sizes.image_shape)).astype("float64")
    if likelihood.name == "bernoulli":
        return (x, 28 * x - 14) if likelihood.from_logits else (x, np.abs(x - 1e-6))
    x_decoded = rng.uniform(-1, 1, x.shape) if likelihood.from_logits else 0.05 + 0.9 * rng.random(x.shape)
    return likelihood.mean(x_decoded), x_decoded


def random_codes(sizes, scale, rng):
    """Means of this scale; log variances in (-3, 2), nearer to 0 for scales below 1."""
    z_mean, uniform = rng.standard_normal((sizes.batch, sizes.latent_dim)), rng.random((sizes.batch, sizes.latent_dim))
    return scale * z_mean, min(1, scale) * (5 * uniform - 3)


def far_codes(sizes, rng, noisy):
    """Codes of a large KL; further out and narrower for a Monte Carlo KL, of which one draw is off by a thousandth."""
    signs = rng.choice([-1.0, 1.0], size=(sizes.batch, sizes.latent_dim))
    return (100 * signs, np.full(signs.shape, -8.0)) if noisy else (30 * signs, np.full(signs.shape, -2.0))


def probe_at(images, codes):
    return Probe(*images, *codes)
