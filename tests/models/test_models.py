"""The VAE as a Keras model, on whichever backend runs: its numbers, its schedule, its errors."""

import functools

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats
from small_vaes import SHAPE, Weighted, WideNormal, per_pixel

from vaehelpers import losses, runtime
from vaehelpers.models import VAE, Sampling, build_keras_example, build_mlp


class Batches(keras.utils.PyDataset):
    """Batches of 16 of some images, of any dtype."""

    def __init__(self, x):
        super().__init__()
        self.x = x

    def __len__(self):
        return len(self.x) // 16

    def __getitem__(self, index):
        return self.x[16 * index : 16 * index + 16]


@pytest.mark.backend
def test_sampling_draws_from_q_and_restarts():
    z_mean = np.full([20_000, 2], 3.0, "float32")
    z_log_var = np.full([20_000, 2], np.log(4.0), "float32")
    layer = Sampling(seed=1)
    z, other = (ops.convert_to_numpy(layer(z_mean, z_log_var)) for _ in range(2))
    assert abs(z.mean() - 3) < 4 * 2 / np.sqrt(z.size) and abs(z.std() - 2) < 0.03
    assert not np.any(z == other)
    layer.restart()
    np.testing.assert_array_equal(layer(z_mean, z_log_var), z)
    np.testing.assert_array_equal(Sampling.from_config(layer.get_config())(z_mean, z_log_var), z)


@pytest.mark.parametrize("latent_dim", [1, 2, 7])
@pytest.mark.parametrize(
    "build", [build_keras_example, build_mlp, lambda **kwargs: build_mlp(hidden=None, **kwargs)]
)
def test_networks_map_images_to_codes_and_back(build, latent_dim):
    encoder, decoder = build(latent_dim=latent_dim)
    z_mean, z_log_var = encoder(np.zeros([3, 28, 28, 1]))
    assert tuple(z_mean.shape) == tuple(z_log_var.shape) == (3, latent_dim)
    assert tuple(decoder(z_mean).shape) == (3, 28, 28, 1)


def test_a_network_without_hidden_layers_is_linear():
    encoder, decoder = build_mlp((4,), hidden=None, latent_dim=3)
    for network, width in ((lambda a: encoder(a)[0], 4), (decoder, 3)):
        a, b = np.random.default_rng(0).normal(size=(2, 5, width)).astype("float32")
        inputs = (a + b, a, b, np.zeros_like(a))
        both, *alone, offset = (ops.convert_to_numpy(network(each)) for each in inputs)
        np.testing.assert_allclose(both, sum(alone) - offset, atol=1e-5)


@pytest.mark.backend
def test_the_metrics_and_the_loss_are_the_elbos_terms(small_vae, x):
    """48 images in batches of 20: the means are over images, not over batches."""
    vae = small_vae(compiled=True)
    found = vae.evaluate(x, batch_size=20, verbose=0, return_dict=True)
    out = vae.predict(x, batch_size=20, verbose=0)
    distortion = -ops.convert_to_numpy(losses.bernoulli_log_likelihood(x, out["x_decoded"])).mean()
    rate = ops.convert_to_numpy(losses.gaussian_kl(out["z_mean"], out["z_log_var"])).mean()
    expected = {"distortion": distortion, "rate": rate, "loss": distortion + rate}
    assert found == pytest.approx(expected, rel=1e-5)


@keras.saving.register_keras_serializable("tests")
class AddsALoss(keras.layers.Layer):
    def call(self, z):
        self.add_loss(7 + 0 * ops.sum(z))
        return z


