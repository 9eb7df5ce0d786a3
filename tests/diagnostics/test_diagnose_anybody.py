"""Anybody's Keras VAE under `diagnose`: how it is read, wrong outputs by name, causes."""

import re

import keras
import numpy as np
import pytest
from hand_set import linear_vae, says, weighted
from keras import layers, ops
from scipy import special

from vaehelpers import losses
from vaehelpers.diagnostics import Evaluation, causes, diagnose, evaluate, networks
from vaehelpers.models import VAE

SHAPE, J = (2, 2, 1), 2


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((400, *SHAPE)).astype("float32")


class Sampling(layers.Layer):
    def __init__(self):
        super().__init__()
        self.seeds = keras.random.SeedGenerator(0)

    def call(self, codes):
        z_mean, scale = codes
        noise = keras.random.normal(ops.shape(z_mean), seed=self.seeds)
        return z_mean + ops.exp(0.5 * scale) * noise


def drawn_by(log_var):
    """A sampling layer that reads its scale in another way."""

    class Drawn(Sampling):
        def call(self, codes):
            z_mean, scale = codes
            return super().call((z_mean, log_var(scale)))

    return Drawn


class Summed(keras.Model):
    """Reconstruction by `compile(loss=...)`, the KL by add_loss."""

    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def call(self, x):
        z_mean, z_log_var = self.encoder(x)[:2]
        kl = 0.5 * ops.sum(ops.exp(z_log_var) + z_mean**2 - 1 - z_log_var, axis=1)
        self.add_loss(ops.mean(kl))
        return self.decoder(z_mean)


def bernoulli(x, p, from_logits=False):
    rows = (ops.reshape(values, (-1, 4)) for values in (x, p))
    return 4 * keras.losses.binary_crossentropy(*rows, from_logits)


def from_logits(x, logits):
    return bernoulli(x, logits, from_logits=True)


def squares(x, mean):
    return 0.5 * ops.sum(ops.square(x - mean), axis=(1, 2, 3))


def encoder(order=(0, 1, 2), sampling=Sampling, scale=None):
    x = keras.Input(SHAPE)
    h = layers.Flatten()(x)
    small = keras.initializers.RandomNormal(stddev=0.1, seed=2)
    codes = [layers.Dense(J)(h), layers.Dense(J, scale, kernel_initializer=small)(h)]
    outputs = [*codes, sampling()(codes)]
    return keras.Model(x, [outputs[k] for k in order])


def decoder(activation="sigmoid", scale=1.0):
    initial = keras.initializers.RandomNormal(stddev=scale, seed=1)
    dense = layers.Dense(4, activation, kernel_initializer=initial)
    return keras.Sequential([keras.Input((J,)), dense, layers.Reshape(SHAPE)])


def vae_of(loss, *parts):
    model = Summed(*parts)
    if loss is not None:
        model.compile("sgd", loss=loss)
    return model


def own_distortion(model, x, seed=0):
    """Minus log p(x|z) as Bernoulli probabilities, NumPy, at the draw that `evaluate` makes."""
    z_mean, z_log_var = (ops.convert_to_numpy(code) for code in model.encoder(x)[:2])
    noise = np.random.default_rng(seed).standard_normal((1, *z_mean.shape), dtype="float32")[0]
    p = model.decoder(z_mean + np.exp(0.5 * z_log_var) * noise)
    p = ops.convert_to_numpy(p).astype("float64")
    return -(special.xlogy(x, p) + special.xlog1py(1 - x, -p)).sum(axis=(1, 2, 3)).mean()


@pytest.mark.backend
@pytest.mark.parametrize("order", [(0, 1, 2), (0, 1)])
@pytest.mark.parametrize("loss", [bernoulli, None])
def test_a_sigmoid_decoder_is_read_as_probabilities_and_that_is_said(images, loss, order):
    model = vae_of(loss, encoder(order), decoder(scale=0.5))
    found = diagnose(model, images)
    assert found.evaluation.distortion == pytest.approx(own_distortion(model, images), rel=1e-5)
    assert found.beta == (None if loss is None else pytest.approx(1, rel=1e-3))
    assert says(found, "^The decoder's output is read as probabilities.* on all 400 images")
    assert evaluate(model, images).rate == found.evaluation.rate
    assert found.reconstructions.min() >= 0 and found.reconstructions.shape == (10, *SHAPE)


