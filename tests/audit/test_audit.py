"""Losses that a single beta describes: random ones, constants, and what the audit says of them."""

import time

import numpy as np
import pytest
from audit_losses import (
    PIXELS,
    cross_entropy,
    elbo,
    elbo_with,
    from_logits,
    holds,
    kl,
    kl_per_dim,
    l1,
    random_loss,
    refused,
    squares,
    trains,
)

from vaehelpers.audit import audit_loss
from vaehelpers.audit.calls import Way
from vaehelpers.audit.loss import open_loss
from vaehelpers.audit.probes import Sizes
from vaehelpers.audit.verdict import number

OF_JAX = (64, 65, 68, 69, 70, 75)  # JAX compiles each for six sizes, so there are few
SEEDS = {"numpy": range(40), "tensorflow": range(40, 64), "jax": OF_JAX, "torch": range(76, 100)}


@pytest.mark.parametrize(
    ("framework", "seed"), [(name, seed) for name, seeds in SEEDS.items() for seed in seeds]
)
def test_random_losses(framework, seed):
    loss, sizes, wanted = random_loss(seed, framework)
    scale = wanted.pop("scale")
    found = trains(wanted.pop("beta"), loss, rel=1e-3, **sizes)
    holds(found, framework=framework, **wanted)
    assert found.residual < 1e-4
    assert found.scale == pytest.approx(scale, rel=1e-3)
    assert found.beta * found.factors[1] / found.factors[0] == pytest.approx(1)
    if framework == "numpy" and found.x_decoded == "logits":
        trains(found.beta, loss, x_decoded="logits", **sizes)


@pytest.mark.parametrize("constant", [0.37, 5.0])
@pytest.mark.parametrize("reduction", [np.sum, np.mean])
def test_a_constant_that_is_no_normaliser_reveals_no_variance(constant, reduction):
    def loss(x, p, m, v):
        return reduction((x - p) ** 2, axis=PIXELS).mean() + kl(m, v) + constant

    assert audit_loss(loss).decoder_variance is None


@pytest.mark.parametrize("beta", [1e-7, 1e-3, 1e3, 1e7])
@pytest.mark.parametrize("pixels", [cross_entropy, l1, squares])
def test_extreme_betas(beta, pixels):
    trains(beta, elbo_with(pixels=pixels, beta=beta), rel=1e-3)


def test_a_loss_in_float32_is_told_as_well():
    def loss(*probe):
        x, p, m, v = (array.astype("float32") for array in probe)
        return cross_entropy(x, p).mean() + 1e-3 * kl_per_dim(m, v).mean()

    trains(0.392, loss, rel=1e-3)
    trains(0.392, lambda *probe: np.float64(loss(*probe)), rel=1e-3)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (np.float32(1 / 3), "float32"),
        (np.float32(0), "float32"),
        (np.float64(np.float32(1 / 3)), "float32"),
        (1 / 3, "float64"),
    ],
)
def test_rounding_is_that_of_the_number_and_not_of_its_type(value, kind):
    [[opened]] = open_loss(lambda *probe: value, Way(), Sizes(2, (3,), 1))
    assert opened.rounding == np.finfo(kind).eps


def declared(variance, log_of):
    """A Gaussian's -log p with this under the logarithm."""
    return lambda x, p: squares(x, p) / variance + 0.5 * np.log(log_of)


@pytest.mark.parametrize("variance", [1e-4, 0.0025, 0.05, 0.3, 1.0, 25.0])
@pytest.mark.parametrize("reduction", [np.sum, np.mean])
@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_a_normaliser_reveals_the_variance(variance, reduction, beta):
    density = declared(variance, 2 * np.pi * variance)

    def loss(x, p, m, v):
        return reduction(density(x, p), axis=PIXELS).mean() + beta * kl(m, v)

    pixels = 84 if reduction is np.mean else 1
    found = trains(beta * variance * pixels, loss, image_shape=(6, 7, 2))
    assert found.decoder_variance == pytest.approx(variance, rel=1e-6)
    assert found.beta_declared == pytest.approx(beta * pixels, rel=1e-6)
    assert found.trains_elbo == (beta * pixels == 1)
    assert found.scale * variance == pytest.approx(1 / pixels)


