"""Each loss against SciPy or a closed form in float64; its shapes; finite at the extremes."""

import itertools
from math import prod

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from scipy import integrate, special, stats

from vaehelpers import losses
from vaehelpers.data import likelihoods

pytestmark = pytest.mark.backend

IMAGE_SHAPES = [(1,), (7,), (8, 8, 1), (5, 4, 3), (2, 3, 4, 5)]
TOLERANCE = 1e-5  # of the sum of the terms' sizes
JAX = keras.backend.backend() == "jax"
drawn = settings(max_examples=6 if JAX else 25)  # JAX compiles anew for every shape that is drawn
shapes = st.tuples(st.integers(1, 6), st.sampled_from(IMAGE_SHAPES))
seeds = st.integers(0, 2**32 - 1)


def assert_sums_agree(found, terms):
    """`found[b]` equals the sum of `terms[b]` to TOLERANCE of the sum of their sizes."""
    terms = np.asarray(terms, "float64").reshape(len(terms), -1)
    found = ops.convert_to_numpy(found).astype("float64")
    assert found.shape == terms.shape[:1]
    assert np.all(np.abs(found - terms.sum(1)) <= TOLERANCE * np.abs(terms).sum(1))


def draw(shape, seed):
    """Images in [0, 1] and decoder outputs in float32, so that both sides see the same numbers."""
    batch, image_shape = shape
    rng = np.random.default_rng(seed)
    x = rng.random((batch, *image_shape), dtype="float32")
    return rng, x, (3 * rng.standard_normal(x.shape)).astype("float32")


def bernoulli_terms(x, logits):
    x, logits = np.float64(x), np.float64(logits)
    return np.stack([x * special.log_expit(logits), (1 - x) * special.log_expit(-logits)], axis=1)


@given(shapes, seeds)
@drawn
def test_bernoulli_agrees_with_scipy(shape, seed):
    rng, x, logits = draw(shape, seed)
    bits = (rng.random(x.shape) < 0.5).astype("float32")
    reference = stats.bernoulli.logpmf(bits.astype(int), special.expit(np.float64(logits)))
    assert_sums_agree(losses.bernoulli_log_likelihood(bits, logits), reference)
    assert_sums_agree(losses.bernoulli_log_likelihood(x, logits), bernoulli_terms(x, logits))


def test_bernoulli_probabilities_of_all_images_sum_to_one():
    images = np.array(list(itertools.product([0.0, 1.0], repeat=10)), "float32")
    logits = np.random.default_rng(0).normal(size=10).astype("float32")
    log_p = losses.bernoulli_log_likelihood(images, np.broadcast_to(logits, images.shape))
    assert np.exp(ops.convert_to_numpy(log_p).astype("float64")).sum() == pytest.approx(1, abs=1e-5)


@given(shapes, seeds, st.sampled_from([0, 1, None]))
@drawn
def test_gaussian_agrees_with_scipy(shape, seed, first_axis):
    """The variance is one number, one for each pixel, or one for each pixel of each image."""
    rng, x, mean = draw(shape, seed)
    log_var = rng.normal(size=() if first_axis is None else x.shape[first_axis:])
    log_var = log_var.astype("float32") if first_axis is not None else np.float32(log_var)
    terms = stats.norm.logpdf(np.float64(x), mean, np.exp(np.float64(log_var) / 2))
    constants = np.broadcast_to(np.log(2 * np.pi) / 2 + np.float64(log_var) / 2, x.shape)
    both = np.stack([terms + constants, -constants], axis=1)
    assert_sums_agree(losses.gaussian_log_likelihood(x, mean, log_var), both)


@given(shapes, seeds, st.floats(0.1, 100))
@drawn
def test_laplace_agrees_with_scipy(shape, seed, scale):
    _, x, mean = draw(shape, seed)
    scale = float(np.float32(scale))
    terms = stats.laplace.logpdf(np.float64(x), mean, scale)
    constants = np.full(x.shape, np.log(2 * scale))
    both = np.stack([terms + constants, -constants], axis=1)
    assert_sums_agree(losses.laplace_log_likelihood(x, mean, scale), both)


