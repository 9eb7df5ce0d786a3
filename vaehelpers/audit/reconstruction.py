"""The reconstruction term: which distortion a loss follows, with which weight, and how far out."""

import numpy as np

from vaehelpers.audit import structure
from vaehelpers.audit.hypotheses import OF_THE_RECONSTRUCTION, Within, first_that_fits, weights_on
from vaehelpers.audit.measure import Prober
from vaehelpers.audit.probes import (
    BERNOULLI,
    FROM_LOGITS,
    NORMALISED,
    OVER_CLASSES,
    PER_PIXEL,
    ends_of,
    random_images,
    uniform,
)
from vaehelpers.audit.verdict import AuditError

READINGS = ("auto", "probabilities", "logits")
PLAIN = ("probabilities", "log-probabilities")  # no softmax shows over which axis the classes lie
COLOURS = (1, 3, 4)  # a last axis of an image with three axes that is one of channels
KNOWN = "a Bernoulli, Gaussian, Laplace or categorical distortion"
REACHES = {"means": (2, 30), "logits": (6,)}  # times the images' range, how far off it is tried


def check_option(x_decoded):
    """Raise where x_decoded is no known reading."""
    if x_decoded not in READINGS:
        raise ValueError(f"x_decoded is {x_decoded!r}: pass one of {', '.join(READINGS)}")


def find_reconstruction(prober: Prober):
    """The likelihood whose distortion the loss follows, its weight, and the relative misfit."""
    prober.doing = "the reconstruction term"
    pairs = [prober.images() for _ in range(8)]
    values, error = _measured(prober, pairs)
    found = _exact(per_pixel(prober.sizes.image_range), pairs, values, error)
    found = found or _over_classes(prober, pairs, values, error)
    if found:
        return found
    prober.check_steady()
    raise AuditError(*(_coarsely(pairs, values) or _no_reconstruction(prober)))


def _measured(prober, pairs):
    """The loss at pairs of images and its error, with as many draws as its noise asks for."""
    values, error = prober.over(pairs)
    within = Within.QUIET * np.ptp(values)
    if not prober.noisy or error <= within:
        return values, error
    if prober.noise_depends_on_images(pairs[0]):
        raise AuditError(
            "the loss draws noise besides that of a Monte Carlo KL, in its reconstruction "
            "(dropout?): switch it off to audit it",
            about="loss",
        )
    if not prober.draw_more(pairs[0], within):
        why = structure.of_the_codes(prober, pairs[0])
        raise AuditError(
            f"the loss draws noise that is no KL's: {why}"
            if why
            else (
                "the loss draws noise, whatever the images, in which its reconstruction term is "
                "lost, if it has one: hold the noise fixed to audit it"
            )
        )
    return prober.over(pairs)


def _exact(rows, pairs, values, error):
    """The row that the values follow; two that explain them with other weights are both named."""
    if not np.ptp(values) > 4 * error:
        return None
    found = []
    for row in rows:
        fitted = weights_on((row.distortion,), pairs, values, error)
        if fitted and fitted[2]:
            found.append((row, float(fitted[0][0]), fitted[1]))
    weights = [weight for _, weight, _ in found]
    if found and not np.allclose(weights, weights[0], rtol=Within.SAME, atol=0):
        named = " or ".join(f"{weight:.3g} x {row.name} of {row.reads}" for row, weight, _ in found)
        raise AuditError(f"its reconstruction term reads as {named}: two betas, none is taken")
    return found[0] if found else None


def _over_classes(prober, grey, grey_values, error):
    """The categorical row that the loss follows on one-hot images, its weight, its misfit.

    From plain (log-)probabilities it must follow the same row on grey images, else a masked
    cross-entropy would be taken for a categorical one.
    """
    rows = over_classes(prober.sizes.image_shape)
    if not rows or not np.isfinite(grey_values).all():
        return None
    pairs = [prober.images(rows[0]) for _ in range(8)]
    values, one_hot_error = prober.over(pairs)
    if not prober.loss.takes_classes:
        rows = [
            row
            for row in rows
            if not shows_no_axis(row) or _exact([row], grey, grey_values, 10 * error)
        ]
    found = _exact(rows, pairs, values, one_hot_error)
    if found and len(prober.sizes.image_shape) == 1:
        counts = prober.rng.integers(5, size=(8, *pairs[0][0].shape)) * 1.0
        pairs = [(x, x_decoded) for x, (_, x_decoded) in zip(counts, pairs, strict=True)]
        if _exact(found[:1], pairs, *prober.over(pairs)):
            return (found[0]._replace(name="multinomial"), *found[1:])
    return found


def _no_reconstruction(prober):
    """Why the loss is no multiple of a distortion that the audit knows, and what that is about."""
    images = [random_images(prober.sizes, prober.rng, grey=True) for _ in range(14)]
    values, error = prober.over(images)
    if not np.isfinite(values).all():
        return "the loss is not finite for pixels and decoder outputs in (0.05, 0.95)", None
    if np.ptp(values) <= Within.CONSTANT * np.abs(values).max():
        return "the loss ignores x and x_decoded: it has no reconstruction term", None
    found = first_that_fits(OF_THE_RECONSTRUCTION, images, values, error)
    if found:
        return found
    said = structure.of_the_values(prober) or structure.of_the_examples(prober, images[0])
    if said:
        return said, "loss"
    return f"the reconstruction term is no multiple of {KNOWN}", None


