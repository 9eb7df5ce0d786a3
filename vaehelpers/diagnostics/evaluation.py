"""Rate, distortion and ELBO of a VAE on a set of images, with their standard errors."""

from dataclasses import dataclass

import numpy as np

from vaehelpers.data.checks import check_number, check_whole

COLLAPSED = 0.01  # nats: a mean rate below it says nothing of the image
ALIVE = 0.05  # nats: a mean rate above it does; in between, training near the threshold may still be under way
ACTIVE = 0.01  # variance of the posterior mean over the data (Burda et al. 2016)
DECODED_AT_ONCE = 1000  # images: bounds the memory


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """The ELBO's terms for each image, and their means; made by `evaluate`. Nats. It shows itself as a sentence.

    Attributes:
        distortion_per_example: minus log p(x|z) of one draw z ~ q(z|x), `[N]`.
        kl_per_dim_per_example: KL(q(z_j|x) || N(0, 1)), `[N, J]`; of a learned prior log q(z|x) - log p(z), `[N, 1]`.
        z_mean, z_log_var: of q(z|x), `[N, J]`.

    Example:
        >>> codes = np.array([[1.0], [-1.0]])
        >>> Evaluation(np.array([2.0, 2.0]), codes**2 / 2, codes, np.zeros([2, 1]))  # KL of N(1, 1) and of N(-1, 1)
        On 2 images: distortion 2, rate 0.5, ELBO -2.5 nats per image (mean ± standard error); 1 of 1 latent dimensions
        is an active unit; alive.
    """

    distortion_per_example: np.ndarray
    kl_per_dim_per_example: np.ndarray
    z_mean: np.ndarray
    z_log_var: np.ndarray

    @property
    def rate_per_example(self):
        """KL(q(z|x) || p(z)) `[N]`: the sum over the latent dimensions."""
        return self.kl_per_dim_per_example.sum(axis=1)

    @property
    def elbo_per_example(self):
        """-(distortion + rate) `[N]`."""
        return -(self.distortion_per_example + self.rate_per_example)

    @property
    def distortion(self):
        """The mean over images of the distortion, a float, nats."""
        return float(self.distortion_per_example.mean())

    @property
    def rate(self):
        """The mean over images of the rate, a float, nats."""
        return float(self.rate_per_example.mean())

    @property
    def elbo(self):
        """The mean over images of the ELBO, `-(distortion + rate)`, a float, nats."""
        return float(self.elbo_per_example.mean())

    @property
    def distortion_se(self):
        """The standard error of `distortion` over the images, a float, nats; nan for one image."""
        return _standard_error(self.distortion_per_example)

    @property
    def rate_se(self):
        """The standard error of `rate` over the images, a float, nats; nan for one image."""
        return _standard_error(self.rate_per_example)

    @property
    def elbo_se(self):
        """The standard error of `elbo` over the images, a float, nats; nan for one image."""
        return _standard_error(self.elbo_per_example)

    @property
    def kl_per_dim(self):
        """The mean over images of each latent dimension's KL, `[J]`, nats; of a learned prior the rate, `[1]`."""
        return self.kl_per_dim_per_example.mean(axis=0)

    @property
    def active_units(self):
        """How many latent dimensions have a mean that moves, see the function `active_units`."""
        return int((_variance_of_means(self.z_mean) > ACTIVE).sum())

    @property
    def collapsed(self):
        """Whether the rate is below 0.01 nats."""
        return self.rate < COLLAPSED

    @property
    def alive(self):
        """Whether the rate is above 0.05 nats."""
        return self.rate > ALIVE

    def __str__(self):
        terms = ("distortion", "rate", "elbo")
        numbers = [_with_error(getattr(self, term), getattr(self, f"{term}_se")) for term in terms]
        state = (
            "collapsed"
            if self.collapsed
            else "alive"
            if self.alive
            else "neither collapsed nor alive"
        )
        state = state if np.isfinite(self.elbo) else "its ELBO is not finite"
        n, latent_dim = self.z_mean.shape
        return (
            f"On {n:,} image{'s'[: n > 1]}: distortion {numbers[0]}, rate {numbers[1]}, ELBO {numbers[2]} nats per "
            f"image (mean ± standard error); {self.active_units} of {latent_dim} latent dimensions "
            f"{'is an active unit' if self.active_units == 1 else 'are active units'}; {state}."
        )

    __repr__ = __str__