@pytest.mark.backend
def test_the_loss_holds_regularizers_and_added_losses(x):
    """The sum of squared weights times 0.5, and 7."""
    code = keras.Input((3,))
    pixels = keras.layers.Dense(30, kernel_regularizer=keras.regularizers.L2(0.5))
    images = keras.layers.Reshape(SHAPE)(pixels(AddsALoss()(code)))
    vae = VAE(build_mlp(SHAPE, hidden=16, latent_dim=3)[0], keras.Model(code, images))
    vae.compile(keras.optimizers.SGD(1e-3))
    found = vae.evaluate(x, verbose=0, return_dict=True)
    added = 7 + 0.5 * np.square(ops.convert_to_numpy(pixels.kernel)).sum()
    assert found["loss"] == pytest.approx(found["distortion"] + found["rate"] + added, rel=1e-5)
    trained = vae.fit(x, batch_size=48, verbose=0).history
    excess = trained["loss"][0] - trained["distortion"][0] - trained["rate"][0]
    assert excess == pytest.approx(added, rel=1e-4)


@pytest.mark.backend
def test_fit_with_validation_data_lowers_the_loss_and_keeps_the_validation_noise(small_vae, x):
    vae = small_vae(compiled=True)
    history = vae.fit(x, epochs=10, batch_size=16, validation_data=x, verbose=0).history
    assert {"loss", "distortion", "rate", "val_loss", "val_distortion", "val_rate"} <= set(history)
    assert history["val_loss"][-1] < history["val_loss"][0]
    again = vae.evaluate(x, batch_size=16, verbose=0, return_dict=True)
    assert again["loss"] == pytest.approx(history["val_loss"][-1], rel=1e-6)


@pytest.mark.backend
def test_arguments_may_come_in_the_order_of_keras(small_vae, x):
    """(x, y, batch_size, epochs, verbose, callbacks, validation_split, validation_data)."""
    vae = small_vae()
    by_position = vae.fit(x, None, 16, 2, 0, None, 0.0, x).history
    runtime.set_seed(0)
    other = small_vae()
    by_name = other.fit(x, batch_size=16, epochs=2, verbose=0, validation_data=x).history
    assert by_position == by_name and len(by_name["val_loss"]) == 2
    assert vae.evaluate(x, None, 16, 0) == other.evaluate(x, batch_size=16, verbose=0)
    with pytest.raises(ValueError, match=r"^validation_data .*divide by 255"):
        vae.fit(x, None, 16, 2, 0, None, 0.0, 255 * x)


@pytest.mark.backend
def test_evaluate_and_predict_repeat_and_training_noise_does_not(small_vae, x):
    vae = small_vae()
    assert vae.evaluate(x, verbose=0) == vae.evaluate(x, verbose=0)
    np.testing.assert_array_equal(vae.predict(x, verbose=0)["z"], vae.predict(x, verbose=0)["z"])
    first, second = (ops.convert_to_numpy(vae(x, training=True)["z"]) for _ in range(2))
    assert not np.any(first == second)


@pytest.mark.backend
def test_the_same_seed_trains_the_same_model_and_another_does_not(x):
    def trained(seed):
        runtime.set_seed(seed)
        vae = VAE(*build_mlp(SHAPE, hidden=16, latent_dim=3))
        vae.compile("adam", run_eagerly=True)
        return vae.fit(x, epochs=2, verbose=0).history["loss"]

    assert trained(1) == trained(1) != trained(2)


@pytest.mark.backend
def test_any_data_set_of_images_can_be_fitted(small_vae, x):
    vae = small_vae(compiled=True)
    vae.fit(Batches(x), epochs=1, verbose=0)
    assert np.isfinite(vae.evaluate(Batches(x), verbose=0)).all()
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        vae.fit(tf.data.Dataset.from_tensor_slices(x).batch(16), epochs=1, shuffle=False, verbose=0)


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