@given(shapes, seeds)
@drawn
def test_continuous_bernoulli_is_bernoulli_plus_its_normaliser(shape, seed):
    _, x, logits = draw(shape, seed)
    wide = np.where(np.abs(np.float64(logits)) < 1e-6, 1e-6, np.float64(logits))
    constants = np.log(wide / np.tanh(wide / 2))[:, None]
    terms = np.concatenate([bernoulli_terms(x, logits), constants], axis=1)
    assert_sums_agree(losses.continuous_bernoulli_log_likelihood(x, logits), terms)


# A fine grid with 0 in it, and both sides of the places where a series takes over.
EDGES = [1e-6, 1e-3, 0.49999, 0.50001]
LOGITS = np.sort(np.float32([*np.linspace(-50, 50, 401), *EDGES, *np.negative(EDGES)]))
# At 1/2 the slope of the first term that the series leaves out, 127 l^8 / 4838400, is 1.6e-6; the
# other side is a difference of numbers near 2, which round to 2.4e-7.
SLOPE_TOLERANCE = 3e-6


def test_continuous_bernoulli_normaliser_agrees_with_float64_on_both_sides_of_its_switch():
    found = ops.convert_to_numpy(losses.continuous_bernoulli_log_normalizer(LOGITS))
    wide = np.where(LOGITS == 0, 1e-9, np.float64(LOGITS))  # tanh keeps its digits but at 0 / 0
    np.testing.assert_allclose(found, np.log(wide / np.tanh(wide / 2)), rtol=1e-6)
    assert np.all(found >= np.float32(np.log(2)))
    np.testing.assert_array_equal(found, losses.continuous_bernoulli_log_normalizer(-LOGITS))


def test_continuous_bernoulli_normaliser_has_the_gradient_of_its_closed_form():
    """1 / l - 1 / sinh(l), which is l / 6 near 0, where it is a difference of large numbers."""
    _, gradient = value_and_gradient(losses.continuous_bernoulli_log_normalizer, LOGITS)
    wide = np.where(np.abs(LOGITS) <= 1e-3, 1, np.float64(LOGITS))
    expected = np.where(np.abs(LOGITS) <= 1e-3, LOGITS / 6, 1 / wide - 1 / np.sinh(wide))
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=SLOPE_TOLERANCE)
    assert np.asarray(gradient)[LOGITS == 0] == 0


def test_continuous_bernoulli_integrates_to_one_and_has_its_mean():
    """The mean to five roundings of numbers near 2, 1.2e-7 each: it is a difference of such."""
    black = np.zeros([len(LOGITS), 1])
    at_zero = losses.continuous_bernoulli_log_likelihood(black, LOGITS[:, None])
    means = ops.convert_to_numpy(losses.continuous_bernoulli_mean(LOGITS))
    for logit, log_p, mean in zip(np.float64(LOGITS), np.float64(at_zero), means, strict=True):
        density = lambda x, a=logit, b=log_p: np.exp(x * a + b)  # noqa: E731
        total = integrate.quad(density, 0, 1)[0]
        assert total == pytest.approx(1, rel=1e-5), logit
        moment = integrate.quad(lambda x, density=density: x * density(x), 0, 1)[0]
        assert mean == pytest.approx(moment / total, rel=0, abs=6e-7), logit


def test_continuous_bernoulli_mean_is_the_slope_of_the_log_integral():
    """The integral of `p^x (1 - p)^(1 - x)` is 1 / C; of `exp(x l)` it is `1 + exp(l)` as large."""

    def log_integral(a):
        return ops.softplus(a) - losses.continuous_bernoulli_log_normalizer(a)

    _, gradient = value_and_gradient(log_integral, LOGITS)
    np.testing.assert_allclose(
        losses.continuous_bernoulli_mean(LOGITS), gradient, rtol=0, atol=SLOPE_TOLERANCE
    )


def test_continuous_bernoulli_mean_at_its_ends_and_in_the_middle():
    """1/2 at 0, where its slope is the uniform distribution's variance, 1/12; far out 1/l off."""
    logits = np.float32([-1e4, 0, 1e4])
    np.testing.assert_allclose(
        losses.continuous_bernoulli_mean(logits), [1e-4, 0.5, 1 - 1e-4], atol=1e-6
    )
    _, gradient = value_and_gradient(losses.continuous_bernoulli_mean, logits)
    np.testing.assert_allclose(gradient, [1e-8, 1 / 12, 1e-8], rtol=1e-4)


