"""A VAE's file: what comes back whole, and what is an error where it is not known."""

import functools

import keras
import numpy as np
import pytest
from keras import ops
from small_vaes import SHAPE, Weighted, WideNormal, per_pixel

from vaehelpers import losses
from vaehelpers.models import VAE, build_mlp


@pytest.mark.backend
@pytest.mark.parametrize(
    ("log_likelihood", "objective"),
    [
        (lambda: losses.bernoulli_log_likelihood, None),
        (lambda: losses.gaussian_log_likelihood, Weighted),
        (losses.GaussianWithLearnedVariance, Weighted),
    ],
    ids=["functions", "an objective that is a layer", "both are layers"],
)
def test_a_saved_model_comes_back_whole(small_vae, saved_and_loaded, x, log_likelihood, objective):
    vae = small_vae(log_likelihood=log_likelihood(), objective=objective and objective())
    vae.fit(x, epochs=2, verbose=0)
    if objective:
        vae.objective.beta.assign(0.25)
    loaded = saved_and_loaded(vae)
    np.testing.assert_array_equal(
        loaded.predict(x, verbose=0)["x_decoded"], vae.predict(x, verbose=0)["x_decoded"]
    )
    before = loaded.evaluate(x, verbose=0)
    loaded.fit(x, epochs=1, verbose=0)
    assert loaded.evaluate(x, verbose=0) != before


@pytest.mark.backend
def test_fit_learns_the_variance_and_the_file_keeps_it(small_vae, saved_and_loaded, x):
    vae = small_vae(log_likelihood=losses.GaussianWithLearnedVariance(2.0))
    vae.fit(x, epochs=2, verbose=0)
    learned = vae.log_likelihood.variance
    assert learned < 1.999  # the pixels lie in [0, 1]: any mean between them errs by less than 1
    loaded = saved_and_loaded(vae)
    assert loaded.log_likelihood.variance == learned and loaded.log_likelihood.initial_variance == 2
    loaded.fit(x, epochs=2, verbose=0)
    assert loaded.log_likelihood.variance < learned


def test_a_likelihood_given_by_name_is_stored_as_its_function(small_vae, saved_and_loaded, x):
    vae = small_vae(log_likelihood="gaussian")
    vae.fit(x, epochs=1, verbose=0)
    assert saved_and_loaded(vae).log_likelihood is losses.gaussian_log_likelihood


@pytest.mark.parametrize(
    ("part", "function", "name"),
    [
        ("objective", per_pixel, "per_pixel"),
        ("objective", lambda d, kl: 3 * ops.mean(d), "objective"),
        ("log_likelihood", functools.partial(losses.bernoulli_log_likelihood), "log_likelihood"),
        ("log_likelihood", lambda x, m: losses.laplace_log_likelihood(x, m), "log_likelihood"),
    ],
)
def test_an_unknown_function_is_an_error_and_a_passed_one_is_used(
    small_vae, saved_and_loaded, tmp_path, x, part, function, name
):
    vae = small_vae(**{part: function})
    vae.fit(x, epochs=1, verbose=0)
    assert getattr(saved_and_loaded(vae, **{name: function}), part) is function
    with pytest.raises(ValueError, match=rf"{part} '.*', .*\{{'{name}': your_function\}}"):
        keras.saving.load_model(tmp_path / "vae.keras")


def test_two_functions_without_a_name_are_not_mixed_up(small_vae, saved_and_loaded, tmp_path, x):
    functions = {
        "log_likelihood": lambda x, mean: 0.5 * losses.gaussian_log_likelihood(x, mean),
        "objective": lambda d, kl: 3 * ops.mean(d),
    }
    vae = small_vae(**functions)
    vae.fit(x, epochs=1, verbose=0)
    saved_and_loaded(vae, **functions)
    with pytest.raises(ValueError, match="log_likelihood"):
        keras.saving.load_model(tmp_path / "vae.keras", custom_objects={"<lambda>": vae.objective})


@pytest.mark.backend
def test_attached_variables_come_back_as_they_were(small_vae, saved_and_loaded, x):
    weights = keras.Variable([0.5, 1.0, 2.0], trainable=True)
    vae = small_vae(
        objective=lambda d, kl: ops.mean(d) + ops.mean(ops.sum(ops.square(weights) * kl, axis=-1))
    )
    vae.per_dim = weights
    vae.fit(x, epochs=1, verbose=0)
    loaded = saved_and_loaded(vae, objective=vae.objective).per_dim
    assert loaded.trainable
    np.testing.assert_array_equal(ops.convert_to_numpy(loaded), ops.convert_to_numpy(weights))


@keras.saving.register_keras_serializable("tests")
class LearnedPrior(WideNormal):
    """A prior that makes its weight when it is built."""

    def build(self, shape):
        self.center = self.add_weight(shape=(shape[-1],), initializer="ones", name="center")

    def log_prob(self, z):
        return super().log_prob(z - self.center)


@pytest.mark.backend
def test_a_prior_with_a_weight_learns_and_comes_back(small_vae, saved_and_loaded, x):
    vae = small_vae(prior=LearnedPrior())
    vae.fit(x, epochs=2, verbose=0)
    assert np.all(ops.convert_to_numpy(vae.prior.center) != 1)
    saved_and_loaded(vae).fit(x, epochs=1, verbose=0)


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    """A decoder without `input_shape`."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(30)

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, z):
        return ops.reshape(self.dense(z), (-1, *SHAPE))


def test_a_subclassed_decoder_is_built_sampled_and_restored(tmp_path, x):
    def subclassed():
        return VAE(build_mlp(SHAPE, hidden=16, latent_dim=3)[0], Subclassed())

    vae, other = subclassed(), subclassed()
    vae.build((None, *SHAPE))
    vae.save_weights(tmp_path / "w.weights.h5")
    other.build((None, *SHAPE))
    other.load_weights(tmp_path / "w.weights.h5")
    vae.compile(run_eagerly=True)
    other.compile(run_eagerly=True)
    assert other.evaluate(x, verbose=0) == vae.evaluate(x, verbose=0)
    assert vae.sample_prior(2).shape == (2, 3)
