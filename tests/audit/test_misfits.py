"""What the audit says of losses that no single beta describes, or that draw noise."""

import numpy as np
import pytest
from audit_losses import PIXELS, cross_entropy, elbo, kl_per_dim

from vaehelpers.audit import AuditError, audit_loss

SMALL = {
    "image_shape": (6, 5, 1)
}  # noise is averaged over a thousand images, so their size is what takes the time


def masked(x, p):
    return cross_entropy(x, p) * np.linspace(0.5, 2, x.shape[2]).reshape(1, 1, -1, 1)


MALFORMED = {
    "free bits": (
        lambda x, p, m, v: (
            cross_entropy(x, p).sum(PIXELS).mean() + np.maximum(kl_per_dim(m, v).mean(0), 0.5).sum()
        ),
        "0.5 nats a latent",
    ),
    "free bits of a KL over 784": (
        lambda x, p, m, v: (
            cross_entropy(x, p).mean() + np.maximum(kl_per_dim(m, v).mean(0) / 784, 0.5).sum()
        ),
        "the KL is free up to 300 nats a latent dimension at least",
    ),
    "a floor": (
        lambda x, p, m, v: (
            cross_entropy(x, p).sum(PIXELS) + np.maximum(kl_per_dim(m, v).sum(1), 3)
        ).mean(),
        "3 nats in all",
    ),
    "a capacity": (
        lambda x, p, m, v: (
            cross_entropy(x, p).sum(PIXELS) + 9 * abs(kl_per_dim(m, v).sum(1) - 25)
        ).mean(),
        "about 25 nats",
    ),
    "KL sign": (elbo_with(beta=-1.0), "wrong sign"),
    "distortion sign": (lambda *probe: -elbo(*probe), "audit its negative"),
    "log variance as log deviation": (
        elbo_with(kl=lambda m, v: kl_per_dim(m, 2 * v)),
        "logarithm of the standard deviation",
    ),
    "log variance as deviation": (
        elbo_with(kl=lambda m, v: kl_per_dim(m, np.log(v**2))),
        "reads its fourth argument as the standard deviation",
    ),
    "log variance as variance": (
        elbo_with(kl=lambda m, v: kl_per_dim(m, np.log(v))),
        "reads its fourth argument as the variance",
    ),
    "swapped images": (
        elbo_with(pixels=lambda x, p: cross_entropy(p, x)),
        "x and x_decoded are swap",
    ),
    "swapped codes": (
        elbo_with(kl=lambda m, v: kl_per_dim(v, m)),
        "z_mean and z_log_var are swap",
    ),
    "no KL": (elbo_with(beta=0.0), "there is no KL"),
    "no reconstruction": (
        lambda x, p, m, v: kl_per_dim(m, v).sum(1).mean(),
        "no reconstruction term",
    ),
    "weighted pixels": (
        elbo_with(pixels=masked),
        "pixels have different weights",
    ),
    "weighted classes": (
        elbo_with(pixels=lambda x, p: -3 * x * np.log(p) - (1 - x) * np.log(1 - p)),
        "bright pixels 3 times",
    ),
    "a mixture": (
        elbo_with(pixels=lambda x, p: cross_entropy(x, p) + (x - p) ** 2),
        "1 x bernoulli",
    ),
    "a logarithm": (
        lambda x, p, m, v: 392 * np.log(((x - p) ** 2).mean()) + kl_per_dim(m, v).sum(1).mean(),
        "the logarithm of the gaussian",
    ),
    "a root": (
        lambda x, p, m, v: (
            np.sqrt(((x - p) ** 2).sum(PIXELS)).mean() + kl_per_dim(m, v).sum(1).mean()
        ),
        "the root of the gaussian",
    ),
    "Huber": (
        elbo_with(pixels=lambda x, p: np.where(abs(x - p) < 0.3, (x - p) ** 2, abs(x - p))),
        "no multiple of a Bernoulli",
    ),
    "a term missing": (
        elbo_with(kl=lambda m, v: 0.5 * (m**2 - 1 - v)),
        "weights 0.5, 0 and -0.5",
    ),
    "another prior": (
        elbo_with(kl=lambda m, v: 0.5 * ((np.exp(v) + m**2) / 4 - 1 - v + np.log(4))),
        r"prior N\(0, 4 I\) with weight 1",
    ),
    "means alone": (
        elbo_with(kl=lambda m, v: m**2),
        "there is no KL, and z_log_var is free",
    ),
    "weighted latents": (
        elbo_with(kl=lambda m, v: kl_per_dim(m, v) * np.arange(1, m.shape[1] + 1)),
        "latent dimensions have different weights",
    ),
    "a squared KL": (
        elbo_with(kl=lambda m, v: kl_per_dim(m, v) ** 2),
        "the KL term is no multiple",
    ),
    "a product": (
        lambda x, p, m, v: (cross_entropy(x, p).sum(PIXELS) * (1 + kl_per_dim(m, v).sum(1))).mean(),
        "do not simply add",
    ),
    "one example alone": (
        lambda x, p, m, v: cross_entropy(x, p)[0].sum() + kl_per_dim(m, v).sum(1).mean(),
        "no multiple of a Bernoulli",
    ),
    "a mask": (
        elbo_with(pixels=lambda x, p: (x > 0) * cross_entropy(x, p)),
        "exactly 0 or 1 are weighted differently",
    ),
    "half a cross-entropy": (
        elbo_with(pixels=lambda x, p: -x * np.log(p)),
        "lacks its term .1 - x",
    ),
    "a floor under the distortion": (
        lambda x, p, m, v: (
            np.maximum(cross_entropy(x, p).sum(PIXELS), 50).mean() + kl_per_dim(m, v).sum(1).mean()
        ),
        "do not simply add",
    ),
    "a small floor": (
        lambda x, p, m, v: (
            cross_entropy(x, p).sum(PIXELS) + np.maximum(kl_per_dim(m, v).sum(1), 0.01)
        ).mean(),
        "0.01 nats in all",
    ),
    "a ceiling": (
        lambda x, p, m, v: (
            cross_entropy(x, p).sum(PIXELS) + np.minimum(kl_per_dim(m, v).sum(1), 300)
        ).mean(),
        "the KL is clipped or bent",
    ),
    "a prior with another mean": (
        elbo_with(kl=lambda m, v: kl_per_dim(m - 1, v)),
        "mean is not 0",
    ),
    "a seed that repeats": (
        lambda x, p, m, v: elbo(
            x, p, m + np.exp(v / 2) * np.random.default_rng(0).normal(size=m.shape), v
        ),
        "must draw new noise",
    ),
    "lost in single precision": (
        lambda x, p, m, v: np.float32(
            cross_entropy(x, p).sum(PIXELS).mean() + 0.5 * (m**2 - v).sum(1).mean() + 5e5
        ),
        "lost in the loss's rounding",
    ),
    "not a number": (lambda x, p, m, v: elbo(x, p, m, v) + np.log(-1.0), "not finite"),
    "a sentence": (lambda *probe: f"loss: {elbo(*probe)}", "return the total loss"),
    "not reduced": (lambda x, p, m, v: cross_entropy(x, p), r"returned shape \(8, 28, 28, 1\)"),
    "it raises": (lambda x, p, m, v: elbo(x, p.nothing, m, v), "could not be called"),
}


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize("latent_dim", [2, 7])
def test_malformed_losses(name, latent_dim):
    loss, said = MALFORMED[name]
    said = said.replace("3 nats in all", "nats in all")
    refused(said, loss, latent_dim=latent_dim)


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
        return cross_entropy(x, p).sum(PIXELS).mean() + max(kl.mean(), share)

    refused("on average the loss is no multiple of the KL", loss, **SMALL)


