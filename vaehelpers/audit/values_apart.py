"""Losses that do not treat the values of an image alike, or not each by itself: weights, blocks, spectra."""

from typing import NamedTuple

import numpy as np

WITHIN = 1e-4
X, START = 0.3, 0.6  # a uniform image and the decoder's output of which one value at a time is moved ...
MOVES = (0.9, 0.75, 0.4, 0.1)  # ... to these
FEW_VALUES = 64  # an image of so many values is tried value by value: a table's row rather than an image
SPREAD = 24
NEIGHBOURS = 12
NOT_PER_VALUE = (
    "the reconstruction term is not a distance per value: what one value of x_decoded costs depends on the others (a "
    "spectral, perceptual or structural distance?), so it is no likelihood of independent values and no beta "
    "describes it"
)


class Moved(NamedTuple):
    """How the loss changes where the value of x_decoded at each of some places is moved, and from what."""

    places: np.ndarray
    changes: np.ndarray  # [place, move]
    start: float


def of_the_reconstruction(prober):
    """Whether values depend on one another, follow different distances or have different weights; a sentence or None.

    Two values that are moved together change a sum of distances per value by the sum of what each changes alone.
    """
    moved = _move_each(prober)
    largest = np.abs(moved.changes).max()
    if not largest > 0:
        return None
    together = _together(prober, moved) > WITHIN * largest
    if together.any():
        return _of_blocks(prober, together)
    if _halves_interact(prober, moved.start):
        return NOT_PER_VALUE
    strengths = np.linalg.svd(moved.changes, compute_uv=False)
    if len(strengths) > 1 and strengths[1] > 1e-3 * strengths[0]:
        return (
            "the likelihood is no single family: values of x_decoded at different places are compared with x by "
            "different distances (columns of different kinds?), so no single beta describes it"
        )
    change = moved.changes[:, 0]
    if np.ptp(change) > 1e-2 * np.abs(change).max():
        smallest = change.min() / np.abs(change).max()
        return f"pixels have different weights, from {smallest:.2g} to 1 of the largest: no single beta"
    return None


def _places(pixels):
    if pixels <= FEW_VALUES:
        return np.arange(pixels)
    near = pixels // 2 + np.arange(NEIGHBOURS)
    return np.unique([*np.linspace(0, pixels - 1, SPREAD).astype(int), *near])


def _at(prober, places, move=MOVES[0]):
    """The loss on uniform images where x_decoded is moved at some places."""
    shape = (prober.sizes.batch, prober.sizes.pixels)
    x_decoded = np.full(shape, START)
    x_decoded[:, places] = move
    whole = (len(x_decoded), *prober.sizes.image_shape)
    return prober.value((np.full(whole, X), x_decoded.reshape(whole)), prober.still)


def _move_each(prober):
    places = _places(prober.sizes.pixels)
    start = _at(prober, [])
    changes = [[_at(prober, [place], move) - start for move in MOVES] for place in places]
    return Moved(places, np.array(changes), start)


def _together(prober, moved):
    """By how much places next to each other in the list, moved together, change the loss by more than their sum."""
    extra = []
    for k in range(len(moved.places) - 1):
        both = _at(prober, moved.places[k : k + 2]) - moved.start
        extra.append(both - moved.changes[k, 0] - moved.changes[k + 1, 0])
    return np.abs(extra)


def _halves_interact(prober, start):
    """Whether a random half of the values and the other half, moved together, change the loss by another sum."""
    places = prober.rng.permutation(prober.sizes.pixels)
    halves = np.array_split(places, 2)
    first, second, both = (_at(prober, half) - start for half in (*halves, places))
    return abs(both - first - second) > WITHIN * max(abs(first), abs(second), abs(both))


def _of_blocks(prober, together):
    """A sentence on values that depend on one another: blocks of a table's row, or a distance that is not per value."""
    if prober.sizes.pixels > FEW_VALUES or together.all():
        return NOT_PER_VALUE
    blocks = [[0]]
    for k, joined in enumerate(together, start=1):
        if joined:
            blocks[-1].append(k)
        else:
            blocks.append([k])
    names = [f"{block[0]}-{block[-1]}" for block in blocks if len(block) > 1]
    alone = [str(block[0]) for block in blocks if len(block) == 1]
    said = f"columns {', '.join(names)} of x_decoded each go together (a softmax over a block?)"
    said += f" and {', '.join(alone)} stand alone" if alone else ""
    return f"the likelihood is no single family: {said}, so no single beta describes it"
