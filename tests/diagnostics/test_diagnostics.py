"""What a diagnosis says, on models whose weights are set by hand: collapse, beta, information."""

import functools
import re

import keras
import numpy as np
import pytest
from hand_set import NOTHING, Wide, exact_vae, linear_vae, says, weighted
from keras import ops
from scipy import special

from vaehelpers import losses
from vaehelpers.collapse import LinearGaussian, collapse_threshold
from vaehelpers.diagnostics import (
    Evaluation,
    diagnose,
    diagnosis,
    findings,
    formats,
    mutual_information,
)
from vaehelpers.diagnostics.diagnosis import constant_distortion
from vaehelpers.models import VAE, build_mlp


@pytest.mark.parametrize(
    ("beta", "said"),
    [
        (
            10.0,
            "The data predict it: from 3 on no code of any size pays, for pixels that are "
            "independent given z, and beta = 10",
        ),
        (2.5, "Beta does not explain it: 2.5 is not above .* so near the threshold training is"),
        (0.5, r"Beta does not explain it: 0.5 .* a decoder that ignores z\."),
    ],
)
def test_a_collapsed_model_is_explained_by_beta_or_not(bits, beta, said):
    found = diagnose(linear_vae(objective=weighted(beta)), bits)
    assert found.beta == pytest.approx(beta, rel=1e-4) and found.threshold == pytest.approx(3)
    assert found.mutual_information == pytest.approx(0, abs=1e-9) and found.evaluation.collapsed
    assert says(found, f"^Collapsed: the rate is 0 nats. {said}")
    assert says(found, "^Without a code.*distortion 2.08 nats, the best constant image's 2.08 nats")
    assert not says(found, "information|off:")


def test_between_the_local_and_the_global_threshold_collapse_is_local():
    """An exclusive or: nothing correlates, so the threshold is 1, and three pixels vary."""
    x = np.tile([[a, b, a ^ b] for a in (0, 1) for b in (0, 1)], [75, 1]).astype("float32")
    found = diagnose(linear_vae(objective=weighted(2.0)), x)
    assert (found.threshold, found.no_code_above) == (pytest.approx(1), pytest.approx(3))
    assert says(found, "The data predict it: beta = 2 is above their threshold of 1, .* a local op")


def test_an_exact_model_is_alive_as_the_data_predict(exact):
    model, x, vae = exact
    found = diagnose(vae, x)
    assert found.beta == 1 and found.threshold == collapse_threshold(x, "gaussian")
    assert found.findings[0].startswith("Alive") and "so that is expected" in found.findings[0]
    assert found.findings[1] == "It trains the ELBO: beta = 1."
    assert says(found, "^Latent dimension 3 of 3 is off: below 0.01 nats.$")
    assert says(found, "^The code buys .* nats per image at a rate of")
    mean, covariance = model.posterior(x)
    gains = np.square(model.weights).sum(axis=0)
    capacity = 0.5 * np.log(1 + gains).sum()  # as a channel
    assert found.mutual_information == pytest.approx(capacity, abs=4 * np.sqrt(2 / len(x)))
    assert found.evaluation.rate == pytest.approx(model.rate(x, mean, covariance).mean(), rel=1e-5)


def test_alive_above_the_threshold_is_no_contradiction(exact):
    model, x, _ = exact
    found = diagnose(exact_vae(model, objective=weighted(1000.0)), x)
    assert found.beta == pytest.approx(1000, rel=1e-3)
    said = "although beta = 1000 is above .*: from .* on no code pays, .* has not forgotten it yet"
    assert says(found, f"^Alive: .* {said}")
    above = diagnose(exact_vae(model, objective=weighted(1.01 * found.threshold)), x)
    assert says(above, "although beta = .*: a larger code survived")


def test_in_between_it_is_neither(bits):
    vae = linear_vae((0, np.sqrt(2 * 0.03)), decoder=(np.zeros([1, 3]), 0.0))
    assert says(diagnose(vae, bits), "^Neither collapsed nor alive: the rate is 0.03 nats")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy names the overflow, too
