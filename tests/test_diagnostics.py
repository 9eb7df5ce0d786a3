"""Bounds, evaluation, information and diagnosis against closed forms, on models whose weights are set by hand."""

import functools
import os
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops
from scipy import integrate, special, stats

from vaehelpers import losses
from vaehelpers.collapse import LinearGaussian, collapse_threshold
from vaehelpers.diagnostics import (
    active_units,
    bits_per_dim,
    diagnose,
    diagnosis,
    evaluate,
    findings,
    importance_weighted_bound,
    information,
    mutual_information,
)
from vaehelpers.diagnostics.diagnosis import constant_distortion
from vaehelpers.diagnostics.evaluation import Evaluation
from vaehelpers.models import VAE, build_mlp


class TooWide:
    """A linear-Gaussian model whose q is the posterior, three times too wide."""

    def __init__(self, model):
        self.model, self.log_joint = model, model.log_joint

    def q(self, x):
        mean, covariance = self.model.posterior(x)
        return mean, 9 * covariance

    def sample_posterior(self, x, k, seed):
        mean, covariance = self.q(x)
        z = mean + np.random.default_rng(seed).standard_normal((k, *mean.shape)) @ np.linalg.cholesky(covariance).T
        return z, stats.multivariate_normal.logpdf(z - mean, np.zeros(mean.shape[1]), covariance).reshape(k, len(x))


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
    gaps = np.array([importance_weighted_bound(bad, x, k, seed=k) - model.log_evidence(x) for k in ks])
    mean, error = gaps.mean(axis=1), gaps.std(axis=1) / np.sqrt(len(x))
    assert mean[0] < -1
    assert np.all(np.diff(mean) > -3 * np.hypot(error[1:], error[:-1]))
    assert np.all(mean < 3 * error)
    assert mean[-1] > -0.05


def test_chunks_change_nothing_but_the_noise(toy):
    """5,001 samples of three images need several chunks, and from the exact posterior every one is the evidence."""
    model, _, x = toy
    np.testing.assert_allclose(importance_weighted_bound(model, x[:3], 5001, seed=0), model.log_evidence(x[:3]))


