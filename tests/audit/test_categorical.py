"""Categorical and multinomial losses: every way to read x_decoded, with reductions and weights."""

import itertools

import numpy as np
import pytest
from audit_losses import (
    cross_entropy,
    holds,
    kl,
    kl_per_dim,
    log_softmax,
    namespace,
    refused,
    trains,
)
from test_frameworks import run_cure

from vaehelpers.audit import audit_loss

READINGS = {
    "logits": log_softmax,
    "probabilities": np.log,
    "normalised": lambda y: np.log(y / y.sum(-1, keepdims=True)),
    "log-probabilities": lambda y: y,
}
REDUCE = {"sum": np.sum, "mean": np.mean}
SHAPES = [(7, 5), (12,), (5, 3, 6), (9, 2), (5, 4, 3)]
CASES = [
    (*case, shape)
    for case, shape in zip(
        itertools.product(READINGS, REDUCE, REDUCE, REDUCE), itertools.cycle(SHAPES), strict=False
    )
    if shape != (5, 4, 3)
]


def loss_of(reading, places="sum", classes="sum", batch="mean", weights=(1.0, 1.0)):
    def loss(x, y, m, v):
        each = REDUCE[classes](-x * READINGS[reading](y), axis=-1)
        distortion = REDUCE[places](each.reshape(len(x), -1), axis=1)
        rate = kl_per_dim(m, v).sum(1)
        return weights[0] * REDUCE[batch](distortion) + weights[1] * REDUCE[batch](rate)

    return loss


@pytest.mark.parametrize(("reading", "places", "classes", "batch", "shape"), CASES)
def test_reductions_of_a_categorical(reading, places, classes, batch, shape):
    weights = 10 ** np.random.default_rng(len(reading) + len(shape)).uniform(-2, 2, 2)
    averaged = np.prod(shape[:-1]) if places == "mean" else 1
    averaged = averaged * (shape[-1] if classes == "mean" else 1)
    loss = loss_of(reading, places, classes, batch, weights)
    holds(
        trains(weights[1] / weights[0] * averaged, loss, rel=1e-3, image_shape=shape),
        likelihood="multinomial" if len(shape) == 1 else "categorical",
        x_decoded="probabilities" if reading == "normalised" else reading,
        channel_reduction=classes,
        batch_reduction=batch,
        pixel_reduction=places if len(shape) > 1 else "sum",
    )


@pytest.mark.parametrize("reading", ["logits", "normalised"])
def test_classes_may_lie_where_colours_do_if_they_are_normalised(reading):
    holds(trains(1, loss_of(reading), image_shape=(6, 5, 3)), likelihood="categorical")
    refused("no multiple of", loss_of("log-probabilities"), image_shape=(6, 5, 3))


@pytest.mark.parametrize("shape", [(6,), (5, 4)])
def test_a_class_that_is_looked_up_is_categorical_and_no_multinomial(shape):
    def loss(x, y, m, v):
        chosen = np.take_along_axis(log_softmax(y), x.argmax(-1)[..., None], -1)
        return -2 * chosen.sum() / len(x) + kl(m, v)

    holds(trains(0.5, loss, image_shape=shape), likelihood="categorical")


@pytest.mark.parametrize(
    ("distance", "shape", "said"),
    [
        (lambda x, p: (x > 0) * cross_entropy(x, p), (6, 5), "exactly 0 or 1"),
        (lambda x, p: -x * np.log(p), (6, 5, 3), "lacks its term"),
    ],
)
def test_what_is_no_categorical_loss_is_not_taken_for_one(distance, shape, said):
    refused(said, lambda x, p, m, v: distance(x, p).sum() + kl(m, v), image_shape=shape)


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
    holds(cured, trains_elbo=True, x_decoded=reading)


def test_a_mean_over_classes_is_none_over_colours():
    found = audit_loss(loss_of("logits", classes="mean"), image_shape=(6, 5), latent_dim=3)
    assert found.channel_reduction == "mean" and not any("RGB" in note for note in found.notes)


@pytest.mark.parametrize("reading", READINGS)
def test_gradients_of_classes_are_those_of_the_value(reading):
    f = namespace("tensorflow")
    read = {
        "logits": lambda y: y - f.log(f.sum(f.exp(y), -1, keepdims=True)),
        "probabilities": f.log,
        "normalised": lambda y: f.log(y / f.sum(y, -1, keepdims=True)),
        "log-probabilities": lambda y: y,
    }[reading]

    def loss(x, y, m, v):
        return f.mean(f.sum(-x * read(y), (1, 2)) + f.sum(f.exp(v) + m**2 - 1 - v, 1))

    holds(trains(2, loss, image_shape=(6, 5)), framework="tensorflow", likelihood="categorical")
