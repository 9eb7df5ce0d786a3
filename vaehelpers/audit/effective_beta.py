"""Which beta a loss trains: its weights of the distortion and of the KL, measured by calling it."""

import numpy as np

from vaehelpers.audit import misfits
from vaehelpers.audit.decoder_variance import find_decoder_variance
from vaehelpers.audit.oracle import AuditError, Oracle, Probe
from vaehelpers.audit.probes import (
    LIKELIHOODS,
    Sizes,
    at_the_prior,
    far_codes,
    kl,
    perfect_images,
    probe_at,
    random_codes,
    random_images,
)
from vaehelpers.audit.reductions import Weights, read_reductions
from vaehelpers.audit.verdict import LossAudit

TOLERANCE = 1e-4
ROUNDINGS = 64
STANDARD_ERRORS = 5
GRADIENT_TOLERANCE = 1e-3
REPEATS = 16
FEW = 4  # at the prior and far out, where a draw of a Monte Carlo KL is all but certain
FAR = 30.0
SCALES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, FAR)


class Prober:
    """One oracle at one size, its random numbers and its noise."""

    def __init__(self, oracle, sizes):
        self.oracle, self.sizes, self.rng = oracle, sizes, np.random.default_rng(0)
        again = probe_at(self.images(), random_codes(sizes, 1.0, self.rng))
        self.noisy = abs(self._once(again) - self._once(again)) > ROUNDINGS * oracle.rounding * abs(self._once(again))
        self.per_example = oracle(again).shape != ()

    def images(self):
        return random_images(self.sizes, self.rng)

    def codes(self, scale):
        """Random codes of this scale; of small variance where the loss draws z, so that draws differ little."""
        z_mean, z_log_var = random_codes(self.sizes, scale, self.rng)
        return z_mean, (z_log_var - 5 if self.noisy and scale < FAR else z_log_var)

    def _once(self, probe):
        return float(self.oracle(probe).mean())

    def measure(self, images, codes, repeats=REPEATS):
        return self.measure_with_error(images, codes, repeats)[0]

    def measure_with_error(self, images, codes, repeats=REPEATS):
        """The loss, its mean over the batch where it is one number per example, and that value's uncertainty."""
        probe = probe_at(images, codes)
        draws = [self._once(probe) for _ in range(repeats if self.noisy else 1)]
        rounding = ROUNDINGS * self.oracle.rounding * np.abs(draws).max()
        if not self.noisy:
            return draws[0], rounding
        return np.mean(draws), rounding + STANDARD_ERRORS * np.std(draws, ddof=1) / np.sqrt(repeats)

    def distortion_weight(self, likelihood):
        """From two images with the codes at the prior."""
        pairs = self.images(), self.images()
        low, high = (self.measure(pair, at_the_prior(self.sizes), FEW) for pair in pairs)
        return (high - low) / (likelihood.distortion(probe_at(pairs[1], (None, None)))
                               - likelihood.distortion(probe_at(pairs[0], (None, None))))  # fmt: skip

    def kl_weight(self, likelihood):
        """From codes far out, where the KL is large and a draw of it certain, on images without distortion."""
        images, far = perfect_images(self.sizes, likelihood, self.rng), far_codes(self.sizes, self.rng)
        difference = self.measure(images, far, FEW) - self.measure(images, at_the_prior(self.sizes), FEW)
        return difference / kl(*far)


def find_likelihood(prober):
    """The likelihood whose distortion the loss follows, its weight, and the relative misfit."""
    pairs = [prober.images() for _ in range(8)]
    values, errors = np.transpose([prober.measure_with_error(pair, at_the_prior(prober.sizes), FEW) for pair in pairs])
    spread = np.ptp(values)
    if np.isfinite(values).all() and spread > 4 * errors.max():
        for likelihood in LIKELIHOODS:
            distortions = np.array([likelihood.distortion(probe_at(pair, (None, None))) for pair in pairs])
            distortions -= distortions.mean()
            weight = distortions @ values / (distortions @ distortions)
            misfit = np.abs(values - values.mean() - weight * distortions).max()
            if misfit <= TOLERANCE * spread + errors.max():
                return likelihood, weight, misfit / spread
    raise AuditError(misfits.of_the_reconstruction(prober.measure, prober.sizes, prober.rng))