def test_the_same_seed_gives_the_same_bound(toy):
    _, bad, x = toy
    first, again, other = (importance_weighted_bound(bad, x[:5], 7, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.any(first == other)


def test_log_weights_of_minus_thousands_are_no_problem():
    model = LinearGaussian(np.ones([3000, 1]), np.zeros(3000), 1e-2)
    x = 5 + model.sample(2, seed=0)[0]
    found = importance_weighted_bound(model, x, 20, seed=0)
    np.testing.assert_allclose(found, model.log_evidence(x), rtol=1e-6)


@pytest.mark.parametrize(("n", "k", "name"), [(2, 0, "n_samples"), (0, 5, "x")])
def test_nothing_to_compute_is_named(toy, n, k, name):
    with pytest.raises(ValueError, match=f"^{name}"):
        importance_weighted_bound(toy[0], toy[2][:n], k, seed=0)


def test_a_linear_vae_agrees_with_its_linear_gaussian():
    """A VAE with a linear decoder and unit variance is a linear-Gaussian model: its bound rises to that evidence."""
    vae = VAE(*build_mlp((5,), hidden=None, latent_dim=2), log_likelihood=losses.gaussian_log_likelihood)
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


def test_memory_stays_bounded_for_5000_samples_of_1000_images():
    """Twenty of the thousand images are enough to see it: chunks are as large, there are fewer of them.

    The peak is read from /proc: what getrusage says of a child starts at its parent's peak.
    """
    if not os.path.exists("/proc/self/status"):
        pytest.skip("the peak memory of a process is read from /proc, which is not here")
    code = """
from vaehelpers import data, runtime
runtime.devices()
from vaehelpers.diagnostics import importance_weighted_bound
from vaehelpers.models import VAE, build_mlp
images = data.load_mnist().x_test
importance_weighted_bound(VAE(*build_mlp()), images[:IMAGES], 5000, seed=0)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) / 1e6)"""
    images = os.environ.get("VAEHELPERS_TEST_IMAGES", "20")
    command = [sys.executable, "-c", code.replace("IMAGES", images)]
    assert float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) < 1.5


def linear_vae(to_mean, to_log_var, decoder, **arguments):
    """A VAE without hidden layers; each map is `(kernel, bias)`, which may be numbers; the decoder's tells D and J."""
    latent_dim, dim = np.shape(decoder[0])
    vae = VAE(*build_mlp((dim,), hidden=None, latent_dim=latent_dim), **arguments)
    for name, (kernel, bias) in (("z_mean", to_mean), ("z_log_var", to_log_var)):
        weights = np.broadcast_to(kernel, (dim, latent_dim)), np.broadcast_to(bias, (latent_dim,))
        vae.encoder.get_layer(name).set_weights(weights)
    vae.decoder.set_weights([decoder[0], np.broadcast_to(decoder[1], (dim,))])
    return vae


def exact_vae(model, **arguments):
    """The VAE whose decoder is `model`, of unit variance and orthogonal columns, and whose q is the exact posterior."""
    _, covariance = model.posterior(model.mean[None])
    to_mean = model.weights @ covariance
    log_var = np.log(np.diag(covariance))
    arguments = {"log_likelihood": losses.gaussian_log_likelihood, **arguments}
    return linear_vae((to_mean, -model.mean @ to_mean), (0, log_var), (model.weights.T, model.mean), **arguments)


class Wide(keras.layers.Layer):
    """A prior N(0, 4 I) on two dimensions."""

    def log_prob(self, z):
        return losses.gaussian_log_likelihood(z, ops.zeros_like(z), np.log(4.0))

    def sample(self, n, seed=None):
        return 2 * keras.random.normal((n, 2), seed=seed)


def weighted(beta):
    return lambda distortion, kl_per_dim: ops.mean(distortion + beta * ops.sum(kl_per_dim, axis=-1))


@pytest.fixture(scope="module")
def exact():
    """A linear-Gaussian model with a strong, a weak and an idle dimension, its data, and the VAE that equals it."""
    weights = np.linalg.qr(np.random.default_rng(0).normal(size=[6, 3]))[0] * [3.0, 1.0, 0.0]
    model = LinearGaussian(weights, np.full(6, 0.5), 1.0)
    return model, model.sample(2000, seed=1)[0].astype("float32"), exact_vae(model)


@pytest.fixture(scope="module")
def bits():
    """Three copies of one bit, black or white as often: their threshold of collapse is 3."""
    return np.tile([[0.0], [1.0]], [150, 3]).astype("float32")


# Evaluation


def test_the_terms_are_those_of_numpy_from_the_same_noise():
    rng = np.random.default_rng(3)
    to_mean, to_log_var = rng.normal(size=(2, 4, 2)).astype("float32")
    kernel, bias = rng.normal(size=[2, 4]).astype("float32"), rng.normal(size=4).astype("float32")
    vae = linear_vae((to_mean, 0.5), (to_log_var, -1.0), (kernel, bias))
    x = rng.integers(2, size=[2300, 4]).astype("float32")  # several batches
    found = evaluate(vae, x, seed=5)
    z_mean, z_log_var = x @ to_mean + 0.5, x @ to_log_var - 1
    noise = np.random.default_rng(5).standard_normal((1, 2300, 2), dtype="float32")[0]
    logits = (z_mean + np.exp(z_log_var / 2) * noise) @ kernel + bias
    distortion = (np.logaddexp(0, logits) - x * logits).sum(axis=1)
    kl = 0.5 * (np.exp(z_log_var) + z_mean**2 - 1 - z_log_var)
    np.testing.assert_allclose(found.distortion_per_example, distortion, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.kl_per_dim_per_example, kl, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.kl_per_dim, kl.mean(axis=0), rtol=1e-5)
    elbo = -distortion - kl.sum(axis=1)
    assert found.elbo == pytest.approx(elbo.mean(), rel=1e-5)
    assert found.elbo_se == pytest.approx(stats.sem(elbo), rel=1e-4)
    assert found.rate_se == pytest.approx(stats.sem(kl.sum(axis=1)), rel=1e-4)
    assert found.distortion_se == pytest.approx(stats.sem(distortion), rel=1e-4)


def test_the_elbo_is_the_log_evidence_where_q_is_the_posterior(exact):
    model, x, vae = exact
    found = evaluate(vae, x)
    mean, covariance = model.posterior(x)
    assert found.rate == pytest.approx(model.rate(x, mean, covariance).mean(), rel=1e-5)
    noise = found.elbo_per_example - model.log_evidence(x)
    assert abs(noise.mean()) < 4 * stats.sem(noise)
    assert found.alive and not found.collapsed and found.active_units == 2
    assert evaluate(vae, x).elbo == found.elbo != evaluate(vae, x, seed=1).elbo


def test_it_agrees_with_keras(exact):
    _, x, vae = exact
    vae.compile()
    keras_says, found = vae.evaluate(x, verbose=0, return_dict=True), evaluate(vae, x)
    assert found.rate == pytest.approx(keras_says["rate"], rel=1e-5)
    assert abs(-found.elbo - keras_says["loss"]) < 4 * found.elbo_se


def test_a_learned_prior_gives_the_rate_of_the_draw():
    """q = N(0, 4 I) and the prior N(0, 4 I): each draw's log q - log p is 0. And q = N(1, I) by the closed form."""
    decoder, x = (np.zeros([2, 3]), 0.0), np.zeros([4000, 3], "float32")
    same = evaluate(linear_vae((0, 0), (0, np.log(4.0)), decoder, prior=Wide()), x)
    assert same.kl_per_dim_per_example.shape == (4000, 1) and same.collapsed
    np.testing.assert_allclose(same.rate_per_example, 0, atol=1e-5)
    other = linear_vae((0, 1.0), (0, 0.0), decoder, prior=Wide())
    found = evaluate(other, x)
    kl = 2 * 0.5 * ((1 + 1) / 4 - 1 + np.log(4))
    assert abs(found.rate - kl) < 4 * found.rate_se
    other.compile()
    assert abs(found.rate - other.evaluate(x, verbose=0, return_dict=True)["rate"]) < 6 * found.rate_se


def test_one_image_has_no_standard_error(exact):
    found = evaluate(exact[2], exact[1][:1])
    assert np.isnan([found.distortion_se, found.rate_se, found.elbo_se]).all()
    assert "±" not in str(found).replace("mean ± standard error", "") and "On 1 image:" in str(found)


def test_it_reads_as_a_sentence():
    """All images alike, so errors are those of nothing: q = N(0.3, 1) in one of two dimensions costs 0.045 nats."""
    vae = linear_vae((0, [0.3, 0.0]), (0, 0.0), (np.zeros([2, 3]), 0.0))
    said = str(evaluate(vae, np.zeros([1000, 3])))
    assert said.startswith(f"On 1,000 images: distortion {3 * np.log(2):.4g}, rate 0.045, ELBO")
    assert said.endswith("0 of 2 latent dimensions are active units; neither collapsed nor alive.")


def test_no_number_reads_as_minus_nothing():
    """Black images under a sure decoder: a distortion of 0, so an ELBO of -0.0; and -0.0001 to its error's digits."""
    vae = linear_vae((0, 0.0), (0, 0.0), (np.zeros([2, 3]), -200.0))
    black = np.zeros([300, 3])
    assert not re.search(r"-0 |e-\d", str(evaluate(vae, black)) + str(diagnose(vae, black)))
    per_example = np.tile([1.0, -1.0001], 5000)
    nearly = Evaluation(per_example, np.zeros([10_000, 1]), np.zeros([10_000, 1]), np.zeros([10_000, 1]))
    assert "distortion 0.000 ± 0.010," in str(nearly)


@pytest.mark.parametrize(("to_mean", "bias"), [(np.nan, 0.0), (0.0, np.nan)])
def test_a_model_that_is_not_finite_is_neither_state(to_mean, bias):
    said = str(evaluate(linear_vae((0, to_mean), (0, 0.0), (np.zeros([2, 3]), bias)), np.zeros([5, 3])))
    assert said.endswith("; its ELBO is not finite.") and "collapsed" not in said


def test_errors_are_given_to_their_second_digit(exact):
    found = evaluate(exact[2], exact[1])
    rate = str(found).split("rate ")[1].split(",")[0]
    value, error = map(float, rate.split(" ± "))
    assert abs(value - found.rate) <= found.rate_se and abs(error / found.rate_se - 1) < 0.06


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.full([2, 3], 255.0), ValueError, "x .*divide by 255"),
        (np.zeros([2, 4]), ValueError, r"x has shape"),
        (np.zeros([0, 3]), ValueError, "x .*no images"),
        (np.full([2, 3], np.nan), ValueError, "x holds NaN"),
        ([[0.0, 1.0, 0.0]], TypeError, "x is a list"),
    ],
)
@pytest.mark.parametrize("function", [evaluate, diagnose])
def test_images_that_do_not_fit_are_named(function, x, error, message):
    with pytest.raises(error, match=f"^{message}"):
        function(linear_vae((0, 0), (0, 0), (np.zeros([2, 3]), 0.0)), x)