@pytest.mark.parametrize("maps", [((0, np.nan), NOTHING), (NOTHING, (0, 1500.0))])
def test_a_model_that_float32_does_not_hold_has_diverged(bits, maps):
    found = diagnose(linear_vae(*maps), bits)
    assert "diverged" in found.findings[0] and np.isnan(found.mutual_information)
    assert not says(found, "information|off:|best constant image")


@pytest.mark.backend
def test_a_gaussian_with_a_variance_is_read_at_unit_variance(exact):
    model, x, _ = exact
    narrow = functools.partial(losses.gaussian_log_likelihood, log_var=np.log(0.25))
    found = diagnose(exact_vae(model, log_likelihood=narrow), x)
    assert found.beta == pytest.approx(0.25, rel=1e-3)
    assert found.threshold == collapse_threshold(x, "gaussian")
    assert "1 at its own variance 0.25" in found.findings[1]
    at_its_own = collapse_threshold(x, "gaussian", variance=0.25)  # both four times as large
    assert found.threshold / found.beta == pytest.approx(at_its_own, rel=1e-3)
    assert found.findings[0].startswith("Alive") and "so that is expected" in found.findings[0]


@pytest.mark.backend
def test_free_bits_have_no_beta_and_the_audit_says_why(bits):
    def objective(distortion, kl_per_dim):
        return ops.mean(distortion) + losses.free_bits_rate(kl_per_dim, 0.5)

    found = diagnose(linear_vae(objective=objective), bits)
    assert found.beta is None and found.threshold == pytest.approx(3)
    assert "Whether beta explains it cannot be told" in found.findings[0]
    why = "Which beta it trains cannot be told: the KL is free at first"
    assert found.findings[1].startswith(why)


def test_a_likelihood_is_known_by_its_name_and_through_a_partial(bits):
    """A bare partial is the function itself; one that sets a scale is audited."""
    expected = diagnose(linear_vae(), bits)
    for same in ("bernoulli", functools.partial(losses.bernoulli_log_likelihood)):
        assert diagnose(linear_vae(log_likelihood=same), bits).findings == expected.findings
    wide = functools.partial(losses.laplace_log_likelihood, scale=2.0)
    found = diagnose(linear_vae(log_likelihood=wide), bits)
    assert found.beta == pytest.approx(2, rel=1e-3)
    assert says(found, "^No threshold of collapse: likelihood is 'laplace'")


@pytest.mark.parametrize("value", [0.25, 2.5, 31.84, 392.0, 391.9999, 13_600_000.0, 3e-7])
def test_a_number_keeps_three_digits_or_one_decimal(value):
    """And no zero that says nothing."""
    shown = formats.number(value)
    off = 5e-3 * value if value < 10 else max(0.05, 5e-3 * value)
    assert float(shown) == pytest.approx(value, abs=off)
    assert not shown.endswith(".0") and formats.nats(-1e-9) == "0 nats"


@pytest.mark.parametrize("name", ["laplace", "continuous_bernoulli"])
def test_a_likelihood_without_a_threshold_says_so(bits, name):
    found = diagnose(linear_vae(log_likelihood=getattr(losses, f"{name}_log_likelihood")), bits)
    assert found.beta == 1 and found.threshold is None
    assert says(found, f"^No threshold of collapse: likelihood is '{name}'")
    assert says(found, "^What the code buys cannot be told")


def test_a_likelihood_that_is_a_layer_is_audited_as_it_is_now(exact):
    model, x, _ = exact
    found = diagnose(exact_vae(model, log_likelihood=losses.GaussianWithLearnedVariance(0.5)), x)
    assert found.beta == pytest.approx(0.5, rel=1e-3)
    assert found.threshold == collapse_threshold(x, "gaussian")


def twice_the_one_column(distortion, kl_per_dim):
    """What is written for a learned prior: its rate comes as one column."""
    return ops.mean(distortion + 2 * kl_per_dim[:, 0])


@pytest.mark.backend
@pytest.mark.parametrize(("objective", "beta"), [(None, 1.0), (twice_the_one_column, 2.0)])
def test_a_learned_prior_is_told_apart(bits, objective, beta):
    found = diagnose(linear_vae((0, 1.0), prior=Wide(), objective=objective), bits)
    assert found.beta == pytest.approx(beta) and found.threshold is None
    assert says(found, r"derived for the prior N\(0, I\), and this one is learned")
    assert says(found, "cannot be told for single latent dimensions")


