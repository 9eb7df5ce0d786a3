"""The categorical distortion over the last axis, from logits or (log-)probabilities, and the multinomial."""

from typing import NamedTuple

import numpy as np

from vaehelpers.audit.probes import probe_at

NAMES = ("categorical", "multinomial")
TOLERANCE = 1e-4
PLAIN = ("probabilities", "log-probabilities")  # no softmax shows over which axis the classes lie
COLOURS = (1, 3, 4)  # a last axis of an image with three axes that is one of channels, not of classes


def _log_softmax(y):
    top = y.max(-1, keepdims=True)
    return y - top - np.log(np.exp(y - top).sum(-1, keepdims=True))


def _log(y):
    return np.log(y)


def _log_normalised(y):
    return np.log(y / y.sum(-1, keepdims=True))


READINGS = {  # how x_decoded is read: log p of it, and the derivative of -sum x log p for a one-hot x
    "logits": (_log_softmax, lambda x, y: np.exp(_log_softmax(y)) - x),
    "probabilities": (_log, lambda x, y: -x / y),
    "normalised probabilities": (_log_normalised, lambda x, y: 1 / y.sum(-1, keepdims=True) - x / y),
    "log-probabilities": (lambda y: y, lambda x, y: -x),
}


class Categorical(NamedTuple):
    """Minus log p(x|z) = -sum over classes of x log p, for x one-hot along the last axis (or, multinomial, counts)."""

    name: str
    reading: str

    @property
    def reads(self):
        """What x_decoded is to it."""
        return self.reading.removeprefix("normalised ")

    @property
    def from_logits(self):
        return self.reading == "logits"

    def images(self, sizes, rng):
        """One-hot images, and outputs in (0.05, 0.95) that are better at some calls than at others."""
        x = one_hot(sizes, rng)
        weight = rng.uniform(0, 0.9)
        return x, 0.05 + 0.9 * (weight * x + (1 - weight) * rng.random(x.shape))

    def perfect(self, sizes, rng):
        """One-hot images that are all but certain."""
        x = one_hot(sizes, rng)
        if self.from_logits:
            return x, 28 * x - 14
        p = np.clip(x, 1e-6 / x.shape[-1], 1 - 1e-6)
        return x, np.log(p) if self.reading == "log-probabilities" else p

    def distortion(self, probe):
        """Sum over places and classes, mean over examples."""
        return -(probe.x * READINGS[self.reading][0](probe.x_decoded)).sum() / len(probe.x)

    def gradient(self, probe):
        """d distortion / d x_decoded."""
        return READINGS[self.reading][1](probe.x, probe.x_decoded) / len(probe.x)


def one_hot(sizes, rng):
    """Images one-hot along the last axis."""
    *places, classes = sizes.image_shape
    return np.eye(classes)[rng.integers(classes, size=(sizes.batch, *places))]


def counts(sizes, rng):
    """Counts, whose sum is not 1, and outputs in (0.05, 0.95)."""
    shape = (sizes.batch, *sizes.image_shape)
    return rng.integers(5, size=shape).astype("float64"), 0.05 + 0.9 * rng.random(shape)


def candidates(sizes):
    """The categorical readings that images of this shape may have; none where the last axis holds no classes.

    Of an RGB image, -x log p without a softmax is a cross-entropy that lacks a term, and no categorical.
    """
    shape = sizes.image_shape
    if shape[-1] < 2:
        return []
    image = len(shape) == 3 and (shape[-1] in COLOURS or shape[0] in COLOURS)
    return [Categorical("categorical", reading) for reading in READINGS if not (image and reading in PLAIN)]


def follows(likelihood, pairs, values):
    """The weight of a likelihood's distortion that fits values best, and the largest misfit."""
    distortions = np.array([likelihood.distortion(probe_at(pair, (None, None))) for pair in pairs])
    distortions -= distortions.mean()
    weight = distortions @ values / (distortions @ distortions)
    return weight, np.abs(values - values.mean() - weight * distortions).max()


def find(prober, grey, grey_values):
    """The categorical likelihood that a loss follows, its weight and the relative misfit; or `None`.

    Args:
        prober: a `Prober`.
        grey: pairs of images whose pixels are no classes.
        grey_values: the loss there: from plain (log-)probabilities it must follow the same formula, else a masked
            cross-entropy would be taken for a categorical one.
    """
    for likelihood in candidates(prober.sizes):
        found = _fit(prober, likelihood, [likelihood.images(prober.sizes, prober.rng) for _ in range(8)])
        if found is None:
            continue
        if likelihood.reading in PLAIN and not prober.oracle.takes_classes:
            _, misfit = follows(likelihood, grey, grey_values)
            if misfit > 10 * TOLERANCE * np.ptp(grey_values):
                continue
        rows = len(prober.sizes.image_shape) == 1
        if rows and _fit(prober, likelihood, [counts(prober.sizes, prober.rng) for _ in range(8)]) is not None:
            likelihood = likelihood._replace(name="multinomial")
        return likelihood, *found
    return None


def _fit(prober, likelihood, pairs):
    values, errors = np.transpose([prober.measure(pair, prober.still, prober.few) for pair in pairs])
    spread = np.ptp(values)
    if not (np.isfinite(spread) and spread > 4 * errors.max()):
        return None
    weight, misfit = follows(likelihood, pairs, values)
    return (weight, misfit / spread) if misfit <= TOLERANCE * spread + errors.max() else None