def check_kl(prober, likelihood, weight):
    """The largest relative misfit of the loss to `weight * KL`, from a hair's breadth to hundreds of nats."""
    images = perfect_images(prober.sizes, likelihood, prober.rng)
    start, start_error = prober.measure_with_error(images, at_the_prior(prober.sizes), FEW)
    worst, seen, fits = 0.0, False, weight > 0
    for scale in SCALES:
        codes = prober.codes(scale)
        value, error = prober.measure_with_error(images, codes)
        error += start_error
        change, expected = value - start, weight * kl(*codes)
        seen |= not abs(change) <= 4 * error
        fits &= abs(change - expected) <= TOLERANCE * abs(expected) + error
        if fits:
            worst = max(worst, (abs(change - expected) - error * prober.noisy) / expected)
    if not seen:
        raise AuditError("the loss ignores z_mean and z_log_var, or weighs the KL below its rounding: there is no KL")
    if not fits:
        raise AuditError(misfits.of_the_kl(prober.measure, images, prober.sizes, prober.rng))
    return worst


def check_together(prober, likelihood, a, b):
    """Both terms at once must add and not multiply: the misfit, and the loss's constant."""
    images, codes = prober.images(), prober.codes(1.0)
    constant = prober.measure(images, at_the_prior(prober.sizes), FEW)
    constant -= a * likelihood.distortion(probe_at(images, codes))
    worst = 0.0
    for scale in (0.3, 1.0, 3.0):
        images, codes = prober.images(), prober.codes(scale)
        value, error = prober.measure_with_error(images, codes)
        expected = a * likelihood.distortion(probe_at(images, codes)) + b * kl(*codes)
        misfit = abs(value - constant - expected)
        worst = max(worst, (misfit - 2 * error * prober.noisy) / expected)
        if not misfit <= TOLERANCE * expected + 2 * error:
            raise AuditError(
                "the two terms do not simply add: each alone fits, together the loss is off by "
                f"{100 * misfit / expected:.2g} percent; the weight of one seems to depend on the other"
            )
    return worst, constant


def check_gradients(prober, likelihood, a, b):
    """Whether the gradients are those of the value: a detached term has a value and no gradient. Notes."""
    probe = probe_at(prober.images(), prober.codes(1.0))
    try:
        draws = [prober.oracle.gradients(probe) for _ in range(REPEATS if prober.noisy else 1)]
    except Exception as error:  # a loss that leaves its framework's arrays cannot be differentiated here
        return [f"its gradients could not be taken ({type(error).__name__}): a detached term would not be seen"]
    if draws[0] is None:
        return []
    n = len(probe.x)
    exact = [a * likelihood.gradient(probe), b * probe.z_mean / n, b * np.expm1(probe.z_log_var) / (2 * n)]
    for k, (name, wanted) in enumerate(zip(Probe._fields[1:], exact, strict=True)):
        shares = np.array([(draw[k] * wanted).sum() for draw in draws]) / (wanted**2).sum()
        share, error = shares.mean(), STANDARD_ERRORS * shares.std() / np.sqrt(max(1, len(shares) - 1))
        term = "reconstruction" if name == "x_decoded" else "KL"
        if abs(share) <= 1e-6 + error < 0.5:
            raise AuditError(f"the {term} term is detached: the loss depends on {name}, but its gradient there is 0")
        apart = np.abs(draws[0][k] - wanted).max() > GRADIENT_TOLERANCE * np.abs(wanted).max()
        if abs(share - 1) > GRADIENT_TOLERANCE + error or (apart and not prober.noisy):
            raise AuditError(
                f"the gradient with respect to {name} is not the derivative of the loss ({share:.3g} times it along "
                f"its direction): part of the {term} term is detached or clipped"
            )
    return []


def audit_oracle(open_oracle, sizes, x_decoded):
    """The audit of what `open_oracle(sizes)` returns, at `sizes` and at others."""
    prober = Prober(open_oracle(sizes), sizes)
    likelihood, a, misfit = find_likelihood(prober)
    _check_reading(likelihood, x_decoded)
    if a < 0:
        raise AuditError(
            "the reconstruction term has the wrong sign: minimising this loss makes reconstructions worse; if it is "
            "the ELBO, to be maximised, audit its negative"
        )
    b = prober.kl_weight(likelihood)
    misfit = max(misfit, check_kl(prober, likelihood, b))
    together, constant = check_together(prober, likelihood, a, b)
    notes = check_gradients(prober, likelihood, a, b)
    if prober.noisy:
        notes.append("the loss draws noise (a Monte Carlo KL): averaged over repeated calls")

    def weights_at(other):
        there = Prober(open_oracle(other), other)
        values = there.distortion_weight(likelihood), there.kl_weight(likelihood)
        images = there.images()
        rest = there.measure(images, at_the_prior(other), FEW) - values[0] * likelihood.distortion(
            probe_at(images, (None, None))
        )
        return Weights(other, *values, rest)

    here = Weights(sizes, a, b, constant)
    reading = read_reductions(here, weights_at, prober.per_example, likelihood)
    variance = find_decoder_variance(likelihood, reading)
    factor = variance or 1.0
    return LossAudit(
        beta=b / a,
        likelihood=likelihood.name,
        x_decoded="logits"
        if likelihood.from_logits
        else ("probabilities" if likelihood.name == "bernoulli" else "means"),
        decoder_variance=variance,
        scale=reading.scale * factor,
        residual=max(misfit, together),
        framework=prober.oracle.framework,
        factors=(reading.summed / (a * factor), reading.summed / b),
        notes=(*reading.notes, *notes),
        **reading.reductions,
    )


