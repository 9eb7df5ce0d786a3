"""The threshold against closed forms, correlation matrices and published images."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaehelpers import data, losses
from vaehelpers.collapse import collapse_spectrum, collapse_threshold, threshold


@pytest.fixture
def by_lanczos(monkeypatch):
    """Images of any size are treated as large ones."""
    monkeypatch.setattr(threshold, "ALL_AT_ONCE", 5)
    monkeypatch.setattr(threshold, "LARGEST_MATRIX", 5)
    monkeypatch.setattr(threshold, "_all", None)


def spectrum(x, variance=1.0):
    """The eigenvalues of the covariance in units of the variance, descending."""
    pixels = x.reshape(len(x), -1).astype("float64")
    units = np.sqrt(np.broadcast_to(variance, pixels.shape[1:]))
    return np.linalg.eigvalsh(np.cov(pixels.T, bias=True) / np.outer(units, units))[::-1]


@given(st.integers(0, 10**6), st.integers(2, 12), st.floats(0.01, 10))
def test_a_gaussian_s_spectrum_is_that_of_the_covariance_over_the_variance(seed, size, variance):
    x = np.random.default_rng(seed).normal(size=(50, size)).astype("float32")
    expected = spectrum(x, variance)
    found = collapse_spectrum(x, "gaussian", variance)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12 * expected[0])


def test_bits_have_the_spectrum_of_their_correlation_matrix(digits):
    bits = data.binarize(digits.x_train).reshape(4000, -1)
    varies = bits.std(axis=0) > 0
    expected = np.linalg.eigvalsh(np.corrcoef(bits[:, varies].T))[::-1]
    found = collapse_spectrum(bits)
    assert np.allclose(found[: varies.sum()], expected, rtol=1e-5, atol=1e-5 * expected[0])
    assert np.allclose(found[varies.sum() :], 0, atol=1e-9 * expected[0])


def test_known_cases():
    bit = np.random.default_rng(0).integers(2, size=(500, 1))
    assert collapse_threshold(np.repeat(bit, 7, axis=1)) == pytest.approx(7)
    a = np.array([0, 0, 1, 1] * 1000)
    b = np.array([0, 1, 0, 1] * 1000)
    # a covariance sees no xor
    assert collapse_threshold(np.stack([a, b, a ^ b], axis=1)) == pytest.approx(1)


def test_the_learned_variance_is_the_mean_variance_of_the_pixels(digits):
    values = spectrum(digits.x_train)
    variances = np.full((28, 28, 1), values.sum() / 784)
    for variance in ("learned", variances):
        found = collapse_threshold(digits.x_train, "gaussian", variance)
        assert found == pytest.approx(784 * values[0] / values.sum(), rel=1e-6)


def test_the_digits_of_the_course(digits):
    assert collapse_threshold(digits.x_train) == pytest.approx(32.0, abs=0.3)


def test_the_whole_of_mnist(full_mnist):
    x = full_mnist.x_train
    assert np.allclose(collapse_spectrum(x)[:3], [32.23, 22.88, 21.00], atol=0.006)
    assert np.allclose(collapse_spectrum(x, "gaussian")[:2], [5.117, 3.741], atol=6e-4)
    assert collapse_threshold(x, "gaussian", "learned") == pytest.approx(76, abs=0.5)


VARIANCES = {
    "one of 1e-13": [1e-13, 0.1, 0.1, 0.1],
    "all of 1e-13": [1e-13, 1e-13, 1e-13, 1e-13],
    "from 1e-30 to 1e9": [1e-30, 1e-3, 1, 1e9],
}


@pytest.mark.parametrize("variance", VARIANCES.values(), ids=VARIANCES)
def test_a_pixel_that_varies_counts_however_small_its_variance(variance):
    x = np.random.default_rng(0).random((50, 4), "float32")
    expected = spectrum(x, variance)
    found = collapse_spectrum(x, "gaussian", variance)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12 * expected[0])


@pytest.mark.parametrize("scale", [1e-30, 1e-7, 1, 1e15])
def test_a_learned_variance_takes_images_of_any_scale(scale, by_lanczos):
    x = np.random.default_rng(0).random((50, 9))
    values = spectrum(x)
    found = collapse_spectrum(scale * x, "gaussian", "learned", most=2)
    np.testing.assert_allclose(found, 9 * values[:2] / values.sum(), rtol=1e-5)


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
def test_large_images_go_by_lanczos_to_the_same_values(x, by_lanczos):
    x = x.astype("float32")
    expected = spectrum(x)
    assert collapse_threshold(x, "gaussian") == pytest.approx(expected[0], rel=threshold.TOLERANCE)
    found = collapse_spectrum(x, "gaussian")
    np.testing.assert_allclose(found, expected[:50], rtol=0, atol=threshold.TOLERANCE * expected[0])


def test_a_hundred_thousand_copies_of_a_fair_bit_are_within_a_millionth(by_lanczos):
    bit = np.arange(12)[:, None] % 2
    copies = 100_000
    found = collapse_threshold(np.repeat(bit, copies, axis=1).astype("float32"))
    assert found == pytest.approx(copies, rel=threshold.TOLERANCE)


def test_few_images_go_by_the_products_of_one_with_another(monkeypatch):
    monkeypatch.setattr(threshold, "_by_lanczos", None)
    x = np.random.default_rng(0).normal(size=(50, 70, 70))
    centred = (x - x.mean(axis=0)).reshape(50, -1)
    expected = np.linalg.eigvalsh(centred @ centred.T / 50)[::-1]
    np.testing.assert_allclose(collapse_spectrum(x, "gaussian"), expected, rtol=1e-5, atol=1e-9)
    x = x[:20]
    x[:, 1:] = x[0, 1:]  # 70 pixels vary
    found = collapse_spectrum(x, "gaussian")
    np.testing.assert_allclose(found[:20], spectrum(x[:, 0])[:20], rtol=1e-5, atol=1e-9)
    assert found.shape == (50,) and not found[20:].any()


def test_as_many_as_are_asked_for(digits, monkeypatch):
    every = collapse_spectrum(digits.x_train)
    monkeypatch.setattr(threshold, "ALL_AT_ONCE", 700)
    monkeypatch.setattr(threshold, "_all", lambda *given: every)
    found = collapse_spectrum(digits.x_train, most=5)
    np.testing.assert_allclose(found, every[:5], rtol=threshold.TOLERANCE)
    assert len(collapse_spectrum(digits.x_train)) == 784
    assert len(collapse_spectrum(digits.x_train, most=51)) == 51
    assert len(collapse_spectrum(np.eye(3), most=5)) == 3
    with pytest.raises(ValueError, match="most is 0"):
        collapse_spectrum(np.eye(3), most=0)


def test_large_images_are_not_copied_and_no_square_matrix_is_held():
    """The images are 51 MB in float32; 8,000 x 8,000 products would be 512 MB in float64."""
    x = np.random.default_rng(0).random((1600, 8000), dtype="float32")
    tracemalloc.start()
    assert collapse_threshold(x) > 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30e6


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
        (
            {"likelihood": "gaussian", "variance": np.ma.masked_less(np.arange(4.0), 1)},
            "variance has masked values",
        ),
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
