"""What the audit says of losses that no single beta describes, or that draw noise."""

import numpy as np
import pytest
from audit_losses import (
    PIXELS,
    SMALL,
    bce,
    cross_entropy,
    elbo,
    elbo_with,
    holds,
    kl,
    kl_per_dim,
    l1,
    refused,
    trains,
)

from vaehelpers.audit.measure import counts_calls


def nats(m, v):
    return kl_per_dim(m, v).sum(1)


def se(x, y):
    return (x - y) ** 2


PARTS = {  # an ELBO with one part exchanged, and what is said of it
    "the KL enters with the wrong sign": {"beta": -1.0},
    "logarithm of the standard deviation": {"kl": lambda m, v: kl_per_dim(m, 2 * v)},
    "fourth argument as the standard deviation": {"kl": lambda m, v: kl_per_dim(m, np.log(v**2))},
    "fourth argument as the variance": {"kl": lambda m, v: kl_per_dim(m, np.log(v))},
    "x and x_decoded are swap": {"pixels": lambda x, p: cross_entropy(p, x)},
    "z_mean and z_log_var are swap": {"kl": lambda m, v: kl_per_dim(v, m)},
    "there is no KL$": {"beta": 0.0},
    "pixels have different weights": {
        "pixels": lambda x, p: cross_entropy(x, p) * np.linspace(0.5, 2, 28)[:, None]
    },
    "bright pixels 3 times": {"pixels": lambda x, p: -3 * x * np.log(p) - (1 - x) * np.log(1 - p)},
    "1 x bernoulli": {"pixels": lambda x, p: cross_entropy(x, p) + se(x, p)},
    "no multiple of a Bernoulli": {
        "pixels": lambda x, p: np.where(l1(x, p) < 0.3, se(x, p), l1(x, p))
    },
    "weights 0.5, 0 and -0.5": {"kl": lambda m, v: 0.5 * (m**2 - 1 - v)},
    r"prior N\(0, 4 I\) with weight 1": {
        "kl": lambda m, v: 0.5 * ((np.exp(v) + m**2) / 4 - 1 - v + np.log(4))
    },
    "there is no KL, and z_log_var is free": {"kl": lambda m, v: m**2},
    "latent dimensions have different weights": {
        "kl": lambda m, v: kl_per_dim(m, v) * np.arange(1, m.shape[1] + 1)
    },
    "the KL term is no multiple": {"kl": lambda m, v: kl_per_dim(m, v) ** 2},
    "exactly 0 or 1 are weighted differently": {
        "pixels": lambda x, p: (x > 0) * cross_entropy(x, p)
    },
    "lacks its term .1 - x": {"pixels": lambda x, p: -x * np.log(p)},
    "mean is not 0": {"kl": lambda m, v: kl_per_dim(m - 1, v)},
}
WHOLES = {  # a loss of another form
    "0.5 nats a latent": lambda x, p, m, v: (
        bce(x, p) + np.maximum(kl_per_dim(m, v).mean(0), 0.5).sum()
    ),
    "the KL is free up to 300 nats a latent dimension at least": lambda x, p, m, v: (
        bce(x, p) + np.maximum(kl_per_dim(m, v).mean(0) / 784, 0.5).sum()
    ),
    "3 nats in all": lambda x, p, m, v: bce(x, p) + np.maximum(nats(m, v), 3).mean(),
    "0.01 nats in all": lambda x, p, m, v: bce(x, p) + np.maximum(nats(m, v), 0.01).mean(),
    "about 25 nats": lambda x, p, m, v: bce(x, p) + 9 * abs(nats(m, v) - 25).mean(),
    "the KL is clipped or bent": lambda x, p, m, v: bce(x, p) + np.minimum(nats(m, v), 300).mean(),
    "audit its negative": lambda *probe: -elbo(*probe),
    "no reconstruction term": lambda x, p, m, v: kl(m, v),
    "the logarithm of the gaussian": lambda x, p, m, v: 392 * np.log(se(x, p).mean()) + kl(m, v),
    "the root of the gaussian": lambda x, p, m, v: np.sqrt(se(x, p).sum(PIXELS)).mean() + kl(m, v),
    "do not simply add": lambda x, p, m, v: (
        cross_entropy(x, p).sum(PIXELS) * (1 + nats(m, v))
    ).mean(),
    "terms do not simply add": lambda x, p, m, v: (
        np.maximum(cross_entropy(x, p).sum(PIXELS), 50).mean() + kl(m, v)
    ),
    "is no multiple of a Bernoulli": lambda x, p, m, v: cross_entropy(x, p)[0].sum() + kl(m, v),
    "must draw new noise": lambda x, p, m, v: elbo(
        x, p, m + np.exp(v / 2) * np.random.default_rng(0).normal(size=m.shape), v
    ),
    "lost in the loss's rounding": lambda x, p, m, v: np.float32(
        bce(x, p) + 0.5 * (m**2 - v).sum(1).mean() + 5e5
    ),
    "not finite": lambda *probe: elbo(*probe) + np.log(-1.0),
    "return the total loss": lambda *probe: f"loss: {elbo(*probe)}",
    r"returned shape \(8, 28, 28, 1\)": lambda x, p, m, v: cross_entropy(x, p),
    "could not be called": lambda x, p, m, v: elbo(x, p.nothing, m, v),
}
MALFORMED = {said: elbo_with(**parts) for said, parts in PARTS.items()} | WHOLES


