"""The threshold against closed forms, correlation matrices, the linear model and published images."""

import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaehelpers import data, losses
from vaehelpers.collapse import collapse_spectrum, collapse_threshold, threshold


@given(st.integers(0, 10**6), st.integers(2, 12), st.floats(0.01, 10))
def test_a_gaussian_s_spectrum_is_that_of_the_covariance_over_the_variance(seed, size, variance):
    x = np.random.default_rng(seed).normal(size=(50, size)).astype("float32")
    expected = (
        np.sort(np.linalg.eigvalsh(np.cov(x.T.astype("float64"), bias=True)))[::-1] / variance
    )
    assert np.allclose(
        collapse_spectrum(x, "gaussian", variance), expected, rtol=1e-4, atol=1e-5 * expected[0]
    )


def test_bits_have_the_spectrum_of_their_correlation_matrix(digits):
    bits = data.binarize(digits.x_train).reshape(4000, -1)
    varies = bits.std(axis=0) > 0
    expected = np.linalg.eigvalsh(np.corrcoef(bits[:, varies].T))[::-1]
    found = collapse_spectrum(bits)
    assert np.allclose(found[: varies.sum()], expected, rtol=1e-5, atol=1e-5 * expected[0])
    assert np.allclose(found[varies.sum() :], 0, atol=1e-9 * expected[0])


def test_known_cases():
    rng = np.random.default_rng(0)
    bit = rng.integers(2, size=(500, 1))
    assert collapse_threshold(np.repeat(bit, 7, axis=1)) == pytest.approx(7)
    a, b = rng.integers(2, size=(2, 4000)) * 0 + np.array(
        [[0, 0, 1, 1] * 1000, [0, 1, 0, 1] * 1000]
    )
    assert collapse_threshold(np.stack([a, b, a ^ b], axis=1)) == pytest.approx(
        1
    )  # a covariance sees no xor


def test_the_learned_variance_is_the_mean_variance_of_the_pixels(digits):
    pixels = digits.x_train.reshape(4000, -1).astype("float64")
    values = np.linalg.eigvalsh(np.cov(pixels.T, bias=True))
    expected = 784 * values[-1] / values.sum()
    assert collapse_threshold(digits.x_train, "gaussian", "learned") == pytest.approx(
        expected, rel=1e-6
    )
    variances = np.full((28, 28, 1), values.sum() / 784)
    assert collapse_threshold(digits.x_train, "gaussian", variances) == pytest.approx(
        expected, rel=1e-6
    )


def test_the_digits_of_the_course(digits):
    assert collapse_threshold(digits.x_train) == pytest.approx(32.0, abs=0.3)


def test_the_whole_of_mnist(full_mnist):
    assert np.allclose(collapse_spectrum(full_mnist.x_train)[:3], [32.23, 22.88, 21.00], atol=0.006)
    assert np.allclose(
        collapse_spectrum(full_mnist.x_train, "gaussian")[:2], [5.117, 3.741], atol=6e-4
    )
    assert collapse_threshold(full_mnist.x_train, "gaussian", "learned") == pytest.approx(
        76, abs=0.5
    )


# A Lanczos value has an eigenvalue within TOLERANCE of it; sums in float32 are off by a few of its 1.2e-7.
CLOSE = threshold.TOLERANCE + 8 * float(np.finfo("float32").eps)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_large_images_go_by_lanczos_to_the_same_values(digits, likelihood, monkeypatch):
    dense = collapse_spectrum(digits.x_train, likelihood)
    monkeypatch.setattr(threshold, "LARGEST_MATRIX", 100)
    monkeypatch.setattr(threshold, "ALL_FOR_ONE", 100)
    found = collapse_spectrum(digits.x_train, likelihood)
    assert len(found) == 50
    assert np.allclose(found, dense[:50], rtol=CLOSE, atol=0)
    assert collapse_threshold(digits.x_train, likelihood) == pytest.approx(dense[0], rel=CLOSE)


def data_with_eigenvalues(values):
    """Twice as many rows as values, whose covariance has exactly these."""
    size = len(values)
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(2 * size, size))
    rows = np.linalg.qr(noise - noise.mean(axis=0))[0] * np.sqrt(2 * size)
    turn = np.linalg.qr(rng.normal(size=(size, size)))[0]
    return rows * np.sqrt(values) @ turn


HARD = {
    f"the second is {gap} below the first": data_with_eigenvalues(
        [1 + gap, 1, *np.linspace(0.99999, 0.9, 98)]
    )
    for gap in (1e-2, 1e-4, 1e-6, 1e-8, 0)
}
HARD["99 are equal"] = np.eye(100)
HARD["all but one are 0"] = np.arange(200.0)[:, None] * np.ones(100)
HARD["the mean is far from 0"] = 1000 + data_with_eigenvalues(np.linspace(2, 1, 100))