@pytest.mark.backend
@pytest.mark.parametrize("order", [(0, 1), (0, 1, 2)])
def test_a_sigmoid_decoder_in_the_course_s_vae_is_no_silent_wrong_number(images, order):
    parts = encoder(order), decoder(scale=0.5)
    found = diagnose(VAE(*parts), images)
    expected = own_distortion(Summed(*parts), images)
    assert found.evaluation.distortion == pytest.approx(expected, rel=1e-5)
    assert says(found, "^The decoder ends in a sigmoid, so its output is read as probabilities")


def test_z_may_stand_first(images):
    """Its place is told by its changing from call to call."""
    order, shape = networks.codes_of(encoder((2, 0, 1)), images)
    assert (order, shape) == ([1, 2], (J,))


@pytest.mark.parametrize(
    ("loss", "activation", "likelihood"),
    [
        (from_logits, None, losses.bernoulli_log_likelihood),
        (squares, None, losses.gaussian_log_likelihood),
        (squares, "sigmoid", losses.gaussian_log_likelihood),
    ],
)
def test_the_audit_of_its_loss_tells_the_likelihood(images, loss, activation, likelihood):
    parts = encoder(), decoder(activation)
    without_z = keras.Model(parts[0].input, parts[0].outputs[:2])
    expected = evaluate(VAE(without_z, parts[1], log_likelihood=likelihood), images)
    found = diagnose(vae_of(loss, *parts), images)
    assert found.beta == pytest.approx(1, rel=1e-3)
    assert found.evaluation.distortion == pytest.approx(expected.distortion, rel=1e-5)


WANTED = r"return z_mean, z_log_var \(and z\)$"
STD = {"sampling": drawn_by(lambda std: 2 * ops.log(std)), "scale": lambda h: 2 + h}
LOG_STD = {"sampling": drawn_by(lambda log_std: 2 * log_std), "scale": lambda h: 2 + h}
VARIANCE = {"sampling": drawn_by(ops.log), "scale": lambda h: 2 + h}


@pytest.mark.parametrize(
    ("loss", "parts", "said"),
    [
        (bernoulli, (encoder(), decoder(None, 9.0)), "gives logits where .* takes probabilities"),
        (
            None,
            (encoder(), decoder(None, 9.0)),
            r"^vae's likelihood cannot be told \(.* is not compiled.*pass models",
        ),
        (bernoulli, (encoder(**STD), decoder()), r" standard deviation, .* 2 \* log\(z_std\)$"),
        (bernoulli, (encoder(**LOG_STD), decoder()), r"log standard deviation, .* 2 \* z_log_std$"),
        (bernoulli, (encoder(**VARIANCE), decoder()), r" variance, .* log\(z_var\)$"),
        (None, (encoder((0,)), decoder()), f"gives 1 outputs .*: {WANTED}"),
        (None, (encoder((0, 2)), decoder()), f"one of them a draw: {WANTED}"),
        (None, (encoder(), lambda z, x, training=None: z), "on z_mean alone .*autoregressive"),
        (None, (encoder(), layers.Dense(3)), r"gives shape \(400, 3\) for images"),
        (None, (encoder(), lambda z, training: z @ np.full((J, 4), np.nan)), "has diverged$"),
    ],
)
def test_what_does_not_fit_is_named_with_its_cure(images, loss, parts, said):
    with pytest.raises(ValueError, match=said) as raised:
        diagnose(vae_of(loss, *parts), images)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("activation", "said"),
    [
        ("sigmoid", "and the loss applies another one"),
        (None, "is read as logits, as its loss reads it"),
    ],
)
def test_two_sigmoids_are_named(images, activation, said):
    assert says(diagnose(vae_of(from_logits, encoder(), decoder(activation)), images), said)


def test_what_is_no_vae_is_refused(images):
    said = r"^vae is a Sequential: pass a vaehelpers\.models\.VAE, or a Keras model with an"
    with pytest.raises(TypeError, match=said):
        diagnose(decoder(), images)