@pytest.mark.parametrize("said", MALFORMED)
@pytest.mark.parametrize("latent_dim", [2, 7])
def test_malformed_losses(said, latent_dim):
    refused(said.replace("3 nats in all", "nats in all"), MALFORMED[said], latent_dim=latent_dim)


@pytest.mark.parametrize("beta", [1e-3, 1.0, 100.0])
def test_a_monte_carlo_kl_is_averaged_out(beta):
    rng = np.random.default_rng(3)

    def loss(x, p, m, v):
        noise = rng.standard_normal(m.shape)
        z = m + np.exp(v / 2) * noise
        return (cross_entropy(x, p).sum(PIXELS) + beta * 0.5 * (z**2 - noise**2 - v).sum(1)).mean()

    found = trains(beta, loss, **SMALL, rel=1e-3)
    assert "Monte Carlo" in found.notes[-1]
    refused("KL", lambda x, p, m, v: loss(x, p, m, 2 * v), **SMALL)
    refused("KL", lambda x, p, m, v: loss(x, p, m, v) + beta * v.sum(1).mean(), **SMALL)


@pytest.mark.parametrize("share", [0.05, 0.5, 2])
def test_noise_hides_no_floor(share):
    rng = np.random.default_rng(4)

    def loss(x, p, m, v):
        noise = rng.standard_normal(m.shape)
        kl = 0.5 * ((m + np.exp(v / 2) * noise) ** 2 - noise**2 - v).sum(1)
        return bce(x, p) + max(kl.mean(), share)

    refused("on average the loss is no multiple of the KL", loss, **SMALL)


def test_dropout_in_the_reconstruction_is_named():
    rng = np.random.default_rng(4)
    refused("dropout", elbo_with(pixels=lambda x, p: (rng.random(x.shape) < 0.5) * se(x, p)))


@pytest.mark.parametrize("limit", [4, 10])
def test_the_usual_clip_of_log_variances_is_no_obstacle(limit):
    trains(1, elbo_with(kl=lambda m, v: kl_per_dim(m, np.clip(v, -limit, limit))))


def test_an_error_of_the_loss_at_some_codes_is_reported():
    def loss(x, p, m, v):
        assert abs(m).max() < 20, "too far"
        return elbo(x, p, m, v)

    refused(r"raised AssertionError .* up to 30: too far", loss)


GROWS = r"counts its calls .* beta is \S+ now \(bernoulli\) and grows"


@pytest.mark.parametrize(("period", "counts"), [(2, True), (3, True), (5, True), (6, False)])
def test_a_weight_that_goes_round_is_no_noise(period, counts):
    turn = [0.0, 3.0, 1.0, 7.0, 2.0, 5.0][:period]
    assert counts_calls((turn * 8)[:16], 1e-9) == counts


