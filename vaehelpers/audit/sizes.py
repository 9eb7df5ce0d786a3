"""Sums, means and what lies between, read from how a loss's two weights change with the sizes."""

from typing import NamedTuple

import numpy as np

from vaehelpers.audit.hypotheses import Within
from vaehelpers.audit.measure import Prober
from vaehelpers.audit.verdict import AuditError

FAILED = "failed"
LARGE = 100_000  # values of an image from which the other batch is a smaller one
ONE_SIZE = (
    "the loss takes one image size only: its reductions over pixels could not be tried at another"
)


class Powers(NamedTuple):
    """The powers of the sizes that a loss's two weights follow: 0 for a sum, -1 for a mean.

    Each is a whole number, `None` for a weight that follows none, or `FAILED` for a loss that takes
    no other size.
    """

    batch: tuple  # of the distortion's weight and of the KL's
    latents: int | str | None  # of the KL's weight
    pixels: tuple  # of the distortion's weight, axis by axis of an image
    kl_by_pixels: tuple  # of the KL's weight, axis by axis of an image


def read_sizes(prober: Prober, here, likelihood):
    """What a loss does with each axis, as fields of a `LossAudit`.

    Args:
        prober: of the loss as it was fitted.
        here: its `Weights` at the sizes that were asked for.
        likelihood: the one that it follows.
    """

    def weights_at(sizes):
        try:
            found = prober.at(sizes).weights(likelihood)
        except AuditError:  # what becomes of anything that a loss of one size only raises
            return None
        return found if np.isfinite(found[1:]).all() else None

    channel = _channel_axis(here.sizes.image_shape, likelihood)
    others, powers = _at_other_sizes(here, weights_at, channel)
    reductions = classify(powers, channel, prober.per_example)
    summed = here.sizes.batch if reductions["batch_reduction"] == "sum" else 1
    reductions |= _at_one_size(reductions, powers, here, summed, likelihood.name)
    scale = here.distortion / summed
    averaged = [n for n, p in zip(here.sizes.image_shape, powers.pixels, strict=True) if p == -1]
    variance = None
    if likelihood.name == "gaussian":
        variance = declared_variance([here, *others], scale * np.prod(averaged))
    one_size = FAILED in powers.pixels
    notes = _notes(reductions, powers, here, likelihood)
    if one_size and not getattr(prober.loss, "fixed_image", False):
        notes.append(ONE_SIZE)
    factors = summed / (here.distortion * (variance or 1.0)), summed / here.kl
    return {
        **reductions,
        "scale": float(scale),
        "decoder_variance": variance,
        "factors": tuple(map(float, factors)),
        "one_size": one_size,
        "notes": notes,
    }


def _at_other_sizes(here, weights_at, channel):
    """The `Weights` found at other sizes, one size changed at a time, and their `Powers`."""
    sizes = here.sizes
    batch = weights_at(sizes._replace(batch=_other_batch(sizes)))
    start = batch or here
    latents = weights_at(start.sizes._replace(latent_dim=2 * sizes.latent_dim + 1))
    axes = range(len(sizes.image_shape))
    images = [weights_at(_other_image(start.sizes, axis)) for axis in axes]
    if channel is not None and None in images:
        images[channel] = None  # a reshape to rows of fixed length may take channels for images

    def by_axis(term):
        return tuple(
            _power(start, images[axis], term, lambda sizes, axis=axis: sizes.image_shape[axis])
            for axis in axes
        )

    powers = Powers(
        batch=tuple(_power(here, batch, t, lambda s: s.batch) for t in ("distortion", "kl")),
        latents=_power(start, latents, "kl", lambda sizes: sizes.latent_dim),
        pixels=by_axis("distortion"),
        kl_by_pixels=by_axis("kl"),
    )
    return [weights for weights in (batch, latents, *images) if weights is not None], powers