def test_a_model_or_likelihood_that_does_not_fit_is_named():
    with pytest.raises(TypeError, match=r"^vae is a LinearGaussian"):
        evaluate(LinearGaussian(np.ones([3, 1]), np.zeros(3), 0.5), np.zeros([2, 3]))
    summed = linear_vae((0, 0), (0, 0), (np.zeros([2, 3]), 0.0), log_likelihood=lambda x, _: ops.sum(x))
    with pytest.raises(ValueError, match=r"^vae.log_likelihood returned shape \(\)"):
        evaluate(summed, np.zeros([2, 3]))


# Active units and bits


def test_active_units_are_the_means_that_move():
    z_mean = np.array([-1.0, 1.0])[:, None] * np.sqrt([0.0, 0.009, 0.011, 4.0]) + 7  # these variances
    assert active_units(z_mean) == 2
    assert [active_units(z_mean, threshold) for threshold in (0.0, 0.01, 1.0, 5.0)] == [3, 2, 1, 0]


def test_active_units_miss_a_code_in_the_variances():
    z_log_var = np.repeat([[0.0], [-12.0]], 500, axis=0)
    assert active_units(np.zeros([1000, 1])) == 0
    assert mutual_information(np.zeros([1000, 1]), z_log_var) > 0.6


@pytest.mark.parametrize(
    ("z_mean", "threshold", "name"),
    [(np.zeros(3), 0.01, "z_mean"), (np.zeros([0, 2]), 0.01, "z_mean"), ([[np.nan]], 0.01, "z_mean")]
    + [(np.zeros([3, 2]), threshold, "threshold") for threshold in (-1.0, np.nan)],
)
def test_active_units_name_what_is_wrong(z_mean, threshold, name):
    with pytest.raises(ValueError, match=f"^{name}"):
        active_units(z_mean, threshold)


