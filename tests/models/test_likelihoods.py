"""The Gaussian whose variance is learned: its numbers, its slope, and a VAE that trains it."""

import keras
import numpy as np
import pytest
from keras import ops
from small_vaes import SHAPE

from vaehelpers import losses
from vaehelpers.losses import GaussianWithLearnedVariance

pytestmark = pytest.mark.backend


@pytest.fixture
def pair(x):
    """Images and a decoder's output."""
    return x, np.random.default_rng(1).normal(size=(48, *SHAPE)).astype("float32")


@pytest.mark.parametrize("variance", [1, 0.01, 7.5])
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_it_is_the_gaussian_of_its_variance_in_single_precision(pair, variance, policy):
    keras.config.set_dtype_policy(policy)
    try:
        layer = GaussianWithLearnedVariance(variance)
        found = ops.convert_to_numpy(layer(*pair))
    finally:
        keras.config.set_dtype_policy("float32")
    assert isinstance(layer.variance, float) and layer.variance == pytest.approx(variance, rel=1e-6)
    expected = losses.gaussian_log_likelihood(*pair, np.log(variance))
    np.testing.assert_allclose(found, ops.convert_to_numpy(expected), rtol=1e-5)


@pytest.mark.parametrize("ratio", [0.5, 1, 3])
def test_its_slope_vanishes_at_the_mean_squared_error(pair, ratio):
    """The mean is `-(D/2)(log(2 pi v) + best / v)`, its slope in log v `-(D/2)(1 - best / v)`.

    A central difference of width h turns the second 1 into sinh(h) / h, exactly.
    """
    best = np.square(np.subtract(*pair)).mean(dtype="float64")
    layer = GaussianWithLearnedVariance()
    h = 0.5
    values = []
    for shift in (h, -h):
        layer.log_var.assign(np.log(ratio * best) + shift)
        values.append(ops.convert_to_numpy(layer(*pair)).mean(dtype="float64"))
    slope = -0.5 * np.prod(SHAPE) * (1 - np.sinh(h) / h / ratio)
    assert (values[0] - values[1]) / (2 * h) == pytest.approx(slope, rel=1e-3)


def test_fit_learns_the_variance_and_the_file_keeps_it(small_vae, saved_and_loaded, x):
    vae = small_vae(log_likelihood=GaussianWithLearnedVariance(2.0))
    vae.fit(x, epochs=2, verbose=0)
    learned = vae.log_likelihood.variance
    assert learned < 1.999  # the pixels lie in [0, 1]: any mean between them errs by less than 1
    loaded = saved_and_loaded(vae)
    assert loaded.log_likelihood.variance == learned and loaded.log_likelihood.initial_variance == 2
    loaded.fit(x, epochs=2, verbose=0)
    assert loaded.log_likelihood.variance < learned


@pytest.mark.parametrize(
    ("variance", "error"),
    [
        *((bad, ValueError) for bad in (0, -1.0, np.inf, np.nan)),
        *((bad, TypeError) for bad in (True, "1", None)),
    ],
)
def test_what_is_no_variance_is_named(variance, error):
    with pytest.raises(error, match=r"^variance is .*: pass a number above 0"):
        GaussianWithLearnedVariance(variance)
