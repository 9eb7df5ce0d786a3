"""The weight of every step of a warm-up, as a callback listed after it sees it, and that the compiled loss reads it."""

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


def weights_of(warm_up, x=X, **options):
    """The weights of four epochs `[4, STEPS]`, or fewer."""
    vae = VAE(*build_mlp(SHAPE, hidden=4))
    vae.beta = keras.Variable(0.5, trainable=False)
    vae.compile(
        keras.optimizers.SGD(0.0), run_eagerly=True
    )  # the compiled step has a test of its own
    record = Record()
    options |= {"batch_size": BATCH} if x is X else {"shuffle": False}
    vae.fit(x, epochs=4, callbacks=[warm_up, record], verbose=0, **options)
    return np.array(record.weights)


def closed_form(epochs, n_epochs, final):
    """Steps done over the steps of the warm-up, at most 1, times the final weight."""
    done = np.arange(epochs.start * STEPS, epochs.stop * STEPS).reshape(-1, STEPS)
    return final * np.minimum(1, done / (n_epochs * STEPS))


@pytest.mark.parametrize(
    ("n_epochs", "final"), [(2, 1.0), (3, 4.0), (0.5, 1.0), (2.5, 0.3), (10, 1), (2, 0)]
)
def test_the_weight_rises_by_steps_to_its_final_value_and_stays(n_epochs, final):
    found = weights_of(KLWarmUp(n_epochs, final))
    np.testing.assert_allclose(found, closed_form(range(4), n_epochs, final), rtol=1e-6)


def test_a_run_that_goes_on_goes_on_with_its_weight():
    found = weights_of(KLWarmUp(3, 2.0), initial_epoch=1)
    np.testing.assert_allclose(found, closed_form(range(1, 4), 3, 2.0), rtol=1e-6)


def test_a_generator_with_known_steps_is_an_array_to_it():
    endless = ((batch,) for batch in itertools.cycle(np.split(X, STEPS)))
    found = weights_of(KLWarmUp(3), x=endless, steps_per_epoch=STEPS)
    np.testing.assert_allclose(found, closed_form(range(4), 3, 1.0), rtol=1e-6)


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # how Keras finds the length
def test_over_data_of_unknown_length_only_the_first_epoch_is_flat():
    tf = pytest.importorskip("tensorflow")
    signature = tf.TensorSpec((BATCH, *SHAPE))
    x = tf.data.Dataset.from_generator(lambda: iter(np.split(X, STEPS)), output_signature=signature)
    found = weights_of(KLWarmUp(3), x=x)
    assert np.all(found[0] == 0)
    np.testing.assert_allclose(found[1:], closed_form(range(1, 4), 3, 1.0), rtol=1e-6)


def test_the_compiled_objective_reads_the_weight():
    """An objective of the weight alone: the loss of an epoch is 7 times the mean of its steps' weights."""
    beta = keras.Variable(0.0, trainable=False)
    vae = VAE(*build_mlp(SHAPE, hidden=4), objective=lambda d, kl: 7 * beta + 0 * ops.mean(d))
    vae.beta = beta
    vae.compile(keras.optimizers.SGD(0.0))
    history = vae.fit(X, batch_size=BATCH, epochs=4, verbose=0, callbacks=[KLWarmUp(2)]).history
    np.testing.assert_allclose(
        history["loss"], 7 * closed_form(range(4), 2, 1.0).mean(1), rtol=1e-5
    )


def test_another_name_is_another_variable():
    vae = VAE(*build_mlp(SHAPE, hidden=4))
    vae.beta, vae.gamma = (keras.Variable(0.0, trainable=False) for _ in range(2))
    vae.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    vae.fit(X, batch_size=BATCH, epochs=2, verbose=0, callbacks=[KLWarmUp(1, 3.0, name="gamma")])
    assert float(vae.gamma) == 3 and float(vae.beta) == 0


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
