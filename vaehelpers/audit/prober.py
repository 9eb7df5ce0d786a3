"""A loss measured at one size: how often it must be called, and how far its value may be off."""

from typing import NamedTuple

import numpy as np

from vaehelpers.audit.probes import (
    Sizes,
    at_the_prior,
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
    """One oracle at one size, its random numbers, and whether it draws noise, which is tried unless it is known."""

    def __init__(self, oracle, sizes, noisy=None):
        self.oracle = oracle
        self.sizes = sizes
        self.rng = np.random.default_rng(0)
        self.noisy = noisy
        if noisy is None:
            self._try_twice()

    def _try_twice(self):
        self.first = probe_at(self.images(), random_codes(self.sizes, 1.0, self.rng))
        draws = [self._once(self.first) for _ in range(3)]
        self.noisy = np.ptp(draws) > ROUNDINGS * self.oracle.rounding * np.abs(draws).max()
        self.first_value = draws[-1]
        self.per_example = self.oracle(self.first).shape != ()

    def images(self):
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

    def value(self, images, codes, repeats=FEW):
        return self.measure(images, codes, repeats)[0]

    def codes(self, scale):
        """Random codes of this scale, of smaller variances where the loss draws z from them."""
        z_mean, z_log_var = random_codes(self.sizes, scale, self.rng)
        return z_mean, 0.7 * z_log_var if self.noisy else z_log_var

    def distortion_weight(self, likelihood):
        """From two images, a good and a random reconstruction, with the codes at the prior."""
        prior = at_the_prior(self.sizes)
        pairs = [perfect_images(self.sizes, likelihood, self.rng), self.images()]
        low, high = (self.value(pair, prior) for pair in pairs)
        distortions = [likelihood.distortion(probe_at(pair, prior)) for pair in pairs]
        return (high - low) / (distortions[1] - distortions[0])

    def kl_weight(self, likelihood):
        """From codes far out, on images without distortion."""
        images = perfect_images(self.sizes, likelihood, self.rng)
        far = far_codes(self.sizes, self.rng, self.noisy)
        return (self.value(images, far) - self.value(images, at_the_prior(self.sizes))) / kl(*far)

    def weights(self, likelihood):
        """All weights of a loss that is known to be the sum of this likelihood's distortion, the KL and a constant."""
        prior = at_the_prior(self.sizes)
        images = self.images()
        distortion = self.distortion_weight(likelihood)
        constant = self.value(images, prior) - distortion * likelihood.distortion(probe_at(images, prior))
        return Weights(self.sizes, distortion, self.kl_weight(likelihood), constant)

    def check_steady(self):
        """The first probe again: a weight that changes with the calls has moved its value."""
        now = self._once(self.first)
        within = ROUNDINGS * self.oracle.rounding
        if not self.noisy and not np.isclose(now, self.first_value, rtol=within, atol=0, equal_nan=True):
            raise AuditError("the loss changes from call to call (a schedule?): hold its weights fixed to audit it")