@pytest.mark.backend
@pytest.mark.parametrize("when", ["epoch", "batch"])
@pytest.mark.parametrize("kind", ["attached variable", "objective that is a layer"])
def test_a_scheduled_weight_really_changes(small_vae, tmp_path, x, kind, when):
    """With a learning rate of 0 the loss is distortion + beta * rate at fixed weights."""
    if kind == "attached variable":
        beta = keras.Variable(0.0, trainable=False, name="beta")
        vae = small_vae(objective=lambda d, kl: ops.mean(d + beta * ops.sum(kl, axis=-1)))
        vae.beta = beta
    else:
        vae = small_vae(objective=Weighted())

    def find(model):
        return model.beta if kind == "attached variable" else model.objective.beta

    jax = keras.backend.backend() == "jax"
    vae.compile(keras.optimizers.SGD(0.0), jit_compile=jax)  # on TensorFlow XLA would cost, no more
    three_equal_batches = np.tile(x[:16], (3, 1, 1, 1))
    options = {"batch_size": 16, "shuffle": False, "verbose": 0, "callbacks": [Raise(find, when)]}
    history = vae.fit(three_equal_batches, epochs=4, **options).history
    found = (np.array(history["loss"]) - history["distortion"]) / history["rate"]
    np.testing.assert_allclose(found, [0, 1, 2, 3] if when == "epoch" else [1, 1, 1, 1], atol=1e-3)
    vae.save(tmp_path / "vae.keras")
    own = {"objective": vae.objective}
    loaded = keras.saving.load_model(tmp_path / "vae.keras", custom_objects=own)
    assert float(find(loaded)) == (3 if when == "epoch" else 2)


@pytest.mark.backend
def test_encode_decode_and_samples_are_numpy(small_vae, x):
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


def test_posterior_draws_and_joint_are_normal_distributions(small_vae, x):
    vae = small_vae()
    z, log_q = vae.sample_posterior(x, 2, seed=0)
    z_mean, z_log_var = vae.encode(x)
    expected = stats.norm.logpdf(z, z_mean, np.exp(z_log_var / 2)).sum(-1)
    np.testing.assert_allclose(log_q, expected, rtol=1e-4)
    log_p = [losses.bernoulli_log_likelihood(x, vae.decode(codes)) for codes in z]
    expected = stats.norm.logpdf(z).sum(-1) + [ops.convert_to_numpy(each) for each in log_p]
    np.testing.assert_allclose(vae.log_joint(x, z), expected, rtol=1e-4)


class Scaled(keras.layers.Layer):
    """A likelihood that makes its weight when it is built."""

    def build(self, *shapes):
        self.scale = self.add_weight(shape=(), initializer="ones")

    def call(self, x, x_decoded):
        return losses.laplace_log_likelihood(x, x_decoded, self.scale)


def test_building_makes_the_weights_of_a_likelihood_and_calls_no_function(small_vae):
    vae = small_vae(log_likelihood=Scaled())
    vae.build((None, *SHAPE))
    assert [*vae.log_likelihood.weights] == [vae.log_likelihood.scale]
    small_vae(log_likelihood=lambda x, x_decoded: 1 / 0).build((None, *SHAPE))