def test_bits_per_dim_of_probabilities_and_of_densities():
    assert bits_per_dim(784 * np.log(2), 784) == pytest.approx(1)  # fair coins
    assert bits_per_dim(0.0, 784, n_levels=256) == 8  # the uniform density
    assert bits_per_dim(-12 * np.log(4), 12, n_levels=256) == pytest.approx(6)  # uniform on a quarter of the levels
    np.testing.assert_allclose(bits_per_dim(np.log(2) * np.array([3.0, 6.0]), 3), [1, 2])
    assert isinstance(bits_per_dim(1.0, 2), float)


@pytest.mark.parametrize(("arguments", "name"), [((1.0, 0), "n_values"), ((1.0, 4, 1), "n_levels")])
def test_bits_per_dim_names_what_is_wrong(arguments, name):
    with pytest.raises(ValueError, match=f"^{name}"):
        bits_per_dim(*arguments)


# Mutual information


@pytest.mark.parametrize("z_log_var", [2.0, 0.0, -80.0])
def test_k_separate_codes_are_log_k_however_narrow(z_log_var):
    codes = 1e3 * np.repeat(np.arange(5.0), 40)[:, None] + np.pi
    found = mutual_information(codes, np.full(codes.shape, z_log_var))
    assert found == pytest.approx(np.log(5), abs=1e-9)


def test_equal_codes_say_nothing_and_distinct_ones_no_more_than_log_n():
    rng = np.random.default_rng(0)
    z_mean, z_log_var = np.full([300, 3], 0.7), np.full([300, 3], -3.0)
    assert abs(mutual_information(z_mean, z_log_var)) < 1e-12
    assert mutual_information(rng.normal(size=[300, 3]), np.full([300, 3], -60.0)) == pytest.approx(np.log(300))
    assert mutual_information(rng.normal(size=[300, 3]), z_log_var) < np.log(300)
    assert mutual_information(z_mean[:1], z_log_var[:1]) == 0


@pytest.mark.parametrize("variance", [9.0, 1.0, 0.01])
def test_a_linear_gaussian_code_has_the_channel_capacity(variance):
    """1/2 log(1 + 1/s2); the standard deviation of one image's term is the correlation of x and z."""
    x = np.random.default_rng(1).normal(size=[4000, 1])
    found = mutual_information(x, np.full(x.shape, np.log(variance)))
    error = np.sqrt(1 / (1 + variance) / 4000)
    assert abs(found - 0.5 * np.log(1 + 1 / variance)) < 4 * error


def test_the_order_of_the_dimensions_and_the_chunks_do_not_matter(monkeypatch):
    rng = np.random.default_rng(2)
    z_mean, z_log_var = rng.normal(size=[1000, 3]), rng.normal(size=[1000, 3]) - 1
    whole = mutual_information(z_mean, z_log_var)
    turned = mutual_information(z_mean[:, ::-1], z_log_var[:, ::-1])
    assert abs(whole - turned) < 4 * np.sqrt(2 * 3 / 1000)  # each dimension's term varies by at most about 1
    monkeypatch.setattr(information, "VALUES_AT_ONCE", 7000)
    assert mutual_information(z_mean, z_log_var) == pytest.approx(whole, rel=1e-12)


def test_the_rate_is_the_information_and_the_aggregates_distance_from_the_prior():
    """Five codes in one dimension, each repeated; the aggregate posterior's KL by quadrature."""
    mean, std = np.array([-2.0, -0.5, 0.0, 0.4, 3.0]), np.array([0.3, 1.0, 0.5, 0.1, 2.0])

    def integrand(z):
        log_q = special.logsumexp(stats.norm.logpdf(z, mean, std)) - np.log(5)
        return np.exp(log_q) * (log_q - stats.norm.logpdf(z))

    distance = integrate.quad(integrand, -15, 20, points=[*mean], limit=500)[0]
    rate = np.mean(0.5 * (std**2 + mean**2 - 1) - np.log(std))
    z_mean, z_log_var = (np.tile(values, 200)[:, None] for values in (mean, 2 * np.log(std)))
    found = [mutual_information(z_mean, z_log_var, n_samples=10, seed=seed) for seed in range(8)]
    assert abs(np.mean(found) - (rate - distance)) < 4 * stats.sem(found) + 1e-3
    assert stats.sem(found) < 0.01


