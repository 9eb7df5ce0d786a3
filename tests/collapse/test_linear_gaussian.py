"""The identity log p(x) = ELBO + KL(q || p(z|x)), and each closed form by itself."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from vaehelpers.collapse import LinearGaussian


def random_case(seed, dimensions, latent_dim):
    """A well-conditioned model, data, and a random q with a covariance for each row."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=[dimensions, latent_dim])
    model = LinearGaussian(weights, rng.normal(size=dimensions), float(rng.uniform(0.1, 3)))
    x, _ = model.sample(4, seed)
    roots = rng.normal(size=[4, latent_dim, latent_dim]) / np.sqrt(latent_dim) + np.eye(latent_dim)
    q_covariance = roots @ roots.swapaxes(1, 2) + 0.05 * np.eye(latent_dim)
    return model, x, rng.normal(size=[4, latent_dim]), q_covariance


cases = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 50), st.integers(1, 10))


@given(cases)
@settings(max_examples=100)
def test_log_evidence_is_elbo_plus_gap(case):
    model, x, *q = random_case(*case)
    gap = model.gap(x, *q)
    np.testing.assert_allclose(model.elbo(x, *q) + gap, model.log_evidence(x), rtol=1e-8)
    assert np.all(gap >= -1e-8)


@given(cases)
@settings(max_examples=100)
def test_log_evidence_agrees_with_scipy(case):
    model, x, _, _ = random_case(*case)
    covariance = model.weights @ model.weights.T + model.variance * np.eye(len(model.mean))
    reference = stats.multivariate_normal.logpdf(x, model.mean, covariance)
    np.testing.assert_allclose(model.log_evidence(x), reference, rtol=1e-8, atol=1e-8)


@given(cases)
@settings(max_examples=30)
def test_the_gap_closes_at_the_posterior_and_only_there(case):
    model, x, _, _ = random_case(*case)
    mean, covariance = model.posterior(x)
    np.testing.assert_allclose(model.gap(x, mean, covariance), 0, atol=1e-8)
    assert np.all(model.gap(x, mean + 0.1, covariance) > 1e-4)
    assert np.all(model.gap(x, mean, 1.1 * covariance) > 1e-4)


def exact_log_evidence(model, x):
    """log N(x; mean, W W^T + variance I) of one image, by Gaussian elimination in fractions."""
    exact = np.vectorize(Fraction, otypes=[object])
    weights = exact(model.weights)
    size = len(x)
    covariance = weights.dot(weights.T) + Fraction(model.variance) * np.eye(size, dtype=int)
    residual = exact(x) - exact(model.mean)
    rows = np.column_stack([covariance, residual])
    determinant = Fraction(1)
    for i in range(size):
        determinant *= rows[i, i]
        rows[i] = rows[i] / rows[i, i]
        for j in set(range(size)) - {i}:
            rows[j] = rows[j] - rows[j, i] * rows[i]
    exponent = residual.dot(rows[:, -1])
    return -0.5 * (size * np.log(2 * np.pi) + math.log(determinant) + float(exponent))


@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize(
    "weights", [[[1e3, 2e3]], [[1e3], [2e3]], [[1e3, 2e3]] * 4, [[1e3, 2e3], [3e3, -1e3], [1, 2]]]
)
def test_a_variance_far_below_the_weights_leaves_the_identity_exact(weights, scale):
    model = LinearGaussian(np.array(weights), np.zeros(len(weights)), 1e-4)
    x = scale * np.ones([1, len(weights)])
    expected = pytest.approx(exact_log_evidence(model, x[0]), abs=1e-4, rel=1e-9)
    q = model.posterior(x)
    assert model.log_evidence(x)[0] == expected
    assert model.elbo(x, *q)[0] + model.gap(x, *q)[0] == expected


def test_distortion_and_rate_agree_with_monte_carlo():
    model, x, q_mean, q_covariance = random_case(3, 5, 2)
    rng = np.random.default_rng(0)
    for n in range(len(x)):
        z = rng.multivariate_normal(q_mean[n], q_covariance[n], size=200_000)
        means = model.mean + z @ model.weights.T
        log_x = stats.norm.logpdf(x[n], means, np.sqrt(model.variance)).sum(1)
        log_q = stats.multivariate_normal.logpdf(z, q_mean[n], q_covariance[n])
        log_ratio = log_q - stats.norm.logpdf(z).sum(1)
        for exact, values in ((model.distortion, -log_x), (model.rate, log_ratio)):
            found = exact(x, q_mean, q_covariance)[n]
            assert abs(found - values.mean()) < 4 * values.std() / np.sqrt(len(z))


