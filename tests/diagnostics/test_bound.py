"""The importance-weighted bound against exact evidences of linear-Gaussian models."""

import os

import numpy as np
import pytest
from scipy import stats

from vaehelpers import losses
from vaehelpers.collapse import LinearGaussian
from vaehelpers.diagnostics import importance_weighted_bound
from vaehelpers.models import VAE, build_mlp


class TooWide:
    """A linear-Gaussian model whose q is the posterior, three times too wide."""

    def __init__(self, model):
        self.model = model
        self.log_joint = model.log_joint

    def q(self, x):
        mean, covariance = self.model.posterior(x)
        return mean, 9 * covariance

    def sample_posterior(self, x, k, seed):
        mean, covariance = self.q(x)
        off = stats.multivariate_normal(cov=covariance)
        apart = off.rvs(k * len(x), random_state=seed).reshape(k, *mean.shape)
        return mean + apart, off.logpdf(apart).reshape(k, len(x))


@pytest.fixture(scope="module")
def toy():
    model = LinearGaussian(np.random.default_rng(0).normal(size=[6, 2]), np.zeros(6), 0.3)
    return model, TooWide(model), model.sample(2000, seed=1)[0]


def test_one_sample_is_the_elbo(toy):
    model, bad, x = toy
    below = importance_weighted_bound(bad, x, 1, seed=0) - model.elbo(x, *bad.q(x))
    assert abs(below.mean()) < 4 * below.std() / np.sqrt(len(x))


def test_the_bound_rises_to_the_evidence_and_not_above(toy):
    model, bad, x = toy
    ks = [1, 2, 5, 10, 30, 100, 300, 1000]
    gaps = np.array(
        [importance_weighted_bound(bad, x, k, seed=k) - model.log_evidence(x) for k in ks]
    )
    mean, error = gaps.mean(axis=1), gaps.std(axis=1) / np.sqrt(len(x))
    assert mean[0] < -1
    assert np.all(np.diff(mean) > -3 * np.hypot(error[1:], error[:-1]))
    assert np.all(mean < 3 * error)
    assert mean[-1] > -0.05


def test_chunks_change_nothing_but_the_noise(toy):
    """5,001 samples of three images need several; from the exact posterior each is the evidence."""
    model, _, x = toy
    found = importance_weighted_bound(model, x[:3], 5001, seed=0)
    np.testing.assert_allclose(found, model.log_evidence(x[:3]))


def test_the_same_seed_gives_the_same_bound(toy):
    _, bad, x = toy
    first = importance_weighted_bound(bad, x[:5], 7)  # seed 0
    again, other = (importance_weighted_bound(bad, x[:5], 7, seed) for seed in (0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.any(first == other)


def test_log_weights_of_minus_thousands_are_no_problem():
    model = LinearGaussian(np.ones([3000, 1]), np.zeros(3000), 1e-2)
    x = 5 + model.sample(2, seed=0)[0]
    found = importance_weighted_bound(model, x, 20, seed=0)
    np.testing.assert_allclose(found, model.log_evidence(x), rtol=1e-6)


@pytest.mark.parametrize(
    ("n", "k", "error", "said"),
    [
        (0, 5, ValueError, "^x holds no images"),
        (2, 0, ValueError, "^n_samples is 0: pass a whole number of at least 1"),
        (2, 2.5, TypeError, "^n_samples is 2.5: pass a whole number of at least 1"),
    ],
)
def test_nothing_to_compute_is_named(toy, n, k, error, said):
    with pytest.raises(error, match=said):
        importance_weighted_bound(toy[0], toy[2][:n], k)


@pytest.mark.backend
def test_a_linear_vae_agrees_with_its_linear_gaussian():
    """A linear decoder of unit variance is a linear-Gaussian model, whose evidence is known."""
    parts = build_mlp((5,), hidden=None, latent_dim=2)
    vae = VAE(*parts, log_likelihood=losses.gaussian_log_likelihood)
    kernel, bias = vae.decoder.get_weights()
    model = LinearGaussian(kernel.T, bias, 1.0)
    x = model.sample(50, seed=0)[0].astype("float32")
    _, covariance = model.posterior(x)
    to_mean = kernel.T @ covariance
    widths = np.log(np.diag(covariance)) + 1  # q has the posterior's mean and is wider
    vae.encoder.get_layer("z_mean").set_weights([to_mean, -bias @ to_mean])
    vae.encoder.get_layer("z_log_var").set_weights([np.zeros([5, 2]), widths])
    z, log_q = vae.sample_posterior(x, 3, seed=0)
    z_mean, z_log_var = vae.encode(x)
    reference = stats.norm.logpdf(z, z_mean, np.exp(z_log_var / 2)).sum(axis=-1)
    np.testing.assert_allclose(log_q, reference, atol=1e-4)
    np.testing.assert_allclose(vae.log_joint(x, z), model.log_joint(x, z), rtol=1e-5)
    below = importance_weighted_bound(vae, x, 5000, seed=0) - model.log_evidence(x)
    assert abs(below.mean()) < 0.01


@pytest.mark.slow
def test_memory_stays_bounded_for_5000_samples_of_1000_images(peak_gigabytes):
    """Twenty of the thousand images are enough to see it: chunks are as large, only fewer."""
    images = os.environ.get("VAEHELPERS_TEST_IMAGES", "20")
    code = f"""
from vaehelpers import data, diagnostics, models, runtime
runtime.devices()
x = data.load_mnist().x_test[:{images}]
diagnostics.importance_weighted_bound(models.VAE(*models.build_mlp()), x, 5000, seed=0)"""
    assert peak_gigabytes(code) < 1.5