def one_draw_with_its_entropy(m, v, rng):
    """log q(z) in closed form, log p(z) at one draw: noisy at the prior, too."""
    z = m + np.exp(v / 2) * rng.standard_normal(m.shape)
    return 0.5 * (z**2 - 1 - v).sum(1).mean()


@pytest.mark.parametrize("beta", [0.01, 1.0, 80 / 45])
def test_a_monte_carlo_kl_with_its_entropy_in_closed_form(beta):
    rng = np.random.default_rng(6)

    def loss(x, p, m, v):
        return abs(x - p).sum(PIXELS).mean() + beta * one_draw_with_its_entropy(m, v, rng)

    holds(trains(beta, loss, rel=1e-3, **SMALL), likelihood="laplace")
    refused(
        "on average", lambda *probe: loss(*probe) + beta * 0.1 * probe[3].sum(1).mean(), **SMALL
    )


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        (lambda n: n / 1e4, GROWS),
        (lambda n: n % 100 / 100, GROWS),
        (lambda n: 4 / (1 + np.exp(5 - n / 99)), GROWS),
        (lambda n: 1 + n, GROWS),
        (lambda n: 1 + n // 50, "changes from call to call"),
    ],
)
def test_a_counter_is_no_noise(weight, said):
    calls = []

    def loss(*probe):
        calls.append(1)
        return elbo(*probe, beta=weight(len(calls)))

    refused(said, loss, **SMALL)


def block_entropy(x, y):
    return (np.log(np.exp(y).sum(-1)) - y[np.arange(len(y)), x.argmax(-1)]).sum()


def spectrum(x):
    return abs(np.fft.rfft(x.reshape(len(x), -1)))


BLOCKS = "no single family: columns 1-5 of x_decoded each go together .* and 0 stand alone"
KINDS = "no single family: values of x_decoded at different places"
JOINED = "not a distance per value"
DISTANCES = [
    (
        lambda x, y: se(x, np.tanh(y))[:, 0].sum() + block_entropy(x[:, 1:6], y[:, 1:6]),
        (6,),
        BLOCKS,
    ),
    (lambda x, y: se(x, y)[:, :3].sum() + l1(x, y)[:, 3:].sum(), (6,), KINDS),
    (lambda x, y: l1(spectrum(x), spectrum(y)).sum(), (16, 8, 1), JOINED),
    (lambda x, y: se(np.diff(x, axis=1), np.diff(y, axis=1)).sum(), (4, 9), JOINED),
    (lambda x, y: se(x, np.tanh(y)).sum(), (4, 4), "the tanh of x_decoded"),
    (lambda x, y: (se(x, y).sum(1) ** 2).mean(), (8,), JOINED),
    (lambda x, y: ((x - y).sum(0) ** 2).sum(), (8,), "depends on the other examples"),
]


@pytest.mark.parametrize(("distance", "shape", "said"), DISTANCES)
def test_distances_that_are_not_one_family_per_value(distance, shape, said):
    refused(said, lambda x, y, m, v: distance(x, y) / len(x) + kl(m, v), image_shape=shape)


def mmd(z, prior):
    def kernel(a, b):
        return np.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / a.shape[1]).mean()

    return kernel(z, z) + kernel(prior, prior) - 2 * kernel(z, prior)


def test_terms_between_examples_are_named():
    rng = np.random.default_rng(2)

    def with_mmd(x, p, m, v):
        z = m + np.exp(v / 2) * rng.standard_normal(m.shape)
        return se(x, p).sum(PIXELS).mean() + 10 * mmd(z, rng.standard_normal(m.shape))

    def with_covariance(x, p, m, v):
        covariance = np.cov(m.T)
        off = covariance - np.diag(np.diag(covariance))
        return se(x, p).sum(PIXELS).mean() + kl(m, v) + 5 * (off**2).sum()

    for loss in (with_mmd, with_covariance):
        refused("depends on the other examples' codes", loss, **SMALL)
