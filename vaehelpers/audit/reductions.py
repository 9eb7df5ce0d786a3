"""Sums, means and what lies between, read from how a loss's two weights change with the sizes."""

from typing import NamedTuple

import numpy as np

from vaehelpers.audit.probes import Sizes


class Weights(NamedTuple):
    """A loss's weights of the distortion and the KL, both means over the batch, and its constant, at some sizes."""

    sizes: Sizes
    distortion: float
    kl: float
    constant: float


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
    start = sizes.batch + 1
    return next((b for b in range(start, start + 50) if all(b % n for n in lengths)), start)


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


def read_reductions(here, weights_at, per_example, likelihood):
    """Call the loss at other sizes, one size at a time, and read what it does with each axis."""
    sizes = here.sizes
    shapes = {"batch": other_batch(sizes), "latent_dim": 2 * sizes.latent_dim + 1}
    measured = {name: _try(weights_at, sizes._replace(**{name: n})) for name, n in shapes.items()}
    reference = measured["batch"] or here
    others = {}
    for axis, n in enumerate(sizes.image_shape):
        shape = list(sizes.image_shape)
        shape[axis] = other_size(n, reference.sizes.batch)
        others[axis] = reference.sizes._replace(image_shape=tuple(shape))
        measured[axis] = _try(weights_at, others[axis])
    channel = channel_axis(sizes.image_shape)
    if any(measured[axis] is None for axis in range(len(sizes.image_shape))):
        measured[channel] = None  # a reshape to rows of fixed length may take more channels for more images

    def power(name, term, ratio):
        before, there = (here if name in shapes else reference), measured[name]
        return "failed" if there is None else exponent(getattr(before, term), getattr(there, term), ratio)

    batch_ratio, latent_ratio = shapes["batch"] / sizes.batch, shapes["latent_dim"] / sizes.latent_dim
    batch_powers = [power("batch", term, batch_ratio) for term in ("distortion", "kl")]
    axis_ratios = [others[axis].image_shape[axis] / n for axis, n in enumerate(sizes.image_shape)]
    pixel_powers = [power(axis, "distortion", ratio) for axis, ratio in enumerate(axis_ratios)]
    channels = "none" if channel is None else _reduction([pixel_powers[channel]])
    pixels = _reduction([p for axis, p in enumerate(pixel_powers) if axis != channel])
    latents = _reduction([power("latent_dim", "kl", latent_ratio)])

    batch = _batch_reduction(batch_powers, per_example)
    summed = sizes.batch if batch == "sum" else 1
    if pixels == "unknown" and "failed" in pixel_powers:
        pixels, channels = _at_one_shape(here.distortion / summed, sizes, channels, likelihood.name)
    if latents == "unknown" and sizes.latent_dim > 1:
        latents = _named(here.kl / summed, sizes.latent_dim, (1.0,))
    notes = _notes(pixels, channels, batch, batch_powers, pixel_powers, here, likelihood)
    if all(p == -1 for p in (power(axis, "kl", ratio) for axis, ratio in enumerate(axis_ratios))):
        notes.append("the KL is divided by the number of pixels as well")
    reductions = {
        "pixel_reduction": pixels,
        "channel_reduction": channels,
        "latent_reduction": latents,
        "batch_reduction": batch,
    }
    known = [here, *filter(None, measured.values())]
    averaged = np.prod([n for n, p in zip(sizes.image_shape, pixel_powers, strict=True) if p == -1])
    scale = here.distortion / summed
    return Reading(reductions, scale, scale * averaged, summed, known, notes)


def _try(weights_at, sizes):
    try:
        weights = weights_at(sizes)
    except Exception:  # whatever a loss that takes one size only raises
        return None
    return weights if np.isfinite(weights[1:]).all() else None


def _reduction(powers):
    if all(p == 0 for p in powers):
        return "sum"
    if all(p == -1 for p in powers):
        return "mean"
    return "mixed" if all(p in (0, -1) for p in powers) else "unknown"


def _batch_reduction(powers, per_example):
    if "failed" in powers or None in powers:
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


def _at_one_shape(weight, sizes, channels, likelihood):
    pixels = _named(weight, sizes.pixels, (1.0, 2.0) if likelihood == "gaussian" else (1.0,))
    return pixels, pixels if channels == "unknown" and sizes.image_shape[-1] > 1 else channels


def _notes(pixels, channels, batch, batch_powers, pixel_powers, here, likelihood):
    notes = []
    if pixels == "sum" and channels == "mean":
        notes.append(
            "the last axis is averaged, as keras.losses.binary_crossentropy does: no difference for one channel, "
            "but on RGB images beta is 3 times as large"
        )
    if pixels == "mean" and np.isclose(here.distortion, (1.0, 2.0), rtol=1e-3).any():
        notes.append(f"the factor {here.sizes.pixels} is written as a number: it is right at this image size only")
    if "failed" in pixel_powers:
        notes.append("the loss takes one image size only: its reductions over pixels could not be tried at another")
    if batch == "mixed" and batch_powers[0] != batch_powers[1]:
        notes.append(
            f"the two terms are reduced differently over the batch: beta is {here.kl / here.distortion:.3g} at batch "
            f"size {here.sizes.batch} and another one on a short last batch"
        )
    return notes
