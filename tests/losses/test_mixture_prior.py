"""The mixture prior: its density against SciPy, its draws against exact moments."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from scipy import special, stats

from vaehelpers.losses import MixturePrior

pytestmark = pytest.mark.backend

# JAX compiles anew for every shape that is drawn.
EXAMPLES = 6 if keras.backend.backend() == "jax" else 25
N = 100_000


def random_prior(seed, n_components, latent_dim, spread=1.0):
    rng = np.random.default_rng(seed)
    prior = MixturePrior(n_components)
    prior.build((None, latent_dim))
    prior.means.assign(spread * rng.normal(size=prior.means.shape))
    prior.log_vars.assign(rng.normal(size=prior.log_vars.shape))
    prior.logits.assign(rng.normal(size=prior.logits.shape))
    return prior, rng


def parameters(prior):
    """Shares `[K]`, means and variances `[K, J]` in float64."""
    means, log_vars, logits = (
        np.float64(ops.convert_to_numpy(w)) for w in (prior.means, prior.log_vars, prior.logits)
    )
    return special.softmax(logits), means, np.exp(log_vars)


def log_prob_by_scipy(prior, z):
    parts = [
        np.log(share) + stats.multivariate_normal.logpdf(z, mean, np.diag(variance)).reshape(len(z))
        for share, mean, variance in zip(*parameters(prior), strict=True)
    ]
    return special.logsumexp(parts, axis=0)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 7),
    st.integers(1, 5),
    st.sampled_from([1.0, 5.0, 1e3]),
)
@settings(max_examples=EXAMPLES)
def test_log_prob_agrees_with_scipy_near_and_far(seed, n_components, latent_dim, width):
    """Terms that cancel, at most so large: `J / 2 log 2 pi`, log variances and shares, squares."""
    prior, rng = random_prior(seed, n_components, latent_dim)
    z = width * rng.choice([-1, 1], size=(6, latent_dim)) * rng.uniform(0.5, 1, (6, latent_dim))
    z = z.astype("float32")
    found, expected = ops.convert_to_numpy(prior.log_prob(z)), log_prob_by_scipy(prior, z)
    shares, _, variances = parameters(prior)
    sizes = latent_dim * np.log(2 * np.pi) - np.log(shares.min())
    sizes += np.abs(np.log(variances)).sum(1).max()
    assert np.isfinite(found).all()
    assert np.all(np.abs(found - expected) <= 1e-5 * (np.abs(expected) + sizes))


@pytest.mark.parametrize("n_components", [1, 5])
def test_the_density_integrates_to_one(n_components):
    """By the trapezoidal rule, exact to rounding where the deviations are many times the step."""
    prior, _ = random_prior(1, n_components, 1, spread=4)
    z = np.linspace(-60, 60, 12_001, dtype="float32")
    density = np.exp(np.float64(ops.convert_to_numpy(prior.log_prob(z[:, None]))))
    assert np.trapezoid(density, z) == pytest.approx(1, abs=1e-5)


def test_samples_have_the_moments_of_the_mixture():
    prior, _ = random_prior(3, 4, 2, spread=2)
    shares, means, variances = parameters(prior)
    z = np.float64(ops.convert_to_numpy(prior.sample(N, seed=0)))
    assert z.shape == (N, 2)
    mean = shares @ means
    covariance = (
        np.einsum("k,ki,kj->ij", shares, means, means)
        - np.outer(mean, mean)
        + np.diag(shares @ variances)
    )
    products = (z - mean)[:, :, None] * (z - mean)[:, None]
    for values, exact in ((z, mean), (products, covariance)):
        assert np.all(np.abs(values.mean(0) - exact) < 4 * values.std(0) / np.sqrt(N))


def test_samples_fall_on_the_components_by_their_shares():
    prior, _ = random_prior(5, 4, 2)
    prior.means.assign(100 * np.array([[0, 0], [0, 1], [1, 0], [1, 1]]))
    shares, means, variances = parameters(prior)
    z = np.float64(ops.convert_to_numpy(prior.sample(N, seed=1)))
    component = np.linalg.norm(z[:, None] - means, axis=2).argmin(1)
    found = np.bincount(component, minlength=4) / N
    assert np.all(np.abs(found - shares) < 4 * np.sqrt(shares * (1 - shares) / N))
    for k in range(4):
        own = z[component == k]
        assert np.all(np.abs(own.var(0) / variances[k] - 1) < 4 * np.sqrt(2 / len(own)))


def test_a_seed_repeats_the_samples_and_the_start():
    prior, _ = random_prior(0, 3, 2)
    draws = [ops.convert_to_numpy(prior.sample(50, seed=seed)) for seed in (7, 7, 8, None, None)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert all(not np.any(draws[0] == other) for other in draws[2:]) and not np.any(
        draws[3] == draws[4]
    )
    starts = []
    for seed, spread in ((1, {"spread": 3}), (1, {"spread": 3}), (2, {"spread": 3}), (1, {})):
        prior = MixturePrior(2000, seed=seed, **spread)
        prior.build((None, 5))
        starts.append(parameters(prior))
    np.testing.assert_array_equal(starts[0][1], starts[1][1])
    assert not np.any(starts[0][1] == starts[2][1])
    for (_, means, _), spread in zip(starts, (3, 3, 3, 1), strict=True):
        assert abs(means.std() / spread - 1) < 4 / np.sqrt(2 * means.size)
    np.testing.assert_allclose(starts[0][0], 1 / 2000, rtol=1e-6)
    assert np.all(starts[0][2] == 1)


@pytest.mark.parametrize(
    ("arguments", "name", "error"),
    [
        *(({"n_components": bad}, "n_components", ValueError) for bad in (0, -1)),
        *(({"n_components": bad}, "n_components", TypeError) for bad in (True, 1.5, "2")),
        *(({"spread": bad}, "spread", ValueError) for bad in (0, -1.0, np.nan, np.inf)),
    ],
)
def test_what_does_not_fit_is_named(arguments, name, error):
    with pytest.raises(error, match=f"^{name} is .*: pass a"):
        MixturePrior(**arguments)
