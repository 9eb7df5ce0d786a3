"""On what a loss is probed, at any sizes, and the ELBO's exact terms, with which it is compared."""

from numbers import Integral
from typing import NamedTuple

import numpy as np

ZERO_CODES = 1e-6  # nats, nearly. A log variance at the prior, so that a logarithm of it is finite
OF_CLASSES = ("categorical", "multinomial")  # likelihoods over the classes along the last axis
EXACT = 0.1  # the share of black pixels, and of white ones
MOST_RANDOM = 500_000  # random numbers of an image; a batch of more values repeats them


class Sizes(NamedTuple):
    """The sizes of one call: the batch, one image, the latent space; and the images' range."""

    batch: int
    image_shape: tuple
    latent_dim: int
    image_range: tuple = (0.0, 1.0)

    @property
    def pixels(self):
        return int(np.prod(self.image_shape))


def check_sizes(image_shape, latent_dim, batch_size, image_range=(0, 1)):
    """Whole positive numbers and a range, as `Sizes`."""
    example = "pass a tuple such as (28, 28, 1)"
    if not isinstance(image_shape, (tuple, list)):
        raise TypeError(f"image_shape is {image_shape!r}: {example}")
    if not image_shape:
        raise ValueError(f"image_shape is {image_shape!r}, without an axis: {example}")
    numbers = [("image_shape", n) for n in image_shape]
    for name, value in [*numbers, ("latent_dim", latent_dim), ("batch_size", batch_size)]:
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise TypeError(f"{name} holds {value!r}: whole numbers are wanted")
        if value < 1:
            raise ValueError(f"{name} holds {value}: it must be at least 1")
    try:
        low, high = map(float, image_range)
    except (TypeError, ValueError):
        raise TypeError(f"image_range is {image_range!r}: pass two numbers, (0, 1)") from None
    if not -np.inf < low < high < np.inf:
        raise ValueError(f"image_range is {image_range!r}: pass (low, high) with low < high")
    return Sizes(int(batch_size), tuple(map(int, image_shape)), int(latent_dim), (low, high))


class Probe(NamedTuple):
    """What a loss is called with: images, the decoder's output, and the posterior's parameters."""

    x: np.ndarray
    x_decoded: np.ndarray
    z_mean: np.ndarray
    z_log_var: np.ndarray


def probe_at(images, codes):
    return Probe(*images, *codes)


def at_probe(error, probe):
    """An error and the probe at which a loss raised it, in words."""
    return (
        f"{type(error).__name__} for images {probe.x.shape}, codes {probe.z_mean.shape} and "
        f"|z_mean| up to {abs(probe.z_mean).max():.2g}: {' '.join(str(error).split())[:200]}"
    )


def codes_at(sizes, z_mean, z_log_var):
    """Codes that are all alike."""
    shape = (sizes.batch, sizes.latent_dim)
    return np.full(shape, float(z_mean)), np.full(shape, float(z_log_var))


def at_the_prior(sizes):
    """Codes whose KL is 0, but for a hair: a logarithm of z_log_var itself stays finite."""
    return codes_at(sizes, 0, ZERO_CODES)


def certain_codes(sizes):
    """Codes at 0 of nearly no variance, at which a draw z is all but certain."""
    return codes_at(sizes, 0, -14)


def random_codes(sizes, scale, rng):
    """Means of this scale; log variances in (-3, 2), nearer to 0 for scales below 1."""
    shape = (sizes.batch, sizes.latent_dim)
    z_mean = rng.standard_normal(shape)
    uniform = rng.random(shape)
    return scale * z_mean, min(1, scale) * (5 * uniform - 3)


def far_codes(sizes, rng, noisy):
    """Codes of a large KL; further out and narrower for a Monte Carlo KL, off by a thousandth."""
    signs = rng.choice([-1.0, 1.0], size=(sizes.batch, sizes.latent_dim))
    return (
        (100 * signs, np.full(signs.shape, -8.0))
        if noisy
        else (30 * signs, np.full(signs.shape, -2.0))
    )


def uniform(shape, rng, power=1.0):
    """Powers of uniform numbers; of a large batch they repeat, with a period that is no image's."""
    size = int(np.prod(shape))
    if size <= MOST_RANDOM:
        return rng.random(shape) ** power
    return np.resize(rng.random(MOST_RANDOM + int(rng.integers(1000))) ** power, shape)


def random_images(sizes, rng, grey=False):
    """Images and outputs in (0.05, 0.95), probabilities or logits alike, other ones each time.

    A tenth of the pixels is black and a tenth white, unless all are to be grey. Images of another
    range, and then their outputs, are stretched to it.
    """
    shape = (sizes.batch, *sizes.image_shape)
    x = 0.05 + 0.9 * uniform(shape, rng, rng.uniform(0.3, 3))
    noise = 0.05 + 0.9 * uniform(shape, rng, rng.uniform(0.3, 3))
    weight = rng.uniform(0, 0.9)
    x_decoded = weight * x + (1 - weight) * noise
    if not grey:
        kind = uniform(shape, rng)
        x = np.where(kind < EXACT, 0.0, np.where(kind > 1 - EXACT, 1.0, x))
    return stretched(sizes, x), stretched(sizes, x_decoded)