@pytest.mark.parametrize("variance", [0.2, 2.0])
def test_a_normaliser_without_2_pi_reveals_it_too(variance):
    found = audit_loss(elbo_with(pixels=declared(variance, variance)))
    holds(found, decoder_variance=pytest.approx(variance), trains_elbo=True)


def test_no_normaliser_reveals_no_variance():
    holds(audit_loss(elbo_with(pixels=squares)), decoder_variance=None, trains_elbo=True)


@pytest.mark.backend
def test_the_loss_of_the_course_is_the_elbo():
    from vaehelpers import losses

    def loss(x, y, m, v):
        return -losses.bernoulli_log_likelihood(x, y) + losses.gaussian_kl(m, v)

    holds(audit_loss(loss), trains_elbo=True, x_decoded="logits", batch_reduction="none")


def test_x_decoded_may_be_forced():
    of_logits = elbo_with(pixels=from_logits)
    refused("the sigmoid is taken twice", of_logits, x_decoded="probabilities")
    refused("apply the sigmoid", elbo, x_decoded="logits")
    assert audit_loss(elbo, x_decoded="probabilities").trains_elbo


SENTENCES = [
    (
        lambda x, p, m, v: cross_entropy(x, p).mean() + kl_per_dim(m, v).mean(),
        "beta = 392 (Bernoulli; mean over pixels, mean over latents, mean over the batch). "
        "To train the ELBO, multiply the reconstruction term by 784 and the KL by 2.",
    ),
    (
        elbo_with(pixels=lambda x, p: (x - p) ** 2),
        "beta = 0.5 at unit variance (Gaussian; sum over pixels, sum over latents, mean over the "
        "batch). To train the ELBO, multiply the reconstruction term by 0.5. As it is, it is "
        "the exact ELBO of a decoder with variance 0.5 (standard deviation 0.707, in the pixels' "
        "unit).",
    ),
    (
        elbo_with(pixels=l1, beta=3.0),
        "beta = 3 at unit scale (Laplace; sum over pixels, sum over latents, mean over the batch). "
        "To train the ELBO, multiply the KL by 0.333. As it is, it is the exact ELBO of a Laplace "
        "decoder with scale 3.",
    ),
    (
        lambda x, p, m, v: (cross_entropy(x, p).sum(PIXELS) + kl_per_dim(m, v).sum(1)) / 784,
        "beta = 1 (Bernoulli; sum over pixels, sum over latents, no reduction over the batch). "
        "That is the ELBO, times 0.00128: the same model.",
    ),
]


@pytest.mark.parametrize(("loss", "said"), SENTENCES)
def test_it_reads_as_a_sentence(loss, said):
    found = audit_loss(loss)
    assert str(found).splitlines()[0] == f"This loss trains {said}"
    assert repr(found) == str(found)  # what a notebook shows


@pytest.mark.parametrize(
    ("value", "said"),
    [(392.0, "392"), (0.5, "0.5"), (1 / 784, "0.00128"), (13565952.0, "1.36e+07")],
)
def test_numbers_are_short(value, said):
    assert number(value) == said


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"loss_fn": 3}, TypeError, "loss_fn is a int"),
        ({"image_shape": 784}, TypeError, "image_shape is 784"),
        ({"image_shape": ()}, ValueError, "without an axis"),
        ({"image_shape": (28, 0)}, ValueError, "image_shape holds 0"),
        ({"latent_dim": 2.5}, TypeError, "latent_dim holds 2.5"),
        ({"batch_size": True}, TypeError, "batch_size holds True"),
        ({"x_decoded": "probs"}, ValueError, "x_decoded is 'probs'"),
        ({"framework": "mxnet"}, ValueError, "framework is 'mxnet'"),
        ({"loss_fn": lambda x, x_decoded: 0.0}, ValueError, "could not be called as loss_fn"),
    ],
)
def test_bad_arguments(arguments, error, said):
    with pytest.raises(error, match=said):
        audit_loss(**{"loss_fn": elbo} | arguments)


def test_an_audit_is_fast():
    start = time.process_time()
    audit_loss(elbo)
    assert time.process_time() - start < 10  # a tenth of a second where nothing else runs