@pytest.mark.parametrize(
    ("z_mean", "z_log_var", "n_samples", "name"),
    [
        (np.zeros(3), np.zeros(3), 1, "z_mean"),
        (np.zeros([3, 2]), np.zeros([3, 1]), 1, "z_mean"),
        (np.zeros([0, 2]), np.zeros([0, 2]), 1, "z_mean"),
        (np.full([3, 2], np.nan), np.zeros([3, 2]), 1, "z_mean"),
        (np.zeros([3, 2]), np.full([3, 2], np.inf), 1, "z_log_var"),
        (np.zeros([3, 2]), np.full([3, 2], np.nan), 1, "z_log_var"),
        (np.zeros([3, 2]), np.full([3, 2], -1500.0), 1, "z_log_var goes beyond ±300"),
        (np.zeros([3, 2]), np.full([3, 2], 1500.0), 1, "z_log_var goes beyond ±300"),
        (np.zeros([3, 2]), np.zeros([3, 2]), 0, "n_samples"),
        (np.zeros([3, 2]), np.zeros([3, 2]), 1.5, "n_samples"),
        (np.zeros([3, 2]), np.zeros([3, 2]), np.nan, "n_samples"),
    ],
)
def test_mutual_information_names_what_is_wrong(z_mean, z_log_var, n_samples, name):
    with pytest.raises(ValueError, match=f"^{name}"):
        mutual_information(z_mean, z_log_var, n_samples)


def test_the_widest_and_the_narrowest_codes_are_told_apart():
    z_log_var = np.repeat([[-300.0], [300.0]], 100, axis=0)
    assert mutual_information(np.zeros([200, 1]), z_log_var) == pytest.approx(np.log(2))


# Diagnosis

NOTHING = (0, 0.0)  # an encoder's map that gives 0 for every image


def matches(diagnosis, pattern):
    """Whether one of the findings does."""
    return any(re.search(pattern, finding) for finding in diagnosis.findings)


@pytest.mark.parametrize(
    ("beta", "said"),
    [
        (10.0, "The data predict it: beta = 10 is above their threshold of 3,"),
        (2.5, "Beta does not explain it: 2.5 is not above .* so near the threshold training is slow"),
        (0.5, r"Beta does not explain it: 0.5 .* a decoder that ignores z\."),
    ],
)
def test_a_collapsed_model_is_explained_by_beta_or_not(bits, beta, said):
    vae = linear_vae(NOTHING, NOTHING, (np.zeros([2, 3]), 0.0), objective=weighted(beta))
    found = diagnose(vae, bits)
    assert found.beta == pytest.approx(beta, rel=1e-4) and found.threshold == pytest.approx(3)
    assert found.mutual_information == pytest.approx(0, abs=1e-9) and found.evaluation.collapsed
    assert str(found) == "\n".join(found.findings)
    assert matches(found, f"^Collapsed: the rate is 0 nats. {said}")
    assert matches(found, "^Without a code.*distortion 2.08 nats, the best constant image's 2.08 nats")
    assert not matches(found, "information|off:")


def test_an_exact_model_is_alive_as_the_data_predict(exact):
    model, x, vae = exact
    found = diagnose(vae, x)
    assert found.beta == 1 and found.threshold == collapse_threshold(x, "gaussian")
    assert found.findings[0].startswith("Alive") and "so that is expected" in found.findings[0]
    assert found.findings[1] == "It trains the ELBO: beta = 1."
    assert matches(found, "^Latent dimension 3 of 3 is off: below 0.01 nats.$")
    assert matches(found, "^The code buys .* nats per image at a rate of")
    mean, covariance = model.posterior(x)
    capacity = 0.5 * np.log(1 + np.square(model.weights).sum(axis=0)).sum()  # as a channel of these two gains
    assert found.mutual_information == pytest.approx(capacity, abs=4 * np.sqrt(2 / len(x)))
    assert found.evaluation.rate == pytest.approx(model.rate(x, mean, covariance).mean(), rel=1e-5)


def test_alive_above_the_threshold_is_no_contradiction(exact):
    model, x, _ = exact
    found = diagnose(exact_vae(model, objective=weighted(1000.0)), x)
    assert found.beta == pytest.approx(1000, rel=1e-3)
    assert "although beta = 1000 is above" in found.findings[0] and "has not forgotten it yet" in found.findings[0]


def test_in_between_it_is_neither(bits):
    vae = linear_vae((0, np.sqrt(2 * 0.03)), NOTHING, (np.zeros([1, 3]), 0.0))
    assert diagnose(vae, bits).findings[0].startswith("Neither collapsed nor alive: the rate is 0.03 nats")


def test_a_model_of_nan_has_diverged(bits):
    found = diagnose(linear_vae((0, np.nan), NOTHING, (np.zeros([1, 3]), 0.0)), bits)
    assert "diverged" in found.findings[0] and np.isnan(found.mutual_information)
    assert "1 of 1" not in str(found.evaluation)


