"""The VAE as a Keras model, on whichever backend runs: its numbers, its file, its schedule, its errors."""

import functools

import keras
import numpy as np
import pytest
from keras import ops

from vaehelpers import losses, runtime
from vaehelpers.models import VAE, Sampling, build_keras_example, build_mlp

SHAPE = (6, 5, 1)


@pytest.fixture
def x():
    return np.random.default_rng(0).random((48, *SHAPE), dtype="float32")


def small_vae(**arguments):
    runtime.set_seed(0)
    vae = VAE(*build_mlp(SHAPE, hidden=16, latent_dim=3), **arguments)
    vae.compile(keras.optimizers.Adam(3e-3))
    return vae


@keras.saving.register_keras_serializable("tests")
class LearnedVariance(keras.layers.Layer):
    """A likelihood with a weight of its own: one log variance for all pixels."""

    def build(self, *shapes):
        self.log_var = self.add_weight(shape=(), initializer="zeros", name="log_var")

    def call(self, x, x_mean):
        return losses.gaussian_log_likelihood(x, x_mean, self.log_var)


@keras.saving.register_keras_serializable("tests")
class WideNormal(keras.layers.Layer):
    """A prior N(0, 4 I)."""

    def log_prob(self, z):
        return losses.gaussian_log_likelihood(z, ops.zeros_like(z), np.log(4.0))

    def sample(self, n, seed=None):
        return 2 * keras.random.normal((n, 3), seed=seed)


