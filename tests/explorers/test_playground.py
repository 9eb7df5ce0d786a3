"""The playground: its page is stored as made, its gradients are the package's, it collapses."""

import base64
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from vaehelpers import losses
from vaehelpers.explorers import page

ROOT = Path(__file__).parents[2]
SIZES = {"pixels": 12, "hidden": 7, "latents": 2}


@pytest.fixture(scope="module")
def made():
    return page.playground_page()


def test_the_page_that_is_stored_is_the_one_that_is_made(made):
    stored = (ROOT / "docs" / "playground.html").read_text(encoding="utf-8")
    assert stored == made, "run scripts/make_playground.py"


def test_the_page_needs_nothing_else(made, asks_nothing):
    assert len(made) < 2_500_000 and asks_nothing(made)


def test_the_digits_on_the_page_are_the_sample_s(digits):
    data = page.page_data()
    levels = np.frombuffer(base64.b64decode(data["tests"]), "uint8")
    pixels = np.stack([levels >> 4, levels & 15], axis=1).reshape(10, 28, 28, 1) / 15
    assert np.abs(pixels - digits.x_test[:10]).max() <= 0.5 / 15 + 1e-6
    assert data["labels"][:5] == [int(label) for label in digits.y_train[:5]]
    assert data["thresholds"]["bernoulli"]["local"] < 32
    assert data["thresholds"]["bernoulli"]["noCode"] < 392  # the question's own weight is covered


def package_gradients(settings, seed):
    """Loss and gradients of the same network by Keras."""
    import tensorflow as tf

    rng = np.random.default_rng(seed)
    p, h, j = SIZES.values()
    shapes = {"w1": (p, h), "b1": (h,), "wm": (h, j), "bm": (j,), "wv": (h, j), "bv": (j,)}
    shapes |= {"w3": (j, h), "b3": (h,), "w4": (h, p), "b4": (p,)}
    start = {name: rng.normal(0, 0.4, shape) for name, shape in shapes.items()}
    w = {name: tf.Variable(value.astype("float32")) for name, value in start.items()}
    x = (rng.random((5, p)) * (rng.random((5, p)) > 0.4)).astype("float32")
    noise = rng.normal(size=(5, j)).astype("float32")
    with tf.GradientTape() as tape:
        hidden = ops.relu(x @ w["w1"] + w["b1"])
        z_mean = hidden @ w["wm"] + w["bm"]
        z_log_var = hidden @ w["wv"] + w["bv"]
        z = z_mean + ops.exp(z_log_var / 2) * noise
        logits = ops.relu(z @ w["w3"] + w["b3"]) @ w["w4"] + w["b4"]
        if settings["error"] == "bernoulli":
            error = -losses.bernoulli_log_likelihood(x, logits)
        else:
            error = ops.sum(ops.square(x - ops.sigmoid(logits)), axis=1)
        kl = losses.gaussian_kl(z_mean, z_log_var)
        error = error / p if settings["pixels"] == "mean" else error
        kl = kl / j if settings["latents"] == "mean" else kl
        loss = ops.mean(error) + settings["weight"] * ops.mean(kl)
    found = tape.gradient(loss, w)

    def flat(values):
        return {name: np.ravel(value.numpy()).tolist() for name, value in values.items()}

    given = {"x": np.ravel(x).tolist(), "noise": np.ravel(noise).tolist(), "n": 5}
    given |= {"settings": settings, "w": flat(w)}
    return given | {"loss": float(loss), "gradients": flat(found)}


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the gradients are its own")
def test_the_scripts_in_node(in_node):
    """Gradients to 1e-4 of the package's, betas, over three seeds life at 1, collapse beyond."""
    forms = [("bernoulli", "sum", "sum", 1), ("bernoulli", "mean", "mean", 1)]
    names = ("error", "pixels", "latents", "weight")
    cases = [
        package_gradients(dict(zip(names, form, strict=True)), seed)
        for seed, form in enumerate([*forms, ("squared", "sum", "mean", 3)])
    ]
    in_node(cases, "GRADIENTS", "network", "playground")
