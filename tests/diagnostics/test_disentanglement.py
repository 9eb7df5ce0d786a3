"""Information and gap of codes whose values are known: copies, noise, rotations, a channel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from vaehelpers.diagnostics import factor_information, information, mutual_information_gap

GRID = np.indices((3, 4, 8)).reshape(3, -1).T  # a complete grid of three factors
NARROW, UNIT = np.full(GRID.shape, -8.0), np.zeros(GRID.shape)


def random_code(seed, n, latent_dim, n_factors):
    rng = np.random.default_rng(seed)
    factors = rng.integers(-2, 3, size=(n, n_factors))
    return (
        rng.normal(size=(n, latent_dim)) + factors[:, :1],
        rng.normal(size=(n, latent_dim)) - 1,
        factors,
    )


def entropies(factors):
    return np.array([stats.entropy(np.unique(f, return_counts=True)[1]) for f in factors.T])


def test_one_narrow_dimension_for_each_factor_has_all_of_it():
    found = factor_information(GRID, NARROW, GRID)
    np.testing.assert_allclose(found, np.diag(np.log([3, 4, 8])), atol=1e-3)
    assert mutual_information_gap(GRID, NARROW, GRID) == pytest.approx(1, abs=0.02)


def test_noise_tells_nothing():
    collapsed = factor_information(0 * GRID, UNIT, GRID)
    assert np.allclose(collapsed, 0, atol=1e-12)
    means = np.random.default_rng(0).normal(scale=0.05, size=GRID.shape)
    assert np.abs(factor_information(means, UNIT, GRID, n_samples=50)).max() < 0.01
    assert abs(mutual_information_gap(means, UNIT, GRID, n_samples=50)) < 0.01


def test_a_factor_coded_twice_has_no_gap():
    z_mean = GRID[:, [1, 1]] * [1.0, -3.0]
    z_log_var = np.array([-2.0, -2.0 + 2 * np.log(3)]) + np.zeros([96, 1])
    assert factor_information(z_mean, z_log_var, GRID[:, 1:2]).min() > 0.5
    assert mutual_information_gap(z_mean, z_log_var, GRID[:, 1:2]) == pytest.approx(0, abs=1e-12)


def test_two_factors_in_one_dimension_are_no_loss():
    """What the gap does not ask: the dimension need not hold this factor alone."""
    z_mean = np.stack([GRID @ [32.0, 8.0, 1.0], np.zeros(96)], axis=1)
    assert mutual_information_gap(z_mean, NARROW[:, :2], GRID) == pytest.approx(1, abs=0.02)


def test_a_rotation_lowers_the_gap_although_the_code_is_as_good():
    factors = np.indices((8, 8)).reshape(2, -1).T
    gaps = []
    for angle in np.deg2rad([0, 20, 45, 90]):
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        z_mean = (factors - 3.5) @ rotation
        gaps.append(mutual_information_gap(z_mean, np.full([64, 2], -3.0), factors, n_samples=20))
    assert gaps[0] > 0.95 and gaps[3] == pytest.approx(gaps[0], abs=0.01)
    assert 0.1 < gaps[1] < gaps[0] - 0.1
    assert gaps[2] == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize(
    ("ones", "sigmas"), [(500, (1.0, 1.0)), (250, (1.0, 1.0)), (500, (0.5, 2.0)), (100, (3.0, 0.4))]
)
def test_a_noisy_bit_has_the_information_of_its_channel(ones, sigmas):
    """H(z) - H(z|v), both integrals done by quadrature; z_mean is -1 or 1."""
    bit = np.arange(1000) < ones
    weights, sigmas = np.array([1 - ones / 1000, ones / 1000]), np.array(sigmas)

    def integrand(z):
        of_each = stats.norm.pdf(z, [-1, 1], sigmas)
        return special.entr(weights @ of_each) - weights @ special.entr(of_each)

    expected = integrate.quad(integrand, -25, 25, points=[-1, 1], limit=200)[0]
    bit = bit[:, None]
    log_var = 2 * np.log(sigmas[bit.astype(int)])
    found = factor_information(2.0 * bit - 1, log_var, bit, n_samples=30)
    assert found.shape == (1, 1)
    assert found[0, 0] == pytest.approx(expected, abs=0.01)


@given(st.integers(0, 10**6), st.integers(1, 30), *[st.integers(1, 3)] * 3)
def test_it_equals_a_double_loop(seed, n, latent_dim, n_factors, n_samples):
    z_mean, z_log_var, factors = random_code(seed, n, latent_dim, n_factors)
    sigma = np.exp(z_log_var / 2)
    noise = np.random.default_rng(seed).standard_normal((n_samples, n))
    expected = np.zeros((latent_dim, n_factors))
    for j, k in np.ndindex(expected.shape):
        for s, i in np.ndindex(noise.shape):
            z = z_mean[i, j] + sigma[i, j] * np.sign(z_mean[i, j]) * noise[s, i]
            log_q = stats.norm.logpdf(z, z_mean[:, j], sigma[:, j])
            alike = factors[:, k] == factors[i, k]
            expected[j, k] += special.logsumexp(log_q[alike]) - np.log(alike.sum())
            expected[j, k] -= special.logsumexp(log_q) - np.log(n)
    found = factor_information(z_mean, z_log_var, factors, n_samples, seed)
    np.testing.assert_allclose(found, expected / noise.size, atol=1e-12)


@given(st.integers(0, 10**6), st.floats(-80, 80), st.floats(0, 40))
def test_information_is_at_most_the_entropy(seed, log_var, spread):
    z_mean, z_log_var, factors = random_code(seed, 40, 2, 3)
    found = factor_information(z_mean, log_var + spread * z_log_var.clip(-3, 3), factors)
    assert np.all(found <= entropies(factors) + 1e-12)


@given(st.integers(0, 10**6), st.sampled_from([-1.0, 2.0, -0.37, 1e6]))
def test_permuted_mirrored_and_rescaled_dimensions_change_nothing(seed, factor):
    z_mean, z_log_var, factors = random_code(seed, 40, 3, 2)
    order = [2, 0, 1]
    expected = factor_information(z_mean, z_log_var, factors, seed=seed)
    found = factor_information(z_mean[:, order], z_log_var[:, order], factors, seed=seed)
    np.testing.assert_array_equal(found, expected[order])
    z_mean, z_log_var = z_mean * factor, z_log_var + 2 * np.log(abs(factor))
    found = factor_information(z_mean, z_log_var, factors, seed=seed)
    np.testing.assert_allclose(found, expected, atol=1e-11)


def test_the_gap_is_the_mean_over_factors_of_best_less_second():
    z_mean, z_log_var, factors = random_code(3, 60, 4, 3)
    *_, second, first = np.sort(factor_information(z_mean, z_log_var, factors, 2, seed=5), axis=0)
    expected = np.mean((first - second) / entropies(factors))
    found = mutual_information_gap(z_mean, z_log_var, factors, 2, seed=5)
    assert found == pytest.approx(expected, abs=1e-14)


def test_the_names_of_the_values_and_the_size_of_a_part_change_nothing(monkeypatch):
    z_mean, z_log_var, factors = random_code(1, 50, 2, 2)
    expected = factor_information(z_mean, z_log_var, factors)
    renamed = factor_information(z_mean, z_log_var, 7 - 3 * factors)
    np.testing.assert_allclose(renamed, expected, atol=1e-13)
    monkeypatch.setattr(information, "VALUES_AT_ONCE", 350)
    np.testing.assert_allclose(factor_information(z_mean, z_log_var, factors), expected, atol=1e-13)


def test_a_sample_of_a_larger_distribution_is_biased_upward():
    """Narrow codes that know nothing of the factor seem to know all of it."""
    z_mean = np.random.default_rng(0).normal(size=(50, 1))
    found = factor_information(z_mean, np.full([50, 1], -30.0), np.arange(50)[:, None] % 2)
    assert found[0, 0] == pytest.approx(np.log(2))


def test_the_seed_decides_the_noise():
    z_mean, z_log_var, factors = random_code(0, 30, 2, 1)
    first, again, other = (
        factor_information(z_mean, z_log_var, factors, seed=seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.any(first == other)


def test_memory_stays_below_300_megabytes_for_all_shapes(peak_gigabytes):
    code = """
