"""Which beta a loss trains: its weights of the distortion and of the KL, measured by calling it."""

import numpy as np

from vaehelpers.audit import misfits
from vaehelpers.audit.decoder_variance import find_decoder_variance
from vaehelpers.audit.oracle import FRAMEWORKS, AuditError, Oracle, Probe
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

TOLERANCE, GRADIENT_TOLERANCE, COARSE = 1e-4, 1e-3, 0.02
ROUNDINGS, STANDARD_ERRORS = 64, 6
REPEATS, FEW = 16, 4  # few at the prior and far out, where a draw of a Monte Carlo KL is all but certain
LARGE_BATCH, LARGE = 1024, 200_000  # examples, and values in all, that average a Monte Carlo KL out
SCALES, DECISIVE = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0), 3.0
READINGS = ("auto", "probabilities", "logits")


class Prober:
    """One oracle at one size, its random numbers, and whether it draws noise, which is tried unless it is known."""

    def __init__(self, oracle, sizes, noisy=None):
        self.oracle, self.sizes, self.rng, self.noisy = oracle, sizes, np.random.default_rng(0), noisy
        if noisy is None:
            self._try_twice()

    def _try_twice(self):
        oracle, sizes = self.oracle, self.sizes
        self.first = probe_at(self.images(), random_codes(sizes, 1.0, self.rng))
        draws = [self._once(self.first) for _ in range(3)]
        self.noisy = np.ptp(draws) > ROUNDINGS * oracle.rounding * np.abs(draws).max()
        self.first_value, self.per_example = draws[-1], oracle(self.first).shape != ()

    def images(self):
        return random_images(self.sizes, self.rng)

    def _once(self, probe):
        return float(self.oracle(probe).mean())

    def measure(self, images, codes, repeats=REPEATS):
        """The loss, its mean over the batch where it is one number per example, and how far that may be off."""
        probe = probe_at(images, codes)
        draws = [self._once(probe) for _ in range(repeats if self.noisy else 1)]
        rounding = ROUNDINGS * self.oracle.rounding * np.abs(draws).max()
        if not self.noisy:
            return draws[0], rounding
        return np.mean(draws), rounding + STANDARD_ERRORS * np.std(draws, ddof=1) / np.sqrt(repeats)

    def value(self, images, codes, repeats=FEW):
        return self.measure(images, codes, repeats)[0]

    def codes(self, scale):
        """Random codes of this scale, of smaller variances where the loss draws z from them."""
        z_mean, z_log_var = random_codes(self.sizes, scale, self.rng)
        return z_mean, 0.7 * z_log_var if self.noisy else z_log_var

    def distortion_weight(self, likelihood):
        """From two images, a good and a random reconstruction, with the codes at the prior."""
        prior, pairs = at_the_prior(self.sizes), [perfect_images(self.sizes, likelihood, self.rng), self.images()]
        low, high = (self.value(pair, prior) for pair in pairs)
        distortions = [likelihood.distortion(probe_at(pair, prior)) for pair in pairs]
        return (high - low) / (distortions[1] - distortions[0])

    def kl_weight(self, likelihood):
        """From codes far out, on images without distortion."""
        images, far = perfect_images(self.sizes, likelihood, self.rng), far_codes(self.sizes, self.rng, self.noisy)
        return (self.value(images, far) - self.value(images, at_the_prior(self.sizes))) / kl(*far)

    def check_steady(self):
        """The first probe again: a weight that changes with the calls has moved its value."""
        now, within = self._once(self.first), ROUNDINGS * self.oracle.rounding
        if not self.noisy and not np.isclose(now, self.first_value, rtol=within, atol=0, equal_nan=True):
            raise AuditError("the loss changes from call to call (a schedule?): hold its weights fixed to audit it")