def test_a_gaussian_with_a_variance_is_read_at_unit_variance(exact):
    model, x, _ = exact
    narrow = functools.partial(losses.gaussian_log_likelihood, log_var=np.log(0.25))
    found = diagnose(exact_vae(model, log_likelihood=narrow), x)
    assert found.beta == pytest.approx(0.25, rel=1e-3) and found.threshold == collapse_threshold(x, "gaussian")
    assert "1 at its own variance 0.25" in found.findings[1]
    at_its_own = collapse_threshold(x, "gaussian", variance=0.25)  # both four times as large, so beta is 1
    assert found.threshold / found.beta == pytest.approx(at_its_own, rel=1e-3)
    assert found.findings[0].startswith("Alive") and "so that is expected" in found.findings[0]


def test_free_bits_have_no_beta_and_the_audit_says_why(bits):
    def objective(distortion, kl_per_dim):
        return ops.mean(distortion) + losses.free_bits_rate(kl_per_dim, 0.5)

    found = diagnose(linear_vae(NOTHING, NOTHING, (np.zeros([2, 3]), 0.0), objective=objective), bits)
    assert found.beta is None and found.threshold == pytest.approx(3)
    assert "Whether beta explains it cannot be told" in found.findings[0]
    assert found.findings[1].startswith("Which beta it trains cannot be told: the KL is free at first")


@pytest.mark.parametrize("name", ["laplace", "continuous_bernoulli"])
def test_a_likelihood_without_a_threshold_says_so(bits, name):
    likelihood = getattr(losses, f"{name}_log_likelihood")
    found = diagnose(linear_vae(NOTHING, NOTHING, (np.zeros([2, 3]), 0.0), log_likelihood=likelihood), bits)
    assert found.beta == 1 and found.threshold is None
    assert matches(found, f"^No threshold of collapse: likelihood is '{name}'")
    assert matches(found, "^What the code buys cannot be told")


class LearnedVariance(keras.layers.Layer):
    """A likelihood with a weight of its own: one log variance for all pixels."""

    def build(self, *shapes):
        self.log_var = self.add_weight(shape=(), initializer=keras.initializers.Constant(np.log(0.5)), name="log_var")

    def call(self, x, x_mean):
        return losses.gaussian_log_likelihood(x, x_mean, self.log_var)


def test_a_likelihood_that_is_a_layer_is_audited_as_it_is_now(exact):
    model, x, _ = exact
    found = diagnose(exact_vae(model, log_likelihood=LearnedVariance()), x)
    assert found.beta == pytest.approx(0.5, rel=1e-3) and found.threshold == collapse_threshold(x, "gaussian")


def twice_the_one_column(distortion, kl_per_dim):
    """What is written for a learned prior: its rate comes as one column."""
    return ops.mean(distortion + 2 * kl_per_dim[:, 0])


@pytest.mark.parametrize("objective", [None, twice_the_one_column])
def test_a_learned_prior_is_told_apart(bits, objective):
    vae = linear_vae((0, 1.0), NOTHING, (np.zeros([2, 3]), 0.0), prior=Wide(), objective=objective)
    found = diagnose(vae, bits)
    assert found.beta == pytest.approx(1.0 if objective is None else 2.0) and found.threshold is None
    assert matches(found, r"derived for the prior N\(0, I\), and this one is learned")
    assert matches(found, "cannot be told for single latent dimensions")


def test_a_code_in_the_variances_and_an_offset_are_told_apart(bits):
    """Dimension 1 is wide for black images and narrow for white ones; dimension 2 lies at 1 for every image."""
    to_log_var = np.array([[-2.0, 0.0]] * 3), 0.0
    found = diagnose(linear_vae((0, [0.0, 1.0]), to_log_var, (np.zeros([2, 3]), 0.0)), bits)
    assert found.evaluation.active_units == 0
    assert matches(found, "^Latent dimension 1 .* a code in the variances")
    assert matches(found, "^Latent dimension 2 has a KL of 0.5 nats .* the same for every image")


def test_a_code_in_small_means_is_not_one_in_the_variances(bits):
    """Means of -0.05 and 0.05 under a standard deviation of exp(-6): log 2 nats, and a variance of 0.0025."""
    vae = linear_vae((np.full([3, 1], 0.1 / 3), -0.05), (0, -12.0), (np.zeros([1, 3]), 0.0))
    found = diagnose(vae, bits)
    assert found.evaluation.active_units == 0 and found.mutual_information == pytest.approx(np.log(2))
    said = "a code in means that move little beside the prior but much beside their own width, which the count of"
    assert matches(found, f"^Latent dimension 1 .* {said} active units misses")
    assert not matches(found, "variances")


def test_still_dimensions_are_told_from_as_many_images_as_the_rate(bits, monkeypatch):
    seen = []
    monkeypatch.setattr(findings, "MOST_IMAGES", 100)
    monkeypatch.setattr(findings, "mutual_information", lambda z_mean, *_, **__: seen.append(len(z_mean)) or 0.0)
    diagnose(linear_vae((0, 1.0), NOTHING, (np.zeros([1, 3]), 0.0)), bits)
    assert seen and set(seen) == {100}


