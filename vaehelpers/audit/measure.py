"""A loss measured at one size: its value, how far that may be off, and its three weights.

A loss may draw noise, which is averaged out; and it may count its calls, as a warm-up inside of it
does, which is a schedule and no noise.
"""

import logging
from functools import cached_property
from typing import NamedTuple

import numpy as np

from vaehelpers.audit.hypotheses import Within
from vaehelpers.audit.loss import Loss
from vaehelpers.audit.probes import (
    Sizes,
    at_the_prior,
    certain_codes,
    far_codes,
    kl,
    probe_at,
    random_codes,
    random_images,
)
from vaehelpers.audit.verdict import AuditError

LOG = logging.getLogger("vaehelpers.audit")  # what it is doing, for whoever waits
LONGEST_PERIOD = 5  # calls, of a weight that goes round and round


class Weights(NamedTuple):
    """A loss's weights of the distortion and the KL, means over the batch, and its constant."""

    sizes: Sizes
    distortion: float
    kl: float
    constant: float


class Prober:
    """An opened loss at one size, with random numbers of its own.

    Attributes:
        noisy: whether the loss draws noise; it is tried unless it is known.
        counts: whether it counts its calls: it changes from call to call as noise does not.
        draws: of how many `value` takes the mean, where the loss draws noise.
        doing: what the next calls are for.
    """

    def __init__(self, loss: Loss, sizes, noisy=None):
        self.loss = loss
        self.sizes = sizes
        self.rng = np.random.default_rng(0)
        self.noisy = noisy
        self.counts = False
        self.draws = Within.LEAST_DRAWS
        self.doing = f"images {sizes.image_shape}, batch {sizes.batch}, {sizes.latent_dim} latents"
        if noisy is None:
            self._try_twice()

    def _try_twice(self):
        self.first = probe_at(self.images(), random_codes(self.sizes, 3.0, self.rng))
        value = self._call(self.first)
        self.per_example = value.shape != ()
        draws = [float(value.mean()), *(self._once(self.first) for _ in range(2))]
        rounding = self._rounding(draws)
        self.noisy = bool(np.ptp(draws) > rounding)
        if self.noisy:
            draws += [self._once(self.first) for _ in range(Within.REPEATS - len(draws))]
            self.counts = counts_calls(draws, rounding)
            self.noisy = not self.counts
        self.first_value = draws[-1]

    def at(self, sizes):
        """A prober of the same loss at other sizes."""
        return Prober(self.loss.at(sizes), sizes, self.noisy)

    @cached_property
    def still(self):
        """The codes at which the loss's noise is least: the prior, else nearly certain ones.

        A KL of one draw, log q(z) - log p(z), has no noise at the prior; one whose entropy is taken
        in closed form has its noise there, and none where z is certain.
        """
        prior = at_the_prior(self.sizes)
        if not self.noisy:
            return prior
        images = self.images()
        certain = certain_codes(self.sizes)
        noise = [
            np.ptp([self._once(probe_at(images, codes)) for _ in range(Within.LEAST_DRAWS)])
            for codes in (prior, certain)
        ]
        return prior if noise[0] <= noise[1] else certain

    def images(self, likelihood=None):
        """Random images, of the kind that a likelihood is of."""
        if likelihood is None:
            return random_images(self.sizes, self.rng)
        return likelihood.images(self.sizes, self.rng)

    def codes(self, scale):
        """Random codes of this scale, of smaller variances where the loss draws z from them."""
        z_mean, z_log_var = random_codes(self.sizes, scale, self.rng)
        return z_mean, 0.7 * z_log_var if self.noisy else z_log_var

    def _call(self, probe):
        LOG.info("%s", self.doing)
        return self.loss(probe)

    def _once(self, probe):
        return float(self._call(probe).mean())

    def _rounding(self, draws):
        return Within.ROUNDINGS * self.loss.rounding * np.abs(draws).max()

    def measure(self, images, codes, repeats=Within.REPEATS):
        """The loss, its mean over the batch where it is one number per example, and its error."""
        probe = probe_at(images, codes)
        draws = [self._once(probe) for _ in range(repeats if self.noisy else 1)]
        error = self._rounding(draws)
        if self.noisy:
            error += Within.SURE * np.std(draws, ddof=1) / np.sqrt(repeats)
        return np.mean(draws), error

    def value(self, images, codes):
        return self.measure(images, codes, self.draws)[0]

    def over(self, pairs):
        """The loss at pairs of images, and the largest error."""
        measured = [self.measure(pair, self.still, self.draws) for pair in pairs]
        values, errors = np.transpose(measured)
        return values, errors.max()

    def draw_more(self, images, within):
        """Take so many draws that a mean of them is off by less; whether that can be waited for."""
        single = np.std([self.value(images, self.still) for _ in range(Within.REPEATS)])
        draws = self.draws * (2 * Within.SURE * single / within) ** 2
        if draws <= Within.MOST_DRAWS:
            self.draws = max(self.draws, int(np.ceil(draws)))
        return bool(draws <= Within.MOST_DRAWS)

    def noise_depends_on_images(self, images):
        """Whether the noise is larger on some images than on others; a draw of z knows none."""
        x, x_decoded = images
        close = (x, np.clip(x, 0.05, 0.95))
        noise = [
            np.std([self._once(probe_at(pair, self.still)) for _ in range(2 * Within.REPEATS)])
            for pair in (close, (x, x_decoded))
        ]
        return max(noise) > Within.LOUDER * min(noise)

    def distortion_weight(self, likelihood):
        """From two images, a good and a random reconstruction, at the same codes."""
        pairs = [likelihood.perfect(self.sizes, self.rng), self.images(likelihood)]
        low, high = (self.value(pair, self.still) for pair in pairs)
        near, off = (likelihood.distortion(*pair) for pair in pairs)
        return (high - low) / (off - near)

    def kl_weight(self, likelihood):
        """From codes far out, on images without distortion."""
        images = likelihood.perfect(self.sizes, self.rng)
        far = far_codes(self.sizes, self.rng, self.noisy)
        start = self.still
        if start[1][0, 0] < 0:  # codes that are certain: only their means move
            far = (far[0], start[1])
        return (self.value(images, far) - self.value(images, start)) / (kl(*far) - kl(*start))

    def weights(self, likelihood):
        """All weights of a loss that is a sum of this distortion, the KL and a constant."""
        images = self.images(likelihood)
        distortion = self.distortion_weight(likelihood)
        rate = self.kl_weight(likelihood)
        terms = distortion * likelihood.distortion(*images) + rate * kl(*self.still)
        return Weights(self.sizes, distortion, rate, self.value(images, self.still) - terms)

    def check_steady(self, found=None):
        """The first probe again: a weight that changes with the calls has moved its value.

        Args:
            found: the likelihood and its weight, where they are known.

        Raises:
            AuditError: for a loss that counts its calls.
        """
        now = self._once(self.first)
        within = Within.ROUNDINGS * self.loss.rounding
        if not self.noisy and not np.isclose(
            now, self.first_value, rtol=within, atol=0, equal_nan=True
        ):
            raise AuditError(self._of_a_schedule(found), about="loss")

    def _of_a_schedule(self, found):
        now = ""
        if found is not None:
            likelihood, weight = found
            before, after = (self.kl_weight(likelihood) / weight for _ in range(2))
            moves = "grows" if after > before else "falls" if after < before else "moves"
            now = f" beta is {after:.3g} now ({likelihood.name}) and {moves}."
        return (
            "the loss changes from call to call: it counts its calls (a schedule inside, as a "
            f"warm-up).{now} Audit it with the counter at its end, or with the weight held fixed"
        )


def counts_calls(draws, rounding):
    """Whether repeated calls move as a counter does: one way, in equal steps, or round and round.

    Noise does none of these over 16 calls: the chance that its values are in order is 2 in 16
    factorial.

    Args:
        draws: a loss's values at one probe, call after call.
        rounding: the difference up to which two of them are equal.

    Example:
        >>> counts_calls([0.1, 0.2, 0.3, 0.3], 1e-9), counts_calls([0.1, 0.3, 0.2, 0.4], 1e-9)
        (True, False)
    """
    draws = np.asarray(draws)
    steps = np.diff(draws)
    usual = np.median(steps)
    one_way = (steps >= -rounding).all() or (steps <= rounding).all()
    equal = np.isclose(steps, usual, rtol=Within.STEADY).sum() > len(steps) * 4 / 5
    equal_steps = abs(usual) > rounding and equal
    periods = range(2, LONGEST_PERIOD + 1) if len(draws) > 2 * LONGEST_PERIOD else ()
    periodic = any((np.abs(draws[p:] - draws[:-p]) <= rounding).all() for p in periods)
    return bool(one_way or equal_steps or periodic)
