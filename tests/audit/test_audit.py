"""The audit of losses that a single beta describes, random ones and those with constants, and what it says of them."""

import time

import numpy as np
import pytest
from audit_losses import PIXELS, cross_entropy, elbo, kl_per_dim, random_loss

from vaehelpers.audit import AuditError, audit_loss
from vaehelpers.audit.verdict import number


def check_random_loss(seed, framework):
    loss, sizes, wanted = random_loss(seed, framework)
    found = audit_loss(loss, **sizes)
    beta, scale = wanted.pop("beta"), wanted.pop("scale")
    assert found.beta == pytest.approx(beta, rel=1e-3)
    assert {name: getattr(found, name) for name in wanted} == wanted
    assert found.framework == framework
    assert found.residual < 1e-4
    assert found.scale == pytest.approx(scale, rel=1e-3)
    assert found.beta * found.factors[1] / found.factors[0] == pytest.approx(1)
    return loss, sizes, found


@pytest.mark.parametrize("seed", range(40))
def test_random_numpy_losses(seed):
    loss, sizes, found = check_random_loss(seed, "numpy")
    assert (
        audit_loss(
            loss, x_decoded="logits" if found.x_decoded == "logits" else "auto", **sizes
        ).beta
        == found.beta
    )


@pytest.mark.parametrize("seed", range(40, 64))
def test_random_tensorflow_losses(seed):
    check_random_loss(seed, "tensorflow")


@pytest.mark.parametrize(
    "seed", [64, 65, 68, 69, 70, 75]
)  # each is compiled for six sizes, so there are few
def test_random_jax_losses(seed):
    check_random_loss(seed, "jax")


@pytest.mark.parametrize("seed", range(76, 100))
def test_random_torch_losses(seed):
    check_random_loss(seed, "torch")


@pytest.mark.parametrize("constant", [0.37, 5.0])
@pytest.mark.parametrize("reduction", [np.sum, np.mean])
def test_a_constant_that_is_no_normaliser_reveals_no_variance(constant, reduction):
    def loss(x, p, m, v):
        return (
            reduction((x - p) ** 2, axis=PIXELS).mean() + kl_per_dim(m, v).sum(1).mean() + constant
        )

    assert audit_loss(loss).decoder_variance is None


@pytest.mark.parametrize("beta", [1e-7, 1e-3, 1e3, 1e7])
@pytest.mark.parametrize(
    "pixels", [cross_entropy, lambda x, p: abs(x - p), lambda x, p: 0.5 * (x - p) ** 2]
)
def test_extreme_betas(beta, pixels):
    trains(beta, elbo_with(pixels=pixels, beta=beta), rel=1e-3)


def test_a_loss_in_float32_is_told_as_well():
    def loss(*probe):
        x, p, m, v = (array.astype("float32") for array in probe)
        return cross_entropy(x, p).mean() + 1e-3 * kl_per_dim(m, v).mean()

    trains(0.392, loss, rel=1e-3)
    trains(0.392, lambda *probe: np.float64(loss(*probe)), rel=1e-3)


def test_rounding_is_that_of_the_number_and_not_of_its_type():
    from vaehelpers.audit.calls import Way
    from vaehelpers.audit.loss import open_loss
    from vaehelpers.audit.probes import Sizes

    single, double = np.finfo("float32").eps, np.finfo("float64").eps
    for value, unit in (
        (np.float32(1 / 3), single),
        (np.float64(np.float32(1 / 3)), single),
        (1 / 3, double),
    ):
        [[opened]] = open_loss(lambda *probe, value=value: value, Way(), Sizes(2, (3,), 1))
        assert opened.rounding == unit


@pytest.mark.parametrize("variance", [1e-4, 0.0025, 0.05, 0.3, 1.0, 25.0])
@pytest.mark.parametrize("reduction", [np.sum, np.mean])
@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_a_normaliser_reveals_the_variance(variance, reduction, beta):
    def density(x, p):
        return 0.5 * ((x - p) ** 2 / variance + np.log(2 * np.pi * variance))

    def loss(x, p, m, v):
        return reduction(density(x, p), axis=PIXELS).mean() + beta * kl_per_dim(m, v).sum(1).mean()

    found = audit_loss(loss, image_shape=(6, 7, 2))
    pixels = 84 if reduction is np.mean else 1
    assert found.decoder_variance == pytest.approx(variance, rel=1e-6)
    assert found.beta == pytest.approx(beta * variance * pixels, rel=1e-6)
    assert found.beta_declared == pytest.approx(beta * pixels, rel=1e-6)
    assert found.trains_elbo == (beta * pixels == 1)
    assert found.scale * variance == pytest.approx(1 / pixels)


@pytest.mark.parametrize("variance", [0.2, 2.0])
def test_a_normaliser_without_2_pi_reveals_it_too(variance):
    found = audit_loss(
        elbo_with(pixels=lambda x, p: 0.5 * ((x - p) ** 2 / variance + np.log(variance)))
    )
    assert (found.decoder_variance, found.trains_elbo) == (pytest.approx(variance), True)


def test_no_normaliser_reveals_no_variance():
    assert audit_loss(elbo_with(pixels=lambda x, p: (x - p) ** 2)).decoder_variance is None


@pytest.mark.backend
def test_the_loss_of_the_course_is_the_elbo():
    from vaehelpers import losses

    found = audit_loss(
        lambda x, y, m, v: -losses.bernoulli_log_likelihood(x, y) + losses.gaussian_kl(m, v)
    )
    assert found.trains_elbo
    assert (found.x_decoded, found.batch_reduction) == ("logits", "none")


def test_x_decoded_may_be_forced():
    def from_logits(x, y):
        return np.logaddexp(0, y) - x * y

    refused("the sigmoid is taken twice", elbo_with(pixels=from_logits), x_decoded="probabilities")
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
        "beta = 0.5 at unit variance (Gaussian; sum over pixels, sum over latents, mean over the batch). To train the "
        "ELBO, multiply the reconstruction term by 0.5. As it is, it is the exact ELBO of a decoder with variance 0.5 "
        "(standard deviation 0.707, in the pixels' unit).",
    ),
    (
        lambda x, p, m, v: (cross_entropy(x, p).sum(PIXELS) + kl_per_dim(m, v).sum(1)) / 784,
        "That is the ELBO, times 0.00128: the same model.",
    ),
]


@pytest.mark.parametrize(("loss", "said"), SENTENCES)
def test_it_reads_as_a_sentence(loss, said):
    assert said in str(audit_loss(loss))


def test_a_notebook_shows_the_sentence():
    found = audit_loss(elbo)
    assert repr(found) == str(found)
    assert repr(found).startswith("This loss trains beta = 1 (")


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
        ({"loss_fn": lambda x, x_decoded: 0.0}, AuditError, "could not be called as loss_fn"),
    ],
)
def test_bad_arguments(arguments, error, said):
    with pytest.raises(error, match=said):
        audit_loss(**{"loss_fn": elbo} | arguments)


def test_an_audit_is_fast():
    start = time.process_time()
    audit_loss(elbo)
    assert time.process_time() - start < 10  # a tenth of a second where nothing else runs


def test_an_answer_ends_with_its_own_likelihood_s_advice():
    laplace = audit_loss(elbo_with(pixels=lambda x, p: abs(x - p), beta=3.0))
    assert str(laplace).endswith(
        "As it is, it is the exact ELBO of a Laplace decoder with scale 3."
    )
    bernoulli = audit_loss(elbo_with(beta=3.0))
    assert str(bernoulli).endswith("To train the ELBO, multiply the KL by 0.333.")