def test_log_variances_that_float64_does_not_hold_are_a_finding(bits):
    """One dimension of variance exp(-1500), one with a code in its variances, which is still told."""
    to_log_var = np.array([[0.0, -2.0]] * 3), [-1500.0, 0.0]
    found = diagnose(linear_vae(NOTHING, to_log_var, (np.zeros([2, 3]), 0.0)), bits)
    assert np.isnan(found.mutual_information)
    assert matches(found, "^What the codes say of the images cannot be told: z_log_var goes beyond ±300")
    assert matches(found, "^Latent dimension 2 .* a code in the variances")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy names the overflow, too
def test_variances_that_float32_does_not_hold_have_diverged(bits):
    found = diagnose(linear_vae(NOTHING, (0, 1500.0), (np.zeros([2, 3]), 0.0)), bits)
    assert "diverged" in found.findings[0] and np.isnan(found.mutual_information)


class AddsLossInTraining(keras.layers.Layer):
    """The identity, with a loss of its own while training."""

    def call(self, z, training=None):
        if training:
            self.add_loss(ops.mean(ops.square(z)))
        return z


@pytest.mark.parametrize(
    "layer",
    [
        AddsLossInTraining(),
        keras.layers.ActivityRegularization(l2=0.1),
        keras.layers.Dense(2, kernel_regularizer="l2"),
    ],
)
@pytest.mark.parametrize("objective", [None, weighted(2.0)])
def test_networks_that_add_losses_have_no_beta(bits, layer, objective):
    encoder, decoder = build_mlp((3,), hidden=None, latent_dim=2)
    codes = keras.Input((2,))
    vae = VAE(encoder, keras.Model(codes, decoder(layer(codes))), objective=objective)
    found = diagnose(vae, bits)
    assert found.beta is None and found.threshold == pytest.approx(3)
    assert matches(found, "^The networks add losses of their own, which this does not see")
    assert not matches(found, "trains")


