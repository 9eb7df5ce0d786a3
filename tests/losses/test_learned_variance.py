"""The Gaussian whose variance is learned: its numbers and its slope."""

import keras
import numpy as np
import pytest
from keras import ops

from vaehelpers import losses
from vaehelpers.losses import GaussianWithLearnedVariance

pytestmark = pytest.mark.backend


SHAPE = (48, 6, 5, 1)


@pytest.fixture
def pair():
    """Images and a decoder's output."""
    rng = np.random.default_rng(0)
    return rng.random(SHAPE, dtype="float32"), rng.normal(size=SHAPE).astype("float32")


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
    slope = -0.5 * np.prod(SHAPE[1:]) * (1 - np.sinh(h) / h / ratio)
    assert (values[0] - values[1]) / (2 * h) == pytest.approx(slope, rel=1e-3)


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
