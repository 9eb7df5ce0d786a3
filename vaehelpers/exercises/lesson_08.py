"""Checks of lesson 08: On purpose."""

import numpy as np
from scipy.special import logsumexp

from vaehelpers.collapse.normal import LOG_2PI
from vaehelpers.exercises.verdicts import asked, function_verdict, number_verdict


def _kl(v, prior_variance):
    """KL(N(0, v) || N(0, prior_variance)) in nats."""
    return 0.5 * (v / prior_variance - 1 - np.log(v / prior_variance))


@asked
def check_weight_against_prior(answer):
    """Lesson 08, exercise 1: 4 KL(q || N(0, 1)) - KL(q || N(0, 1/4)) at q = N(m, 0.1)."""
    v = 0.1
    half_log_4 = 0.5 * np.log(4)
    right = half_log_4 - 1.5 * (1 + np.log(v))
    entropy = 0.5 * (LOG_2PI + 1 + np.log(v))
    log_z = -1.5 * LOG_2PI - half_log_4
    return number_verdict(
        answer,
        right,
        (-right, "the sign: asked is by how much the weighted KL is the larger one"),
        (right / np.log(2), "that is in bits: take natural logarithms for nats"),
        (2 * right, "the factor 1/2 before the brackets"),
        (half_log_4 - 1.5 * (1 + 2 * np.log(v)), "0.1 is q's variance, not its width"),
        (right - half_log_4, "a constant: the logarithm holds s^2 / c^2, and c^2 is 1/4"),
        (-3 * entropy, "log Z is missing: it is subtracted as well"),
        (-log_z, "the entropy of q is missing"),
        (-3 * entropy + log_z, "the sign of log Z: it is subtracted"),
        (3 * entropy - log_z, "the sign of the entropy: a weight above 1 rewards it"),
        (-4 * entropy - log_z, "the entropy's factor is 4 - 1: one is in the other KL already"),
        (_kl(v, 1) - _kl(v, 1 / 4), "the weight 4 is missing: it stands before the first KL"),
        (4 * _kl(v, 1), "that is the weighted KL at m = 0: subtract the one to the narrower prior"),
        (_kl(v, 1 / 4), "that is the other KL at m = 0: subtract it from the weighted one"),
        (4 * _kl(v, 1) - _kl(v, 4), "upside down: the narrower prior has the variance 1/4, not 4"),
        (4 * _kl(v, 1) - _kl(v, 1 / 16), "1/4 is the narrower prior's variance, not its width"),
    )


def _best(x, x_mean):
    return np.square(x - x_mean).mean()


@asked
def check_optimal_variance(answer):
    """Lesson 08, exercise 2: a function `(x, x_mean) -> variance`, the best that a batch shares."""
    rng = np.random.default_rng(3)
    cases = []
    for shape in ((6, 28, 28, 1), (3, 16, 12, 3), (4, 5)):
        x = rng.random(shape)
        cases.append((x, x + 0.1 + 0.3 * rng.normal(size=shape)))
    return function_verdict(
        answer,
        cases,
        _best,
        (lambda x, m: np.square(x - m).sum() / len(x), "the pixels share variance too: no sum"),
        (lambda x, m: np.square(x - m).sum(), "a mean: over the images and over the pixels"),
        (lambda x, m: np.square(x - m).sum() / x[0].size, "the images share variance too: no sum"),
        (
            lambda x, m: np.square(x - m).reshape(len(x), -1).mean(1),
            "one number for each image: all share it",
        ),
        (lambda x, m: np.square(x - m).mean(0), "one number for each pixel: all share it"),
        (lambda x, m: _best(x, m) / 2, "the factor 2: the logarithm too has a 1/2 before it"),
        (lambda x, m: 2 * _best(x, m), "the factor 2: the squared error too has a 1/2 before it"),
        (lambda x, m: np.sqrt(_best(x, m)), "that is the standard deviation: take its square"),
        (lambda x, m: 1 / _best(x, m), "upside down: larger errors need a larger variance"),
        (lambda x, m: np.log(_best(x, m)), "that is the logarithm of the variance"),
        (lambda x, m: np.var(x - m), "do not subtract the mean error: it is an error too"),
        (lambda x, m: np.var(x), "of the pixels alone: the predictions do not appear in it"),
        (lambda x, m: np.abs(x - m).mean(), "a Gaussian squares its errors"),
    )


