"""The guard of a training: what it says, when it warns, and that it leaves no trace."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops
from keras_losses import BITS, compiled, drawn, kl, kl_per_dim, same, stepped, tensorflow_only

from vaehelpers import losses
from vaehelpers.audit.guard import TrainingGuard
from vaehelpers.models import VAE, build_mlp

SHAPE = (3,)


class Unseeded(layers.Layer):
    def call(self, codes):
        import tensorflow as tf

        z_mean, z_log_var = codes
        return z_mean + ops.exp(0.5 * z_log_var) * tf.random.normal(tf.shape(z_mean))


class Example(keras.Model):
    """The Keras example's form, with every source of random numbers; it reports a mean KL."""

    def __init__(self, weight=1.0):
        super().__init__()
        self.weight = weight
        x, z = keras.Input(SHAPE), keras.Input((2,))
        h = layers.Dropout(0.2)(layers.BatchNormalization()(layers.Dense(4, "relu")(x)))
        codes = [layers.Dense(2)(h), layers.Dense(2)(h)]
        self.encoder = keras.Model(x, [*codes, Unseeded()(codes)])
        self.decoder = keras.Model(z, layers.Dense(3, "sigmoid")(z))
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.steps = 0

    def train_step(self, x):
        import tensorflow as tf

        self.steps += 1
        with tf.GradientTape() as tape:
            z_mean, z_log_var, z = self.encoder(x, training=True)
            z += keras.random.normal(ops.shape(z), stddev=np.float32(1e-3 * np.random.rand()))  # noqa: NPY002
            distortion = ops.mean(3 * keras.losses.binary_crossentropy(x, self.decoder(z)))
            mean_kl = ops.mean(kl_per_dim(z_mean, z_log_var))
            total = distortion + 2 * self.weight * mean_kl
        return stepped(self, tape, total) | {"kl_loss": mean_kl}


def weighted(beta):
    return lambda distortion, kl: ops.mean(distortion + beta * ops.sum(kl, axis=-1))


def course_vae(beta=1.0, objective=None, made=VAE):
    networks = build_mlp(SHAPE, hidden=None, latent_dim=2)
    vae = made(*networks, objective=objective or weighted(beta))
    vae.compile(keras.optimizers.Adam(0.05))
    return vae


def watched(model, *arguments, **options):
    """The guard of a model, at the beginning of a training."""
    watch = TrainingGuard(*arguments, **options)
    watch.set_model(model)
    watch.on_train_begin()
    return watch


def fitted(make, callbacks, epochs=3, **arguments):
    """All state after a training from seed 0, and a number from each generator."""
    keras.utils.set_random_seed(0)
    model = make()
    model.fit(BITS, epochs=epochs, batch_size=64, verbose=0, callbacks=callbacks, **arguments)
    states = [*model.variables, *model.metrics_variables, *model.optimizer.variables]
    numbers = [keras.random.uniform((1,)), np.random.rand(1)]  # noqa: NPY002 - the legacy generator
    return model, [np.array(ops.convert_to_numpy(value)) for value in (*states, *numbers)]


def example(eagerly=False, **arguments):
    return compiled(Example(**arguments), run_eagerly=eagerly)


@pytest.mark.backend
@pytest.mark.filterwarnings("ignore:after epoch 2 the rate is")  # it also audits in the middle
@pytest.mark.parametrize(
    "make",
    [
        course_vae,
        pytest.param(lambda: example(True), marks=tensorflow_only),
        pytest.param(example, marks=tensorflow_only),
    ],
)
def test_weights_and_random_numbers_are_bitwise_the_same_with_and_without_it(make, capsys):
    alone, expected = fitted(make, [])
    guarded, found = fitted(make, [TrainingGuard(BITS)])
    assert "trains beta = 1 " in capsys.readouterr().out
    assert len(expected) > 8
    same(found, expected)
    assert getattr(guarded, "steps", 0) == getattr(alone, "steps", 0)


class Unbuilt(keras.Model):
    """Its layers have no weights before the first step."""

    def __init__(self):
        super().__init__()
        self.encoder = keras.Sequential([layers.Dense(4)])
        self.decoder = keras.Sequential([layers.Dense(3, "sigmoid")])

    def call(self, x):
        z_mean, z_log_var = ops.split(self.encoder(x), 2, axis=1)
        self.add_loss(kl(z_mean, z_log_var))
        return self.decoder(drawn(z_mean, z_log_var))


@tensorflow_only
@pytest.mark.parametrize(
    ("x", "said"), [(BITS, "trains beta = 1"), (None, "pass TrainingGuard(x=images)")]
)
@pytest.mark.filterwarnings("ignore:after epoch")
def test_a_model_without_weights_yet_gets_the_ones_that_it_would_have_had(x, said, capsys):
    def make():
        return compiled(Unbuilt(), loss=lambda x, p: 3 * keras.losses.binary_crossentropy(x, p))

    expected = fitted(make, [], y=BITS)[1]
    found = fitted(make, [TrainingGuard(x)], y=BITS)[1]
    assert said in capsys.readouterr().out
    same(found, expected)