def evaluate(vae, x, seed=0):
    """The ELBO of a VAE on images, of one posterior sample for each: `log p(x|z) - KL(q(z|x) || p(z))`, z ~ q(z|x).

    Args:
        vae: a `models.VAE`, whose objective does not matter here, or a Keras model with an encoder and a decoder, read
            as `diagnose` says.
        x: images `[N, ...]`, an array.
        seed: of `np.random.default_rng`, for the noise; the same seed gives the same numbers.

    Returns:
        An `Evaluation` of N numbers for each term, in nats per image. With a learned prior the rate is an estimate from
        the same draw, and may be below 0.

    The noise is one draw of NumPy's for each image; Keras's `vae.evaluate` draws its own on the backend, batch by
    batch, so its distortion differs from this one by that noise; without a learned prior the rate is the same.

    Raises:
        TypeError, ValueError: for what is no VAE, and images that do not fit (see `data.check_images`).

    Source: Kingma & Welling (2014), equation 3.

    Example:
        >>> from vaehelpers.models import VAE, build_mlp
        >>> evaluation = evaluate(VAE(*build_mlp((2, 2, 1), hidden=8)), np.zeros([5, 2, 2, 1]))
        >>> bool(np.isclose(evaluation.elbo, -evaluation.distortion - evaluation.rate))
        True
    """
    from vaehelpers.diagnostics.anybody import read_model

    vae = read_model(vae, x).vae
    z_mean, z_log_var = vae.encode(x)
    z, log_q = vae.sample_posterior(x, 1, seed)
    parts = [
        slice(start, start + DECODED_AT_ONCE) for start in range(0, len(z_mean), DECODED_AT_ONCE)
    ]
    images = np.asarray(x, "float32")
    distortion = np.concatenate([_distortion(vae, images[part], z[0, part]) for part in parts])
    kl_per_dim = np.concatenate(
        [_kl_per_dim(vae, z[0, p], log_q[0, p], z_mean[p], z_log_var[p]) for p in parts]
    )
    return Evaluation(distortion, kl_per_dim, z_mean, z_log_var)


def _distortion(vae, x, z):
    return -_numbers(
        vae.log_likelihood(x, vae.decoder(z, training=False)), "vae.log_likelihood", len(x)
    )


def _kl_per_dim(vae, z, log_q, z_mean, z_log_var):
    from keras import ops

    from vaehelpers.losses import gaussian_kl_per_dim

    if vae.prior is None:
        return ops.convert_to_numpy(gaussian_kl_per_dim(z_mean, z_log_var)).astype("float64")
    return (log_q - _numbers(vae.prior.log_prob(z), "vae.prior.log_prob", len(z)))[:, None]


def _numbers(values, name, n):
    from keras import ops

    from vaehelpers.losses.tensors import per_example

    return ops.convert_to_numpy(per_example(values, name, n)).astype("float64")


def active_units(z_mean, threshold=ACTIVE):
    """How many latent dimensions have a posterior mean that moves: `Var over x of z_mean_j > threshold`.

    Sufficient for a dimension to carry something, not necessary: a code in the variances of q is missed. Means
    that move little beside the prior but much beside their own width tell images apart: such codes are missed too.

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
    z_mean = np.asarray(z_mean, "float64")
    if z_mean.ndim != 2 or z_mean.size == 0 or not np.isfinite(z_mean).all():
        raise ValueError(f"z_mean has shape {z_mean.shape}: pass finite means [N, J], at least one")
    threshold = check_number(threshold, "threshold", least=0)
    return int((_variance_of_means(z_mean) > threshold).sum())


def bits_per_dim(nats, n_values, n_levels=None):
    """Nats per image as bits per value: `nats / (n_values log 2)`, plus `log2(n_levels)` for a density of grey levels.

    Args:
        nats: minus log p(x) or minus the ELBO, a number or an array.
        n_values: the number D of values in an image: height x width x channels.
        n_levels: `None` where the nats are those of a probability. Where they are those of a density on [0, 1] and the
            data are that many grey levels (256), a level's probability is about the density / n_levels.

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


def _variance_of_means(z_mean):
    return np.var(z_mean, axis=0, dtype="float64")


def _standard_error(values):
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def _with_error(value, error):
    """Both to the error's second digit: 148.3 ± 1.2."""
    if not np.isfinite(error) or error == 0:
        return f"{value + 0.0:.4g}"  # -0.0 + 0.0 is 0.0
    decimals = int(np.clip(1 - np.floor(np.log10(error)), 0, 6))
    return f"{round(value, decimals) + 0.0:.{decimals}f} ± {error:.{decimals}f}"