DOORS = ("fit", "evaluate", "predict", "encode")
BATCH_DOORS = ("train_on_batch", "test_on_batch", "predict_on_batch")
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
def test_bad_images_are_named_at_every_door(small_vae, x, spoil, words):
    vae = small_vae()
    before = vae.get_weights()
    for door in DOORS + BATCH_DOORS:
        with pytest.raises(ValueError, match=f"^x .*{words}"):
            getattr(vae, door)(spoil(x))
    with pytest.raises(ValueError, match=f"^validation_data .*{words}"):
        vae.fit(x, validation_data=spoil(x))
    for old, new in zip(before, vae.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("bad", [None, "x", {}, [], [np.zeros([2, *SHAPE])]])
def test_what_is_no_array_is_named_at_every_door(small_vae, x, bad):
    vae = small_vae()
    for door in DOORS + BATCH_DOORS:
        with pytest.raises(TypeError, match=f"^x is a {type(bad).__name__}: pass"):
            getattr(vae, door)(bad)
    with pytest.raises(TypeError, match=r"^validation_data is a tuple: pass"):
        vae.fit(x, validation_data=())


def test_bad_images_in_a_data_set_are_named(small_vae, x):
    with pytest.raises(ValueError, match="x is a data set without a batch"):
        small_vae().fit(Batches(x[:3]))
    with pytest.raises(ValueError, match="divide by 255"):
        small_vae().fit(Batches(255 * x))
    with pytest.raises(TypeError, match=r"^x is a Batches: pass an array"):
        small_vae().encode(Batches(x))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        for bad in (255 * x, (255 * x, x)):
            with pytest.raises(ValueError, match="divide by 255"):
                small_vae().fit(tf.data.Dataset.from_tensor_slices(bad).batch(16), shuffle=False)


def test_a_gaussian_takes_any_real_pixels(small_vae, x):
    vae = small_vae(log_likelihood=losses.gaussian_log_likelihood)
    vae.fit(2 * x - 1, epochs=1, verbose=0)
    with pytest.raises(ValueError, match="NaN"):
        vae.fit(x * np.nan)


def softplus_bernoulli(x, x_logits):
    return -ops.sum(ops.softplus(x_logits) - x * x_logits, axis=(1, 2, 3))


OTHER_BERNOULLIS = {
    "a name": "continuous_bernoulli",
    "a partial": functools.partial(losses.bernoulli_log_likelihood),
    "a lambda": lambda x, logits: losses.bernoulli_log_likelihood(x, logits),
    "a lambda, continuous": lambda x, logits: losses.continuous_bernoulli_log_likelihood(x, logits),
    "weighted": lambda x, logits: 0.1 * losses.bernoulli_log_likelihood(x, logits),
    "their own": softplus_bernoulli,
}


def with_one_dark_pixel(x):
    x = x.copy()
    x[7, 2, 3] = -0.5
    return x


@pytest.mark.parametrize("name", OTHER_BERNOULLIS)
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        *BAD[:2],
        (lambda x: 1.001 * x / x.max(), r"np.clip\(x, 0, 1\)"),
        (with_one_dark_pixel, r"\(x \+ 1\) / 2"),
    ],
)
def test_a_bernoulli_is_known_by_what_it_does_outside_its_range(small_vae, x, name, spoil, words):
    vae = small_vae(log_likelihood=OTHER_BERNOULLIS[name])
    with pytest.raises(ValueError, match=f"^x .*{words}"):
        vae.fit(spoil(x), verbose=0)
    vae.fit(x, epochs=1, verbose=0)


def heteroscedastic(x, x_decoded):
    return losses.gaussian_log_likelihood(x, x_decoded[..., :1], x_decoded[..., 1:])


@pytest.mark.parametrize("factor", [-1.0, 1.0, 255.0, 1e5])
def test_densities_of_any_real_pixels_stay_allowed(small_vae, x, factor):
    for log_likelihood in (
        lambda x, mean: losses.gaussian_log_likelihood(x, mean, -2.0),
        lambda x, mean: losses.laplace_log_likelihood(x, mean, 0.1),
        lambda x, mean: -ops.sum(ops.log1p(ops.square(x - mean)), axis=(1, 2, 3)),  # Cauchy's
        losses.GaussianWithLearnedVariance(),
    ):
        small_vae(log_likelihood=log_likelihood).predict(factor * (x + 0.5), verbose=0)
    encoder, _ = build_mlp(SHAPE, hidden=4)
    _, decoder = build_mlp((*SHAPE[:2], 2), hidden=4)
    VAE(encoder, decoder, log_likelihood=heteroscedastic).encode(factor * (x + 0.5))


@pytest.mark.parametrize("z", [np.zeros([0, 3]), np.zeros(3), []])
def test_no_codes_are_named(small_vae, z):
    with pytest.raises(ValueError, match=r"^z has shape .*: pass at least one code, \[N, J\]"):
        small_vae().decode(z)


