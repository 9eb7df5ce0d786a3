"""The terms of the evidence lower bound (ELBO), one number per example, in nats.

Beside them layers that learn a term, and a warm-up of the rate's weight.
"""

from vaehelpers.data.checks import needs_course

with needs_course("vaehelpers.losses"):
    import keras as keras

from vaehelpers.losses.kl_warm_up import KLWarmUp
from vaehelpers.losses.learned_variance import GaussianWithLearnedVariance
from vaehelpers.losses.likelihoods import (
    bernoulli_log_likelihood,
    continuous_bernoulli_log_likelihood,
    continuous_bernoulli_log_normalizer,
    continuous_bernoulli_mean,
    gaussian_log_likelihood,
    laplace_log_likelihood,
    log_likelihood_named,
)
from vaehelpers.losses.mixture_prior import MixturePrior
from vaehelpers.losses.rates import free_bits_rate, gaussian_kl, gaussian_kl_per_dim, negative_elbo

__all__ = [
    "GaussianWithLearnedVariance",
    "KLWarmUp",
    "MixturePrior",
    "bernoulli_log_likelihood",
    "continuous_bernoulli_log_likelihood",
    "continuous_bernoulli_log_normalizer",
    "continuous_bernoulli_mean",
    "free_bits_rate",
    "gaussian_kl",
    "gaussian_kl_per_dim",
    "gaussian_log_likelihood",
    "laplace_log_likelihood",
    "log_likelihood_named",
    "negative_elbo",
]
