"""Rate, distortion and ELBO of a VAE on a set of images, with their standard errors."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vaehelpers.data.checks import check_number, check_whole
from vaehelpers.diagnostics.formats import with_error
from vaehelpers.diagnostics.information import blocks

COLLAPSED = 0.01  # nats: a mean rate below it says nothing of the image
ALIVE = 0.05  # nats: a mean rate above it does; in between, train on
ACTIVE = 0.01  # variance of the posterior mean over the data (Burda et al. 2016)
IMAGES_AT_ONCE = 1000  # through a network: bounds the memory


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """The ELBO's terms for each image, and their means, nats; it shows itself as a sentence.

    Attributes:
        distortion_per_example: minus log p(x|z) of one draw z ~ q(z|x), `[N]`.
        kl_per_dim_per_example: KL(q(z_j|x) || N(0, 1)), `[N, J]`; of a learned prior
            log q(z|x) - log p(z), `[N, 1]`.
        z_mean, z_log_var: of q(z|x), `[N, J]`.

    Example:
        >>> codes = np.array([[1.0], [-1.0]])
        >>> kl = codes**2 / 2  # of N(1, 1) and of N(-1, 1)
        >>> Evaluation(np.array([2.0, 2.0]), kl, codes, np.zeros([2, 1]))
        On 2 images: distortion 2, rate 0.5, ELBO -2.5 nats per image (mean ± standard error);
        1 of 1 latent dimensions is an active unit; alive.
    """

    distortion_per_example: np.ndarray
    kl_per_dim_per_example: np.ndarray
    z_mean: np.ndarray
    z_log_var: np.ndarray

    @property
    def rate_per_example(self) -> np.ndarray:
        """KL(q(z|x) || p(z)) `[N]`: the sum over the latent dimensions."""
        return self.kl_per_dim_per_example.sum(axis=1)

    @property
    def elbo_per_example(self) -> np.ndarray:
        """-(distortion + rate) `[N]`."""
        return -(self.distortion_per_example + self.rate_per_example)

    @property
    def distortion(self) -> float:
        """The mean over images of the distortion, a float, nats."""
        return float(self.distortion_per_example.mean())

    @property
    def rate(self) -> float:
        """The mean over images of the rate, a float, nats."""
        return float(self.rate_per_example.mean())

    @property
    def elbo(self) -> float:
        """The mean over images of the ELBO, `-(distortion + rate)`, a float, nats."""
        return float(self.elbo_per_example.mean())

    @property
    def distortion_se(self) -> float:
        """The standard error of `distortion` over the images, a float, nats; nan for one image."""
        return _standard_error(self.distortion_per_example)

    @property
    def rate_se(self) -> float:
        """The standard error of `rate` over the images, a float, nats; nan for one image."""
        return _standard_error(self.rate_per_example)

    @property
    def elbo_se(self) -> float:
        """The standard error of `elbo` over the images, a float, nats; nan for one image."""
        return _standard_error(self.elbo_per_example)

    @property
    def kl_per_dim(self) -> np.ndarray:
        """The mean KL of each latent dimension, `[J]`, nats; of a learned prior the rate, `[1]`."""
        return self.kl_per_dim_per_example.mean(axis=0)

    @property
    def active_units(self) -> int:
        """How many latent dimensions have a mean that moves, see the function `active_units`."""
        return int((variance_of_means(self.z_mean) > ACTIVE).sum())

    @property
    def collapsed(self) -> bool:
        """Whether the rate is below 0.01 nats."""
        return self.rate < COLLAPSED

    @property
    def alive(self) -> bool:
        """Whether the rate is above 0.05 nats."""
        return self.rate > ALIVE

    def __str__(self) -> str:
        terms = ("distortion", "rate", "elbo")
        numbers = [with_error(getattr(self, term), getattr(self, f"{term}_se")) for term in terms]
        n, latent_dim = self.z_mean.shape
        are = "is an active unit" if self.active_units == 1 else "are active units"
        return (
            f"On {n:,} image{'s'[: n > 1]}: distortion {numbers[0]}, rate {numbers[1]}, ELBO "
            f"{numbers[2]} nats per image (mean ± standard error); {self.active_units} of "
            f"{latent_dim} latent dimensions {are}; {self._state()}."
        )

    __repr__ = __str__

    def _state(self):
        if not np.isfinite(self.elbo):
            return "its ELBO is not finite"
        if self.collapsed:
            return "collapsed"
        return "alive" if self.alive else "neither collapsed nor alive"


def evaluate(vae: Any, x: np.ndarray, seed: int = 0) -> Evaluation:
    """The ELBO of a VAE on images, of one posterior sample z for each: `log p(x|z) - KL`.

    Args:
        vae: a `models.VAE`, whose objective does not matter here, or a Keras model with an encoder
            and a decoder, read as `diagnose` says.
        x: images `[N, ...]`, an array.
        seed: of `np.random.default_rng`, for the noise; the same seed gives the same numbers.

    Returns:
        An `Evaluation` of N numbers for each term, in nats per image. With a learned prior the rate
        is an estimate from the same draw, and may be below 0. Keras's `vae.evaluate` draws noise of
        its own, so its distortion is another; without a learned prior the rate is the same.

    Raises:
        TypeError, ValueError: for what is no VAE, and images that do not fit `data.check_images`.

    Source: Kingma & Welling (2014), equation 3.

    Example:
        >>> from vaehelpers.models import VAE, build_mlp
        >>> evaluation = evaluate(VAE(*build_mlp((2, 2, 1), hidden=8)), np.zeros([5, 2, 2, 1]))
        >>> bool(np.isclose(evaluation.elbo, -evaluation.distortion - evaluation.rate))
        True
    """
    from vaehelpers.diagnostics.anybody import read_model
    from vaehelpers.losses import gaussian_kl_per_dim

    vae, *_ = read_model(vae, x)
    z_mean, z_log_var = vae.encode(x)
    (z,), (log_q,) = vae.sample_posterior(x, 1, seed)

    def log_likelihood(images, codes):
        return vae.log_likelihood(images, vae.decoder(codes, training=False))

    images = np.asarray(x, "float32")
    distortion = -_per_example(log_likelihood, "vae.log_likelihood", images, z)
    if vae.prior is None:
        kl = np.asarray(gaussian_kl_per_dim(z_mean, z_log_var)).astype("float64")
    else:
        kl = (log_q - _per_example(vae.prior.log_prob, "vae.prior.log_prob", z))[:, None]
    return Evaluation(distortion, kl, z_mean, z_log_var)


def _per_example(function, name, *arrays):
    """What a function gives for each example, float64, `[N]`; it sees some of them at a time."""
    from keras import ops

    from vaehelpers.losses.tensors import per_example

    numbers = []
    for rows in blocks(len(arrays[0]), IMAGES_AT_ONCE):
        some = [array[rows] for array in arrays]
        values = per_example(function(*some), name, len(some[0]))
        numbers.append(ops.convert_to_numpy(values).astype("float64"))
    return np.concatenate(numbers)


def active_units(z_mean: ArrayLike, threshold: float = ACTIVE) -> int:
    """How many latent dimensions have a posterior mean that moves: its variance over x is larger.

    Sufficient for a dimension to carry something, not necessary: a code in the variances of q is
    missed. Means that move little beside the prior but much beside their own width tell images
    apart: such codes are missed too.

    Args:
        z_mean: the means of q(z|x), `[N, J]`.
        threshold: a variance, in the square of z's unit.

    Returns:
        A whole number from 0 to J.

    Raises:
        TypeError: for a threshold that is no number.
        ValueError: where z_mean is no finite `[N, J]` or the threshold below 0.

    Source: Burda, Grosse & Salakhutdinov (2016).

    Example:
        >>> active_units(np.array([[1.0, 0.3], [-1.0, 0.3]]))
        1
    """
    means = np.asarray(z_mean, "float64")
    if means.ndim != 2 or means.size == 0 or not np.isfinite(means).all():
        raise ValueError(f"z_mean has shape {means.shape}: pass finite means [N, J], at least one")
    threshold = check_number(threshold, "threshold", least=0)
    return int((variance_of_means(means) > threshold).sum())


def bits_per_dim(nats: ArrayLike, n_values: int, n_levels: int | None = None) -> float | np.ndarray:
    """Nats per image as bits per value: `nats / (n_values log 2)`.

    For a density of grey levels `log2(n_levels)` is added.

    Args:
        nats: minus log p(x) or minus the ELBO, a number or an array.
        n_values: the number D of values in an image: height x width x channels.
        n_levels: `None` for the nats of a probability. Where they are those of a density on [0, 1]
            and the data are that many grey levels (256), a level's probability is about the
            density / n_levels.

    Returns:
        Bits per value, a float or an array.

    Raises:
        TypeError: for a number of values or levels that is not whole.
        ValueError: for no value, or fewer than two levels.

    Source: Theis, van den Oord & Bethge (2016), on densities of grey levels.

    Example:
        >>> bits_per_dim(0.0, 784, n_levels=256)  # the uniform density
        8.0
    """
    bits = np.asarray(nats, "float64") / (check_whole(n_values, "n_values") * np.log(2))
    if n_levels is not None:
        bits = bits + np.log2(check_whole(n_levels, "n_levels", 2))
    return bits if bits.ndim else float(bits)


def variance_of_means(z_mean):
    return np.var(z_mean, axis=0, dtype="float64")


def _standard_error(values):
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
