"""Anybody's Keras VAE under `diagnose`: how its networks are read, wrong outputs by name, causes of a small rate."""

import keras
import numpy as np
import pytest
from hand_set import NOTHING, linear_vae, weighted
from keras import layers, ops
from scipy import special

from vaehelpers import losses
from vaehelpers.diagnostics import causes, diagnose, evaluate, networks
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
        return z_mean + ops.exp(0.5 * scale) * keras.random.normal(
            ops.shape(z_mean), seed=self.seeds
        )


class FromDeviation(Sampling):
    def call(self, codes):
        z_mean, deviation = codes
        return super().call((z_mean, 2 * ops.log(deviation)))


class Summed(keras.Model):
    """Reconstruction by `compile(loss=...)`, the KL by add_loss."""

    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def call(self, x):
        z_mean, z_log_var = self.encoder(x)[:2]
        self.add_loss(
            ops.mean(ops.sum(0.5 * (ops.exp(z_log_var) + z_mean**2 - 1 - z_log_var), axis=1))
        )
        return self.decoder(z_mean)


def bernoulli(x, p):
    return 4 * keras.losses.binary_crossentropy(ops.reshape(x, (-1, 4)), ops.reshape(p, (-1, 4)))


def from_logits(x, logits):
    return 4 * keras.losses.binary_crossentropy(
        ops.reshape(x, (-1, 4)), ops.reshape(logits, (-1, 4)), True
    )


def squares(x, mean):
    return 0.5 * ops.sum(ops.square(x - mean), axis=(1, 2, 3))


def encoder(order=(0, 1, 2), sampling=Sampling, scale=None):
    x = keras.Input(SHAPE)
    h = layers.Flatten()(x)
    codes = [layers.Dense(J)(h), layers.Dense(J, scale)(h)]
    outputs = [*codes, sampling()(codes)]
    return keras.Model(x, [outputs[k] for k in order])


def decoder(activation="sigmoid", scale=1.0):
    initial = keras.initializers.RandomNormal(stddev=scale, seed=1)
    return keras.Sequential(
        [
            keras.Input((J,)),
            layers.Dense(4, activation, kernel_initializer=initial),
            layers.Reshape(SHAPE),
        ]
    )


def vae_of(loss, *parts):
    model = Summed(*parts)
    if loss is not None:
        model.compile("sgd", loss=loss)
    return model


def own_distortion(model, x, seed=0):
    """Minus log p(x|z) as Bernoulli probabilities, NumPy, at the draw that `evaluate` makes."""
    z_mean, z_log_var = (ops.convert_to_numpy(code) for code in model.encoder(x)[:2])
    noise = np.random.default_rng(seed).standard_normal((1, *z_mean.shape), dtype="float32")[0]
    p = ops.convert_to_numpy(model.decoder(z_mean + np.exp(0.5 * z_log_var) * noise)).astype(
        "float64"
    )
    return -(special.xlogy(x, p) + special.xlog1py(1 - x, -p)).sum(axis=(1, 2, 3)).mean()


def says(found, words):
    return any(words in sentence for sentence in found.findings)


@pytest.mark.backend
@pytest.mark.parametrize("order", [(0, 1, 2), (0, 1)])
@pytest.mark.parametrize("loss", [bernoulli, None])
def test_a_sigmoid_decoder_is_read_as_probabilities_and_that_is_said(images, loss, order):
    model = vae_of(loss, encoder(order), decoder(scale=0.5))
    found = diagnose(model, images)
    assert found.evaluation.distortion == pytest.approx(own_distortion(model, images), rel=1e-5)
    assert found.beta == (None if loss is None else pytest.approx(1, rel=1e-3))
    assert says(found, "The decoder's output is read as probabilities") and says(
        found, "on all 400 images"
    )
    assert evaluate(model, images).rate == found.evaluation.rate
    assert found.reconstructions.min() >= 0 and found.reconstructions.shape == (10, *SHAPE)


