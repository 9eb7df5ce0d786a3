"""The weight of every step of a warm-up: as callbacks see it, and as the compiled loss reads it."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from vaehelpers.losses import KLWarmUp
from vaehelpers.models import VAE, build_mlp

pytestmark = pytest.mark.backend

SHAPE = (3, 2, 1)
BATCH = 4
STEPS = 5
X = np.random.default_rng(0).random((BATCH * STEPS, *SHAPE), dtype="float32")


class Record(keras.callbacks.Callback):
    """The weight at the beginning of every step, a list for each epoch."""

    def __init__(self):
        super().__init__()
        self.weights = []

    def on_epoch_begin(self, epoch, logs=None):
        self.weights.append([])

    def on_train_batch_begin(self, batch, logs=None):
        if batch < STEPS:  # TensorFlow also begins the step that finds a data set at its end
            self.weights[-1].append(float(ops.convert_to_numpy(self.model.beta)))


@pytest.fixture
def vae():
    """Its loss is the weight, so that the loss of an epoch is the mean of its steps' weights."""
    beta = keras.Variable(0.5, trainable=False)
    vae = VAE(*build_mlp(SHAPE, hidden=4), objective=lambda d, kl: beta + 0 * ops.mean(d))
    vae.beta = beta
    vae.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    return vae


def fitted(vae, warm_up, x=X, epochs=4, callbacks=(), **options):
    options |= {"batch_size": BATCH} if x is X else {"shuffle": False}
    return vae.fit(x, epochs=epochs, callbacks=[warm_up, *callbacks], verbose=0, **options).history


def weights_of(vae, warm_up, **options):
    """The weights of four epochs or fewer, `[4, STEPS]`, as a callback listed after sees them."""
    record = Record()
    fitted(vae, warm_up, callbacks=[record], **options)
    return np.array(record.weights)


def closed_form(epochs, n_epochs, final=1.0):
    """Steps done over the steps of the warm-up, at most 1, times the final weight."""
    done = np.arange(epochs.start * STEPS, epochs.stop * STEPS).reshape(-1, STEPS)
    return final * np.minimum(1, done / (n_epochs * STEPS))


def of_unknown_length():
    tf = pytest.importorskip("tensorflow")
    signature = tf.TensorSpec((BATCH, *SHAPE))
    return tf.data.Dataset.from_generator(
        lambda: iter(np.split(X, STEPS)), output_signature=signature
    )


@pytest.mark.parametrize(
    ("n_epochs", "final"), [(2, 1.0), (3, 4.0), (0.5, 1.0), (2.5, 0.3), (10, 1), (2, 0)]
)
def test_the_weight_rises_by_steps_to_its_final_value_and_stays(vae, n_epochs, final):
    found = weights_of(vae, KLWarmUp(n_epochs, final))
    np.testing.assert_allclose(found, closed_form(range(4), n_epochs, final), rtol=1e-6)


def test_a_run_that_goes_on_goes_on_with_its_weight(vae):
    found = weights_of(vae, KLWarmUp(3, 2.0), initial_epoch=1)
    np.testing.assert_allclose(found, closed_form(range(1, 4), 3, 2.0), rtol=1e-6)


def test_a_generator_with_known_steps_is_an_array_to_it(vae):
    endless = ((batch,) for batch in itertools.cycle(np.split(X, STEPS)))
    found = weights_of(vae, KLWarmUp(3), x=endless, steps_per_epoch=STEPS)
    np.testing.assert_allclose(found, closed_form(range(4), 3), rtol=1e-6)


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # how Keras finds the length
def test_over_data_of_unknown_length_only_the_first_epoch_is_flat(vae):
    found = weights_of(vae, KLWarmUp(3), x=of_unknown_length())
    assert np.all(found[0] == 0)
    np.testing.assert_allclose(found[1:], closed_form(range(1, 4), 3), rtol=1e-6)
    assert float(vae.beta) == pytest.approx(1)