def find_likelihood(prober):
    """The likelihood whose distortion the loss follows, its weight, and the relative misfit."""
    prior, pairs = at_the_prior(prober.sizes), [prober.images() for _ in range(8)]
    values, errors = np.transpose([prober.measure(pair, prior, FEW) for pair in pairs])
    spread = np.ptp(values)
    if prober.noisy and errors.max() > 10 * TOLERANCE * spread:
        raise AuditError("the loss draws noise besides that of a Monte Carlo KL (dropout?): switch it off to audit it")
    fits = []
    for likelihood in LIKELIHOODS if np.isfinite(spread) and spread > 4 * errors.max() else ():
        distortions = np.array([likelihood.distortion(probe_at(pair, prior)) for pair in pairs])
        distortions -= distortions.mean()
        weight = distortions @ values / (distortions @ distortions)
        misfit = np.abs(values - values.mean() - weight * distortions).max()
        if misfit <= TOLERANCE * spread + errors.max():
            return likelihood, weight, misfit / spread
        fits.append((misfit / spread, likelihood.name))
    prober.check_steady()
    if fits and min(fits)[0] < COARSE / 4:
        raise AuditError(
            f"the loss follows the {min(fits)[1]} distortion to {100 * min(fits)[0]:.2g} percent only: is it computed "
            "in half precision, or clipped?"
        )
    raise AuditError(misfits.of_the_reconstruction(prober.value, prober.sizes, prober.rng))


def check_kl(prober, likelihood, weight):
    """The largest relative misfit of the loss to `weight * KL`, from a thousandth of a nat to hundreds of nats."""
    images = perfect_images(prober.sizes, likelihood, prober.rng)
    start, start_error = prober.measure(images, at_the_prior(prober.sizes), FEW)
    worst, seen, fits = 0.0, False, weight > 0
    for scale in SCALES:
        codes = prober.codes(scale)
        expected = weight * kl(*codes)
        value, error = prober.measure(images, codes)
        change, error = value - start, error + start_error
        seen |= not abs(change) <= 4 * error
        fits &= abs(change - expected) <= TOLERANCE * abs(expected) + error
        worst = max(worst, (abs(change - expected) - error * prober.noisy) / abs(expected))
        if fits and scale == DECISIVE and error > 0.1 * expected:
            source = "noise" if prober.noisy else "rounding (single precision?)"
            raise AuditError(f"the KL is lost in the loss's {source}: a wrong one would look the same")
    if not seen:
        raise AuditError(_no_kl(prober))
    if not fits:
        prober.check_steady()
        if prober.noisy:
            raise AuditError("on average the loss is no multiple of the KL; since it draws noise, why cannot be told")
        raise AuditError(misfits.of_the_kl(prober.value, images, prober.sizes, prober.rng))
    return worst


def _no_kl(prober):
    gradients = prober.oracle.gradients(prober.first)
    if gradients is not None and any(np.abs(g).max() > 0 for g in gradients[1:]):
        return "the loss's value leaves out the KL, its gradient does not: what is reported is not what is trained"
    return "the loss ignores z_mean and z_log_var, or weighs the KL below its rounding: there is no KL"


def check_together(prober, likelihood, a, b):
    """Both terms at once must add and not multiply, down to small distortions: the misfit, and the loss's constant."""
    images, prior = prober.images(), at_the_prior(prober.sizes)
    usual = a * likelihood.distortion(probe_at(images, prior))
    constant = prober.value(images, prior) - usual
    probes = [(prober.images(), prober.codes(scale)) for scale in (0.3, 1.0, 3.0)]
    probes += [(perfect_images(prober.sizes, likelihood, prober.rng), prober.codes(0.03))]
    worst = 0.0
    for images, codes in probes:
        expected = a * likelihood.distortion(probe_at(images, codes)) + b * kl(*codes)
        value, error = prober.measure(images, codes)
        error += ROUNDINGS * prober.oracle.rounding * abs(constant + usual)
        misfit = abs(value - constant - expected)
        worst = max(worst, (misfit - error * prober.noisy) / (expected + usual))
        if not misfit <= TOLERANCE * (expected + usual) + error:
            prober.check_steady()
            raise AuditError(
                f"the two terms do not simply add: together they are {misfit:.3g} off the {expected:.3g} that each "
                "alone suggests; the weight of one depends on the other, or one is clipped"
            )
    return worst, constant


def check_gradients(prober, likelihood, a, b):
    """Whether the gradients are those of the value: a detached term has a value and no gradient. Notes."""
    probe = probe_at(prober.images(), prober.codes(1.0))
    try:
        draws = [prober.oracle.gradients(probe) for _ in range(REPEATS if prober.noisy else 1)]
    except AuditError:
        raise
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


