"""Checks of lesson 03: A VAE in Keras."""

import numpy as np

from vaehelpers.exercises.verdicts import (
    asked,
    floats,
    function_verdict,
    is_whole,
    list_of,
    verdict,
)


@asked
def check_sampling(answer):
    """Lesson 03, exercise 1: a function `(z_mean, z_log_var, epsilon) -> z`."""
    draws = np.random.default_rng(1).normal(size=[3, 4, 2])
    return function_verdict(
        answer,
        [draws, draws[:, :, :1]],
        lambda m, v, e: m + np.exp(0.5 * v) * e,
        (lambda m, v, e: m + np.exp(v) * e, "scale by exp(z_log_var / 2), not the variance"),
        (lambda m, v, e: m + v * e, "z_log_var is a logarithm: it must be exponentiated"),
        (lambda m, v, e: np.exp(0.5 * v) * e, "the mean is missing"),
        (lambda m, v, e: m + np.exp(-0.5 * v) * e, "the sign in the exponent"),
        (lambda m, v, e: m + np.sqrt(v) * e, "it may be negative: exponentiate before the root"),
    )


def _loss(reduce):
    """A loss, of how it reduces the distortion `[B]` and the KL `[B, J]`."""

    def loss(x, logits, mean, log_var):
        distortion = (np.logaddexp(0, logits) - x * logits).sum(axis=(1, 2, 3))
        return reduce(distortion, 0.5 * (np.exp(log_var) + mean**2 - 1 - log_var))

    return loss


WRONG_REDUCTIONS = [
    (lambda d, kl: d.mean() / 784 + kl.sum(1).mean(), "the factor 784: sum over pixels, not mean"),
    (lambda d, kl: d.mean() / 784 + kl.mean(), "two factors: sum over pixels and over latents"),
    (lambda d, kl: (d + (kl + 0.5).sum(1)).mean(), "a constant is missing: the -1 of the rate"),
    (lambda d, kl: d.mean() + kl.mean(), "the factor 3: sum over latent dimensions, not mean"),
    (lambda d, kl: d.mean() - kl.sum(1).mean(), "the sign of the rate: it is added"),
    (lambda d, kl: (d + 2 * kl.sum(1)).mean(), "a constant is missing: the 1/2 of the rate"),
    (lambda d, kl: d + kl.sum(1), "one number for each image: take their mean"),
    (lambda d, kl: (d + kl.sum(1)).sum(), "the factor 6: mean over images, not sum"),
    (lambda d, kl: -(d + kl.sum(1)).mean(), "the sign: that is the ELBO; a loss is minimised"),
]


@asked
def check_loss(answer):
    """Lesson 03, exercise 2: minus the mean ELBO, of `(x, x_logits, z_mean, z_log_var)`."""
    rng = np.random.default_rng(2)
    cases = []
    for n, latent_dim in ((6, 3), (2, 5)):
        x, logits = rng.random([n, 28, 28, 1]), rng.normal(size=[n, 28, 28, 1])
        cases.append((x, logits, *rng.normal(size=[2, n, latent_dim])))
    right = _loss(lambda d, kl: (d + kl.sum(1)).mean())
    slips = [(_loss(reduce), aspect) for reduce, aspect in WRONG_REDUCTIONS]
    return function_verdict(answer, cases, right, *slips)


@asked
def check_repeated_noise(answer):
    """Lesson 03, exercise 3: how many of five draws differ, by a seed and by a generator."""
    given = list_of(answer, is_whole, length=2)
    if given is None:
        return "✗ two whole numbers are wanted: (with the integer seed, with the SeedGenerator)"
    return verdict(
        floats(given),
        (1, 5),
        ((5, 1), "the other way round: first the integer seed, then the generator"),
        ((5, 5), "an integer seed starts anew at every call: count again"),
        ((2, 10), "those are numbers: a draw is a pair of them"),
        ((1, 1), "a SeedGenerator moves on at every call: count again"),
    )