import numpy as np
from vaehelpers import data, diagnostics
factors = data.load_shapes().factors
z_mean = np.random.default_rng(0).normal(size=(4608, 3))
diagnostics.factor_information(z_mean, np.zeros([4608, 3]), factors)
assert not {"tensorflow", "jax", "keras", "scipy"} & set(sys.modules)"""
    assert peak_gigabytes(code) < 0.3


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"z_mean": GRID[:, 0]}, ValueError, r"^z_mean has shape \(96,\): pass one row for each"),
        ({"z_mean": GRID[:50]}, ValueError, r"^z_mean has shape \(50, 3\), z_log_var \(96, 3\)"),
        ({"z_mean": np.where(GRID == 2, np.nan, GRID)}, ValueError, "^z_mean holds NaN or infini"),
        ({"z_mean": GRID + 0j}, TypeError, "^z_mean holds complex128, not real"),
        ({"z_log_var": NARROW - np.inf}, ValueError, "^z_log_var holds NaN or infinite"),
        ({"z_log_var": 100 * NARROW}, ValueError, r"^z_log_var goes beyond ±300: .*np.log\(var"),
        ({"z_log_var": None}, TypeError, "^z_log_var holds object"),
        ({"factors": GRID[:, 0]}, ValueError, r"^factors .*factors\[:, None\]"),
        ({"factors": GRID[:50]}, ValueError, r"^factors has shape \(50, 3\), \[96, K\] is wanted"),
        ({"factors": GRID[:, :0]}, ValueError, r"^factors has shape \(96, 0\)"),
        ({"factors": GRID / 8}, TypeError, "^factors holds float64, not whole numbers: number"),
        ({"n_samples": 0}, ValueError, "^n_samples is 0"),
        ({"n_samples": 2.5}, TypeError, "^n_samples is 2.5"),
    ],
)
def test_bad_input_is_named_with_the_cure(arguments, error, said):
    good = {"z_mean": GRID, "z_log_var": NARROW, "factors": GRID}
    for function in (factor_information, mutual_information_gap):
        with pytest.raises(error, match=said):
            function(**good | arguments)


def test_what_has_no_gap_is_refused():
    with pytest.raises(ValueError, match=r"^z_mean has shape \(96, 1\): a gap needs two latent"):
        mutual_information_gap(GRID[:, :1], NARROW[:, :1], GRID)
    constant = GRID * [1, 0, 1]
    assert np.allclose(factor_information(GRID, NARROW, constant)[:, 1], 0)
    with pytest.raises(ValueError, match=r"^factors .* everywhere in column 1: leave .*np.delete"):
        mutual_information_gap(GRID, NARROW, constant)