def test_a_code_in_the_variances_and_an_offset_are_told_apart(bits):
    """Dimension 1 is wide for black images, narrow for white ones; dimension 2 lies at 1."""
    to_log_var = np.array([[-2.0, 0.0]] * 3), 0.0
    found = diagnose(linear_vae((0, [0.0, 1.0]), to_log_var), bits)
    assert found.evaluation.active_units == 0
    assert says(found, "^Latent dimension 1 .* a code in the variances")
    assert says(found, "^Latent dimension 2 has a KL of 0.5 nats .* the same for every image")


def test_a_code_in_small_means_is_not_one_in_the_variances(bits):
    """Means of -0.05 and 0.05 under a deviation of exp(-6): log 2 nats, a variance of 0.0025."""
    vae = linear_vae((np.full([3, 1], 0.1 / 3), -0.05), (0, -12.0), (np.zeros([1, 3]), 0.0))
    found = diagnose(vae, bits)
    assert found.evaluation.active_units == 0
    assert found.mutual_information == pytest.approx(np.log(2))
    assert says(found, "^Latent dimension 1 .* much beside their own width, which the count of")
    assert not says(found, "variances")


def test_still_dimensions_are_told_from_as_many_images_as_the_rate(bits, monkeypatch):
    seen = []

    def information(z_mean, *_, **__):
        seen.append(len(z_mean))
        return 0.0

    monkeypatch.setattr(findings, "MOST_IMAGES", 100)
    monkeypatch.setattr(findings, "mutual_information", information)
    diagnose(linear_vae((0, 1.0)), bits)
    assert seen and set(seen) == {100}


def test_log_variances_that_float64_does_not_hold_are_a_finding(bits):
    """One dimension of variance exp(-1500); one with a code in its variances, which is told."""
    to_log_var = np.array([[0.0, -2.0]] * 3), [-1500.0, 0.0]
    found = diagnose(linear_vae(to_log_var=to_log_var), bits)
    assert np.isnan(found.mutual_information)
    assert says(found, "^What the codes say .* cannot be told: z_log_var goes beyond ±300")
    assert says(found, "^Latent dimension 2 .* a code in the variances")


class AddsLossInTraining(keras.layers.Layer):
    """The identity, with a loss of its own while training."""

    def call(self, z, training=None):
        if training:
            self.add_loss(ops.mean(ops.square(z)))
        return z


def behind(layer, **arguments):
    """A VAE whose decoder begins with that layer."""
    encoder, decoder = build_mlp((3,), hidden=None, latent_dim=2)
    return VAE(encoder, keras.Sequential([keras.Input((2,)), layer, decoder]), **arguments)


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
    found = diagnose(behind(layer, objective=objective), bits)
    assert found.beta is None and found.threshold == pytest.approx(3)
    assert says(found, "^The networks add losses of their own, which this does not see")
    assert not says(found, "trains")


def test_a_regularizer_behind_a_sigmoid_is_seen(bits):
    encoder, _ = build_mlp((3,), hidden=None, latent_dim=2)
    last = keras.layers.Dense(3, "sigmoid", kernel_regularizer="l2")
    found = diagnose(VAE(encoder, keras.Sequential([keras.Input((2,)), last])), bits)
    assert found.beta is None and says(found, "^The networks add losses of their own")


