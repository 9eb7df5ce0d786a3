"""Sums, means and what lies between, read from how a loss's two weights change with the sizes."""

from typing import NamedTuple

import numpy as np

from vaehelpers.audit.categorical import NAMES
from vaehelpers.audit.verdict import ONE_SIZE, AuditError

FAILED = "failed"
LARGE = 100_000  # values of an image from which a smaller batch, and not a larger one, is the other size


class Powers(NamedTuple):
    """The powers of the sizes that a loss's two weights follow: 0 for a sum over an axis, -1 for a mean over it.

    Each is a whole number, `None` for a weight that follows none, or `FAILED` for a loss that takes no other size.
    """

    batch: tuple  # of the distortion's weight and of the KL's
    latents: int | str | None  # of the KL's weight
    pixels: tuple  # of the distortion's weight, axis by axis of an image
    kl_by_pixels: tuple  # of the KL's weight, axis by axis of an image


class Reading(NamedTuple):
    """The reductions by name; the loss's scale; the distortion's weight before its means; all weights; notes."""

    reductions: dict
    scale: float
    before_means: float
    summed: int
    weights: list
    notes: list


def other_size(n, batch):
    """A size that is not a multiple of n even times the batch, so that a hidden reshape to n fails."""
    candidates = range(n // 2 + 1, 4 * n) if n > 1 else (3,)
    return next((m for m in candidates if m != n and batch * m % n), n + 1)


def other_batch(sizes):
    """A batch size that no axis of the image divides, for the same reason."""
    lengths = [n for n in sizes.image_shape if n > 1]
    start = 2 if sizes.pixels > LARGE and sizes.batch > 3 else sizes.batch + 1
    return next((b for b in range(start, start + 50) if b != sizes.batch and all(b % n for n in lengths)), start)


def other_image(sizes, axis):
    """The same sizes with images that differ along one axis."""
    shape = list(sizes.image_shape)
    shape[axis] = other_size(shape[axis], sizes.batch)
    return sizes._replace(image_shape=tuple(shape))


def exponent(here, there, ratio):
    """The power of a size that a weight follows: 0 for a sum over it, -1 for a mean; `None` for neither of -1, 0, 1."""
    if not (here * there > 0 and np.isfinite(there)):
        return None
    power = np.log(there / here) / np.log(ratio)
    return round(power) if abs(power - round(power)) < 0.05 and abs(power) < 1.5 else None


def channel_axis(image_shape):
    """The last axis, or the first of an image like (3, 64, 64); `None` for images of one or two axes."""
    if len(image_shape) < 3:
        return None
    return 0 if image_shape[0] in (1, 3, 4) and image_shape[-1] not in (1, 3, 4) else len(image_shape) - 1


def measure_at_other_sizes(here, weights_at, channel):
    """Call the loss at other sizes, one size at a time: the `Weights` found there, and their `Powers`."""
    sizes = here.sizes
    batch = _try(weights_at, sizes._replace(batch=other_batch(sizes)))
    start = batch or here
    latents = _try(weights_at, start.sizes._replace(latent_dim=2 * sizes.latent_dim + 1))
    images = [_try(weights_at, other_image(start.sizes, axis)) for axis in range(len(sizes.image_shape))]
    if channel is not None and None in images:
        images[channel] = None  # a reshape to rows of fixed length may take more channels for more images
    powers = Powers(
        batch=tuple(_power(here, batch, term, lambda sizes: sizes.batch) for term in ("distortion", "kl")),
        latents=_power(start, latents, "kl", lambda sizes: sizes.latent_dim),
        pixels=_by_axis(start, images, "distortion"),
        kl_by_pixels=_by_axis(start, images, "kl"),
    )
    return [weights for weights in (batch, latents, *images) if weights is not None], powers


def _power(before, there, term, size):
    if there is None:
        return FAILED
    return exponent(getattr(before, term), getattr(there, term), size(there.sizes) / size(before.sizes))


def _by_axis(before, images, term):
    return tuple(
        _power(before, there, term, lambda sizes, axis=axis: sizes.image_shape[axis])
        for axis, there in enumerate(images)
    )


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
    return {
        "pixel_reduction": _reduction([p for axis, p in enumerate(powers.pixels) if axis != channel]),
        "channel_reduction": "none" if channel is None else _reduction([powers.pixels[channel]]),
        "latent_reduction": _reduction([powers.latents]),
        "batch_reduction": _batch_reduction(powers.batch, per_example),
    }


def read_reductions(here, weights_at, per_example, likelihood):
    """What a loss does with each axis, from its weights `here` and those that `weights_at(sizes)` measures."""
    sizes = here.sizes
    classes = likelihood.name in NAMES
    channel = len(sizes.image_shape) - 1 if classes else channel_axis(sizes.image_shape)
    others, powers = measure_at_other_sizes(here, weights_at, channel)
    reductions = classify(powers, channel, per_example)
    summed = sizes.batch if reductions["batch_reduction"] == "sum" else 1
    reductions |= _at_one_size(reductions, powers, here, summed, likelihood.name)
    averaged = np.prod([n for n, p in zip(sizes.image_shape, powers.pixels, strict=True) if p == -1])
    scale = here.distortion / summed
    return Reading(
        reductions, scale, scale * averaged, summed, [here, *others], _notes(reductions, powers, here, classes)
    )


def _try(weights_at, sizes):
    try:
        weights = weights_at(sizes)
    except AuditError:  # what becomes of anything that a loss of one size only raises
        return None
    return weights if np.isfinite(weights[1:]).all() else None


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
    if per_example:
        return {0: "none", -1: "mean"}.get(powers[0], "unknown")
    return {0: "mean", 1: "sum"}.get(powers[0], "unknown")


def _named(weight, n, natural):
    """Of a loss of one size: what equals a sum is one, what equals a mean is one."""
    if np.isclose(weight, natural, rtol=1e-3).any():
        return "sum"
    return "mean" if np.isclose(weight * n, natural, rtol=1e-3).any() else "unknown"


def _at_one_size(reductions, powers, here, summed, likelihood):
    """Of a loss of one size: the reductions that its weights equal there, in the place of unknown ones."""
    sizes = here.sizes
    found = {}
    if reductions["pixel_reduction"] == "unknown" and FAILED in powers.pixels:
        natural = (1.0, 2.0) if likelihood == "gaussian" else (1.0,)
        found["pixel_reduction"] = _named(here.distortion / summed, sizes.pixels, natural)
        if reductions["channel_reduction"] == "unknown" and sizes.image_shape[-1] > 1:
            found["channel_reduction"] = found["pixel_reduction"]
    if reductions["latent_reduction"] == "unknown" and sizes.latent_dim > 1:
        found["latent_reduction"] = _named(here.kl / summed, sizes.latent_dim, (1.0,))
    return found


def _notes(reductions, powers, here, classes):
    pixels = reductions["pixel_reduction"]
    batch = reductions["batch_reduction"]
    batch_powers = powers.batch
    notes = []
    if pixels == "sum" and reductions["channel_reduction"] == "mean" and not classes:
        notes.append(
            "the last axis is averaged, as keras.losses.binary_crossentropy does: no difference for one channel, "
            "but on RGB images beta is 3 times as large"
        )
    if pixels == "mean" and np.isclose(here.distortion, (1.0, 2.0), rtol=1e-3).any():
        notes.append(f"the factor {here.sizes.pixels} is written as a number: it is right at this image size only")
    if FAILED in powers.pixels:
        notes.append(f"{ONE_SIZE}: its reductions over pixels could not be tried at another")
    if batch == "mixed" and batch_powers[0] != batch_powers[1]:
        notes.append(
            f"the two terms are reduced differently over the batch: beta is {here.kl / here.distortion:.3g} at batch "
            f"size {here.sizes.batch} and another one on a short last batch"
        )
    if all(power == -1 for power in powers.kl_by_pixels):
        notes.append("the KL is divided by the number of pixels as well")
    return notes
