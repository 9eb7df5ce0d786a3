"""What no row of features can say: values or examples that depend on one another, and bends.

Two parts that are moved together change a sum of costs by the sum of what each changes alone.
"""

from itertools import pairwise

import numpy as np

from vaehelpers.audit.hypotheses import Within
from vaehelpers.audit.measure import Prober
from vaehelpers.audit.probes import at_the_prior, codes_at

X, START = 0.3, 0.6  # a uniform image and the output of which one value at a time is moved ...
MOVES = (0.9, 0.75, 0.4, 0.1)  # ... to these
FEW_VALUES = 64  # an image of so many values is tried value by value: a table's row, not an image
SPREAD = 24
NEIGHBOURS = 12
DRAWS = 1024  # of single examples
CORNERS = ((1, 1), (1, 0), (0, 1), (0, 0))  # both parts moved, one of them, none
NATS = np.geomspace(1e-4, 300, 48)  # a latent dimension, along which means grow
NOT_PER_VALUE = (
    "the reconstruction term is not a distance per value: what one value of x_decoded costs "
    "depends on the others (a spectral, perceptual or structural distance?), so it is no "
    "likelihood of independent values and no beta describes it"
)
NO_SINGLE = "the likelihood is no single family:"


def of_the_values(prober: Prober):
    """What is wrong where values depend on one another or are not treated alike; or `None`."""
    places = _places(prober.sizes.pixels)
    start = _at(prober, [])
    changes = np.array([[_at(prober, [p], move) - start for move in MOVES] for p in places])
    largest = np.abs(changes).max()
    if not largest > 0:
        return None
    both = np.array([_at(prober, pair) - start for pair in pairwise(places)])
    joined = np.abs(both - changes[:-1, 0] - changes[1:, 0]) > Within.FIT * largest
    if joined.any():
        return _of_blocks(prober.sizes, joined)
    if _halves_interact(prober, start):
        return NOT_PER_VALUE
    strengths = np.linalg.svd(changes, compute_uv=False)
    if len(strengths) > 1 and strengths[1] > Within.ALONE * strengths[0]:
        return (
            f"{NO_SINGLE} values of x_decoded at different places are compared with x by different "
            "distances (columns of different kinds?), so no single beta describes it"
        )
    change = changes[:, 0]
    if np.ptp(change) > Within.DIFFER * np.abs(change).max():
        least = change.min() / np.abs(change).max()
        return (
            f"pixels have different weights, from {least:.2g} to 1 of the largest: no single beta"
        )
    return None


def _places(pixels):
    if pixels <= FEW_VALUES:
        return np.arange(pixels)
    near = pixels // 2 + np.arange(NEIGHBOURS)
    return np.unique([*np.linspace(0, pixels - 1, SPREAD).astype(int), *near])


def _at(prober, places, move=MOVES[0]):
    """The loss on uniform images where x_decoded is moved at some places."""
    x_decoded = np.full((prober.sizes.batch, prober.sizes.pixels), START)
    x_decoded[:, list(places)] = move
    whole = (len(x_decoded), *prober.sizes.image_shape)
    return prober.value((np.full(whole, X), x_decoded.reshape(whole)), prober.still)


def _halves_interact(prober, start):
    places = prober.rng.permutation(prober.sizes.pixels)
    halves = np.array_split(places, 2)
    first, second, both = (_at(prober, half) - start for half in (*halves, places))
    return abs(both - first - second) > Within.FIT * max(abs(first), abs(second), abs(both))


def _of_blocks(sizes, joined):
    """A sentence on values that go together: blocks of a table's row, or no distance per value."""
    if sizes.pixels > FEW_VALUES or joined.all():
        return NOT_PER_VALUE
    blocks = np.split(np.arange(len(joined) + 1), np.flatnonzero(~joined) + 1)
    names = ", ".join(f"{block[0]}-{block[-1]}" for block in blocks if len(block) > 1)
    alone = ", ".join(str(block[0]) for block in blocks if len(block) == 1)
    stand = f" and {alone} stand alone" if alone else ""
    return (
        f"{NO_SINGLE} columns {names} of x_decoded each go together (a softmax over a "
        f"block?){stand}, so no single beta describes it"
    )


