"""Reductions: from powers alone, from losses of one size, from reshapes that hide the batch."""

import pytest
from audit_losses import cross_entropy, holds, kl, kl_per_dim, trains

from vaehelpers.audit import audit_loss
from vaehelpers.audit.sizes import FAILED, Powers, classify

ALONE = {"batch": (0, 0), "latents": 0, "pixels": (0, 0, 0), "kl_by_pixels": (0, 0, 0)}


@pytest.mark.parametrize(
    ("powers", "name", "reduction"),
    [
        ({"pixels": (0, 0, -1)}, "pixel_reduction", "sum"),
        ({"pixels": (0, 0, -1)}, "channel_reduction", "mean"),
        ({"pixels": (-1, -1, 0)}, "pixel_reduction", "mean"),
        ({"pixels": (-1, 0, 0)}, "pixel_reduction", "mixed"),
        ({"pixels": (1, 0, 0)}, "pixel_reduction", "unknown"),
        ({"pixels": (0, None, 0)}, "pixel_reduction", "unknown"),
        ({"pixels": (0, FAILED, FAILED)}, "pixel_reduction", "unknown"),
        ({"pixels": (0, FAILED, FAILED)}, "channel_reduction", "unknown"),
        ({"latents": -1}, "latent_reduction", "mean"),
        ({"latents": None}, "latent_reduction", "unknown"),
        ({"batch": (0, 0)}, "batch_reduction", "mean"),
        ({"batch": (1, 1)}, "batch_reduction", "sum"),
        ({"batch": (-1, -1)}, "batch_reduction", "unknown"),
        ({"batch": (1, 0)}, "batch_reduction", "mixed"),
        ({"batch": (0, None)}, "batch_reduction", "unknown"),
        ({"batch": (FAILED, FAILED)}, "batch_reduction", "unknown"),
    ],
)
def test_powers_are_named(powers, name, reduction):
    assert classify(Powers(**ALONE | powers), channel=2, per_example=False)[name] == reduction


@pytest.mark.parametrize(("power", "reduction"), [(0, "none"), (-1, "mean"), (1, "unknown")])
def test_powers_of_the_batch_where_the_loss_returns_each_example(power, reduction):
    powers = Powers(**ALONE | {"batch": (power, power)})
    assert classify(powers, channel=2, per_example=True)["batch_reduction"] == reduction


def test_an_image_without_channels_has_no_reduction_over_them():
    found = classify(Powers(**ALONE | {"pixels": (0, -1)}), channel=None, per_example=False)
    assert (found["pixel_reduction"], found["channel_reduction"]) == ("mixed", "none")


def fixed_size(weight):
    """A loss that takes images of 784 pixels only."""

    def loss(x, p, m, v):
        x, p = x.reshape(len(x), 784), p.reshape(len(x), 784)
        return weight * cross_entropy(x, p).mean() + kl(m, v)

    return loss


@pytest.mark.parametrize(("weight", "reduction"), [(784, "sum"), (1, "mean"), (37, "unknown")])
def test_a_loss_of_one_image_size(weight, reduction):
    found = trains(784 / weight, fixed_size(weight))
    holds(found, pixel_reduction=reduction, channel_reduction="unknown")
    assert "one image size only" in found.notes[0]


@pytest.mark.parametrize("batch_size", [2, 8, 28])
def test_a_reshape_that_hides_the_batch_is_not_taken_for_a_mean(batch_size):
    def loss(x, p, m, v):
        return cross_entropy(x.reshape(-1, 784), p.reshape(-1, 784)).sum(1).mean() + kl(m, v)

    found = audit_loss(loss, batch_size=batch_size)
    holds(found, pixel_reduction="sum", channel_reduction="unknown")


@pytest.mark.backend
@pytest.mark.parametrize(("channels", "beta"), [(1, 1.0), (3, 3.0)])
def test_the_last_axis_of_keras(channels, beta):
    import keras

    def loss(x, x_decoded, z_mean, z_log_var):
        pixels = keras.losses.binary_crossentropy(x, x_decoded)
        rate = 0.5 * keras.ops.sum(keras.ops.exp(z_log_var) + z_mean**2 - 1 - z_log_var, axis=1)
        return keras.ops.mean(keras.ops.sum(pixels, axis=(1, 2)) + rate)

    found = trains(beta, loss, image_shape=(8, 8, channels), rel=1e-3)
    holds(found, pixel_reduction="sum", channel_reduction="mean")
    assert "the last axis is averaged" in found.notes[0]


@pytest.mark.parametrize("batch_size", [1, 16])
def test_the_batch_size_matters_where_the_terms_are_reduced_differently(batch_size):
    def loss(x, p, m, v):
        return cross_entropy(x, p).mean() + kl_per_dim(m, v).sum()

    found = trains(784 * batch_size, loss, batch_size=batch_size)
    holds(found, batch_reduction="mixed")
    assert f"at batch size {batch_size} and another one on a short last batch" in str(found)
