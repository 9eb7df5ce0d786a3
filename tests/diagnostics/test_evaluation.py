"""The ELBO's terms, active units and bits against closed forms, on models set by hand."""

import re

import numpy as np
import pytest
from hand_set import Wide, linear_vae
from keras import ops
from scipy import stats

from vaehelpers.collapse import LinearGaussian
from vaehelpers.diagnostics import (
    active_units,
    bits_per_dim,
    diagnose,
    evaluate,
    mutual_information,
)
from vaehelpers.diagnostics.evaluation import Evaluation


@pytest.mark.backend
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


@pytest.mark.backend
def test_it_agrees_with_keras(exact):
    _, x, vae = exact
    vae.compile()
    keras_says, found = vae.evaluate(x, verbose=0, return_dict=True), evaluate(vae, x)
    assert found.rate == pytest.approx(keras_says["rate"], rel=1e-5)
    assert abs(-found.elbo - keras_says["loss"]) < 4 * found.elbo_se


@pytest.mark.backend
def test_a_learned_prior_gives_the_rate_of_the_draw():
    """Where q is the prior each draw's log q - log p is 0; q = N(1, I) has the closed form."""
    x = np.zeros([4000, 3], "float32")
    same = evaluate(linear_vae(to_log_var=(0, np.log(4.0)), prior=Wide()), x)
    assert same.kl_per_dim_per_example.shape == (4000, 1) and same.collapsed
    np.testing.assert_allclose(same.rate_per_example, 0, atol=1e-5)
    other = linear_vae((0, 1.0), prior=Wide())
    found = evaluate(other, x)
    kl = 2 * 0.5 * ((1 + 1) / 4 - 1 + np.log(4))
    assert abs(found.rate - kl) < 4 * found.rate_se
    other.compile()
    of_keras = other.evaluate(x, verbose=0, return_dict=True)["rate"]
    assert abs(found.rate - of_keras) < 6 * found.rate_se


def test_one_image_has_no_standard_error(exact):
    found = evaluate(exact[2], exact[1][:1])
    assert np.isnan([found.distortion_se, found.rate_se, found.elbo_se]).all()
    assert "±" not in str(found).replace("mean ± standard error", "")
    assert "On 1 image:" in str(found)


def test_it_reads_as_a_sentence():
    """All images alike, so without errors: q = N(0.3, 1) in one of two dimensions, 0.045 nats."""
    said = str(evaluate(linear_vae((0, [0.3, 0.0])), np.zeros([1000, 3])))
    assert said.startswith(f"On 1,000 images: distortion {3 * np.log(2):.4g}, rate 0.045, ELBO")
    assert said.endswith("0 of 2 latent dimensions are active units; neither collapsed nor alive.")


def test_what_a_notebook_shows_is_the_sentence(exact):
    evaluation = evaluate(exact[2], exact[1][:400])
    assert repr(evaluation) == str(evaluation)
    diagnosis = diagnose(exact[2], exact[1][:400])
    assert repr(diagnosis) == str(diagnosis) == "\n".join(diagnosis.findings)


def test_every_property_says_what_it_is_and_in_which_unit():
    properties = [value for value in vars(Evaluation).values() if isinstance(value, property)]
    assert len(properties) == 12
    assert all(value.__doc__ for value in properties)


def test_no_number_reads_as_minus_nothing():
    """Black images under a sure decoder: a distortion of 0, so an ELBO of -0.0; and -0.0001."""
    vae = linear_vae(decoder=(np.zeros([2, 3]), -200.0))
    black = np.zeros([300, 3])
    assert not re.search(r"-0 |e-\d", str(evaluate(vae, black)) + str(diagnose(vae, black)))
    nearly = Evaluation(np.tile([1.0, -1.0001], 5000), *np.zeros([3, 10_000, 1]))
    assert "distortion 0.000 ± 0.010," in str(nearly)


@pytest.mark.parametrize(("to_mean", "bias"), [(np.nan, 0.0), (0.0, np.nan)])
def test_a_model_that_is_not_finite_is_neither_state(to_mean, bias):
    vae = linear_vae((0, to_mean), decoder=(np.zeros([2, 3]), bias))
    said = str(evaluate(vae, np.zeros([5, 3])))
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
        function(linear_vae(), x)


def test_a_model_or_likelihood_that_does_not_fit_is_named():
    with pytest.raises(TypeError, match=r"^vae is a LinearGaussian"):
        evaluate(LinearGaussian(np.ones([3, 1]), np.zeros(3), 0.5), np.zeros([2, 3]))
    summed = linear_vae(log_likelihood=lambda x, _: ops.sum(x))
    with pytest.raises(ValueError, match=r"^vae.log_likelihood returned shape \(\)"):
        evaluate(summed, np.zeros([2, 3]))


# Active units and bits


def test_active_units_are_the_means_that_move():
    z_mean = np.outer([-1.0, 1.0], np.sqrt([0.0, 0.009, 0.011, 4.0])) + 7  # these variances
    assert active_units(z_mean) == 2
    assert [active_units(z_mean, threshold) for threshold in (0.0, 0.01, 1.0, 5.0)] == [3, 2, 1, 0]


def test_active_units_miss_a_code_in_the_variances():
    z_log_var = np.repeat([[0.0], [-12.0]], 500, axis=0)
    assert active_units(np.zeros([1000, 1])) == 0
    assert mutual_information(np.zeros([1000, 1]), z_log_var) > 0.6


def test_bits_per_dim_of_probabilities_and_of_densities():
    assert bits_per_dim(784 * np.log(2), 784) == pytest.approx(1)  # fair coins
    assert bits_per_dim(0.0, 784, n_levels=256) == 8  # the uniform density
    quarter = bits_per_dim(-12 * np.log(4), 12, n_levels=256)  # uniform on so many of the levels
    assert quarter == pytest.approx(6)
    np.testing.assert_allclose(bits_per_dim(np.log(2) * np.array([3.0, 6.0]), 3), [1, 2])
    assert isinstance(bits_per_dim(1.0, 2), float)


@pytest.mark.parametrize(
    ("function", "arguments", "error", "name"),
    [
        (bits_per_dim, (1.0, 0), ValueError, "n_values"),
        (bits_per_dim, (1.0, 4, 1), ValueError, "n_levels"),
        (bits_per_dim, (1.0, 2.5), TypeError, "n_values"),
        (bits_per_dim, (1.0, 2, "256"), TypeError, "n_levels"),
        (active_units, (np.zeros(3),), ValueError, "z_mean"),
        (active_units, (np.zeros([0, 2]),), ValueError, "z_mean"),
        (active_units, ([[np.nan]],), ValueError, "z_mean"),
        (active_units, (np.zeros([3, 2]), -1.0), ValueError, "threshold"),
        (active_units, (np.zeros([3, 2]), np.nan), ValueError, "threshold"),
        (active_units, (np.zeros([3, 2]), "0.1"), TypeError, "threshold"),
    ],
)
def test_active_units_and_bits_name_what_is_wrong(function, arguments, error, name):
    with pytest.raises(error, match=f"^{name}"):
        function(*arguments)
