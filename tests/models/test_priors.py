"""A VAE with another prior than N(0, I): its rate against closed forms, and its training."""

import numpy as np
import pytest
from keras import ops
from small_vaes import WideNormal

from vaehelpers import losses
from vaehelpers.losses import MixturePrior

pytestmark = pytest.mark.backend


def test_fit_trains_all_three_weights_and_the_file_keeps_them(small_vae, saved_and_loaded, x):
    vae = small_vae(prior=MixturePrior(4, spread=2, seed=1))
    vae.build(x.shape)
    before = [ops.convert_to_numpy(weight) for weight in vae.prior.trainable_weights]
    vae.fit(x, epochs=2, verbose=0)
    assert len(before) == 3
    for old, weight in zip(before, vae.prior.weights, strict=True):
        assert np.all(ops.convert_to_numpy(weight) != old)
    loaded = saved_and_loaded(vae)
    np.testing.assert_array_equal(loaded.sample_prior(5, seed=0), vae.sample_prior(5, seed=0))
    own = ("n_components", "spread", "seed")
    assert [loaded.prior.get_config()[name] for name in own] == [4, 2.0, 1]
    loaded.fit(x, epochs=1, verbose=0)


def rates_of_draws(vae, x, n_draws):
    """The rates `[n, N]` under n draws of z, and the encoder's means and log variances."""
    out = vae(np.tile(x, (n_draws, 1, 1, 1)), training=True)
    kl = ops.convert_to_numpy(vae._kl_per_dim(out["z"], out["z_mean"], out["z_log_var"]))
    assert kl.shape == (n_draws * len(x), 1)
    return kl.reshape(n_draws, len(x)), *(np.float64(a) for a in vae.encode(x))


def test_a_prior_makes_the_rate_a_monte_carlo_estimate(small_vae, x):
    vae = small_vae(prior=WideNormal())
    vae.fit(x, epochs=1, verbose=0)
    rates, z_mean, z_log_var = rates_of_draws(vae, x, 200)
    exact = 0.5 * ((np.exp(z_log_var) + z_mean**2) / 4 - 1 - z_log_var + np.log(4)).sum(1)
    error = rates.mean(1).std() / np.sqrt(len(rates))
    assert abs(rates.mean() - exact.mean()) < 4 * error
    assert vae.sample_prior(5, seed=0).shape == (5, 3)


def test_one_standard_component_gives_the_closed_form_rate_on_average(small_vae, x):
    vae = small_vae(prior=MixturePrior(n_components=1))
    vae.build(x.shape)
    vae.prior.means.assign(np.zeros([1, 3]))
    rates, *parameters = rates_of_draws(vae, x, 400)
    excess = rates - ops.convert_to_numpy(losses.gaussian_kl(*parameters))
    assert abs(excess.mean()) < 4 * excess.std() / np.sqrt(excess.size) and excess.std() < 3


def test_the_rate_under_a_prior_is_right_for_a_narrow_posterior(small_vae):
    """Prior N(0, 4), means 3, log variances -80, so that z is 3."""
    vae = small_vae(prior=WideNormal())
    means = np.full([2, 3], 3.0, "float32")
    kl = vae._kl_per_dim(means, means, np.full([2, 3], -80.0, "float32"))
    exact = 0.5 * 3 * (9 / 4 - 1 + 80 + np.log(4))
    np.testing.assert_allclose(ops.convert_to_numpy(kl), exact, rtol=1e-4)