@given(seeds, st.integers(1, 8), st.integers(1, 64), st.sampled_from([1e-3, 1e-1, 1.0, 5.0]))
@drawn
def test_kl_agrees_with_its_closed_form(seed, batch, latent_dim, width):
    rng = np.random.default_rng(seed)
    z_mean, z_log_var = (width * rng.standard_normal((2, batch, latent_dim))).astype("float32")
    mean, log_var = np.float64(z_mean), np.float64(z_log_var)
    per_dim = np.stack([np.expm1(log_var) / 2, -log_var / 2, mean**2 / 2], axis=-1)
    found = ops.convert_to_numpy(losses.gaussian_kl_per_dim(z_mean, z_log_var))
    assert found.shape == (batch, latent_dim)
    assert np.all(np.abs(found - per_dim.sum(-1)) <= TOLERANCE * np.abs(per_dim).sum(-1))
    assert_sums_agree(losses.gaussian_kl(z_mean, z_log_var), per_dim)


def test_kl_keeps_its_digits_near_zero():
    log_var = np.array([[1e-3]], "float32")
    exact = float(np.expm1(np.float64(log_var))[0, 0] - np.float64(log_var)[0, 0]) / 2
    assert float(losses.gaussian_kl(np.zeros([1, 1], "float32"), log_var)[0]) == pytest.approx(
        exact, rel=1e-3
    )
    naive = (np.exp(log_var) - np.float32(1) - log_var)[0, 0] / 2
    assert abs(naive - exact) > 0.03 * exact


def test_kl_agrees_with_monte_carlo():
    rng = np.random.default_rng(0)
    mean, log_var = rng.normal(size=[1, 3]), rng.normal(size=[1, 3])
    z = mean + np.exp(log_var / 2) * rng.standard_normal([200_000, 3])
    log_ratio = stats.norm.logpdf(z, mean, np.exp(log_var / 2)).sum(1) - stats.norm.logpdf(z).sum(1)
    error = log_ratio.std() / np.sqrt(len(z))
    assert abs(float(losses.gaussian_kl(mean, log_var)[0]) - log_ratio.mean()) < 3 * error
    assert error < 0.01


def test_free_bits_and_the_negative_elbo():
    kl_per_dim = np.array([[0.0, 3.0, 0.4], [0.2, 1.0, 0.6]])
    assert float(losses.free_bits_rate(kl_per_dim, 0.5)) == pytest.approx(0.5 + 2.0 + 0.5)
    assert float(losses.free_bits_rate(kl_per_dim, 0.0)) == pytest.approx(kl_per_dim.mean(0).sum())
    distortion, rate = np.array([100.0, 90.0]), np.array([5.0, 2.0])
    np.testing.assert_allclose(losses.negative_elbo(distortion, rate), [105, 92])
    np.testing.assert_allclose(losses.negative_elbo(distortion, rate, beta=392.0), [2060, 874])


LIKELIHOODS = [
    losses.bernoulli_log_likelihood,
    losses.continuous_bernoulli_log_likelihood,
    losses.gaussian_log_likelihood,
    losses.laplace_log_likelihood,
]


def test_every_name_of_the_table_has_its_function():
    assert [losses.log_likelihood_named(name) for name in likelihoods.LIKELIHOODS] == LIKELIHOODS
    with pytest.raises(ValueError, match=r"^likelihood is 'mean': pass one of bernoulli, "):
        losses.log_likelihood_named("mean")