@pytest.mark.parametrize(
    ("bad", "error"),
    [(0, ValueError), (-1, ValueError), (2.5, TypeError), ("2", TypeError), (True, TypeError)],
)
def test_what_is_no_number_of_things_is_named(small_vae, x, bad, error):
    for call, name in (
        (small_vae().sample_prior, "n"),
        (losses.MixturePrior(2).sample, "n"),
        (lambda bad: small_vae().sample_posterior(x, bad, seed=0), "k"),
        (lambda bad: build_mlp(latent_dim=bad), "latent_dim"),
        (lambda bad: build_mlp(hidden=bad), "hidden"),
        (lambda bad: build_mlp((28, bad, 1)), "a side in image_shape"),
        (lambda bad: build_keras_example(latent_dim=bad), "latent_dim"),
    ):
        with pytest.raises(error, match=f"^{name} is {bad!r}: pass a whole number of at least 1"):
            call(bad)


def test_targets_and_weights_are_refused(small_vae, x):
    vae = small_vae()
    weights = {"sample_weight": np.ones(len(x))}
    classes = {"class_weight": {0: 1.0}}
    for door, given in (
        *((door, given) for door in (vae.fit, vae.train_on_batch) for given in (weights, classes)),
        *((door, weights) for door in (vae.evaluate, vae.test_on_batch)),
        *((door, {"y": x}) for door in (vae.fit, vae.evaluate, vae.train_on_batch)),
        *((vae.fit, {"validation_data": bad}) for bad in ((x, x), [x, x], (x, None, x))),
    ):
        name = "y|sample_weight" if "validation_data" in given else next(iter(given))
        with pytest.raises(ValueError, match=rf"\(({name})\): the target of a VAE is x itself"):
            door(x, **given)
    for alone in ((x,), [x], (x, None)):
        vae.fit(x, validation_data=alone, verbose=0)


@pytest.mark.parametrize(
    ("part", "function", "found"),
    [
        ("objective", lambda d, kl: d, r"shape \(.*\): return one number made"),
        ("objective", lambda d, kl: 1.0, "a float: return one number made"),
        ("objective", lambda d, kl: None, "a NoneType: return one number made"),
        ("log_likelihood", lambda x, m: -ops.square(x - m), "shape .*: return one number per"),
        ("log_likelihood", lambda x, m: -ops.mean(x - m), "shape .*: return one number per"),
        ("log_likelihood", lambda x, m: 0.0, "a float: return one number per example"),
    ],
)
def test_what_a_function_must_return_is_said(small_vae, x, part, function, found):
    with pytest.raises(ValueError, match=f"^{part} returned {found}"):
        small_vae(**{part: function}).fit(x, verbose=0)


@pytest.mark.slow
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


@pytest.mark.backend
@pytest.mark.parametrize("prior", [None, WideNormal])
def test_images_in_double_precision_are_trained_on(small_vae, x, prior):
    vae = small_vae(prior=prior and prior())
    x = x.astype("float64")
    vae.fit(Batches(x), epochs=1, verbose=0)
    vae.train_on_batch(x)
    assert np.isfinite(vae.evaluate(Batches(x), verbose=0)).all()
    assert sorted(vae.predict_on_batch(x)) == ["x_decoded", "z", "z_log_var", "z_mean"]


@pytest.mark.parametrize(
    "policy", [pytest.param("mixed_float16", marks=pytest.mark.backend), "mixed_bfloat16"]
)
def test_mixed_precision_computes_the_terms_in_single_precision(small_vae, x, policy):
    exact = small_vae().evaluate(x, verbose=0, return_dict=True)
    keras.config.set_dtype_policy(policy)
    try:
        vae = small_vae()
        found = vae.evaluate(x, verbose=0, return_dict=True)
        vae.fit(x, epochs=1, verbose=0)
    finally:
        keras.config.set_dtype_policy("float32")
    assert found == pytest.approx(exact, rel=0.02)


@pytest.mark.backend
def test_half_precision_is_summed_in_single_precision():
    x = np.zeros([1, 64, 64, 3], "float16")
    found = losses.gaussian_log_likelihood(x, x, np.float16(9))
    assert float(found[0]) == pytest.approx(-0.5 * x.size * (np.log(2 * np.pi) + 9), rel=1e-4)