@pytest.mark.parametrize("x", HARD.values(), ids=HARD)
def test_the_first_and_the_largest_are_right_on_hard_spectra(x, monkeypatch):
    dense = collapse_spectrum(x, "gaussian")
    monkeypatch.setattr(threshold, "ALL_FOR_ONE", 10)
    monkeypatch.setattr(threshold, "LARGEST_MATRIX", 10)
    monkeypatch.setattr(threshold, "_eigenvalues", None)
    assert collapse_threshold(x, "gaussian") == pytest.approx(dense[0], rel=CLOSE)
    np.testing.assert_allclose(
        collapse_spectrum(x, "gaussian"), dense[:50], rtol=0, atol=CLOSE * dense[0]
    )


def test_from_39_by_39_pixels_on_one_eigenvalue_is_not_paid_for_as_all(monkeypatch):
    """The 50 x 50 matrix of products of the images has the same eigenvalues as the 1,521 x 1,521 one of the pixels."""
    x = np.random.default_rng(0).normal(size=(50, 39, 39))
    centred = (x - x.mean(axis=0)).reshape(50, -1)
    expected = np.linalg.eigvalsh(centred @ centred.T / 50)[-1]
    monkeypatch.setattr(threshold, "_eigenvalues", lambda *arguments: ["all of them"])
    assert collapse_threshold(x, "gaussian") == pytest.approx(expected, rel=CLOSE)
    assert collapse_threshold(x[:, :38, :38], "gaussian") == "all of them"


def test_large_images_hold_no_square_matrix():
    """10,000 values would need 800 MB for one; four hundred images of them are 16 MB."""
    code = """
import numpy as np
from vaehelpers.collapse import collapse_threshold
x = np.random.default_rng(0).random((400, 10_000), dtype="float32")
print(collapse_threshold(x) > 1)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) / 1e6)"""
    if sys.platform != "linux":
        pytest.skip("the peak memory of a process is read from /proc")
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert said[0] == "True" and float(said[1]) < 0.4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"likelihood": "laplace"}, "no such threshold: its second derivative"),
        ({"likelihood": "continuous_bernoulli"}, "no such threshold: nearly black"),
        (
            {"likelihood": losses.laplace_log_likelihood},
            "'laplace', for which there is no such threshold",
        ),
        ({"likelihood": "poisson"}, "likelihood is 'poisson': pass one of bernoulli, gaussian"),
        (
            {"likelihood": partial(losses.gaussian_log_likelihood, log_var=-2.0)},
            "a partial that sets log_var",
        ),
        ({"variance": "learned"}, "variance belongs to the Gaussian"),
        ({"variance": 2.0}, "variance belongs to the Gaussian"),
        ({"likelihood": "gaussian", "variance": -1.0}, "not above 0"),
        ({"likelihood": "gaussian", "variance": np.ones(3)}, r"variance has shape \(3,\)"),
        ({"likelihood": "gaussian", "variance": "free"}, "variance is 'free'"),
        ({"x": np.full((5, 4), 0.5)}, "no pixel that varies"),
        ({"x": np.full((5, 4), 255)}, "divide by 255"),
    ],
)
def test_what_has_no_threshold_is_refused(arguments, said):
    x = np.random.default_rng(0).random((5, 4))
    with pytest.raises(ValueError, match=said):
        collapse_threshold(**{"x": x} | arguments)


@pytest.mark.parametrize("one", [1, 1.0, np.float32(1), np.float64(1), np.int64(1), np.ones(())])
def test_a_bernoulli_takes_the_variance_1_whatever_its_type(one):
    assert collapse_threshold(np.eye(3), variance=one) == collapse_threshold(np.eye(3))


@pytest.mark.parametrize("variance", [None, True, 1j, ["1"]])
def test_a_variance_of_another_kind_is_named(variance):
    with pytest.raises(
        TypeError, match=r"variance is .*: pass a number above 0, an array of them or 'learned'"
    ):
        collapse_threshold(np.eye(3), "gaussian", variance)


@pytest.mark.parametrize("name", ["bernoulli", "gaussian"])
def test_a_likelihood_may_be_the_function(name):
    x = np.random.default_rng(0).random((50, 4))
    function = getattr(losses, f"{name}_log_likelihood")
    assert np.array_equal(collapse_spectrum(x, function), collapse_spectrum(x, name))
    assert np.array_equal(collapse_spectrum(x, partial(function)), collapse_spectrum(x, name))
