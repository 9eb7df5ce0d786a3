"""Whether a loss is a weight times a distortion plus a weight times the KL, and its gradients those of that sum."""

from typing import NamedTuple

import numpy as np

from vaehelpers.audit import between_examples, categorical, misfits, noise
from vaehelpers.audit.prober import REPEATS, ROUNDINGS, STANDARD_ERRORS, Prober, Weights
from vaehelpers.audit.probes import Probe, at_the_prior, perfect_images, probe_at
from vaehelpers.audit.terms import LIKELIHOODS, Likelihood, kl
from vaehelpers.audit.verdict import AuditError

TOLERANCE = 1e-4
GRADIENT_TOLERANCE = 1e-3
COARSE = 0.02  # the misfit up to which a loss looks like a clipped or half-precision one
SCALES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
ALIKE = (-3.0, -1.5, 1.0, 2.0)
DECISIVE = 3.0  # the scale of the codes at which the KL must be seen through rounding and noise
LARGE_BATCH = 1024  # examples that average a Monte Carlo KL out ...
LARGE = 200_000  # ... and values in all


class Fit(NamedTuple):
    """The likelihood that a loss follows, its weights, the largest relative misfit over the probes, and notes."""

    likelihood: Likelihood
    weights: Weights
    misfit: float
    notes: list


def fit_terms(open_oracle, prober, x_decoded):
    """The `Fit` of a loss that is a sum of the ELBO's two terms; an `AuditError` says what another loss is."""
    likelihood, a, misfit = find_likelihood(prober)
    if prober.counts:
        prober.check_steady((likelihood, a))
    _check_reading(likelihood, a, x_decoded)
    b = prober.kl_weight(likelihood)
    kl_misfit = check_kl(prober, likelihood, b) if not prober.noisy else _average_out(open_oracle, prober, likelihood)
    together, constant = check_together(prober, likelihood, a, b)
    notes = check_gradients(prober, likelihood, a, b)
    if prober.noisy:
        notes.append(
            "the loss draws noise (a Monte Carlo KL), which is averaged out: a floor of tenths of a nat is not seen"
        )
    return Fit(likelihood, Weights(prober.sizes, a, b, constant), max(misfit, kl_misfit, together), notes)


def find_likelihood(prober):
    """The likelihood whose distortion the loss follows, its weight, and the relative misfit."""
    pairs = [prober.images() for _ in range(8)]
    values, errors = noise.measure_quietly(prober, pairs)
    spread = np.ptp(values)
    fits = []
    for likelihood in LIKELIHOODS if np.isfinite(spread) and spread > 4 * errors.max() else ():
        weight, misfit = categorical.follows(likelihood, pairs, values)
        if misfit <= TOLERANCE * spread + errors.max():
            return likelihood, weight, misfit / spread
        fits.append((misfit / spread, likelihood.name))
    found = categorical.find(prober, pairs, values) if fits else None
    if found:
        return found
    prober.check_steady()
    if fits and min(fits)[0] < COARSE / 4:
        raise AuditError(
            f"the loss follows the {min(fits)[1]} distortion to {100 * min(fits)[0]:.2g} percent only: is it computed "
            "in half precision, or clipped?"
        )
    raise AuditError(misfits.of_the_reconstruction(prober))


def _check_reading(likelihood, weight, x_decoded):
    """Whether the loss reads x_decoded as it is said to, and with the right sign."""
    if x_decoded == "probabilities" and likelihood.from_logits:
        function = "softmax" if likelihood.name in categorical.NAMES else "sigmoid"
        raise AuditError(
            f"x_decoded is said to be probabilities, but the loss applies a {function} to it: the {function} is taken "
            "twice. Drop it from the decoder or from the loss"
        )
    if x_decoded == "logits" and likelihood.name in categorical.NAMES and not likelihood.from_logits:
        raise AuditError(f"x_decoded is said to be logits, but the loss takes {likelihood.reads}: apply the softmax")
    if x_decoded == "logits" and likelihood.name == "bernoulli" and not likelihood.from_logits:
        raise AuditError(
            "x_decoded is said to be logits, but the loss takes its logarithm as of a probability: apply the sigmoid"
        )
    if weight < 0:
        raise AuditError(
            "the reconstruction term has the wrong sign: minimising this loss makes reconstructions worse; if it is "
            "the ELBO, to be maximised, audit its negative"
        )


