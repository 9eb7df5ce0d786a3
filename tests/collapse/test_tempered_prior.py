"""A weighted KL is the KL to a tempered prior, less an entropy: each term against SciPy, and why no prior does it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from vaehelpers.collapse import (
    exceptional_variance,
    gaussian_divergence,
    gaussian_entropy,
    tempered_gaussian,
)

TOLERANCE = 1e-10  # of the sum of the terms' sizes

cases = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 6))
weights = st.floats(0.1, 400)
hypothesis_settings = settings(max_examples=50)


def random_gaussian(rng, latent_dim):
    root = rng.normal(size=[latent_dim, latent_dim]) / np.sqrt(latent_dim) + np.eye(latent_dim)
    return rng.normal(size=latent_dim), rng.uniform(0.2, 3) * (
        root @ root.T + 0.05 * np.eye(latent_dim)
    )


def assert_adds_up(found, *terms):
    assert abs(found - sum(terms)) <= TOLERANCE * (abs(found) + sum(map(abs, terms)))


def cross_entropy_terms(q_mean, q_covariance, p_mean, p_covariance):
    """-E_q log p of normal distributions, by the inverse and the determinant of the covariance."""
    precision, distance = np.linalg.inv(p_covariance), q_mean - p_mean
    constant = 0.5 * len(q_mean) * np.log(2 * np.pi) + 0.5 * np.linalg.slogdet(p_covariance)[1]
    return constant, 0.5 * np.trace(precision @ q_covariance), 0.5 * distance @ precision @ distance


@given(cases)
@hypothesis_settings
def test_entropy_and_divergence_agree_with_scipy(case):
    rng = np.random.default_rng(case[0])
    q, p = random_gaussian(rng, case[1]), random_gaussian(rng, case[1])
    entropy = stats.multivariate_normal.entropy(*q)
    assert_adds_up(gaussian_entropy(q[1]), entropy)
    assert_adds_up(gaussian_divergence(*q, *p), -entropy, *cross_entropy_terms(*q, *p))
    assert abs(gaussian_divergence(*q, *q)) < 1e-12


@given(cases, weights)
@hypothesis_settings
def test_the_tempered_density_is_the_power_over_its_integral(case, weight):
    """At random points, which pins the mean, the covariance and log Z at once."""
    rng = np.random.default_rng(case[0])
    p = random_gaussian(rng, case[1])
    mean, covariance, log_z = tempered_gaussian(*p, weight)
    for z in rng.multivariate_normal(mean, covariance, size=5):
        log_p = stats.multivariate_normal.logpdf(z, *p)
        assert_adds_up(
            stats.multivariate_normal.logpdf(z, mean, covariance), weight * log_p, -log_z
        )


@given(st.floats(-3, 3), st.floats(0.1, 5), st.floats(0.2, 5))
@hypothesis_settings
def test_log_z_agrees_with_quadrature(mean, variance, weight):
    width = 12 * np.sqrt(variance / weight)
    power = lambda z: stats.norm.pdf(z, mean, np.sqrt(variance)) ** weight  # noqa: E731
    z = integrate.quad(power, mean - width, mean + width, epsabs=0, epsrel=1e-9)[0]
    found = tempered_gaussian([mean], [[variance]], weight).log_normalizer
    assert np.exp(found) == pytest.approx(z, rel=1e-8)


@given(cases, weights)
@hypothesis_settings
def test_a_weighted_kl_is_the_kl_to_the_tempered_prior_less_an_entropy(case, weight):
    rng = np.random.default_rng(case[0])
    q, p = random_gaussian(rng, case[1]), random_gaussian(rng, case[1])
    mean, covariance, log_z = tempered_gaussian(*p, weight)
    terms = (
        gaussian_divergence(*q, mean, covariance),
        -(weight - 1) * gaussian_entropy(q[1]),
        -log_z,
    )
    assert_adds_up(weight * gaussian_divergence(*q, *p), *terms)


def both_sides(mean, covariance, weight):
    """KL(q || N(0, I / weight)) and weight * KL(q || N(0, I))."""
    origin, unit = np.zeros(len(mean)), np.eye(len(mean))
    narrow = gaussian_divergence(mean, covariance, origin, unit / weight)
    return narrow, weight * gaussian_divergence(mean, covariance, origin, unit)


@given(cases, st.sampled_from([0.5, 2.0, 4.0, 10.0, 392.0]))
@hypothesis_settings
def test_at_the_exceptional_variance_a_prior_does_the_weight_s_work(case, weight):
    rng = np.random.default_rng(case[0])
    mean, covariance = 3 * rng.normal(size=case[1]), exceptional_variance(weight) * np.eye(case[1])
    assert_adds_up(*both_sides(mean, covariance, weight))
    narrow, weighted = both_sides(mean, 1.1 * covariance, weight)
    assert abs(narrow - weighted) > 1e-3


def test_the_exceptional_variance_at_weight_1_is_its_limit():
    assert exceptional_variance(1) == 1
    for weight in (1 - 1e-9, 1 + 1e-9):
        assert exceptional_variance(weight) == pytest.approx(1, abs=1e-9)


@given(cases, weights)
@hypothesis_settings
def test_at_one_covariance_the_two_sides_differ_by_a_constant(case, weight):
    rng = np.random.default_rng(case[0])
    (mean, covariance), other = random_gaussian(rng, case[1]), 5 * rng.normal(size=case[1])
    (narrow, weighted), (other_narrow, other_weighted) = (
        both_sides(m, covariance, weight) for m in (mean, other)
    )
    assert_adds_up(narrow, weighted, other_narrow, -other_weighted)


@given(cases, st.floats(0.01, 100))
@hypothesis_settings
def test_a_rescaled_latent_space_has_the_same_kl(case, scale):
    mean, covariance = random_gaussian(np.random.default_rng(case[0]), case[1])
    origin, unit = np.zeros(case[1]), np.eye(case[1])
    rescaled = gaussian_divergence(scale * mean, scale**2 * covariance, origin, scale**2 * unit)
    np.testing.assert_allclose(
        rescaled, gaussian_divergence(mean, covariance, origin, unit), rtol=1e-10, atol=1e-12
    )


@given(st.integers(0, 2**32 - 1), weights, st.floats(-2, 2), st.floats(0.5, 2))
@hypothesis_settings
def test_no_prior_does_it_since_expectations_obey_the_heat_equation(seed, weight, mean, variance):
    """`u(m, v) = E_N(m, v) f` has `du/dv = u_mm / 2` for every f, `(weight - 1) H(v)` has not: no f equals it.

    Here f = log p' - weight log p, p' a mixture of N(a, 1) and N(b, 1) with |a - b| <= 2. The log p part is quadratic,
    where central differences are exact. log p' has f'' in [-1, 0], hence, by derivatives of the normal density,
    |u_mmmm| < 1 / v and |u_vvv| < sqrt(24) / (8 v^2): with v >= 1/2 the two differences err by less than step^2.
    """
    rng, step = np.random.default_rng(seed), 1e-2
    share, centers = rng.uniform(0.1, 0.9), rng.uniform(-1, 1, size=2)
    nodes, node_weights = np.polynomial.hermite_e.hermegauss(100)

    def u(m, v):
        z = m + np.sqrt(v) * nodes
        log_parts = stats.norm.logpdf(z[:, None], centers) + np.log([share, 1 - share])
        f = np.logaddexp(*log_parts.T) - weight * stats.norm.logpdf(z)
        return f @ node_weights / np.sqrt(2 * np.pi)

    by_variance = (u(mean, variance + step) - u(mean, variance - step)) / (2 * step)
    by_mean = (
        u(mean + step, variance) - 2 * u(mean, variance) + u(mean - step, variance)
    ) / step**2
    assert abs(by_variance - by_mean / 2) < step**2
    entropies = (gaussian_entropy([[variance + step]]), gaussian_entropy([[variance - step]]))
    assert (entropies[0] - entropies[1]) / (2 * step) == pytest.approx(
        1 / (2 * variance), rel=2 * step**2
    )


PAIR = np.zeros(2), np.eye(2)


@pytest.mark.parametrize(
    ("weight", "error"),
    [
        (0, ValueError),
        (-1.0, ValueError),
        (np.nan, ValueError),
        (np.inf, ValueError),
        (True, TypeError),
        (np.ones(1), TypeError),
    ],
)
def test_a_weight_that_is_not_above_0_is_named(weight, error):
    for call in (exceptional_variance, lambda weight: tempered_gaussian(*PAIR, weight)):
        with pytest.raises(error, match=r"^weight is .*: pass a number above 0"):
            call(weight)


BAD_COVARIANCES = [
    np.ones(2),
    np.ones([1, 2]),
    np.ones([2, 3]),
    np.stack(2 * [np.eye(2)]),
    [[1, 0.1], [0, 1]],
    -np.eye(2),
]


@pytest.mark.parametrize("covariance", BAD_COVARIANCES)
def test_a_covariance_that_is_none_is_named(covariance):
    calls = {
        "covariance": (gaussian_entropy, lambda bad: tempered_gaussian(np.zeros(2), bad, 2.0)),
        "q_covariance": (lambda bad: gaussian_divergence(np.zeros(2), bad, *PAIR),),
        "p_covariance": (lambda bad: gaussian_divergence(*PAIR, np.zeros(2), bad),),
    }
    for name, functions in calls.items():
        for call in functions:
            with pytest.raises(ValueError, match=f"^{name} has shape .* positive definite"):
                call(covariance)


@pytest.mark.parametrize("place", range(4))
def test_shapes_that_do_not_fit_are_named(place):
    arguments = [*PAIR, *PAIR]
    arguments[place] = (np.zeros(3), np.eye(3))[place % 2]
    with pytest.raises(
        ValueError, match=rf"{('q_mean', 'q_covariance', 'p_mean', 'p_covariance')[place]} \(3,"
    ):
        gaussian_divergence(*arguments)


def test_a_mean_that_does_not_fit_the_tempered_covariance_is_named():
    with pytest.raises(ValueError, match=r"mean .*\(3,\)"):
        tempered_gaussian(np.zeros(3), np.eye(2), 2.0)
