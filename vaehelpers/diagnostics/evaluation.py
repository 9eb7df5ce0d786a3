"""Rate, distortion and ELBO of a VAE on a set of images, with their standard errors."""

from dataclasses import dataclass

import numpy as np

COLLAPSED = 0.01  # nats: a mean rate below it says nothing of the image
ALIVE = 0.05  # nats: a mean rate above it does; in between, training near the threshold may still be under way
ACTIVE = 0.01  # variance of the posterior mean over the data (Burda et al. 2016)
DECODED_AT_ONCE = 1000  # images: bounds the memory


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The ELBO's terms for each image, and their means; made by `evaluate`. Nats.

    Attributes:
        distortion_per_example: minus log p(x|z) of one draw z ~ q(z|x), `[N]`.
        kl_per_dim_per_example: KL(q(z_j|x) || N(0, 1)), `[N, J]`; of a learned prior log q(z|x) - log p(z), `[N, 1]`.
        z_mean, z_log_var: of q(z|x), `[N, J]`.

    Properties: `distortion`, `rate` and `elbo = -(distortion + rate)`, means over the images; `distortion_se`,
    `rate_se`, `elbo_se`, their standard errors over the images (nan for one image); `kl_per_dim` `[J]`;
    `active_units`; `collapsed`, a rate below 0.01 nats, and `alive`, above 0.05. `print` it for a sentence.
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

    distortion = property(lambda self: float(self.distortion_per_example.mean()))
    rate = property(lambda self: float(self.rate_per_example.mean()))
    elbo = property(lambda self: float(self.elbo_per_example.mean()))
    distortion_se = property(lambda self: _standard_error(self.distortion_per_example))
    rate_se = property(lambda self: _standard_error(self.rate_per_example))
    elbo_se = property(lambda self: _standard_error(self.elbo_per_example))
    kl_per_dim = property(lambda self: self.kl_per_dim_per_example.mean(axis=0))
    active_units = property(lambda self: int((_variance_of_means(self.z_mean) > ACTIVE).sum()))
    collapsed = property(lambda self: self.rate < COLLAPSED)
    alive = property(lambda self: self.rate > ALIVE)

    def __str__(self):
        terms = ("distortion", "rate", "elbo")
        numbers = [_with_error(getattr(self, term), getattr(self, f"{term}_se")) for term in terms]
        state = "collapsed" if self.collapsed else "alive" if self.alive else "neither collapsed nor alive"
        state = state if np.isfinite(self.elbo) else "its ELBO is not finite"
        n, latent_dim = self.z_mean.shape
        return (
            f"On {n:,} image{'s'[: n > 1]}: distortion {numbers[0]}, rate {numbers[1]}, ELBO {numbers[2]} nats per "
            f"image (mean ± standard error); {self.active_units} of {latent_dim} latent dimensions "
            f"{'is an active unit' if self.active_units == 1 else 'are active units'}; {state}."
        )


def evaluate(vae, x, seed=0):
    """The ELBO of a VAE on images, of one posterior sample for each: `log p(x|z) - KL(q(z|x) || p(z))`, z ~ q(z|x).

    Args:
        vae: a `models.VAE`; its objective does not matter here.
        x: images `[N, ...]`, an array.
        seed: of `np.random.default_rng`, for the noise; the same seed gives the same numbers.

    Returns:
        An `Evaluation`. With a learned prior the rate is an estimate from the same draw, and may be below 0.

    Raises:
        TypeError, ValueError: for what is no VAE, and images that do not fit (see `data.check_images`).

    Source: Kingma & Welling (2014), equation 3.

    Example:
        >>> from vaehelpers.models import VAE, build_mlp
        >>> evaluation = evaluate(VAE(*build_mlp((2, 2, 1), hidden=8)), np.zeros([5, 2, 2, 1]))
        >>> bool(np.isclose(evaluation.elbo, -evaluation.distortion - evaluation.rate))
        True
    """
    from vaehelpers.models import VAE

    if not isinstance(vae, VAE):
        raise TypeError(f"vae is a {type(vae).__name__}: pass a vaehelpers.models.VAE")
    z_mean, z_log_var = vae.encode(x)
    z, log_q = vae.sample_posterior(x, 1, seed)
    parts = [slice(start, start + DECODED_AT_ONCE) for start in range(0, len(z_mean), DECODED_AT_ONCE)]
    images = np.asarray(x, "float32")
    distortion = np.concatenate([_distortion(vae, images[part], z[0, part]) for part in parts])
    kl_per_dim = np.concatenate([_kl_per_dim(vae, z[0, p], log_q[0, p], z_mean[p], z_log_var[p]) for p in parts])
    return Evaluation(distortion, kl_per_dim, z_mean, z_log_var)


def _distortion(vae, x, z):
    return -_per_example(vae.log_likelihood(x, vae.decoder(z, training=False)), len(x), "vae.log_likelihood")


def _kl_per_dim(vae, z, log_q, z_mean, z_log_var):
    from keras import ops

    from vaehelpers.losses import gaussian_kl_per_dim

    if vae.prior is None:
        return ops.convert_to_numpy(gaussian_kl_per_dim(z_mean, z_log_var)).astype("float64")
    return (log_q - _per_example(vae.prior.log_prob(z), len(z), "vae.prior.log_prob"))[:, None]


def _per_example(values, n, name):
    from keras import ops

    values = ops.convert_to_numpy(values).astype("float64")
    if values.shape != (n,):
        raise ValueError(f"{name} returned shape {values.shape} for {n} images: return one number per example, [B]")
    return values


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
        ValueError: where z_mean is no finite `[N, J]` or the threshold below 0.

    Source: Burda, Grosse & Salakhutdinov (2016).

    Example:
        >>> active_units(np.array([[1.0, 0.3], [-1.0, 0.3]]))
        1
    """
    z_mean = np.asarray(z_mean, "float64")
    if z_mean.ndim != 2 or z_mean.size == 0 or not np.isfinite(z_mean).all():
        raise ValueError(f"z_mean has shape {z_mean.shape}: pass finite means [N, J], at least one")
    if not threshold >= 0:
        raise ValueError(f"threshold is {threshold}: a variance of at least 0 is wanted")
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
        ValueError: for no value, or fewer than two levels.

    Source: Theis, van den Oord & Bethge (2016), on densities of grey levels.

    Example:
        >>> bits_per_dim(0.0, 784, n_levels=256)  # the uniform density
        8.0
    """
    if not n_values >= 1:
        raise ValueError(f"n_values is {n_values}: pass the number of values in an image, at least 1")
    if n_levels is not None and not n_levels >= 2:
        raise ValueError(f"n_levels is {n_levels}: pass at least 2, or None for nats of a probability")
    bits = np.asarray(nats, "float64") / (n_values * np.log(2)) + (0.0 if n_levels is None else np.log2(n_levels))
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
