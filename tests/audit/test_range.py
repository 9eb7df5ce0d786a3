"""Where the audit looks: outputs outside of the images' range, other images, what is not finite."""

import logging

import numpy as np
import pytest
from audit_losses import (
    PIXELS,
    SMALL,
    bce,
    elbo,
    elbo_with,
    from_logits,
    holds,
    kl,
    kl_per_dim,
    l1,
    refused,
    squares,
    trains,
)

from vaehelpers.audit import audit_loss


def huber(width):
    return lambda x, y: np.where(l1(x, y) < width, squares(x, y), width * l1(x, y) - width**2 / 2)


BENT = {
    "Huber, smooth L1": huber(1.0),
    "a wide Huber": huber(10.0),
    "a clip to [0, 1]": lambda x, y: squares(x, np.clip(y, 0, 1)),
    "a clip to [-1, 1]": lambda x, y: squares(x, np.clip(y, -1, 1)),
    "a clip from above": lambda x, y: l1(x, np.minimum(y, 2)),
    "relu": lambda x, y: squares(x, np.maximum(y, 0)),
    "leaky relu": lambda x, y: squares(x, np.where(y < 0, 0.1 * y, y)),
    "abs": lambda x, y: squares(x, abs(y)),
    "a bounded error": lambda x, y: np.minimum(squares(x, y), 1),
    "a clipped error": lambda x, y: squares(np.clip(x - y, -2, 2), 0),
    "five times beyond 1": lambda x, y: l1(x, y) * np.where(l1(x, y) < 1, 1, 5),
}


@pytest.mark.parametrize("name", BENT)
def test_another_distance_outside_is_no_elbo(name):
    loss = elbo_with(pixels=BENT[name])
    said = r"for decoder outputs in \(0.05, 0.95\) the loss follows .* it does not"
    refused(said, loss, **SMALL)
    found = trains(1, loss, x_decoded="probabilities", **SMALL)
    assert "outputs outside of the images' range were not tried" in str(found)


@pytest.mark.parametrize("bend", [lambda y: np.clip(y, -5, 5), lambda y: np.maximum(y, 0), abs])
def test_bent_logits_are_no_logits(bend):
    loss = elbo_with(pixels=lambda x, y: from_logits(x, bend(y)))
    refused("are the logits clipped or bent", loss, **SMALL)


@pytest.mark.parametrize("pixels", [squares, l1, from_logits])
def test_what_is_the_same_everywhere_needs_no_note(pixels):
    holds(trains(1, elbo_with(pixels=pixels), **SMALL), notes=())


def test_outputs_that_are_refused_are_in_the_answer():
    def loss(x, y, m, v):
        assert y.min() >= 0 and y.max() <= 1, "a picture"
        return elbo(x, y, m, v, pixels=squares)

    [said] = trains(1, loss, **SMALL).notes
    assert "refuses decoder outputs in (-2, 3)" in said and "a picture" in said


@pytest.mark.parametrize("ends", [(-1, 1), (0, 255), (-0.5, 0.5)])
def test_images_of_another_range(ends):
    low, high = ends

    def loss(x, y, m, v):
        near = 0.2 * (high - low)
        assert low <= x.min() < low + near and high - near < x.max() <= high
        return elbo(x, y, m, v, pixels=squares)

    trains(1, loss, image_range=ends, image_shape=(12, 10, 1))


@pytest.mark.parametrize("wrong", [3, (1,), ("a", "b"), (1, 0), (0, 0), (0, np.inf)])
def test_an_image_range_is_checked(wrong):
    numbers = isinstance(wrong, tuple) and len(wrong) == 2 and "a" not in wrong
    with pytest.raises(ValueError if numbers else TypeError, match="image_range is"):
        audit_loss(elbo, image_range=wrong)


def test_a_kl_that_is_not_finite_far_out_is_said_to_be_just_that():
    def loss(x, y, m, v):
        return squares(x, y).sum(PIXELS).mean() + kl(np.where(abs(m) > 20, np.nan, m), v)

    refused(r"the loss is not finite from \|z_mean\| of about", loss, **SMALL)


def test_a_loss_that_overflows_is_not_called_free_bits():
    refused("not finite", lambda *probe: 1e307 * elbo(*probe, pixels=squares), **SMALL)
    trains(1, lambda *probe: 1e290 * elbo(*probe, pixels=squares), **SMALL)


def test_whoever_waits_can_hear_what_it_is_doing(caplog):
    with caplog.at_level(logging.INFO, "vaehelpers.audit"):
        audit_loss(elbo, **SMALL)
    said = {record.getMessage() for record in caplog.records}
    assert {"the reconstruction term", "the KL"} <= said


@pytest.mark.parametrize(
    ("ends", "of_logits"), [((-1, 1), True), ((-1, 1), False), ((0, 255), True)]
)
def test_a_bernoulli_of_images_that_the_loss_scales_itself(ends, of_logits):
    low, high = ends

    def pixels(x, y):
        x = (x - low) / (high - low)
        y = y if of_logits else np.log((y - low) / (high - y))
        return from_logits(x, y)

    found = trains(2, elbo_with(pixels=pixels, beta=2.0), image_range=ends, **SMALL)
    holds(found, likelihood="bernoulli")


def in_single_precision(beta):
    def loss(*probe):
        x, p, m, v = (array.astype("float32") for array in probe)
        return np.float32(bce(x, p) + np.float32(beta) * kl(m, v))

    return loss


@pytest.mark.parametrize("beta", [1e-9, 1e-5, 1e5, 1e9])
def test_resolution_which_betas_are_told(beta):
    """These and the next say the figures of docs/audit.md, for 28 x 28 images."""
    trains(beta, elbo_with(beta=beta), rel=1e-6)
    if beta >= 1e-7:
        trains(beta, in_single_precision(beta), rel=1e-6)


def test_resolution_in_single_precision():
    trains(1e-7, in_single_precision(1e-7), rel=1e-6)
    refused("lost in the loss's rounding", in_single_precision(1e-8))


SMALLEST = {  # a fault, by its size, and the least that is told of it
    "L1": (lambda x, p, m, v, share: elbo(x, p, m, v) + share * l1(x, p).sum(PIXELS).mean(), 1e-3),
    "log variance": (lambda x, p, m, v, s: elbo(x, p, m, v) - s * 0.5 * v.sum(1).mean(), 3e-5),
    "floor": (
        lambda x, p, m, v, least: bce(x, p) + np.maximum(kl_per_dim(m, v).sum(1), least).mean(),
        1e-5,
    ),
}


@pytest.mark.parametrize("fault", SMALLEST)
def test_resolution_which_faults_are_told(fault):
    loss, share = SMALLEST[fault]
    trains(1, lambda *probe: loss(*probe, 0.0))
    refused(None, lambda *probe: loss(*probe, share))


def test_resolution_which_noise_it_stands():
    def noisy(deviation):
        rng = np.random.default_rng(0)
        return lambda *probe: elbo(*probe) + deviation * rng.standard_normal()

    trains(1, noisy(0.1), rel=1e-3)
    refused("the loss draws noise", noisy(1.0))