@pytest.mark.parametrize("log_likelihood", LIKELIHOODS)
@pytest.mark.parametrize("image_shape", IMAGE_SHAPES)
def test_a_sum_is_the_number_of_values_times_the_mean(log_likelihood, image_shape):
    """The factor of the course: 784 for 28 x 28 x 1, 60 for 5 x 4 x 3."""
    _, x, x_decoded = draw((4, image_shape), 1)
    total = ops.convert_to_numpy(log_likelihood(x, x_decoded))
    pixels, decoded = x.reshape(-1, 1), x_decoded.reshape(-1, 1)
    mean = ops.convert_to_numpy(log_likelihood(pixels, decoded)).reshape(4, -1).mean(axis=1)
    np.testing.assert_allclose(total, prod(image_shape) * mean, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("log_likelihood", LIKELIHOODS)
@pytest.mark.parametrize(
    ("x_shape", "other"), [((2, 4), (2, 4, 1)), ((2, 4), (3, 4)), ((2, 4), (4,)), ((4,), (4,))]
)
def test_shapes_that_differ_are_an_error(log_likelihood, x_shape, other):
    with pytest.raises(ValueError, match="has shape"):
        log_likelihood(np.zeros(x_shape), np.zeros(other))


@pytest.mark.parametrize(
    ("loss", "shapes", "words"),
    [
        *(
            (loss, [(2, 4), (2, 4), shape], f"{name} has shape")
            for loss, name in zip(LIKELIHOODS[2:], ("log_var", "scale"), strict=True)
            for shape in [(2, 4, 1), (3,), (1, 2, 4)]
        ),
        (losses.gaussian_kl, [(2, 3), (3,)], "z_log_var"),
        (losses.free_bits_rate, [(3,), ()], "kl_per_dim"),
        (losses.free_bits_rate, [(2, 3), (5, 1)], "min_nats has shape"),
        (losses.negative_elbo, [(2, 3), (2,)], "per example"),
        (losses.negative_elbo, [(3,), (3,), (3, 1)], "beta has shape"),
    ],
)
def test_shapes_that_do_not_fit_are_named(loss, shapes, words):
    with pytest.raises(ValueError, match=words):
        loss(*map(np.ones, shapes))


@pytest.mark.parametrize("loss", [*LIKELIHOODS, losses.gaussian_kl])
def test_batches_of_unknown_size_pass(loss):
    assert loss(keras.Input((3,)), keras.Input((3,))).shape == (None,)


def value_and_gradient(function, at):
    """The summed value and its gradient, by whichever backend runs."""
    at = ops.convert_to_tensor(at, "float32")
    if JAX:
        import jax

        return jax.value_and_grad(lambda a: ops.sum(function(a)))(at)
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(at)
        value = tf.reduce_sum(function(at))
    return value, tape.gradient(value, at)


def assert_finite(function, at):
    value, gradient = value_and_gradient(function, at)
    assert np.isfinite(np.asarray(value)) and np.isfinite(np.asarray(gradient)).all()


@pytest.mark.parametrize("extreme", [-1e4, -100.0, -1.0, -0.5, 0.0, 1e-8, 0.5, 100.0, 1e4])
def test_values_and_gradients_are_finite_for_extreme_logits(extreme):
    logits = np.full([3, 784], extreme)
    x = np.tile([[0.0], [0.5], [1.0]], 784).astype("float32")
    assert_finite(lambda a: losses.bernoulli_log_likelihood(x, a), logits)
    assert_finite(lambda a: losses.continuous_bernoulli_log_likelihood(x, a), logits)


def test_the_gradient_of_the_bernoulli_is_x_minus_p_at_every_logit():
    """Also at logit 0, where a form through abs() or relu() has the gradient 0."""
    logits = np.array([[-30.0, -2.0, 0.0, 0.0, 0.0, 2.0, 30.0]], "float32")
    x = np.array([[0.0, 1.0, 0.0, 0.3, 1.0, 0.5, 1.0]], "float32")
    _, gradient = value_and_gradient(lambda a: losses.bernoulli_log_likelihood(x, a), logits)
    np.testing.assert_allclose(
        np.asarray(gradient), x - 1 / (1 + np.exp(-logits.astype("float64"))), atol=1e-6
    )


@pytest.mark.parametrize("extreme", [-20.0, 0.0, 20.0])
def test_values_and_gradients_are_finite_for_extreme_decoder_variances(extreme):
    x, mean = np.zeros([2, 784]), np.ones([2, 784])
    assert_finite(lambda a: losses.gaussian_log_likelihood(x, mean, a), np.full([2, 784], extreme))
    assert_finite(lambda a: losses.gaussian_log_likelihood(x, a, extreme), mean)


@pytest.mark.parametrize("extreme", [-80.0, -1e-3, 0.0, 1e-3, 80.0])
def test_values_and_gradients_are_finite_for_extreme_encoder_variances(extreme):
    z_mean, z_log_var = np.full([1, 64], 1e4), np.full([1, 64], extreme)
    assert_finite(lambda a: losses.gaussian_kl(z_mean, a), z_log_var)
    assert_finite(lambda a: losses.gaussian_kl(a, z_log_var), z_mean)