@pytest.mark.parametrize(
    ("beta", "said"),
    [(1.0, "collapse is unstable: a small code pays"), (10.0, "no code of any size pays")],
)
def test_before_the_first_epoch_it_says_beta_and_where_that_lies(beta, said, capsys):
    watch = TrainingGuard(BITS)
    fitted(lambda: course_vae(beta), [watch], epochs=1)
    first, second = capsys.readouterr().out.strip().splitlines()
    assert first.startswith(f"TrainingGuard: This loss trains beta = {beta:.0f} ")
    assert f"beta = {beta:.3g} means: {said}" in second and "(threshold 3; from 3 on" in second
    assert watch.found.beta == pytest.approx(beta, rel=1e-3)


@pytest.mark.backend
def test_it_warns_of_a_collapse_after_two_epochs_and_not_of_a_living_code():
    said = r"after epoch \d+ the rate is .* below 0.01: .* no code of any size pays"
    with pytest.warns(RuntimeWarning, match=said):
        fitted(lambda: course_vae(100.0), [TrainingGuard(BITS)], epochs=12)
    fitted(lambda: course_vae(0.1), [TrainingGuard(BITS, raise_on_collapse=True)], epochs=4)


def test_it_raises_where_that_is_asked_and_not_before_the_second_epoch():
    watch = watched(course_vae(), raise_on_collapse=True)
    watch.on_epoch_end(0, {"rate": 0.001})
    said = r"after epoch 2 the rate is 0.001 nats.*beta = 1; with TrainingGuard\(x="
    with pytest.raises(RuntimeError, match=said):
        watch.on_epoch_end(1, {"rate": 0.001})


@pytest.mark.parametrize("start", [0.0, 0.25])
def test_it_waits_while_the_weight_of_the_kl_rises(start):
    beta = keras.Variable(start, trainable=False)
    vae = course_vae(beta)
    vae.beta = beta
    watch = watched(vae, raise_on_collapse=True)
    for epoch, weight in enumerate((start, 0.5, 0.75, 1.0)):
        beta.assign(weight)
        watch.on_epoch_end(epoch, {"rate": 0.001})
    with pytest.raises(RuntimeError, match="after epoch 5"):
        watch.on_epoch_end(4, {"rate": 0.001})


@tensorflow_only
@pytest.mark.parametrize(
    ("weight", "kl_loss", "collapsed"),
    [(1.0, 0.004, True), (1.0, 0.006, False), (0.25, 0.001, True), (0.25, 0.002, False)],
)
def test_a_reported_kl_may_be_weighted_and_a_mean_over_two_latents(weight, kl_loss, collapsed):
    watch = watched(example(weight=weight))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for epoch in range(2):
            watch.on_epoch_end(epoch, {"kl_loss": kl_loss})
    assert watch.rate == pytest.approx(2 * kl_loss / weight, rel=1e-3)
    assert bool(caught) == collapsed


@tensorflow_only
def test_the_rate_of_x_is_that_of_the_encoder():
    model = example()
    watch = watched(model, BITS)
    expected = float(kl(*model.encoder(BITS)[:2]))
    assert watch._rate_now({"kl_loss": 0.0}) == pytest.approx(expected, rel=1e-5)


def test_a_model_that_cannot_be_audited_gets_one_line_and_trains(capsys):
    def own(y, y_pred):
        return ops.mean(ops.square(BITS[: len(y)] - y_pred))

    def make():
        x = keras.Input(SHAPE)
        return compiled(keras.Model(x, layers.Dense(3)(x)), loss=own, run_eagerly=True)

    fitted(make, [TrainingGuard(BITS)], epochs=1, y=BITS)
    said = capsys.readouterr().out
    assert said.startswith("TrainingGuard: which beta this model trains cannot be told (")
    assert said.count("\n") == 1


def test_free_bits_are_one_line_too(capsys):
    def objective(distortion, kl):
        return ops.mean(distortion) + losses.free_bits_rate(kl, 0.5)

    fitted(lambda: course_vae(objective=objective), [TrainingGuard()], epochs=1)
    assert "cannot be told (the KL is free at first" in capsys.readouterr().out


class Quotes(VAE):
    """Its loss raises an error with the words of an advice of the audit's."""

    def compute_loss(self, *args, **kwargs):
        raise RuntimeError("pass image_shape=(28, 28, 1)")


def test_the_words_of_the_user_s_own_error_are_left_as_they_are(capsys):
    watched(course_vae(made=Quotes))
    assert "(RuntimeError: pass image_shape=(28, 28, 1))" in capsys.readouterr().out


def test_images_that_are_no_array_are_refused():
    with pytest.raises(TypeError, match="x is a list: pass an array of images"):
        TrainingGuard([1.0])