def _other_size(n, batch):
    """A size that even times the batch is no multiple of n, so that a hidden reshape to n fails."""
    candidates = range(n // 2 + 1, 4 * n) if n > 1 else (3,)
    return next((m for m in candidates if m != n and batch * m % n), n + 1)


def _other_batch(sizes):
    """A batch size that no axis of the image divides, for the same reason."""
    lengths = [n for n in sizes.image_shape if n > 1]
    start = 2 if sizes.pixels > LARGE and sizes.batch > 3 else sizes.batch + 1
    candidates = (b for b in range(start, start + 50) if b != sizes.batch)
    return next((b for b in candidates if all(b % n for n in lengths)), start)


def _other_image(sizes, axis):
    """The same sizes with images that differ along one axis."""
    shape = list(sizes.image_shape)
    shape[axis] = _other_size(shape[axis], sizes.batch)
    return sizes._replace(image_shape=tuple(shape))


def _power(before, there, term, size):
    """The power of a size that a weight follows; `None` for none of -1, 0, 1."""
    if there is None:
        return FAILED
    ratio = getattr(there, term) / getattr(before, term)
    if not (ratio > 0 and np.isfinite(ratio)):
        return None
    power = np.log(ratio) / np.log(size(there.sizes) / size(before.sizes))
    return round(power) if abs(power - round(power)) < Within.POWER and abs(power) < 1.5 else None


def _channel_axis(image_shape, likelihood):
    """The axis of classes, or of channels: the last, or the first of an image like (3, 64, 64)."""
    if likelihood.of_classes:
        return len(image_shape) - 1
    if len(image_shape) < 3:
        return None
    first = image_shape[0] in (1, 3, 4) and image_shape[-1] not in (1, 3, 4)
    return 0 if first else len(image_shape) - 1


def classify(powers, channel, per_example):
    """The reductions that belong to these powers, by name.

    Args:
        powers: `Powers`.
        channel: the axis of an image that holds its channels, or `None`.
        per_example: whether the loss returns one number per example.

    Example:
        >>> powers = Powers(batch=(0, 0), latents=0, pixels=(0, 0, -1), kl_by_pixels=(0, 0, 0))
        >>> classify(powers, channel=2, per_example=False)["channel_reduction"]
        'mean'
    """
    pixels = [p for axis, p in enumerate(powers.pixels) if axis != channel]
    return {
        "pixel_reduction": _reduction(pixels),
        "channel_reduction": "none" if channel is None else _reduction([powers.pixels[channel]]),
        "latent_reduction": _reduction([powers.latents]),
        "batch_reduction": _batch_reduction(powers.batch, per_example),
    }


def _reduction(powers):
    if all(p == 0 for p in powers):
        return "sum"
    if all(p == -1 for p in powers):
        return "mean"
    return "mixed" if all(p in (0, -1) for p in powers) else "unknown"


def _batch_reduction(powers, per_example):
    if FAILED in powers or None in powers:
        return "unknown"
    if powers[0] != powers[1]:
        return "mixed"
    names = {0: "none", -1: "mean"} if per_example else {0: "mean", 1: "sum"}
    return names.get(powers[0], "unknown")


def _at_one_size(reductions, powers, here, summed, name):
    """Of a loss of one size, what equals a sum is one: the names in the place of unknown ones."""

    def named(weight, n, natural):
        if np.isclose(weight, natural, rtol=Within.SAME).any():
            return "sum"
        return "mean" if np.isclose(weight * n, natural, rtol=Within.SAME).any() else "unknown"

    sizes = here.sizes
    found = {}
    if reductions["pixel_reduction"] == "unknown" and FAILED in powers.pixels:
        natural = (1.0, 2.0) if name == "gaussian" else (1.0,)
        found["pixel_reduction"] = named(here.distortion / summed, sizes.pixels, natural)
        if reductions["channel_reduction"] == "unknown" and sizes.image_shape[-1] > 1:
            found["channel_reduction"] = found["pixel_reduction"]
    if reductions["latent_reduction"] == "unknown" and sizes.latent_dim > 1:
        found["latent_reduction"] = named(here.kl / summed, sizes.latent_dim, (1.0,))
    return found


def declared_variance(weights, before_means):
    """The variance that a Gaussian loss declares by its constant, D/2 log(2 pi variance).

    A log-likelihood of weight 1 weighs half the squared error with 1 / variance. Its constant must
    be the normaliser of just that variance, with or without 2 pi, at every size that was tried.

    Args:
        weights: the `Weights` at all sizes.
        before_means: the distortion's weight before its means over pixels.
    """
    constants = [2 * w.constant / (w.distortion * w.sizes.pixels) for w in weights]
    if abs(constants[0]) < Within.FIT or np.ptp(constants) > Within.SAME * abs(constants[0]):
        return None
    variance = 1 / before_means
    normalisers = variance * np.log(2 * np.pi * variance), variance * np.log(variance)
    declares = np.isclose(constants[0], normalisers, rtol=Within.SAME).any()
    return float(variance) if declares else None


def _notes(reductions, powers, here, likelihood):
    pixels = reductions["pixel_reduction"]
    notes = []
    if pixels == "sum" and reductions["channel_reduction"] == "mean" and not likelihood.of_classes:
        notes.append(
            "the last axis is averaged, as keras.losses.binary_crossentropy does: no difference "
            "for one channel, but on RGB images beta is 3 times as large"
        )
    if pixels == "mean" and np.isclose(here.distortion, (1.0, 2.0), rtol=Within.SAME).any():
        written = f"the factor {here.sizes.pixels} is written as a number"
        notes.append(f"{written}: it is right at this image size only")
    if reductions["batch_reduction"] == "mixed":
        notes.append(
            "the two terms are reduced differently over the batch: beta is "
            f"{here.kl / here.distortion:.3g} at batch size {here.sizes.batch} and another one on "
            "a short last batch"
        )
    if all(power == -1 for power in powers.kl_by_pixels):
        notes.append("the KL is divided by the number of pixels as well")
    return notes