@keras.saving.register_keras_serializable("tests")
class Weighted(keras.layers.Layer):
    """An objective whose weight is a weight of the layer."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.beta = self.add_weight(shape=(), initializer="zeros", trainable=False, name="beta")

    def call(self, distortion, kl_per_dim):
        return ops.mean(distortion + self.beta * ops.sum(kl_per_dim, axis=-1))


def per_pixel(distortion, kl_per_dim):
    return ops.mean(distortion) / 784 + ops.mean(ops.sum(kl_per_dim, axis=-1))


def test_sampling_draws_from_q_and_restarts():
    z_mean, z_log_var = np.full([20_000, 2], 3.0, "float32"), np.full([20_000, 2], np.log(4.0), "float32")
    layer = Sampling(seed=1)
    z, other = (ops.convert_to_numpy(layer(z_mean, z_log_var)) for _ in range(2))
    assert abs(z.mean() - 3) < 4 * 2 / np.sqrt(z.size) and abs(z.std() - 2) < 0.03
    assert not np.any(z == other)
    layer.restart()
    np.testing.assert_array_equal(layer(z_mean, z_log_var), z)
    np.testing.assert_array_equal(Sampling.from_config(layer.get_config())(z_mean, z_log_var), z)


@pytest.mark.parametrize("latent_dim", [1, 2, 7])
@pytest.mark.parametrize("build", [build_keras_example, build_mlp, lambda **kwargs: build_mlp(hidden=None, **kwargs)])
def test_networks_map_images_to_codes_and_back(build, latent_dim):
    encoder, decoder = build(latent_dim=latent_dim)
    z_mean, z_log_var = encoder(np.zeros([3, 28, 28, 1]))
    assert tuple(z_mean.shape) == tuple(z_log_var.shape) == (3, latent_dim)
    assert tuple(decoder(z_mean).shape) == (3, 28, 28, 1)


def test_a_network_without_hidden_layers_is_linear():
    encoder, decoder = build_mlp((4,), hidden=None, latent_dim=3)
    for network, width in ((lambda a: encoder(a)[0], 4), (decoder, 3)):
        a, b = np.random.default_rng(0).normal(size=(2, 5, width)).astype("float32")
        offset = ops.convert_to_numpy(network(np.zeros_like(a)))
        both, alone = network(a + b), ops.convert_to_numpy(network(a)) + ops.convert_to_numpy(network(b))
        np.testing.assert_allclose(both, alone - offset, atol=1e-5)


def test_the_metrics_and_the_loss_are_the_elbos_terms(x):
    vae = small_vae()
    found = vae.evaluate(x, verbose=0, return_dict=True)
    out = vae.predict(x, verbose=0)
    distortion = -ops.convert_to_numpy(losses.bernoulli_log_likelihood(x, out["x_decoded"])).mean()
    rate = ops.convert_to_numpy(losses.gaussian_kl(out["z_mean"], out["z_log_var"])).mean()
    expected = {"distortion": distortion, "rate": rate, "loss": distortion + rate}
    assert found == pytest.approx(expected, rel=1e-5)


def test_metrics_weigh_a_short_last_batch_by_its_size(x):
    """48 images in batches of 20: the means are over images, not over batches."""
    vae = small_vae()
    found = vae.evaluate(x, batch_size=20, verbose=0, return_dict=True)
    z_mean, z_log_var = vae.encode(x)
    assert found["rate"] == pytest.approx(ops.convert_to_numpy(losses.gaussian_kl(z_mean, z_log_var)).mean(), rel=1e-5)
    assert found["loss"] == pytest.approx(found["distortion"] + found["rate"], rel=1e-5)


def test_fit_with_validation_data_lowers_the_loss_and_keeps_the_validation_noise(x):
    vae = small_vae()
    history = vae.fit(x, epochs=10, batch_size=16, validation_data=x, verbose=0).history
    assert {"loss", "distortion", "rate", "val_loss", "val_distortion", "val_rate"} <= set(history)
    assert history["val_loss"][-1] < history["val_loss"][0]
    again = vae.evaluate(x, batch_size=16, verbose=0, return_dict=True)
    assert again["loss"] == pytest.approx(history["val_loss"][-1], rel=1e-6)


def test_evaluate_and_predict_repeat_and_training_noise_does_not(x):
    vae = small_vae()
    assert vae.evaluate(x, verbose=0) == vae.evaluate(x, verbose=0)
    np.testing.assert_array_equal(vae.predict(x, verbose=0)["z"], vae.predict(x, verbose=0)["z"])
    first, second = (ops.convert_to_numpy(vae(x, training=True)["z"]) for _ in range(2))
    assert not np.any(first == second)


def test_the_same_seed_trains_the_same_model_and_another_does_not(x):
    def trained(seed):
        vae = small_vae()
        runtime.set_seed(seed)
        vae = VAE(*build_mlp(SHAPE, hidden=16))
        vae.compile("adam")
        return vae.fit(x, epochs=2, verbose=0).history["loss"]

    assert trained(1) == trained(1) != trained(2)


def test_any_data_set_of_images_can_be_fitted(x):
    vae = small_vae()
    vae.fit(Batches(x), epochs=1, verbose=0)
    assert np.isfinite(vae.evaluate(Batches(x), verbose=0)).all()
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        vae.fit(tf.data.Dataset.from_tensor_slices(x).batch(16), epochs=1, shuffle=False, verbose=0)


@pytest.mark.parametrize("objective", [None, Weighted], ids=["default", "a layer"])
@pytest.mark.parametrize(
    "log_likelihood", [losses.bernoulli_log_likelihood, losses.gaussian_log_likelihood, LearnedVariance]
)
def test_a_saved_model_comes_back_whole(tmp_path, x, log_likelihood, objective):
    log_likelihood = LearnedVariance() if log_likelihood is LearnedVariance else log_likelihood
    vae = small_vae(log_likelihood=log_likelihood, objective=objective and objective())
    vae.fit(x, epochs=2, verbose=0)
    if objective:
        vae.objective.beta.assign(0.25)
    vae.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras")
    assert loaded.evaluate(x, verbose=0) == vae.evaluate(x, verbose=0)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0)["x_decoded"], vae.predict(x, verbose=0)["x_decoded"])
    before = loaded.evaluate(x, verbose=0)
    loaded.fit(x, epochs=3, verbose=0)
    assert loaded.evaluate(x, verbose=0) != before


def test_a_likelihood_with_a_weight_learns_it(x):
    vae = small_vae(log_likelihood=LearnedVariance())
    vae.fit(x, epochs=2, verbose=0)
    assert any(weight.name == "log_var" for weight in vae.trainable_weights)
    assert float(vae.log_likelihood.log_var) != 0


def test_an_unknown_objective_is_an_error_and_a_passed_one_is_used(tmp_path, x):
    vae = small_vae(objective=per_pixel)
    vae.fit(x, epochs=1, verbose=0)
    vae.save(tmp_path / "vae.keras")
    with pytest.raises(ValueError, match=r"objective 'per_pixel', .* custom_objects=\{'per_pixel': your_function\}"):
        keras.saving.load_model(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras", custom_objects={"per_pixel": per_pixel})
    assert loaded.objective is per_pixel
    assert loaded.evaluate(x, verbose=0) == vae.evaluate(x, verbose=0)


def test_an_unknown_likelihood_is_an_error(tmp_path, x):
    vae = small_vae(log_likelihood=lambda x, x_decoded: losses.bernoulli_log_likelihood(x, x_decoded))
    vae.fit(x, epochs=1, verbose=0)
    vae.save(tmp_path / "vae.keras")
    with pytest.raises(ValueError, match=r"log_likelihood '<lambda>', .*\{'log_likelihood': your_function\}"):
        keras.saving.load_model(tmp_path / "vae.keras")


def test_a_prior_makes_the_rate_a_monte_carlo_estimate(tmp_path, x):
    vae = small_vae(prior=WideNormal())
    vae.fit(x, epochs=1, verbose=0)
    variance = np.exp(np.float64(vae.encode(x)[1]))
    z_mean, z_log_var = (np.float64(a) for a in vae.encode(x))
    exact = 0.5 * ((variance + z_mean**2) / 4 - 1 - z_log_var + np.log(4)).sum(1).mean()
    rates = []
    for _ in range(200):
        out = vae(x, training=True)
        vae.rate_tracker.reset_state()
        vae.compute_loss(x, y_pred=out)
        rates.append(float(vae.rate_tracker.result()))
    assert abs(np.mean(rates) - exact) < 4 * np.std(rates) / np.sqrt(len(rates))
    assert vae.sample_prior(5, seed=0).shape == (5, 3)
    vae.save(tmp_path / "vae.keras")
    assert keras.saving.load_model(tmp_path / "vae.keras").evaluate(x, verbose=0) == vae.evaluate(x, verbose=0)


class Raise(keras.callbacks.Callback):
    """Set the weight to the number of the epoch, or to that of the step."""

    def __init__(self, find, when):
        super().__init__()
        self.find, self.when = find, when

    def on_epoch_begin(self, epoch, logs=None):
        if self.when == "epoch":
            self.find(self.model).assign(epoch)

    def on_train_batch_begin(self, batch, logs=None):
        if self.when == "batch":
            self.find(self.model).assign(batch)


@pytest.mark.parametrize("when", ["epoch", "batch"])
@pytest.mark.parametrize("kind", ["attached variable", "objective that is a layer"])
def test_a_scheduled_weight_really_changes(tmp_path, x, kind, when):
    """With a learning rate of 0 the loss is distortion + beta * rate at fixed weights: it shows beta."""
    if kind == "attached variable":
        beta = keras.Variable(0.0, trainable=False, name="beta")
        vae = small_vae(objective=lambda d, kl: ops.mean(d + beta * ops.sum(kl, axis=-1)))
        vae.beta = beta
    else:
        vae = small_vae(objective=Weighted())

    def find(model):
        return model.beta if kind == "attached variable" else model.objective.beta

    vae.compile(keras.optimizers.SGD(0.0))
    three_equal_batches = np.tile(x[:16], (3, 1, 1, 1))
    callbacks = [Raise(find, when)]
    history = vae.fit(
        three_equal_batches, epochs=4, batch_size=16, shuffle=False, verbose=0, callbacks=callbacks
    ).history
    found = (np.array(history["loss"]) - history["distortion"]) / history["rate"]
    np.testing.assert_allclose(found, [0, 1, 2, 3] if when == "epoch" else [1, 1, 1, 1], atol=1e-3)
    vae.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras", custom_objects={"objective": vae.objective})
    assert float(find(loaded)) == (3 if when == "epoch" else 2)


def test_encode_decode_and_samples_are_numpy(x):
    vae = small_vae()
    z_mean, z_log_var = vae.encode(x)
    out = vae.predict(x, verbose=0)
    np.testing.assert_allclose(z_mean, out["z_mean"], atol=1e-5)
    np.testing.assert_allclose(z_log_var, out["z_log_var"], atol=1e-5)
    np.testing.assert_allclose(vae.decode(out["z"]), out["x_decoded"], atol=1e-4)
    z = vae.sample_prior(1000, seed=0)
    assert isinstance(z, np.ndarray) and z.shape == (1000, 3)
    assert abs(z.mean()) < 0.1 and abs(z.std() - 1) < 0.1
    np.testing.assert_array_equal(z, vae.sample_prior(1000, seed=0))


BAD = [
    (lambda x: (255 * x).astype("uint8"), "divide by 255"),
    (lambda x: 2 * x - 1, r"\(x \+ 1\) / 2"),
    (lambda x: x * np.nan, "NaN"),
    (lambda x: x[..., 0], r"x\[..., None\]"),
    (lambda x: x[:0], "no images"),
    (lambda x: x[0], r"x\[None\]"),
    (lambda x: x[:, :3], r"\[N, 6, 5, 1\]"),
]


@pytest.mark.parametrize(("spoil", "words"), BAD)
def test_bad_images_are_named_at_every_door(x, spoil, words):
    vae = small_vae()
    before = vae.get_weights()
    for door in (vae.fit, vae.evaluate, vae.predict, vae.encode):
        with pytest.raises(ValueError, match=f"^x .*{words}"):
            door(spoil(x))
    with pytest.raises(ValueError, match=f"^validation_data .*{words}"):
        vae.fit(x, validation_data=spoil(x))
    for old, new in zip(before, vae.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_bad_images_in_a_data_set_are_named(x):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("tf.data is TensorFlow's")
    import tensorflow as tf

    for bad in (255 * x, (255 * x, x)):
        with pytest.raises(ValueError, match="divide by 255"):
            small_vae().fit(tf.data.Dataset.from_tensor_slices(bad).batch(16), shuffle=False, verbose=0)


def test_a_gaussian_takes_any_real_pixels(x):
    vae = small_vae(log_likelihood=losses.gaussian_log_likelihood)
    vae.fit(2 * x - 1, epochs=1, verbose=0)
    with pytest.raises(ValueError, match="NaN"):
        vae.fit(x * np.nan)


def test_targets_and_weights_are_refused(x):
    for arguments in ({"y": x}, {"sample_weight": np.ones(len(x))}):
        for door in (small_vae().fit, small_vae().evaluate):
            with pytest.raises(ValueError, match="the target of a VAE is x itself"):
                door(x, **arguments, verbose=0)
    small_vae().fit(x, validation_data=(x,), verbose=0)
    small_vae().fit(x, validation_data=(x, None), verbose=0)
    with pytest.raises(ValueError, match="the target of a VAE is x itself"):
        small_vae().fit(x, validation_data=(x, x), verbose=0)


def test_an_objective_must_return_one_number(x):
    with pytest.raises(ValueError, match="objective returned shape"):
        small_vae(objective=lambda distortion, kl_per_dim: distortion).fit(x, verbose=0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_factor_decides_whether_the_code_is_used(digits, seed):
    """The course in one test: the mean over pixels collapses, the sum does not."""
    rates = {}
    for name, objective in (("mean", per_pixel), ("sum", None)):
        runtime.set_seed(seed)
        vae = VAE(*build_mlp(hidden=64), objective=objective)
        vae.compile(keras.optimizers.Adam(3e-3))
        vae.fit(digits.x_train, epochs=8, batch_size=64, verbose=0)
        rates[name] = vae.evaluate(digits.x_test, verbose=0, return_dict=True)["rate"]
    assert rates["mean"] < 0.01
    assert rates["sum"] > 0.05


@pytest.mark.parametrize("bad", [None, "x", {}, [], [np.zeros([2, *SHAPE])]])
def test_what_is_no_array_is_named_at_every_door(x, bad):
    for door in (small_vae().fit, small_vae().evaluate, small_vae().predict, small_vae().encode):
        with pytest.raises(TypeError, match=f"^x is a {type(bad).__name__}: pass"):
            door(bad)


class Batches(keras.utils.PyDataset):
    """Batches of 16 of some images, of any dtype."""

    def __init__(self, images):
        super().__init__()
        self.images = images

    def __len__(self):
        return len(self.images) // 16

    def __getitem__(self, index):
        return self.images[16 * index : 16 * index + 16]


def test_an_empty_data_set_is_named(x):
    with pytest.raises(ValueError, match="x is a data set without a batch"):
        small_vae().fit(Batches(x[:3]))


@pytest.mark.parametrize("prior", [None, WideNormal])
def test_images_in_double_precision_are_trained_on(x, prior):
    vae = small_vae(prior=prior and prior())
    vae.fit(Batches(x.astype("float64")), epochs=1, verbose=0)
    vae.train_on_batch(x.astype("float64"))
    assert np.isfinite(vae.evaluate(Batches(x.astype("float64")), verbose=0)).all()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_computes_the_terms_in_single_precision(x, policy):
    exact = small_vae().evaluate(x, verbose=0, return_dict=True)
    keras.config.set_dtype_policy(policy)
    try:
        vae = small_vae()
        found = vae.evaluate(x, verbose=0, return_dict=True)
        vae.fit(x, epochs=1, verbose=0)
    finally:
        keras.config.set_dtype_policy("float32")
    assert found == pytest.approx(exact, rel=0.02)


def test_half_precision_is_summed_in_single_precision():
    x = np.zeros([1, 64, 64, 3], "float16")
    found = losses.gaussian_log_likelihood(x, x, np.float16(9))
    assert float(found[0]) == pytest.approx(-0.5 * x.size * (np.log(2 * np.pi) + 9), rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"log_likelihood": lambda x, mean: -ops.square(x - mean)}, "log_likelihood"),
        ({"log_likelihood": lambda x, mean: -ops.mean(ops.square(x - mean))}, "log_likelihood"),
        ({"log_likelihood": lambda x, mean: -ops.sum(ops.abs(x - mean), axis=(1, 2))}, "log_likelihood"),
    ],
)
def test_a_likelihood_that_is_not_per_example_is_named(x, arguments, name):
    with pytest.raises(ValueError, match=f"{name} returned shape"):
        small_vae(**arguments).fit(x, verbose=0)


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
    vae.compile()
    other.compile()
    assert other.evaluate(x, verbose=0) == vae.evaluate(x, verbose=0)
    assert vae.sample_prior(2).shape == (2, 3)
    with pytest.raises(ValueError, match="n is 0"):
        vae.sample_prior(0)


def test_two_functions_without_a_name_are_not_mixed_up(tmp_path, x):
    def halved(x, mean):
        return 0.5 * losses.gaussian_log_likelihood(x, mean)

    vae = small_vae(log_likelihood=lambda x, mean: halved(x, mean), objective=lambda d, kl: 3 * ops.mean(d))
    vae.fit(x, epochs=1, verbose=0)
    vae.save(tmp_path / "vae.keras")
    passed = {"log_likelihood": vae.log_likelihood, "objective": vae.objective}
    loaded = keras.saving.load_model(tmp_path / "vae.keras", custom_objects=passed)
    assert loaded.evaluate(x, verbose=0) == vae.evaluate(x, verbose=0)
    with pytest.raises(ValueError, match="log_likelihood"):
        keras.saving.load_model(tmp_path / "vae.keras", custom_objects={"<lambda>": vae.objective})


def test_a_partial_likelihood_is_checked_and_saved(tmp_path, x):
    partial = functools.partial(losses.bernoulli_log_likelihood)
    vae = small_vae(log_likelihood=partial)
    with pytest.raises(ValueError, match="divide by 255"):
        vae.fit(255 * x)
    vae.fit(x, epochs=1, verbose=0)
    vae.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras", custom_objects={"log_likelihood": partial})
    assert loaded.evaluate(x, verbose=0) == vae.evaluate(x, verbose=0)


def test_attached_variables_come_back_as_they_were(tmp_path, x):
    weights = keras.Variable([0.5, 1.0, 2.0], trainable=True)
    vae = small_vae(objective=lambda d, kl: ops.mean(d) + ops.mean(ops.sum(ops.square(weights) * kl, axis=-1)))
    vae.per_dim = weights
    vae.fit(x, epochs=1, verbose=0)
    vae.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras", custom_objects={"objective": vae.objective}).per_dim
    assert loaded.trainable
    np.testing.assert_array_equal(ops.convert_to_numpy(loaded), ops.convert_to_numpy(weights))


@keras.saving.register_keras_serializable("tests")
class LearnedPrior(WideNormal):
    """A prior that makes its weight when it is built."""

    def build(self, shape):
        self.center = self.add_weight(shape=(shape[-1],), initializer="ones", name="center")

    def log_prob(self, z):
        return super().log_prob(z - self.center)


def test_a_prior_with_a_weight_learns_and_comes_back(tmp_path, x):
    vae = small_vae(prior=LearnedPrior())
    vae.fit(x, epochs=2, verbose=0)
    assert np.all(ops.convert_to_numpy(vae.prior.center) != 1)
    vae.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras")
    assert loaded.evaluate(x, verbose=0) == vae.evaluate(x, verbose=0)
    loaded.fit(x, epochs=1, verbose=0)


def test_the_rate_under_a_prior_is_right_for_a_narrow_posterior():
    """Standard normal prior, means 3, log variances -80: the exact KL is 1/2 (3 * 9 - 3 + 240) = 132."""

    class StandardNormal(WideNormal):
        def log_prob(self, z):
            return losses.gaussian_log_likelihood(z, ops.zeros_like(z))

    vae = small_vae(prior=StandardNormal())
    narrow = np.full([2, 3], -80.0, "float32")
    kl = vae._kl_per_dim(np.full([2, 3], 3.0, "float32"), np.full([2, 3], 3.0, "float32"), narrow)
    np.testing.assert_allclose(ops.convert_to_numpy(kl), 132, rtol=1e-4)