@pytest.mark.parametrize("at_once", [1, 2, STEPS, 2 * STEPS])
@pytest.mark.parametrize("n_epochs", [1, 2.5])
def test_every_compiled_step_has_its_weight_however_many_an_execution_holds(vae, at_once, n_epochs):
    """Two steps an execution do not divide five. Validation has the weight of the last step."""
    vae.compile(keras.optimizers.SGD(0.0), steps_per_execution=at_once)
    history = fitted(vae, KLWarmUp(n_epochs, 7.0), epochs=3, validation_data=X)
    expected = closed_form(range(3), n_epochs, 7.0)
    np.testing.assert_allclose(history["loss"], expected.mean(1), rtol=1e-5)
    np.testing.assert_allclose(history["val_loss"], expected[:, -1], rtol=1e-5)
    assert float(vae.beta) == pytest.approx(expected[-1, -1], rel=1e-5)


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize("accumulated", [None, 5])
def test_executions_of_several_steps_over_data_of_unknown_length(vae, accumulated):
    optimizer = keras.optimizers.SGD(0.0, gradient_accumulation_steps=accumulated)
    vae.compile(optimizer, steps_per_execution=2)
    history = fitted(vae, KLWarmUp(3), x=of_unknown_length())
    expected = np.append(0, closed_form(range(1, 4), 3).mean(1))
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-5)


class Interrupt(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise KeyboardInterrupt


def test_the_weight_stands_still_after_the_fit_and_after_an_interrupted_one(vae):
    vae.compile(keras.optimizers.SGD(0.0), steps_per_execution=2)
    fitted(vae, KLWarmUp(8), epochs=1)
    for _ in range(2):
        weight = float(vae.beta)
        assert 0 < weight < 1 / 8
        assert vae.fit(X, batch_size=BATCH, verbose=0).history["loss"] == [pytest.approx(weight)]
        assert float(vae.beta) == weight
        with pytest.raises(KeyboardInterrupt):
            fitted(vae, KLWarmUp(8), callbacks=[Interrupt()])


def test_a_model_that_is_no_vae_has_one_step_an_execution():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.beta = keras.Variable(0.0, trainable=False)
    given = {"x": np.ones([4, 3]), "y": np.ones([4, 1]), "batch_size": 1, "verbose": 0}
    model.compile("sgd", "mse", steps_per_execution=2)
    with pytest.raises(ValueError, match=r"^steps_per_execution is 2, .* steps_per_execution=1$"):
        model.fit(**given, callbacks=[KLWarmUp(1)])
    model.compile("sgd", "mse")
    model.fit(**given, callbacks=[KLWarmUp(1)])
    assert float(model.beta) == 0.75


def test_another_name_is_another_variable(vae):
    vae.gamma = keras.Variable(0.0, trainable=False)
    fitted(vae, KLWarmUp(1, 3.0, name="gamma"))
    assert float(vae.gamma) == 3 and float(vae.beta) == 0.5


@pytest.mark.parametrize("attached", [{}, {"beta": 0.5}, {"gamma": keras.Variable(0.0)}])
def test_a_model_without_the_variable_is_an_error_with_its_cure(attached):
    vae = VAE(*build_mlp(SHAPE, hidden=4))
    for name, value in attached.items():
        setattr(vae, name, value)
    vae.compile()
    with pytest.raises(
        ValueError,
        match=r"no variable named 'beta': attach one, vae.beta = keras.Variable\(0.0, tra",
    ):
        vae.fit(X, verbose=0, callbacks=[KLWarmUp(2)])


@pytest.mark.parametrize(
    ("arguments", "name", "error"),
    [
        *(((bad,), "n_epochs", ValueError) for bad in (0, -1, np.nan, np.inf)),
        *(((bad,), "n_epochs", TypeError) for bad in (True, "2")),
        *(((1, bad), "final", ValueError) for bad in (-0.1, np.nan, np.inf)),
        *(((1, bad), "final", TypeError) for bad in (True, "1")),
    ],
)
def test_numbers_outside_their_ranges_are_named(arguments, name, error):
    with pytest.raises(error, match=f"^{name} is .*: pass a"):
        KLWarmUp(*arguments)