@pytest.mark.backend
@pytest.mark.parametrize("order", [(0, 1), (0, 1, 2)])
def test_a_sigmoid_decoder_in_the_course_s_vae_is_no_silent_wrong_number(images, order):
    networks_ = encoder(order), decoder(scale=0.5)
    found = diagnose(VAE(*networks_), images)
    assert found.evaluation.distortion == pytest.approx(
        own_distortion(Summed(*networks_), images), rel=1e-5
    )
    assert says(
        found,
        "The decoder ends in a sigmoid, so its output is read as probabilities, all in [0, 1]",
    )


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
    expected = evaluate(
        VAE(keras.Model(parts[0].input, parts[0].outputs[:2]), parts[1], log_likelihood=likelihood),
        images,
    )
    found = diagnose(vae_of(loss, *parts), images)
    assert found.beta == pytest.approx(1, rel=1e-3)
    assert found.evaluation.distortion == pytest.approx(expected.distortion, rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "parts", "error", "said"),
    [
        (
            bernoulli,
            (encoder(), decoder(None, 9.0)),
            ValueError,
            "vae.decoder gives logits where .* takes probabilities",
        ),
        (
            None,
            (encoder(), decoder(None, 9.0)),
            ValueError,
            r"likelihood cannot be told \(.* is not compiled.*pass models",
        ),
        (
            bernoulli,
            (encoder(sampling=FromDeviation, scale="softplus"), decoder()),
            ValueError,
            "standard deviation, .* 2 ",
        ),
        (
            None,
            (encoder((0,)), decoder()),
            ValueError,
            "vae.encoder gives 1 outputs .*: return z_mean, z_log_var",
        ),
        (
            None,
            (encoder((0, 2)), decoder()),
            ValueError,
            "one of them a draw: return z_mean, z_log_var",
        ),
        (
            None,
            (encoder(), lambda z, x, training=None: z),
            ValueError,
            "on z_mean alone .*autoregressive",
        ),
        (
            None,
            (encoder(), layers.Dense(3)),
            ValueError,
            r"vae.decoder gives shape \(400, 3\) for images",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_its_cure(images, loss, parts, error, said):
    with pytest.raises(error, match=said) as raised:
        diagnose(vae_of(loss, *parts), images)
    assert "\n" not in str(raised.value)


def test_two_sigmoids_are_named(images):
    assert says(
        diagnose(vae_of(from_logits, encoder(), decoder()), images),
        "and the loss applies another one",
    )


def test_what_is_no_vae_is_refused(images):
    with pytest.raises(
        TypeError,
        match=r"^vae is a Sequential: pass a vaehelpers\.models\.VAE, or a Keras model with an",
    ):
        diagnose(decoder(), images)


@pytest.fixture(scope="module")
def bits():
    return np.tile([[0.0], [1.0]], [150, 3]).astype("float32")


def test_a_decoder_that_ignores_z_and_dead_means_are_named_where_beta_is_not_to_blame(bits):
    dead = linear_vae(NOTHING, NOTHING, (np.zeros([2, 3]), 0.0))
    found = diagnose(dead, bits)
    assert says(found, "The decoder ignores z") and says(
        found, "z_mean is the same number for every image"
    )
    dead.objective = weighted(10.0)
    assert not says(diagnose(dead, bits), "The decoder ignores z")
    deaf = diagnose(linear_vae((1e-3, 0.0), NOTHING, (np.ones([2, 3]), 0.0)), bits)
    assert (
        deaf.evaluation.collapsed
        and not says(deaf, "The decoder ignores z")
        and not says(deaf, "same number")
    )


def test_few_steps_are_named(bits):
    vae = linear_vae((1e-3, 0.0), NOTHING, (np.ones([2, 3]), 0.0))
    assert not says(diagnose(vae, bits), "steps")
    vae.compile("adam")
    assert says(diagnose(vae, bits), "Its optimiser has taken 0 steps: train on before you judge.")


def evaluation_of(z_log_var, distortion=2.0):
    from vaehelpers.diagnostics import Evaluation

    still = np.zeros_like(z_log_var)
    return Evaluation(np.full(len(still), distortion), still, still, z_log_var)


@pytest.mark.parametrize(
    ("smallest", "said"),
    [(0.0, "never below 0, as behind a ReLU ("), (0.1, "a ReLU or a softplus"), (-0.1, None)],
)
def test_log_variances_behind_a_relu_are_named(smallest, said):
    z_log_var = np.maximum(np.random.default_rng(0).normal(size=(100, 2)), smallest)
    found = causes.about_causes(evaluation_of(z_log_var), True, None, None, None)
    assert [said in sentence for _, sentence in found] == ([] if said is None else [True])


@pytest.mark.parametrize(
    ("z_mean", "z_log_var", "said"),
    [
        (
            lambda m: np.maximum(m, 0),
            lambda m: m[::-1],
            "z_mean is never below 0, as behind a ReLU (",
        ),
        (lambda m: m, lambda m: m, "z_mean and z_log_var are the same numbers"),
        (lambda m: m, np.zeros_like, "z_log_var is never below 0, as behind a ReLU (100 % are 0)"),
        (lambda m: m, lambda m: m[::-1], None),
        (np.zeros_like, np.zeros_like, None),  # collapsed: both are 0 at the optimum
    ],
)
def test_means_behind_a_relu_and_one_layer_for_both_are_named(z_mean, z_log_var, said):
    from vaehelpers.diagnostics import Evaluation

    m = np.random.default_rng(0).normal(size=(100, 2))
    kl = 0.5 * (np.exp(z_log_var(m)) + z_mean(m) ** 2 - 1 - z_log_var(m))
    evaluation = Evaluation(np.full(100, 2.0), kl, z_mean(m), z_log_var(m))
    found = causes.about_causes(evaluation, True, None, None, None)
    assert [said in sentence for _, sentence in found] == ([] if said is None else [True])


def test_logits_are_called_that(images):
    assert says(
        diagnose(vae_of(from_logits, encoder(), decoder(None)), images),
        "is read as logits, as its loss reads it",
    )


def test_a_decoder_that_sees_the_image_otherwise_needs_no_code():
    found = causes.about_causes(evaluation_of(np.zeros([9, 1]), 80.0), True, None, None, 100.0)
    assert (
        len(found) == 1
        and "It is 20 nats better than the best constant image without a code" in found[0][1]
    )