def test_log_joint_and_posterior_samples():
    model, x, _, _ = random_case(1, 6, 3)
    z, log_q = model.sample_posterior(x, 7, seed=0)
    mean, covariance = model.posterior(x)
    assert z.shape == (7, 4, 3) and log_q.shape == (7, 4)
    expected = [stats.multivariate_normal.logpdf(z[:, n], mean[n], covariance) for n in range(4)]
    np.testing.assert_allclose(log_q.T, expected, rtol=1e-9)
    np.testing.assert_allclose(
        model.log_joint(x, z) - log_q, np.tile(model.log_evidence(x), (7, 1)), rtol=1e-9
    )


def test_fit_finds_the_model_that_made_the_data():
    truth = LinearGaussian(np.diag([3.0, 2.0, 0, 0])[:, :2], np.arange(4.0), 0.5)
    x, z = truth.sample(50_000, seed=0)
    model = LinearGaussian.fit(x, latent_dim=2)
    np.testing.assert_allclose(model.variance, 0.5, rtol=0.02)
    np.testing.assert_allclose(
        model.weights @ model.weights.T, truth.weights @ truth.weights.T, atol=0.15
    )
    np.testing.assert_allclose(model.mean, truth.mean, atol=0.06)
    assert z.shape == (50_000, 2) and abs(z.std() - 1) < 0.01


def test_fit_is_the_maximum_of_the_likelihood():
    x, _ = random_case(5, 8, 3)[0].sample(300, seed=1)
    model = LinearGaussian.fit(x, latent_dim=3)
    best = model.log_evidence(x).mean()
    rng = np.random.default_rng(2)
    for _ in range(50):
        weights = model.weights + 0.05 * rng.normal(size=model.weights.shape)
        other = LinearGaussian(weights, model.mean, model.variance * rng.uniform(0.9, 1.1))
        assert other.log_evidence(x).mean() < best


MODEL = LinearGaussian(np.ones([3, 2]), np.zeros(3), 1.0)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: LinearGaussian(np.ones(3), np.zeros(3), 1.0), "weights"),
        (lambda: LinearGaussian(np.ones([3, 2]), np.zeros(2), 1.0), "mean"),
        (lambda: LinearGaussian(np.ones([3, 2]), np.zeros(3), 0.0), "variance"),
        (lambda: LinearGaussian(np.ones([3, 2]), np.zeros(3), np.nan), "variance"),
        (lambda: LinearGaussian.fit(np.ones([1, 3]), 1), "x has shape"),
        (lambda: LinearGaussian.fit(np.full([4, 3], np.nan), 1), "x has shape"),
        (lambda: LinearGaussian.fit(np.eye(3), 3), "latent_dim"),
        (lambda: LinearGaussian.fit(np.outer(np.arange(4.0), np.ones(3)), 1), "smaller latent_dim"),
        (lambda: MODEL.log_evidence(np.zeros([2, 4])), r"x has shape \(2, 4\)"),
        (lambda: MODEL.log_evidence(np.ma.masked_less(np.eye(3), 1)), "x has masked values"),
        (lambda: LinearGaussian.fit(np.ma.masked_less(np.eye(3), 1), 1), "x has masked values"),
        (lambda: MODEL.rate(np.zeros([2, 3]), np.zeros([2, 2]), np.nan * np.eye(2)), "symmetric"),
        (lambda: MODEL.elbo(np.zeros([2, 3]), np.zeros([2, 3]), np.eye(2)), "q_mean"),
        (lambda: MODEL.gap(np.zeros([2, 3]), np.zeros([2, 2]), np.ones(2)), "q_covariance"),
        (
            lambda: MODEL.rate(np.zeros([2, 3]), np.zeros([2, 2]), -np.eye(2)),
            "q_covariance .* positive definite",
        ),
        (
            lambda: MODEL.elbo(np.zeros([2, 3]), np.zeros([2, 2]), [[1, 0], [0.5, 1]]),
            "q_covariance .* symmetric",
        ),
    ],
)
def test_what_does_not_fit_is_named(call, name):
    with pytest.raises(ValueError, match=name):
        call()


@pytest.mark.parametrize("variance", ["1", True, np.ones(3), None])
def test_a_variance_that_is_no_number_is_named(variance):
    with pytest.raises(TypeError, match="variance is"):
        LinearGaussian(np.ones([3, 2]), np.zeros(3), variance)


def test_without_latent_dimensions_there_is_no_rate_and_no_gap():
    x, _ = random_case(0, 3, 2)[0].sample(20, seed=0)
    model = LinearGaussian.fit(x, latent_dim=0)
    q = model.posterior(x)
    assert model.rate(x, *q).tolist() == model.gap(x, *q).tolist() == [0] * 20
    np.testing.assert_allclose(model.elbo(x, *q), model.log_evidence(x))
    with pytest.raises(TypeError, match=r"latent_dim is 1\.5"):
        LinearGaussian.fit(x, latent_dim=1.5)