def stretched(sizes, unit):
    """What lies in [0, 1], in the images' range."""
    low, high = sizes.image_range
    return unit if (low, high) == (0, 1) else low + (high - low) * unit


def ends_of(sizes, reach):
    """The ends of outputs that go `reach` times the images' range beyond it."""
    low, high = sizes.image_range
    return low - reach * (high - low), high + reach * (high - low)


def one_hot(sizes, rng):
    """Images one-hot along the last axis, and outputs in (0.05, 0.95), better at some calls."""
    *places, classes = sizes.image_shape
    x = np.eye(classes)[rng.integers(classes, size=(sizes.batch, *places))]
    weight = rng.uniform(0, 0.9)
    return x, 0.05 + 0.9 * (weight * x + (1 - weight) * rng.random(x.shape))


class Distortion(NamedTuple):
    """Minus log p(x|z) up to its constant, at unit scale."""

    name: str  # such as "bernoulli"
    reads: str  # what x_decoded is to it: means, probabilities, logits or log-probabilities
    each: object  # a function of (x, x_decoded) to what each value costs
    slope: object  # its derivative with respect to x_decoded

    @property
    def of_classes(self):
        """Whether it is one over the classes along the last axis."""
        return self.name in OF_CLASSES

    def distortion(self, x, x_decoded):
        """Sum over pixels, mean over examples."""
        return self.each(x, x_decoded).sum() / len(x)

    def gradient(self, x, x_decoded):
        """d distortion / d x_decoded."""
        return self.slope(x, x_decoded) / len(x)

    def images(self, sizes, rng):
        """Random images and outputs of its kind."""
        return (one_hot if self.of_classes else random_images)(sizes, rng)

    def perfect(self, sizes, rng):
        """Images reconstructed nearly without distortion, so that a small KL can be seen."""
        shape = (sizes.batch, *sizes.image_shape)
        if self.name in ("gaussian", "laplace"):
            y = stretched(sizes, 0.05 + 0.9 * rng.random(shape))
            return (sigmoid(y) if self.reads == "logits" else y), y
        x = one_hot(sizes, rng)[0] if self.of_classes else rng.integers(2, size=shape) * 1.0
        p = np.clip(x, 1e-6 / (x.shape[-1] if self.of_classes else 1), 1 - 1e-6)
        y = {"logits": 28 * x - 14, "log-probabilities": np.log(p)}
        return stretched(sizes, x), y.get(self.reads, stretched(sizes, p))


def kl(z_mean, z_log_var):
    """KL(N(z_mean, exp(z_log_var)) || N(0, I)): sum over latents, mean over examples."""
    return 0.5 * (np.expm1(z_log_var) - z_log_var + z_mean**2).sum() / len(z_mean)


def sigmoid(y):
    return 1 / (1 + np.exp(-y))


def log_softmax(y):
    top = y.max(-1, keepdims=True)
    return y - top - np.log(np.exp(y - top).sum(-1, keepdims=True))


def _through_sigmoid(likelihood):
    """The same likelihood of the sigmoid of x_decoded."""
    return Distortion(
        likelihood.name,
        "logits",
        lambda x, y: likelihood.each(x, sigmoid(y)),
        lambda x, y: likelihood.slope(x, sigmoid(y)) * sigmoid(y) * (1 - sigmoid(y)),
    )


GAUSSIAN = Distortion("gaussian", "means", lambda x, y: 0.5 * (x - y) ** 2, lambda x, y: y - x)
LAPLACE = Distortion("laplace", "means", lambda x, y: np.abs(x - y), lambda x, y: np.sign(y - x))
BERNOULLI = Distortion(
    "bernoulli",
    "probabilities",
    lambda x, p: -x * np.log(p) - (1 - x) * np.log1p(-p),
    lambda x, p: (p - x) / (p * (1 - p)),
)
FROM_LOGITS = Distortion(
    "bernoulli", "logits", lambda x, y: np.logaddexp(0, y) - x * y, lambda x, y: sigmoid(y) - x
)
FAMILIES = (
    (GAUSSIAN, LAPLACE, BERNOULLI),
    (_through_sigmoid(GAUSSIAN), _through_sigmoid(LAPLACE), FROM_LOGITS),
)
PER_PIXEL = FAMILIES[0] + FAMILIES[1]


def _categorical(reads, log_p, slope):
    return Distortion("categorical", reads, lambda x, y: -x * log_p(y), slope)


OVER_CLASSES = (  # -sum over classes of x log p, and its derivative for a one-hot x
    _categorical("logits", log_softmax, lambda x, y: np.exp(log_softmax(y)) - x),
    _categorical("probabilities", np.log, lambda x, y: -x / y),
    _categorical(
        "probabilities",
        lambda y: np.log(y / y.sum(-1, keepdims=True)),
        lambda x, y: 1 / y.sum(-1, keepdims=True) - x / y,
    ),
    _categorical("log-probabilities", lambda y: y, lambda x, y: -x),
)
NORMALISED = OVER_CLASSES[2]
