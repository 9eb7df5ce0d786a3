"""A loss measured at one size: how often it must be called, and how far its value may be off."""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from vaehelpers.audit import schedules
from vaehelpers.audit.probes import (
    Sizes,
    at_the_prior,
    certain_codes,
    far_codes,
    perfect_images,
    probe_at,
    random_codes,
    random_images,
)
from vaehelpers.audit.terms import kl
from vaehelpers.audit.verdict import AuditError

ROUNDINGS = 64
STANDARD_ERRORS = 6
REPEATS = 16
FEW = 4  # repeats at the prior and far out, where a draw of a Monte Carlo KL is all but certain


class Weights(NamedTuple):
    """A loss's weights of the distortion and the KL, both means over the batch, and its constant, at some sizes."""

    sizes: Sizes
    distortion: float
    kl: float
    constant: float


class Prober:
    """One oracle at one size, its random numbers, and whether it draws noise, which is tried unless it is known.

    Attributes:
        noisy: whether the loss draws noise.
        counts: whether it counts its calls instead: it changes from call to call as noise does not.
        few: the draws of which `value` takes the mean, where the loss draws noise.
    """

    def __init__(self, oracle, sizes, noisy=None):
        self.oracle = oracle
        self.sizes = sizes
        self.rng = np.random.default_rng(0)
        self.noisy = noisy
        self.counts = False
        self.few = FEW
        if noisy is None:
            self._try_twice()

    def _try_twice(self):
        self.first = probe_at(self.images(), random_codes(self.sizes, 1.0, self.rng))
        draws = [self._once(self.first) for _ in range(3)]
        rounding = ROUNDINGS * self.oracle.rounding * np.abs(draws).max()
        self.noisy = np.ptp(draws) > rounding
        if self.noisy:
            draws += [self._once(self.first) for _ in range(REPEATS - len(draws))]
            self.counts = schedules.counts_calls(draws, rounding)
            self.noisy = not self.counts
        self.first_value = draws[-1]
        self.per_example = self.oracle(self.first).shape != ()

    @cached_property
    def still(self):
        """The codes at which the loss's noise is least: the prior, else codes that are all but certain.

        A KL of one draw, log q(z) - log p(z), has no noise at the prior; one whose entropy is taken in closed form has
        its noise there, and none where z is certain.
        """
        prior = at_the_prior(self.sizes)
        if not self.noisy:
            return prior
        images = self.images()
        noise, noise_of_certain_codes = (
            np.ptp([self._once(probe_at(images, codes)) for _ in range(FEW)])
            for codes in (prior, certain_codes(self.sizes))
        )
        return prior if noise <= noise_of_certain_codes else certain_codes(self.sizes)

    def images(self, likelihood=None):
        """Random images, of the kind that the likelihood is of where it says one."""
        if hasattr(likelihood, "images"):
            return likelihood.images(self.sizes, self.rng)
        return random_images(self.sizes, self.rng)

    def _once(self, probe):
        return float(self.oracle(probe).mean())

    def measure(self, images, codes, repeats=REPEATS):
        """The loss, its mean over the batch where it is one number per example, and how far that may be off."""
        probe = probe_at(images, codes)
        draws = [self._once(probe) for _ in range(repeats if self.noisy else 1)]
        rounding = ROUNDINGS * self.oracle.rounding * np.abs(draws).max()
        if not self.noisy:
            return draws[0], rounding
        return np.mean(draws), rounding + STANDARD_ERRORS * np.std(draws, ddof=1) / np.sqrt(repeats)

    def value(self, images, codes):
        return self.measure(images, codes, self.few)[0]

    def codes(self, scale):
        """Random codes of this scale, of smaller variances where the loss draws z from them."""
        z_mean, z_log_var = random_codes(self.sizes, scale, self.rng)
        return z_mean, 0.7 * z_log_var if self.noisy else z_log_var

    def distortion_weight(self, likelihood):
        """From two images, a good and a random reconstruction, at the same codes."""
        pairs = [perfect_images(self.sizes, likelihood, self.rng), self.images(likelihood)]
        low, high = (self.value(pair, self.still) for pair in pairs)
        distortions = [likelihood.distortion(probe_at(pair, self.still)) for pair in pairs]
        return (high - low) / (distortions[1] - distortions[0])

    def kl_weight(self, likelihood):
        """From codes far out, on images without distortion."""
        images = perfect_images(self.sizes, likelihood, self.rng)
        far = far_codes(self.sizes, self.rng, self.noisy)
        start = self.still
        if start[1][0, 0] < 0:  # codes that are certain: only their means move
            far = (far[0], start[1])
        return (self.value(images, far) - self.value(images, start)) / (kl(*far) - kl(*start))

    def weights(self, likelihood):
        """All weights of a loss that is known to be the sum of this likelihood's distortion, the KL and a constant."""
        images = self.images(likelihood)
        distortion = self.distortion_weight(likelihood)
        rate = self.kl_weight(likelihood)
        terms = distortion * likelihood.distortion(probe_at(images, self.still)) + rate * kl(*self.still)
        return Weights(self.sizes, distortion, rate, self.value(images, self.still) - terms)

    def check_steady(self, found=None):
        """The first probe again: a weight that changes with the calls has moved its value."""
        now = self._once(self.first)
        within = ROUNDINGS * self.oracle.rounding
        if not self.noisy and not np.isclose(now, self.first_value, rtol=within, atol=0, equal_nan=True):
            raise AuditError(schedules.said_of(self, found))