def _average_out(open_oracle, sizes, likelihood):
    """The check of a Monte Carlo KL, on a batch that is large where the loss takes one."""
    batch = int(np.clip(LARGE / sizes.pixels, sizes.batch, max(LARGE_BATCH, sizes.batch)))
    try:
        large = Prober(open_oracle(sizes._replace(batch=batch)), sizes._replace(batch=batch))
        weight = large.kl_weight(likelihood)
    except AuditError:  # a loss of one batch size
        large = Prober(open_oracle(sizes), sizes)
        weight = large.kl_weight(likelihood)
    return check_kl(large, likelihood, weight)


def audit_oracle(open_oracle, sizes, x_decoded):
    """The audit of what `open_oracle(sizes)` returns, at `sizes` and at others."""
    if x_decoded not in READINGS:
        raise ValueError(f"x_decoded is {x_decoded!r}: pass one of {', '.join(READINGS)}")
    with np.errstate(all="ignore"):
        return _audit(open_oracle, sizes, x_decoded)


def _audit(open_oracle, sizes, x_decoded):
    prober = Prober(open_oracle(sizes), sizes)
    likelihood, a, misfit = find_likelihood(prober)
    _check_reading(likelihood, a, x_decoded)
    b = prober.kl_weight(likelihood)
    if prober.noisy:
        misfit = max(misfit, _average_out(open_oracle, sizes, likelihood))
    else:
        misfit = max(misfit, check_kl(prober, likelihood, b))
    together, constant = check_together(prober, likelihood, a, b)
    notes = check_gradients(prober, likelihood, a, b)
    if prober.noisy:
        notes.append(
            "the loss draws noise (a Monte Carlo KL), which is averaged out: a floor of tenths of a nat is not seen"
        )

    def weights_at(other):
        there, prior = Prober(open_oracle(other), other, prober.noisy), at_the_prior(other)
        images, a = there.images(), there.distortion_weight(likelihood)
        constant = there.value(images, prior) - a * likelihood.distortion(probe_at(images, prior))
        return Weights(other, a, there.kl_weight(likelihood), constant)

    reading = read_reductions(Weights(sizes, a, b, constant), weights_at, prober.per_example, likelihood)
    prober.check_steady()
    variance = find_decoder_variance(likelihood, reading)
    factor = variance or 1.0
    return LossAudit(
        beta=float(b / a),
        likelihood=likelihood.name,
        x_decoded=likelihood.reads,
        decoder_variance=variance,
        scale=float(reading.scale),
        residual=float(max(misfit, together)),
        framework=prober.oracle.framework,
        factors=(float(reading.summed / (a * factor)), float(reading.summed / b)),
        notes=(*reading.notes, *notes),
        **reading.reductions,
    )


def _check_reading(likelihood, weight, x_decoded):
    if x_decoded == "probabilities" and likelihood.from_logits:
        raise AuditError(
            "x_decoded is said to be probabilities, but the loss applies a sigmoid to it: the sigmoid is taken twice. "
            "Drop it from the decoder or from the loss"
        )
    if x_decoded == "logits" and likelihood.name == "bernoulli" and not likelihood.from_logits:
        raise AuditError(
            "x_decoded is said to be logits, but the loss takes its logarithm as of a probability: apply the sigmoid"
        )
    if weight < 0:
        raise AuditError(
            "the reconstruction term has the wrong sign: minimising this loss makes reconstructions worse; if it is "
            "the ELBO, to be maximised, audit its negative"
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
        NumPy. Codes are tried with log variances in (-3, 2): a clip outside of that does not count.

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
    if framework not in ("auto", *FRAMEWORKS):
        raise ValueError(f"framework is {framework!r}: pass one of auto, {', '.join(FRAMEWORKS)}")
    rng = np.random.default_rng(1)
    oracle = Oracle(loss_fn, framework, probe_at(random_images(sizes, rng), random_codes(sizes, 0.3, rng)))
    return audit_oracle(lambda sizes: oracle, sizes, x_decoded)


def check_sizes(image_shape, latent_dim, batch_size):
    """Whole positive numbers, as `Sizes`."""
    if not isinstance(image_shape, (tuple, list)) or not image_shape:
        raise TypeError(f"image_shape is {image_shape!r}: pass a tuple such as (28, 28, 1)")
    numbers = [("image_shape", n) for n in image_shape] + [("latent_dim", latent_dim), ("batch_size", batch_size)]
    for name, value in numbers:
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"{name} holds {value!r}: whole numbers are wanted")
        if value < 1:
            raise ValueError(f"{name} holds {value}: it must be at least 1")
    return Sizes(int(batch_size), tuple(map(int, image_shape)), int(latent_dim))