def check_kl(prober, likelihood, weight):
    """The largest relative misfit of the loss to `weight * KL`, from a thousandth of a nat to hundreds of nats."""
    images = perfect_images(prober.sizes, likelihood, prober.rng)
    start, start_error = prober.measure(images, at_the_prior(prober.sizes))
    worst = 0.0
    seen = False
    fits = weight > 0
    for scale, codes in _codes_to_check(prober):
        expected = weight * kl(*codes)
        value, value_error = prober.measure(images, codes)
        change = value - start
        error = value_error + start_error
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
            why = between_examples.of_the_codes(prober, images) or "since it draws noise, why cannot be told"
            raise AuditError(f"on average the loss is no multiple of the KL; {why}")
        raise AuditError(misfits.of_the_kl(prober, images))
    return worst


def _codes_to_check(prober):
    """Pairs of a scale and codes; for a loss that draws noise also codes that are all alike.

    Over a large batch of random codes the mean of a wrong KL may be that of the right one.
    """
    for scale in SCALES:
        yield scale, prober.codes(scale)
    shape = (prober.sizes.batch, prober.sizes.latent_dim)
    for log_var in ALIKE if prober.noisy else ():
        yield None, (np.zeros(shape), np.full(shape, log_var))


def _no_kl(prober):
    gradients = prober.oracle.gradients(prober.first)
    if gradients is not None and any(np.abs(g).max() > 0 for g in gradients[1:]):
        return "the loss's value leaves out the KL, its gradient does not: what is reported is not what is trained"
    return "the loss ignores z_mean and z_log_var, or weighs the KL below its rounding: there is no KL"


def check_together(prober, likelihood, a, b):
    """Both terms at once must add and not multiply, down to small distortions: the misfit, and the loss's constant."""
    images = prober.images(likelihood)
    prior = at_the_prior(prober.sizes)
    usual = a * likelihood.distortion(probe_at(images, prior))
    start, start_error = prober.measure(images, prior)
    constant = start - usual
    probes = [(prober.images(likelihood), prober.codes(scale)) for scale in (0.3, 1.0, 3.0)]
    probes += [(perfect_images(prober.sizes, likelihood, prober.rng), prober.codes(0.03))]
    worst = 0.0
    for images, codes in probes:
        expected = a * likelihood.distortion(probe_at(images, codes)) + b * kl(*codes)
        size = abs(expected) + abs(usual)
        value, error = prober.measure(images, codes)
        error += max(start_error, ROUNDINGS * prober.oracle.rounding * abs(constant + usual))
        misfit = abs(value - constant - expected)
        worst = max(worst, (misfit - error * prober.noisy) / size)
        if not misfit <= TOLERANCE * size + error:
            prober.check_steady()
            raise AuditError(
                f"the two terms do not simply add: together they are {misfit:.3g} off the {expected:.3g} that each "
                "alone suggests; the weight of one depends on the other, or one is clipped"
            )
    return worst, constant


def check_gradients(prober, likelihood, a, b):
    """Whether the gradients are those of the value: a detached term has a value and no gradient. Notes."""
    probe = probe_at(prober.images(likelihood), prober.codes(1.0))
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


def _average_out(open_oracle, prober, likelihood):
    """The check of a Monte Carlo KL, on a batch that is large where the loss takes one."""
    sizes = prober.sizes
    batch = int(np.clip(LARGE / sizes.pixels, sizes.batch, max(LARGE_BATCH, sizes.batch)))
    many = sizes._replace(batch=batch)
    try:
        large = Prober(open_oracle(many), many)
        weight = large.kl_weight(likelihood)
    except AuditError:  # a loss of one batch size
        large = Prober(open_oracle(sizes), sizes)
        weight = large.kl_weight(likelihood)
    return check_kl(large, likelihood, weight)
