"""Whether a loss is a weighted distortion plus a weighted KL, and whether its gradients are too."""

from typing import NamedTuple

import numpy as np

from vaehelpers.audit import structure
from vaehelpers.audit.hypotheses import READINGS_OF_THE_KL, TERMS_OF_THE_KL, Within, first_that_fits
from vaehelpers.audit.measure import Prober, Weights
from vaehelpers.audit.probes import (
    Distortion,
    Probe,
    at_the_prior,
    codes_at,
    kl,
    probe_at,
    random_codes,
)
from vaehelpers.audit.reconstruction import check_range, check_reading, find_reconstruction
from vaehelpers.audit.verdict import AuditError

SCALES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # of codes: thousandths to hundreds of nats
ALIKE = (-3.0, -1.5, 1.0, 2.0)  # log variances of codes that are all alike
DECISIVE = 3.0  # the scale at which the KL must be seen through rounding and noise
LARGE_BATCH = 1024  # examples that average a Monte Carlo KL out ...
LARGE = 200_000  # ... and values in all


class Fit(NamedTuple):
    """The likelihood that a loss follows, its weights, the largest relative misfit, and notes."""

    likelihood: Distortion
    weights: Weights
    misfit: float
    notes: list


def fit_terms(prober, x_decoded):
    """The `Fit` of a sum of the ELBO's two terms; an `AuditError` says what another loss is."""
    likelihood, a, misfit = find_reconstruction(prober)
    if prober.counts:
        prober.check_steady((likelihood, a))
    check_reading(likelihood, a, x_decoded)
    notes = check_range(prober, likelihood, a, x_decoded)
    try:
        return _with_kl(prober, likelihood, a, misfit, notes)
    except AuditError as error:
        error.about = error.about or "kl"  # it came as far as that
        raise


def _with_kl(prober, likelihood, a, misfit, notes):
    """The `Fit` of a loss whose reconstruction term has this weight."""
    prober.doing = "the KL"
    b = prober.kl_weight(likelihood)
    large, large_b = _averaging(prober, likelihood) if prober.noisy else (prober, b)
    kl_misfit = check_kl(large, likelihood, large_b)
    together, constant = check_together(prober, likelihood, a, b)
    notes += check_gradients(prober, likelihood, a, b)
    if prober.noisy:
        notes.append(
            "the loss draws noise (a Monte Carlo KL), which is averaged out: a floor of tenths of "
            "a nat is not seen"
        )
    weights = Weights(prober.sizes, a, b, constant)
    return Fit(likelihood, weights, max(misfit, kl_misfit, together), notes)


def _averaging(prober, likelihood):
    """A prober of a batch that averages a Monte Carlo KL out, and the KL's weight there."""
    sizes = prober.sizes
    batch = int(np.clip(LARGE / sizes.pixels, sizes.batch, max(LARGE_BATCH, sizes.batch)))
    many = sizes._replace(batch=batch)
    try:
        large = Prober(prober.loss.at(many), many)
        return large, large.kl_weight(likelihood)
    except AuditError:  # a loss of one batch size
        again = Prober(prober.loss, sizes)
        return again, again.kl_weight(likelihood)


def check_kl(prober, likelihood, weight):
    """The largest relative misfit to `weight * KL`, from thousandths to hundreds of nats."""
    prober.doing = "the KL"
    images = likelihood.perfect(prober.sizes, prober.rng)
    start, start_error = prober.measure(images, at_the_prior(prober.sizes))
    worst = 0.0
    far = kl(*codes_at(prober.sizes, 30, -2))
    seen = abs(weight) * far > 4 * start_error
    fits = weight > 0
    broken = None
    for scale, codes in _codes_to_check(prober):
        expected = weight * kl(*codes)
        value, error = prober.measure(images, codes)
        change = value - start
        error += start_error
        if broken is None and not np.isfinite(value):
            broken = np.abs(codes[0]).max()
        seen |= not abs(change) <= 4 * error
        fits &= abs(change - expected) <= Within.FIT * abs(expected) + error
        worst = max(worst, (abs(change - expected) - error * prober.noisy) / abs(expected))
        if fits and scale == DECISIVE and error > Within.LOUD * expected:
            source = "noise" if prober.noisy else "rounding (single precision?)"
            raise AuditError(
                f"the KL is lost in the loss's {source}: a wrong one would look the same"
            )
    if not seen:
        raise AuditError(_no_kl(prober))
    if not fits:
        prober.check_steady()
        raise AuditError(*_another_kl(prober, images, broken))
    return worst


def _codes_to_check(prober):
    """Pairs of a scale and codes; for a loss that draws noise also codes that are all alike.

    Over a large batch of random codes the mean of a wrong KL may be that of the right one.
    """
    for scale in SCALES:
        yield scale, prober.codes(scale)
    for log_var in ALIKE if prober.noisy else ():
        yield None, codes_at(prober.sizes, 0, log_var)