@pytest.mark.backend
def test_looking_for_losses_changes_no_weight(bits):
    """A batch normalization moves its averages whenever it is called in training."""
    vae = behind(keras.layers.BatchNormalization())
    before = vae.get_weights()
    assert diagnose(vae, bits).beta == 1
    for old, new in zip(before, vae.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


@pytest.mark.parametrize(
    ("idle", "said"),
    [
        (11, "^11 latent dimensions of 12 are off: below 0.01 nats each.$"),
        (8, "^Latent dimensions? 2, 3, 4, 5, 6, 7, 8 and 9 of 9 are off"),
    ],
)
def test_many_idle_dimensions_are_counted(bits, idle, said):
    to_mean = np.eye(1, idle + 1).repeat(3, axis=0)
    found = diagnose(linear_vae((to_mean, 0.0), decoder=(np.zeros([idle + 1, 3]), 0.0)), bits)
    assert says(found, said)


def test_codes_far_off_the_prior_make_bad_samples(bits):
    """Every code is N(3, 1): a rate of 4.5 nats, no information, and nothing bought."""
    found = diagnose(linear_vae((0, 3.0), decoder=(np.zeros([1, 3]), 0.0)), bits)
    assert says(found, "4.5 nats is about 0 nats .* and 4.5 nats .* samples from the prior will")
    assert says(found, "^The code buys less than it costs at beta = 1: .* at a rate of 4.5 nats")


def test_few_images_cannot_split_the_rate():
    """Four narrow codes hold log 4 nats, and so would a million as far as four images show."""
    x = np.random.default_rng(0).random([4, 3])
    found = diagnose(linear_vae((np.ones([3, 1]), 0.0), (0, -20.0), (np.zeros([1, 3]), 0.0)), x)
    said = "off the prior: 4 images can show at most 1.39 nats"
    assert says(found, f"is at least 1.39 nats .* and at most .* {said}")


@pytest.mark.parametrize(("n", "latent_dim"), [(300, 5), (3000, 1), (3000, 20)])
def test_information_near_log_n_is_not_taken_for_a_distance(n, latent_dim):
    """All codes of a fitted linear-Gaussian model together ARE the prior: its rate of 8.34 nats is
    all information.
    """
    gain = np.sqrt(np.expm1(2 * 8.34 / latent_dim))
    weights = gain * np.eye(latent_dim + 1, latent_dim)
    model = LinearGaussian(weights, np.full(latent_dim + 1, 0.5), 1.0)
    found = diagnose(exact_vae(model), model.sample(n, seed=1)[0].astype("float32"))
    assert found.evaluation.rate == pytest.approx(8.34, rel=0.05) and found.mutual_information < 7.6
    assert says(
        found, f"is at least .* and at most .* off the prior: {n:,} images can show at most"
    )
    assert not says(found, "will look worse")


@pytest.mark.parametrize("latent_dim", [1, 5, 20])
def test_below_the_ceiling_the_information_is_within_half_a_nat(latent_dim):
    """Gaussian codes whose aggregate is N(0, I), of 2 nats less than log 1000."""
    truth = np.log(1000) - findings.CEILING
    variance = np.exp(-2 * truth / latent_dim)
    z_mean = np.random.default_rng(1).normal(0, np.sqrt(1 - variance), [1000, latent_dim])
    noise = np.sqrt(latent_dim / 1000)  # as in the channel above: at most 1 for each dimension
    found = mutual_information(z_mean, np.full(z_mean.shape, np.log(variance)))
    assert abs(found - truth) < 0.5 + noise


def test_a_decoder_worse_than_a_constant_image_has_more_causes_than_little_training(bits):
    """Lesson 10's case 4: it is trained like the healthy one, and the draw is at fault."""
    found = diagnose(linear_vae(decoder=(np.zeros([1, 3]), 30.0)), bits)
    assert says(found, "not trained to the end, or these are other images .* or it gets noise")


BERNOULLI, GAUSSIAN = losses.bernoulli_log_likelihood, losses.gaussian_log_likelihood
PER_PIXEL = np.linspace(-2, 1, 6).reshape(2, 3, 1)


@pytest.mark.parametrize(
    "likelihood",
    [
        BERNOULLI,
        GAUSSIAN,
        functools.partial(BERNOULLI),
        functools.partial(GAUSSIAN, log_var=-1.5),
        functools.partial(GAUSSIAN, log_var=PER_PIXEL),
        losses.GaussianWithLearnedVariance(0.2),
    ],
)
def test_the_best_constant_image_is_the_closed_form(likelihood):
    x = np.random.default_rng(0).random([500, 2, 3, 1]).astype("float32") ** 2
    x[:, 0, 0] = 0  # a pixel that is always black costs nothing
    decoded = x.mean(axis=0, keepdims=True, dtype="float64").repeat(500, axis=0)
    if getattr(likelihood, "func", likelihood) is BERNOULLI:
        decoded = special.logit(decoded).clip(-700, 700)
    reference = -ops.convert_to_numpy(likelihood(x, decoded)).mean()
    assert constant_distortion(x, likelihood) == pytest.approx(reference, rel=1e-5)


@pytest.mark.backend
def test_the_pictures_are_in_pixel_space(bits):
    """The decoder gives +-2 at z_mean = +-1: logits for a Bernoulli, means to be clipped for a
    Gaussian; the audit tells which of the two somebody else's likelihood reads.
    """

    def log_likelihood(x, x_logits):
        return -ops.sum(ops.softplus(x_logits) - x * x_logits, axis=-1)

    maps = (np.full([3, 1], 2 / 3), -1.0), (0, -10.0), (np.full([1, 3], 2.0), 0.0)
    own = diagnose(linear_vae(*maps), bits[:20])
    others = diagnose(linear_vae(*maps, log_likelihood=log_likelihood), bits)
    assert others.beta == pytest.approx(1, rel=1e-4) and others.threshold == pytest.approx(3)
    for found in (own, others):
        assert found.images.shape == found.samples.shape == (10, 3)
        expected = special.expit(4 * found.images - 2)
        np.testing.assert_allclose(found.reconstructions, expected, atol=1e-6)
        assert found.samples.min() > 0 and found.samples.max() < 1
    clipped = diagnose(linear_vae(*maps, log_likelihood=GAUSSIAN), bits[:20])
    np.testing.assert_array_equal(clipped.reconstructions, clipped.images)
    assert clipped.samples.min() >= 0 and clipped.samples.max() <= 1


def test_odd_models_are_diagnosed_too():
    """Several channels, one latent dimension, few images or one, images that never vary."""
    vae = VAE(*build_mlp((4, 4, 3), hidden=5, latent_dim=1))
    found = diagnose(vae, np.random.default_rng(0).random([7, 4, 4, 3]))
    assert found.images.shape == found.samples.shape == (7, 4, 4, 3)
    one = diagnose(vae, np.ones([1, 4, 4, 3]))
    assert says(one, "^1 image is too few for the data's threshold")
    still = diagnose(vae, np.ones([300, 4, 4, 3]))
    assert still.threshold is None
    assert says(still, "No threshold of collapse: x holds no pixel that varies")


def test_few_images_have_no_threshold_and_no_best_constant_image(bits):
    vae = linear_vae(objective=weighted(10.0))
    found, enough = (diagnose(vae, bits[: diagnosis.ENOUGH - few]) for few in (1, 0))
    missing = "299 images are too few for the data's threshold and their best constant image"
    assert found.threshold is None
    assert found.findings.count(f"{missing}: pass at least 300.") == 1
    assert "cannot be told" in found.findings[0]
    assert not says(found, "best constant image's|buys")
    assert enough.threshold == pytest.approx(3) and not says(enough, "too few")


@pytest.mark.parametrize(
    ("distortion", "rate", "said", "urgent"),
    [
        (100.0, 1.0, "^The decoder does worse than one image for all", True),
        (79.5, 1.0, "^The code buys less than it costs at beta = 1: 0.5 nats per image", True),
        (70.0, 1.0, "^The code buys 10 nats per image at a rate of 1 nats", False),
        (80.0, 0.0, "^Without a code, the decoder gives one image for all", False),
    ],
)
def test_a_bad_bargain_is_urgent(distortion, rate, said, urgent):
    terms = np.full(2, distortion), np.full([2, 1], rate)
    found = findings.about_price(Evaluation(*terms, *np.zeros([2, 2, 1])), constant=80.0)
    assert re.search(said, found.sentence) and found.urgent is urgent


@pytest.mark.parametrize(
    ("information", "said", "urgent"),
    [(np.nan, "cannot be told", True), (1.0, "worse than rec", True), (3.0, "prior.$", False)],
)
def test_codes_far_off_the_prior_are_urgent(information, said, urgent):
    """A rate of 4 nats, of 3,000 images: half of it may be distance."""
    terms = np.zeros(3000), np.full([3000, 1], 4.0)
    found = findings.about_samples(Evaluation(*terms, *np.zeros([2, 3000, 1])), information)
    assert re.search(said, found.sentence) and found.urgent is urgent