def _terms(z, z_mean, z_log_var):
    """log N(z_j; m_kj, v_kj) for each dimension of each component, `[B, K, J]`."""
    return -0.5 * ((z[:, None] - z_mean) ** 2 * np.exp(-z_log_var) + z_log_var + LOG_2PI)


def _logs(z, z_mean, z_log_var):
    return _terms(z, z_mean, z_log_var).sum(2)


def _log_mean(logs):
    return logsumexp(logs, axis=1) - np.log(logs.shape[1])


def _naive_log_mean(logs):
    return np.log(np.exp(logs).mean(1))


def _pseudo_inputs(rng, n, k, j):
    """z `[n, j]`, the last one 60 standard deviations out, and the K normal densities `[k, j]`."""
    z = rng.normal(size=[n, j])
    z_mean, z_log_var = rng.normal(size=[2, k, j])
    z[-1] = (z_mean + 60 * np.exp(0.5 * z_log_var)).max(axis=0)
    return z, z_mean, z_log_var


UNDERFLOW = "-inf: a density 60 standard deviations out is 0, its logarithm is not: use logsumexp"
WRONG_COMPONENTS = [
    (lambda z, m, v: _logs(z, m, 2 * v), "exp(z_log_var) is v, not the standard deviation"),
    (lambda z, m, v: _logs(z, m, np.log(v)), "z_log_var is a logarithm: it is exponentiated"),
    (lambda z, m, v: (_terms(z, m, v) + LOG_2PI / 2).sum(2), "a constant is missing: 2 pi"),
    (
        lambda z, m, v: _logs(z, m, v) + (z.shape[1] - 1) * LOG_2PI / 2,
        "2 pi belongs to each dimension, not once",
    ),
    (lambda z, m, v: (_terms(z, m, v) + v / 2).sum(2), "a density is divided by its width"),
    (lambda z, m, v: _terms(z, m, v).mean(2), "densities multiply: sum their logarithms, no mean"),
]
WRONG_MIXTURES = [  # of log densities `[B, K]`
    (lambda logs: logsumexp(logs, axis=1), "the 1/K is missing: the mean of K is their sum / K"),
    (lambda logs: logs.mean(1), "the logarithm of the mean, not the mean of the logarithms"),
    (lambda logs: _log_mean(logs.T), "the axis: a mean over components, one number for each z"),
    (lambda logs: _log_mean(logs)[:, None], "the shape: [B], without the axis K"),
    (lambda logs: _log_mean(logs).mean(), "for each z one: [B], without a mean over the batch"),
    (lambda logs: np.exp(_log_mean(logs)), "that is p(z): take its logarithm"),
    (_naive_log_mean, UNDERFLOW),
    (lambda logs: np.log(np.exp(logs).sum(1)), UNDERFLOW),
    (lambda logs: _naive_log_mean(logs - logs.max()) + logs.max(), UNDERFLOW),
]


def _prior(components, mixture):
    """log p(z), of the components' log densities and of how they are mixed."""
    return lambda *prior: mixture(components(*prior))


@asked
def check_vamp_prior(answer):
    """Lesson 08, exercise 3: log p(z) of `(z, z_mean, z_log_var)`, normal densities."""
    rng = np.random.default_rng(4)
    return function_verdict(
        answer,
        [_pseudo_inputs(rng, *sizes) for sizes in ((4, 5, 3), (3, 2, 6), (2, 1, 2))],
        _prior(_logs, _log_mean),
        *((_prior(components, _log_mean), aspect) for components, aspect in WRONG_COMPONENTS),
        *((_prior(_logs, mixture), aspect) for mixture, aspect in WRONG_MIXTURES),
        *((_prior(wrong, _naive_log_mean), UNDERFLOW) for wrong, _ in WRONG_COMPONENTS),
    )