def _no_kl(prober):
    gradients = prober.loss.gradients(prober.first)
    if gradients is not None and any(np.abs(g).max() > 0 for g in gradients[1:]):
        return (
            "the loss's value leaves out the KL, its gradient does not: what is reported is not "
            "what is trained"
        )
    return (
        "the loss ignores z_mean and z_log_var, or weighs the KL below its rounding: there is no KL"
    )


def _another_kl(prober, images, broken):
    """Why the loss is no positive multiple of the KL to N(0, I), and what that is about."""
    if prober.noisy:
        why = structure.of_the_codes(prober, images)
        why = why or "since it draws noise, why cannot be told"
        return f"on average the loss is no multiple of the KL; {why}", None
    codes = [random_codes(prober.sizes, scale, prober.rng) for scale in np.geomspace(0.3, 3, 14)]
    values = np.array([prober.value(images, code) for code in codes])
    if not np.isfinite(values).all():  # the logarithm of a negative number?
        codes = [(z_mean, np.abs(z_log_var) + 0.1) for z_mean, z_log_var in codes]
        values = np.array([prober.value(images, code) for code in codes])
    if not np.isfinite(values).all():
        return "the loss is not finite for z_mean in (-9, 9) and z_log_var in (-3, 2)", None
    read = first_that_fits(READINGS_OF_THE_KL, codes, values)
    if read:
        return read
    if broken is not None:
        far = f"the loss is not finite from |z_mean| of about {broken:.2g} on"
        return f"{far}: it overflows there, or takes the logarithm of a negative number", None
    said = structure.of_a_bend(prober, images)
    said = said or (first_that_fits(TERMS_OF_THE_KL, codes, values) or [None])[0]
    said = (
        said or structure.of_the_codes(prober, images) or structure.of_the_latents(prober, images)
    )
    return said or NO_KL, None


NO_KL = (
    "the KL term is no multiple of KL(N(z_mean, exp(z_log_var)) || N(0, I)); a Monte Carlo KL "
    "must draw new noise at every call, so that it can be averaged out"
)


def check_together(prober, likelihood, a, b):
    """Both terms must add, down to small distortions: the misfit, and the loss's constant."""
    images = prober.images(likelihood)
    prior = at_the_prior(prober.sizes)
    usual = a * likelihood.distortion(*images)
    start, start_error = prober.measure(images, prior)
    constant = start - usual
    probes = [(prober.images(likelihood), prober.codes(scale)) for scale in (0.3, 1.0, 3.0)]
    probes += [(likelihood.perfect(prober.sizes, prober.rng), prober.codes(0.03))]
    worst = 0.0
    for images, codes in probes:
        expected = a * likelihood.distortion(*images) + b * kl(*codes)
        size = abs(expected) + abs(usual)
        value, error = prober.measure(images, codes)
        error += max(start_error, Within.ROUNDINGS * prober.loss.rounding * abs(constant + usual))
        misfit = abs(value - constant - expected)
        worst = max(worst, (misfit - error * prober.noisy) / size)
        if not misfit <= Within.FIT * size + error:
            prober.check_steady()
            raise AuditError(
                f"the two terms do not simply add: together they are {misfit:.3g} off the "
                f"{expected:.3g} that each alone suggests; the weight of one depends on the other, "
                "or one is clipped"
            )
    return worst, constant


def check_gradients(prober, likelihood, a, b):
    """Whether the gradients are those of the value: a detached term has a value and none. Notes."""
    prober.doing = "its gradients"
    probe = probe_at(prober.images(likelihood), prober.codes(1.0))
    try:
        draws = [prober.loss.gradients(probe) for _ in range(Within.REPEATS if prober.noisy else 1)]
    except AuditError:
        raise
    except Exception as error:  # a loss that leaves its framework's arrays has no gradient here
        kind = type(error).__name__
        return [f"its gradients could not be taken ({kind}): a detached term would not be seen"]
    if draws[0] is None:
        return []
    n = len(probe.x)
    exact = [
        a * likelihood.gradient(probe.x, probe.x_decoded),
        b * probe.z_mean / n,
        b * np.expm1(probe.z_log_var) / (2 * n),
    ]
    for name, wanted, *found in zip(Probe._fields[1:], exact, *draws, strict=True):
        _check_gradient(name, wanted, found, prober.noisy)
    return []


def _check_gradient(name, wanted, found, noisy):
    shares = np.array([(gradient * wanted).sum() for gradient in found]) / (wanted**2).sum()
    share = shares.mean()
    error = Within.SURE * shares.std() / np.sqrt(max(1, len(shares) - 1))
    term = "reconstruction" if name == "x_decoded" else "KL"
    if abs(share) <= Within.NONE + error < 0.5:
        said = f"the loss depends on {name}, but its gradient there is 0"
        raise AuditError(f"the {term} term is detached: {said}")
    apart = np.abs(found[0] - wanted).max() > Within.FOLLOWS * np.abs(wanted).max()
    if abs(share - 1) > Within.FOLLOWS + error or (apart and not noisy):
        raise AuditError(
            f"the gradient with respect to {name} is not the derivative of the loss ({share:.3g} "
            f"times it along its direction): part of the {term} term is detached or clipped"
        )