def test_dropout_in_the_reconstruction_is_named():
    rng = np.random.default_rng(4)
    refused(
        "dropout", elbo_with(pixels=lambda x, p: 2 * (rng.random(x.shape) < 0.5) * (x - p) ** 2)
    )


@pytest.mark.parametrize("every", [1, 50])
def test_a_schedule_is_named(every):
    calls = []

    def loss(*probe):
        calls.append(1)
        return elbo(*probe, beta=1 + len(calls) // every)

    refused(r"changes from call to call|draws noise", loss, **SMALL)


@pytest.mark.parametrize("limit", [4, 10])
def test_the_usual_clip_of_log_variances_is_no_obstacle(limit):
    assert audit_loss(
        elbo_with(kl=lambda m, v: kl_per_dim(m, np.clip(v, -limit, limit)))
    ).trains_elbo


def test_an_error_of_the_loss_at_some_codes_is_reported():
    def loss(x, p, m, v):
        assert abs(m).max() < 20, "too far"
        return elbo(x, p, m, v)

    refused(r"raised AssertionError .* up to 30: too far", loss)


def one_draw_with_its_entropy(m, v, rng):
    """log q(z) in closed form, log p(z) at one draw: noisy at the prior, too."""
    z = m + np.exp(v / 2) * rng.standard_normal(m.shape)
    return 0.5 * (z**2 - 1 - v).sum(1).mean()


@pytest.mark.parametrize("beta", [0.01, 1.0, 80 / 45])
def test_a_monte_carlo_kl_with_its_entropy_in_closed_form(beta):
    rng = np.random.default_rng(6)

    def loss(x, p, m, v):
        return abs(x - p).sum(PIXELS).mean() + beta * one_draw_with_its_entropy(m, v, rng)

    found = audit_loss(loss, **SMALL)
    assert (found.beta, found.likelihood) == (pytest.approx(beta, rel=1e-3), "laplace")
    refused(
        "on average", lambda x, p, m, v: loss(x, p, m, v) + beta * 0.1 * v.sum(1).mean(), **SMALL
    )


@pytest.mark.parametrize(
    "weight", [lambda n: n / 1e4, lambda n: n % 100 / 100, lambda n: 4 / (1 + np.exp(5 - n / 99))]
)
def test_a_counter_is_no_noise(weight):
    calls = []

    def loss(*probe):
        calls.append(1)
        return elbo(*probe, beta=weight(len(calls)))

    refused(r"counts its calls .* beta is \S+ now \(bernoulli\) and grows", loss, **SMALL)


def block_entropy(x, y):
    return (np.log(np.exp(y).sum(-1)) - y[np.arange(len(y)), x.argmax(-1)]).sum()


def spectral(x, y):
    return abs(
        abs(np.fft.rfft(x.reshape(len(x), -1))) - abs(np.fft.rfft(y.reshape(len(y), -1)))
    ).sum()


def columns_of_two_kinds(x, y):
    return ((x - y)[:, :3] ** 2).sum() + abs(x - y)[:, 3:].sum()


@pytest.mark.parametrize(
    ("distance", "shape", "said"),
    [
        (
            lambda x, y: ((x - np.tanh(y))[:, 0] ** 2).sum() + block_entropy(x[:, 1:6], y[:, 1:6]),
            (6,),
            "no single family: columns 1-5 of x_decoded each go together .* and 0 stand alone",
        ),
        (columns_of_two_kinds, (6,), "no single family: values of x_decoded at different places"),
        (spectral, (16, 8, 1), "not a distance per value"),
        (
            lambda x, y: ((np.diff(x, axis=1) - np.diff(y, axis=1)) ** 2).sum(),
            (4, 9),
            "not a distance per value",
        ),
        (lambda x, y: ((x - np.tanh(y)) ** 2).sum(), (4, 4), "the tanh of x_decoded"),
        (lambda x, y: (((x - y) ** 2).sum(1) ** 2).mean(), (8,), "not a distance per value"),
        (lambda x, y: ((x - y).sum(0) ** 2).sum(), (8,), "depends on the other examples"),
    ],
)
def test_distances_that_are_not_one_family_per_value(distance, shape, said):
    refused(
        said,
        lambda x, y, m, v: distance(x, y) / len(x) + kl_per_dim(m, v).sum(1).mean(),
        image_shape=shape,
    )


def mmd(z, prior):
    def kernel(a, b):
        return np.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / a.shape[1]).mean()

    return kernel(z, z) + kernel(prior, prior) - 2 * kernel(z, prior)


def test_terms_between_examples_are_named():
    rng = np.random.default_rng(2)

    def squares(x, p):
        return ((x - p) ** 2).sum(PIXELS).mean()

    def with_mmd(x, p, m, v):
        z = m + np.exp(v / 2) * rng.standard_normal(m.shape)
        return squares(x, p) + 10 * mmd(z, rng.standard_normal(m.shape))

    def with_covariance(x, p, m, v):
        covariance = np.cov(m.T)
        off = covariance - np.diag(np.diag(covariance))
        return squares(x, p) + kl_per_dim(m, v).sum(1).mean() + 5 * (off**2).sum()

    for loss in (with_mmd, with_covariance):
        refused("depends on the other examples' codes", loss, **SMALL)
