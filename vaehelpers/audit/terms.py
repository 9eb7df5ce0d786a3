"""The exact terms of the ELBO, with which a loss is compared: a distortion for each likelihood, and the KL."""

from typing import NamedTuple

import numpy as np


def _sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def _bernoulli(x, p):
    return -x * np.log(p) - (1 - x) * np.log1p(-p)


DISTORTIONS = {
    "gaussian": (lambda x, mean: 0.5 * (x - mean) ** 2, lambda x, mean: mean - x),
    "laplace": (lambda x, mean: np.abs(x - mean), lambda x, mean: np.sign(mean - x)),
    "bernoulli": (_bernoulli, lambda x, p: (p - x) / (p * (1 - p))),
}


class Likelihood(NamedTuple):
    """Minus log p(x|z) up to its constant, at unit scale, of the decoder's output or of its sigmoid."""

    name: str
    from_logits: bool

    @property
    def reads(self):
        """What x_decoded is to it."""
        if self.from_logits:
            return "logits"
        return "probabilities" if self.name == "bernoulli" else "means"

    def per_pixel(self, probe):
        return DISTORTIONS[self.name][0](probe.x, self.mean(probe.x_decoded))

    def mean(self, x_decoded):
        return _sigmoid(x_decoded) if self.from_logits else x_decoded

    def distortion(self, probe):
        """Sum over pixels, mean over examples."""
        return self.per_pixel(probe).sum() / len(probe.x)

    def gradient(self, probe):
        """d distortion / d x_decoded."""
        mean = self.mean(probe.x_decoded)
        chain = mean * (1 - mean) if self.from_logits else 1.0
        return DISTORTIONS[self.name][1](probe.x, mean) * chain / len(probe.x)


LIKELIHOODS = [Likelihood(name, from_logits) for from_logits in (False, True) for name in DISTORTIONS]


def kl(z_mean, z_log_var):
    """KL(N(z_mean, exp(z_log_var)) || N(0, I)): sum over latents, mean over examples."""
    return 0.5 * (np.expm1(z_log_var) - z_log_var + z_mean**2).sum() / len(z_mean)