def _check_reading(likelihood, x_decoded):
    if x_decoded == "probabilities" and likelihood.from_logits:
        raise AuditError(
            "x_decoded is said to be probabilities, but the loss applies a sigmoid to it: the sigmoid is taken twice. "
            "Drop it from the decoder or from the loss"
        )
    if x_decoded == "logits" and likelihood.name == "bernoulli" and not likelihood.from_logits:
        raise AuditError(
            "x_decoded is said to be logits, but the loss takes its logarithm as of a probability: apply the sigmoid"
        )


def audit_loss(loss_fn, *, image_shape=(28, 28, 1), latent_dim=2, batch_size=8, x_decoded="auto", framework="auto"):
    """Which beta a VAE's loss trains, found by calling it: `loss = scale * (distortion + beta * rate) + constant`.

    Args:
        loss_fn: `(x, x_decoded, z_mean, z_log_var)` to a scalar or `[B]`, for images `[B, *image_shape]` and codes
            `[B, J]`; anybody's loss on NumPy, TensorFlow, JAX or PyTorch arrays.
        image_shape: the shape of one image; other sizes are tried as well, to tell a sum from a mean.
        latent_dim: the number J of latent dimensions.
        batch_size: the number B of images; it matters where the two terms are reduced differently over the batch.
        x_decoded: "probabilities" or "logits" where the decoder's output is known to be that, else "auto".
        framework: "numpy", "tensorflow", "jax" or "torch"; "auto" takes the first in which the loss can be called.

    Returns:
        A `LossAudit`; `print` it for a sentence. A detached term is seen where the framework has gradients: not in
        NumPy.

    Raises:
        AuditError: no single beta exists, or none could be told; the message says what was found.
        TypeError, ValueError: for arguments that do not fit.

    Source: beta = (weight of the KL, summed over latents) / (weight of minus log p(x|z), summed over pixels).

    Example:
        >>> def loss(x, x_decoded, z_mean, z_log_var):
        ...     squares = ((x - x_decoded) ** 2).sum(axis=(1, 2, 3))
        ...     return (squares + 0.5 * (np.exp(z_log_var) + z_mean**2 - 1 - z_log_var).sum(axis=1)).mean()
        >>> round(audit_loss(loss).beta, 6)
        0.5
    """
    sizes = check_sizes(image_shape, latent_dim, batch_size)
    if not callable(loss_fn):
        raise TypeError(f"loss_fn is a {type(loss_fn).__name__}: pass a function (x, x_decoded, z_mean, z_log_var)")
    for name, value, allowed in (
        ("x_decoded", x_decoded, ("auto", "probabilities", "logits")),
        ("framework", framework, ("auto", "numpy", "tensorflow", "jax", "torch")),
    ):
        if value not in allowed:
            raise ValueError(f"{name} is {value!r}: pass one of {', '.join(allowed)}")
    rng = np.random.default_rng(1)
    oracle = Oracle(loss_fn, framework, probe_at(random_images(sizes, rng), random_codes(sizes, 0.3, rng)))
    return audit_oracle(lambda sizes: oracle, sizes, x_decoded)


def check_sizes(image_shape, latent_dim, batch_size):
    """Whole positive numbers, as `Sizes`."""
    if not isinstance(image_shape, (tuple, list)) or not image_shape:
        raise TypeError(f"image_shape is {image_shape!r}: pass a tuple such as (28, 28, 1)")
    for name, value in [
        *(("image_shape", n) for n in image_shape),
        ("latent_dim", latent_dim),
        ("batch_size", batch_size),
    ]:
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"{name} holds {value!r}: whole numbers are wanted")
        if value < 1:
            raise ValueError(f"{name} holds {value}: it must be at least 1")
    return Sizes(int(batch_size), tuple(map(int, image_shape)), int(latent_dim))