def _coarsely(pairs, values):
    """What is said where a row fits but for a little, and what that is about; or `None`."""
    misfits = []
    for row in PER_PIXEL:
        fitted = weights_on((row.distortion,), pairs, values)
        misfits += [(fitted[1], row.name)] if fitted else []
    off, name = min(misfits, default=(1.0, ""))
    if off > Within.COARSE:
        return None
    return (
        f"the loss follows the {name} distortion to {100 * off:.2g} percent only: is it computed "
        "in half precision, or clipped, or is a small term added to it?"
    ), None


def check_reading(likelihood, weight, x_decoded):
    """Whether the loss reads x_decoded as it is said to, and with the right sign."""
    function = "softmax" if likelihood.of_classes else "sigmoid"
    if x_decoded == "probabilities" and likelihood.reads == "logits":
        raise AuditError(
            f"x_decoded is said to be probabilities, but the loss applies a {function} to it: the "
            f"{function} is taken twice. Drop it from the decoder or from the loss"
        )
    if x_decoded == "logits" and likelihood.reads.endswith("probabilities"):
        takes = likelihood.reads if likelihood.of_classes else "its logarithm as of a probability"
        raise AuditError(
            f"x_decoded is said to be logits, but the loss takes {takes}: apply the {function}"
        )
    if weight < 0:
        raise AuditError(
            "the reconstruction term has the wrong sign: minimising this loss makes "
            "reconstructions worse; if it is the ELBO, to be maximised, audit its negative"
        )


def check_range(prober, likelihood, weight, x_decoded):
    """Whether the loss is the same outside of (0.05, 0.95), where outputs may lie. Notes.

    Raises:
        AuditError: for a loss that is another one there.
    """
    prober.doing = "outputs outside of the images' range"
    if likelihood.reads == "means" and x_decoded == "probabilities":
        return [
            "outputs outside of the images' range were not tried: they are said to be probabilities"
        ]
    near = prober.images(likelihood)
    start, start_error = prober.measure(near, prober.still)
    before = weight * likelihood.distortion(*near)
    for reach in REACHES.get(likelihood.reads, ()):
        x, _ = prober.images(likelihood)
        low, high = ends_of(prober.sizes, reach)
        outputs = low + (high - low) * uniform(x.shape, prober.rng)
        ends = f"({low:.3g}, {high:.3g})"
        try:
            value, error = prober.measure((x, outputs), prober.still)
            refused = "" if np.isfinite(value) else "it is not finite there"
        except AuditError as raised:
            refused = str(raised)
        if refused:
            said = f"it refuses decoder outputs in {ends}, so what is said holds closer by"
            return [f"{said}: {refused}"]
        after = weight * likelihood.distortion(x, outputs)
        size = abs(after) + abs(before)
        if not abs(value - start - after + before) <= Within.FIT * size + error + start_error:
            raise AuditError(_another_outside(likelihood, ends))
    return []


def _another_outside(likelihood, ends):
    said = (
        f"for decoder outputs in (0.05, 0.95) the loss follows the {likelihood.name} distortion, "
        f"for outputs in {ends} it does not"
    )
    if likelihood.reads == "logits":
        return f"{said}: are the logits clipped or bent? No single beta"
    return (
        f"{said}: a Huber (smooth L1), a clip, a relu or an abs of the reconstruction, a bounded "
        "error? No single beta for a decoder of any output; of one that ends in a sigmoid say "
        "x_decoded='probabilities' (--x-decoded probabilities)"
    )


def per_pixel(image_range):
    """The rows that images of this range may have: also Bernoullis of what is scaled to [0, 1]."""
    low, high = image_range
    if (low, high) == (0, 1):
        return PER_PIXEL

    def unit(values):
        return (values - low) / (high - low)

    of_unit = FROM_LOGITS._replace(
        each=lambda x, y: FROM_LOGITS.each(unit(x), y),
        slope=lambda x, y: FROM_LOGITS.slope(unit(x), y),
    )
    from_means = BERNOULLI._replace(
        each=lambda x, y: BERNOULLI.each(unit(x), unit(y)),
        slope=lambda x, y: BERNOULLI.slope(unit(x), unit(y)) / (high - low),
    )
    return (*PER_PIXEL, of_unit, from_means)


def over_classes(image_shape):
    """The categorical rows that images of this shape may have, with classes along the last axis.

    Of an RGB image, -x log p without a softmax is a cross-entropy that lacks a term.
    """
    if image_shape[-1] < 2:
        return ()
    image = len(image_shape) == 3 and (image_shape[-1] in COLOURS or image_shape[0] in COLOURS)
    return [row for row in OVER_CLASSES if not (image and shows_no_axis(row))]


def shows_no_axis(row):
    """Whether such a row is a plain -x log p, whose classes might lie along any axis."""
    return row.reads in PLAIN and row is not NORMALISED
