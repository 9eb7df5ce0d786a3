"""The audit of categorical and multinomial losses: every way to read x_decoded, with reductions and weights."""

import itertools

import numpy as np
import pytest
from audit_losses import kl_per_dim
from test_frameworks import run_cure

from vaehelpers.audit import AuditError, audit_loss


def log_softmax(y):
    return y - np.log(np.exp(y).sum(-1, keepdims=True))


READINGS = {
    "logits": log_softmax,
    "probabilities": np.log,
    "normalised": lambda y: np.log(y / y.sum(-1, keepdims=True)),
    "log-probabilities": lambda y: y,
}
REDUCE = {"sum": np.sum, "mean": np.mean}


def loss_of(reading, places="sum", classes="sum", batch="mean", weights=(1.0, 1.0)):
    def loss(x, y, m, v):
        each = REDUCE[classes](-x * READINGS[reading](y), axis=-1)
        distortion = REDUCE[places](each.reshape(len(x), -1), axis=1)
        rate = kl_per_dim(m, v).sum(1)
        return weights[0] * REDUCE[batch](distortion) + weights[1] * REDUCE[batch](rate)

    return loss


@pytest.mark.parametrize(
    ("reading", "places", "classes", "batch", "shape"),
    [
        (*case, shape)
        for case, shape in zip(
            itertools.product(READINGS, ("sum", "mean"), ("sum", "mean"), ("sum", "mean")),
            itertools.cycle([(7, 5), (12,), (5, 3, 6), (9, 2), (5, 4, 3)]),
        )
        if not (len(shape) == 3 and shape[-1] == 3)
    ],
)
def test_reductions_of_a_categorical(reading, places, classes, batch, shape):
    rng = np.random.default_rng(len(reading) + len(shape))
    weights = 10 ** rng.uniform(-2, 2, 2)
    found = audit_loss(
        loss_of(reading, places, classes, batch, weights), image_shape=shape, latent_dim=3
    )
    averaged = (np.prod(shape[:-1]) if places == "mean" else 1) * (
        shape[-1] if classes == "mean" else 1
    )
    assert found.beta == pytest.approx(weights[1] / weights[0] * averaged, rel=1e-3)
    assert found.likelihood == ("multinomial" if len(shape) == 1 else "categorical")
    assert found.x_decoded == ("probabilities" if reading == "normalised" else reading)
    assert (found.channel_reduction, found.batch_reduction) == (classes, batch)
    assert found.pixel_reduction == (places if len(shape) > 1 else "sum")


def test_a_class_that_is_looked_up_is_categorical_and_no_multinomial():
    def loss(x, y, m, v):
        chosen = np.take_along_axis(log_softmax(y), x.argmax(-1)[..., None], -1)
        return -2 * chosen.sum() / len(x) + kl_per_dim(m, v).sum(1).mean()

    for shape in ((6,), (5, 4)):
        found = audit_loss(loss, image_shape=shape)
        assert (found.likelihood, found.beta) == ("categorical", pytest.approx(0.5))


def test_what_is_no_categorical_loss_is_not_taken_for_one():
    def masked(x, p):
        return ((x > 0) * (-x * np.log(p) - (1 - x) * np.log(1 - p))).sum()

    refused(
        "exactly 0 or 1",
        lambda x, p, m, v: masked(x, p) + kl_per_dim(m, v).sum(),
        image_shape=(6, 5),
    )
    refused(
        "lacks its term",
        lambda x, p, m, v: (-x * np.log(p)).sum() + kl_per_dim(m, v).sum(),
        image_shape=(6, 5, 3),
    )


@pytest.mark.parametrize(
    ("reading", "said"), [("logits", "probabilities"), ("probabilities", "logits")]
)
def test_a_softmax_twice_or_never_is_said(reading, said):
    refused("softmax", loss_of(reading), image_shape=(6, 5), x_decoded=said)


@pytest.mark.parametrize("reading", ["logits", "probabilities", "log-probabilities"])
def test_the_cures_of_a_categorical_train_the_elbo(reading):
    pytest.importorskip("jax")
    found = audit_loss(loss_of(reading, places="mean"), image_shape=(6, 5))
    assert "sum over classes" in str(found)
    cured = audit_loss(run_cure("JAX", found.cure()["JAX"]), image_shape=(6, 5), framework="jax")
    assert (cured.trains_elbo, cured.x_decoded) == (True, reading)


def test_a_mean_over_classes_is_none_over_colours():
    found = audit_loss(loss_of("logits", classes="mean"), image_shape=(6, 5), latent_dim=3)
    assert found.channel_reduction == "mean" and not any("RGB" in note for note in found.notes)


@pytest.mark.parametrize("reading", ["logits", "probabilities", "normalised", "log-probabilities"])
def test_gradients_of_classes_are_those_of_the_value(reading):
    tf = pytest.importorskip("tensorflow")
    read = {
        "logits": tf.nn.log_softmax,
        "probabilities": tf.math.log,
        "normalised": lambda y: tf.math.log(y / tf.reduce_sum(y, -1, keepdims=True)),
        "log-probabilities": lambda y: y,
    }[reading]

    def loss(x, y, m, v):
        rate = 0.5 * tf.reduce_sum(tf.exp(v) + m**2 - 1 - v, 1)
        return tf.reduce_mean(tf.reduce_sum(-x * read(y), (1, 2)) + 2 * rate)

    found = audit_loss(loss, image_shape=(6, 5))
    holds(found, framework="tensorflow", likelihood="categorical", beta=pytest.approx(2))