def of_the_examples(prober: Prober, images):
    """Whether half of a batch costs more for how the other half is reconstructed; a sentence."""
    x, x_decoded = images
    half = len(x) // 2

    def moved(first, second):
        other = x_decoded.copy()
        other[:half] += 0.5 * first * (x - x_decoded)[:half]
        other[half:] += 0.5 * second * (x - x_decoded)[half:]
        return (x, other), prober.still

    if not _interact(prober, moved):
        return None
    return (
        "what an example's reconstruction costs depends on the other examples: the loss of a "
        "batch is not the mean of its examples', and no single beta describes it"
    )


def of_the_codes(prober: Prober, images):
    """Whether what the codes of half of a batch cost depends on the other half's; or `None`."""
    half = prober.sizes.batch // 2

    def moved(first, second):
        z_mean, z_log_var = codes_at(
            prober.sizes, 0, -4
        )  # narrow: a draw of z is close to its mean
        z_mean[:half] = 2 * first
        z_mean[half:] = 2 * second
        return images, (z_mean, z_log_var)

    if not _interact(prober, moved):
        return None
    return (
        "what an example's code costs depends on the other examples' codes (a total correlation, "
        "an MMD, a function of the batch's mean?): the loss of a batch is not the mean of its "
        "examples', and no single beta describes it"
    )


def _interact(prober, moved):
    if prober.sizes.batch < 2:
        return False
    draws = max(8, DRAWS // prober.sizes.batch)
    measured = [prober.measure(*moved(*corner), draws) for corner in CORNERS]
    (both, first, second, none), errors = np.transpose(measured)
    largest = np.abs([both - none, first - none, second - none]).max()
    return abs(both - first - second + none) > Within.ALONE * largest + errors.sum()


def of_a_bend(prober: Prober, images):
    """Free bits and capacities, seen along means that grow together; a sentence, or `None`."""

    def along(sign):
        codes = (codes_at(prober.sizes, sign * np.sqrt(2 * nats), 1e-6) for nats in NATS)
        return np.array([prober.value(images, code) for code in codes])

    values = along(1)
    if not np.isfinite(values).all() or not np.allclose(values, along(-1), rtol=Within.NONE):
        return None
    latents = prober.sizes.latent_dim
    steps = np.diff(values) / np.diff(NATS)
    slope = steps[-1]
    if np.ptp(values) <= Within.CONSTANT * np.abs(values).max():
        return (
            f"the KL is free up to {NATS[-1]:.0f} nats a latent dimension at least (free bits on "
            "another scale, where the KL was divided by something first?): no single beta"
        )
    if slope <= 0:
        return None
    free = NATS[-1] - (values[-1] - values[0]) / slope
    if (steps < -Within.SAME * slope).any():
        capacity = free / 2 * latents
        return (
            f"the KL is drawn to a capacity: the loss falls until the KL is about {capacity:.3g} "
            "nats and rises after: no single beta"
        )
    still = np.ptp(values[:4]) <= Within.CONSTANT * abs(values[-1] - values[0])
    if still and np.isclose(steps[-2], slope, rtol=Within.SAME):
        return (
            f"the KL is free at first: the loss does not change until it is about {free:.3g} nats "
            f"a latent dimension, {free * latents:.3g} nats in all (free bits or a floor): no "
            "single beta"
        )
    return None


def of_the_latents(prober: Prober, images):
    """Whether latent dimensions have weights of their own; a sentence, or `None`."""
    z_mean, z_log_var = at_the_prior(prober.sizes)
    before = prober.value(images, (z_mean, z_log_var))
    changes = []
    for j in range(prober.sizes.latent_dim):
        moved = z_mean.copy()
        moved[:, j] = 2.0
        changes.append(prober.value(images, (moved, z_log_var)) - before)
    mirrored = prober.value(images, (-moved, z_log_var)) - before
    differ = np.ptp(changes) > Within.DIFFER * np.abs(changes).max()
    if differ and np.isclose(mirrored, changes[-1], rtol=Within.NONE):
        return "latent dimensions have different weights in the KL: no single beta"
    return None