def test_looking_for_losses_changes_no_weight(bits):
    """A batch normalization moves its averages whenever it is called in training."""
    encoder, decoder = build_mlp((3,), hidden=None, latent_dim=2)
    codes = keras.Input((2,))
    vae = VAE(encoder, keras.Model(codes, decoder(keras.layers.BatchNormalization()(codes))))
    before = vae.get_weights()
    assert diagnose(vae, bits).beta == 1
    for old, new in zip(before, vae.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


def test_many_idle_dimensions_are_counted(bits):
    to_mean = np.zeros([3, 12])
    to_mean[:, 0] = 1.0
    vae = linear_vae((to_mean, 0.0), NOTHING, (np.zeros([12, 3]), 0.0))
    assert matches(diagnose(vae, bits), "^11 latent dimensions of 12 are off: below 0.01 nats each.$")


def test_codes_far_off_the_prior_make_bad_samples(bits):
    """Every code is N(3, 1): a rate of 4.5 nats, no information, and nothing bought."""
    found = diagnose(linear_vae((0, 3.0), NOTHING, (np.zeros([1, 3]), 0.0)), bits)
    assert matches(found, "4.5 nats is about 0 nats .* and 4.5 nats .* samples from the prior will look worse")
    assert matches(found, "^The code buys less than it costs at beta = 1: .* at a rate of 4.5 nats")


def test_few_images_cannot_split_the_rate():
    """Four narrow codes hold log 4 nats of information, and so would a million as far as four images can show."""
    x = np.random.default_rng(0).random([4, 3])
    vae = linear_vae((np.ones([3, 1]), 0.0), (0, -20.0), (np.zeros([1, 3]), 0.0))
    found = diagnose(vae, x)
    assert matches(found, "is at least 1.39 nats .* and at most .* off the prior: 4 images can show at most 1.39 nats")


@pytest.mark.parametrize(("n", "latent_dim"), [(300, 5), (3000, 1), (3000, 20)])
def test_information_near_log_n_is_not_taken_for_a_distance(n, latent_dim):
    """All codes of a fitted linear-Gaussian model together ARE the prior: its rate of 8.34 nats is all information."""
    gain = np.sqrt(np.expm1(2 * 8.34 / latent_dim))
    model = LinearGaussian(gain * np.eye(latent_dim + 1, latent_dim), np.full(latent_dim + 1, 0.5), 1.0)
    found = diagnose(exact_vae(model), model.sample(n, seed=1)[0].astype("float32"))
    assert found.evaluation.rate == pytest.approx(8.34, rel=0.05) and found.mutual_information < 7.6
    assert matches(found, f"is at least .* and at most .* off the prior: {n:,} images can show at most")
    assert not matches(found, "will look worse")


@pytest.mark.parametrize("latent_dim", [1, 5, 20])
def test_below_the_ceiling_the_information_is_within_half_a_nat(latent_dim):
    """Gaussian codes whose aggregate is N(0, I), of 2 nats less than log 1000."""
    truth, rng = np.log(1000) - findings.CEILING, np.random.default_rng(1)
    variance = np.exp(-2 * truth / latent_dim)
    z_mean = np.sqrt(1 - variance) * rng.standard_normal([1000, latent_dim])
    noise = np.sqrt(latent_dim / 1000)  # as in the channel above: at most 1 for each dimension
    assert abs(mutual_information(z_mean, np.full(z_mean.shape, np.log(variance))) - truth) < 0.5 + noise


def test_a_decoder_worse_than_a_constant_image_is_not_trained(bits):
    assert matches(diagnose(linear_vae(NOTHING, NOTHING, (np.zeros([1, 3]), 30.0)), bits), "not trained to the end")


def test_the_best_constant_image_is_the_closed_form():
    x = np.random.default_rng(0).random([500, 2, 3, 1]).astype("float32") ** 2
    x[:, 0, 0] = 0  # a pixel that is always black costs nothing
    mean = x.mean(axis=0, keepdims=True).astype("float64")
    logits = special.logit(mean).clip(-700, 700) * np.ones_like(x)
    for likelihood, decoded in (
        (losses.bernoulli_log_likelihood, logits),
        (losses.gaussian_log_likelihood, mean * np.ones_like(x)),
        (functools.partial(losses.gaussian_log_likelihood, log_var=-1.5), mean * np.ones_like(x)),
    ):
        reference = -ops.convert_to_numpy(likelihood(x, decoded)).mean()
        assert constant_distortion(x, likelihood) == pytest.approx(reference, rel=1e-5)
    assert constant_distortion(x, losses.laplace_log_likelihood) is None


def test_the_pictures_are_in_pixel_space(bits):
    """The decoder gives +-2 at z_mean = +-1: logits for a Bernoulli, means to be clipped for a Gaussian."""
    maps = (np.full([3, 1], 2 / 3), -1.0), (0, -10.0), (np.full([1, 3], 2.0), 0.0)
    found = diagnose(linear_vae(*maps), bits[:20])
    assert found.images.shape == found.samples.shape == (10, 3)
    np.testing.assert_allclose(found.reconstructions, special.expit(4 * found.images - 2), atol=1e-6)
    assert found.samples.min() > 0 and found.samples.max() < 1
    clipped = diagnose(linear_vae(*maps, log_likelihood=losses.gaussian_log_likelihood), bits[:20])
    np.testing.assert_array_equal(clipped.reconstructions, clipped.images)
    assert clipped.samples.min() >= 0 and clipped.samples.max() <= 1


def test_logits_of_somebody_elses_likelihood_are_told_by_the_audit(bits):
    def log_likelihood(x, x_logits):
        return -ops.sum(ops.softplus(x_logits) - x * x_logits, axis=-1)

    maps = (np.full([3, 1], 2 / 3), -1.0), (0, -10.0), (np.full([1, 3], 2.0), 0.0)
    found = diagnose(linear_vae(*maps, log_likelihood=log_likelihood), bits)
    assert found.beta == pytest.approx(1, rel=1e-4) and found.threshold == pytest.approx(3)
    np.testing.assert_allclose(found.reconstructions, special.expit(4 * found.images - 2), atol=1e-6)


def test_odd_models_are_diagnosed_too():
    """Several channels, one latent dimension, few images or one, images that never vary."""
    rng = np.random.default_rng(0)
    vae = VAE(*build_mlp((4, 4, 3), hidden=5, latent_dim=1))
    found = diagnose(vae, rng.random([7, 4, 4, 3]))
    assert found.images.shape == found.samples.shape == (7, 4, 4, 3)
    assert matches(diagnose(vae, np.ones([1, 4, 4, 3])), "^1 image is too few for the data's threshold")
    still = diagnose(vae, np.ones([300, 4, 4, 3]))
    assert still.threshold is None and matches(still, "No threshold of collapse: x holds no pixel that varies")


def test_few_images_have_no_threshold_and_no_best_constant_image(bits):
    vae = linear_vae(NOTHING, NOTHING, (np.zeros([2, 3]), 0.0), objective=weighted(10.0))
    found, enough = diagnose(vae, bits[: diagnosis.FEW - 1]), diagnose(vae, bits[: diagnosis.FEW])
    missing = "299 images are too few for the data's threshold and their best constant image: pass at least 300."
    assert found.threshold is None and found.findings.count(missing) == 1
    assert "cannot be told" in found.findings[0] and not matches(found, "best constant image's|buys")
    assert enough.threshold == pytest.approx(3) and not matches(enough, "too few")


def test_the_import_is_light():
    code = "import sys, vaehelpers.diagnostics; print({'keras', 'tensorflow', 'jax'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