SIGMOIDS = [
    [layers.Dense(4, "sigmoid"), layers.Reshape(SHAPE), layers.Permute((2, 1, 3))],
    [layers.Dense(4), layers.Activation("sigmoid")],
    [keras.Sequential([layers.Dense(4), layers.Dense(4, keras.activations.sigmoid)])],
    [layers.Dense(4), ops.sigmoid],
]
OTHERS = [
    [layers.Dense(4, "sigmoid"), layers.Dense(4)],
    [layers.Dense(4, "hard_sigmoid")],
    [layers.Dense(4, "sigmoid"), ops.tanh],
]


@pytest.mark.parametrize(
    ("steps", "expected"), [*((s, True) for s in SIGMOIDS), *((o, False) for o in OTHERS)]
)
def test_a_last_sigmoid_is_found(steps, expected):
    x = keras.Input((J,))
    decoded = x
    for step in steps:
        decoded = step(decoded)
    assert networks.ends_in_sigmoid(keras.Model(x, decoded)) is expected
    assert not networks.ends_in_sigmoid(lambda z: z)


def test_a_decoder_that_ignores_z_and_dead_means_are_named_where_beta_is_not_to_blame(bits):
    dead = linear_vae()
    found = diagnose(dead, bits)
    assert says(found, "The decoder ignores z") and says(found, "z_mean is the same number for ev")
    dead.objective = weighted(10.0)
    assert not says(diagnose(dead, bits), "The decoder ignores z")
    deaf = diagnose(linear_vae((1e-3, 0.0), decoder=(np.ones([2, 3]), 0.0)), bits)
    assert deaf.evaluation.collapsed and not says(deaf, "The decoder ignores z|same number")


def test_few_steps_are_named(bits):
    vae = linear_vae((1e-3, 0.0), decoder=(np.ones([2, 3]), 0.0))
    assert not says(diagnose(vae, bits), "steps")
    vae.compile("adam")
    assert says(diagnose(vae, bits), "^Its optimiser has taken 0 steps: train on before you judge.")


CODES = np.random.default_rng(0).normal(size=(100, 2))
NARROW = "z_log_var is never below 0, as behind a ReLU"


@pytest.mark.parametrize(
    ("z_mean", "z_log_var", "said"),
    [
        (0 * CODES, np.maximum(CODES, 0), rf"^{NARROW} \("),
        (0 * CODES, np.maximum(CODES, 0.1), f"^{NARROW} or a softplus: no code"),
        (0 * CODES, np.maximum(CODES, -0.1), None),
        (np.maximum(CODES, 0), CODES[::-1], r"^z_mean is never below 0, as behind a ReLU \("),
        (CODES, CODES, "^z_mean and z_log_var are the same numbers"),
        (CODES, 0 * CODES, rf"^{NARROW} \(100 % are 0\)"),
        (CODES, CODES[::-1], None),
        (CODES[:49], 0 * CODES[:49], None),  # too few to tell
        (0 * CODES, 0 * CODES, None),  # collapsed: both are 0 at the optimum
    ],
)
def test_what_a_relu_cuts_off_and_one_layer_for_both_are_named(z_mean, z_log_var, said):
    kl = 0.5 * (np.exp(z_log_var) + z_mean**2 - 1 - z_log_var)
    evaluation = Evaluation(np.full(len(kl), 2.0), kl, z_mean, z_log_var)
    found = causes.about_causes(evaluation, True, None, None, None)
    assert len(found) == (said is not None)
    assert all(finding.urgent and re.search(said, finding.sentence) for finding in found)


def test_a_decoder_that_sees_the_image_otherwise_needs_no_code():
    collapsed = Evaluation(np.full(9, 80.0), *np.zeros([3, 9, 1]))
    (found,) = causes.about_causes(collapsed, True, None, None, 100.0)
    assert "It is 20 nats better than the best constant image without a code" in found.sentence
    assert causes.about_causes(collapsed, True, None, None, 90.0) == []


def test_codes_that_are_not_finite_are_no_draw():
    """Two calls give nan both: the encoder has diverged, and is no encoder that draws."""

    def diverged(x, training):
        return [np.full((len(x), J), np.nan, "float32")] * 2

    assert networks.codes_of(diverged, np.zeros((3, *SHAPE))) == ([0, 1], (J,))
