"""The weight from which no code pays, against codes by brute force, and where it is reached."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaehelpers import data
from vaehelpers.collapse import collapse_at, collapse_threshold, no_code_pays_above
from vaehelpers.collapse.no_code import _on_these_data

VARIANCE = 0.3
CODES = 20


def entropy(p):
    p = np.clip(p, 1e-300, 1)
    q = np.clip(1 - p, 1e-300, 1)
    return -p * np.log(p) - q * np.log(q)


def saved_and_paid(x, q):
    """What a code q(z|x) `[N, K]` saves, Bernoulli and Gaussian, and its information, nats."""
    p_z = q.mean(axis=0)
    q, p_z = q[:, p_z > 0], p_z[p_z > 0]
    information = (q / len(x) * np.log(np.where(q > 0, q / p_z, 1))).sum()
    means = (q / len(x) / p_z).T @ x
    bernoulli = entropy(x.mean(axis=0)).sum() - (p_z @ entropy(means)).sum()
    gaussian = (p_z @ (means - x.mean(axis=0)) ** 2).sum() / (2 * VARIANCE)
    return bernoulli, gaussian, information


@settings(max_examples=600)
@given(st.integers(0, 10**9), st.integers(2, 8), st.integers(1, 8), st.booleans())
def test_no_code_saves_more_than_the_weight_times_its_information(seed, n, size, grey):
    """600 data sets with 20 codes each, under two likelihoods: 24,000 problems."""
    rng = np.random.default_rng(seed)
    x = rng.random((n, size)) if grey else rng.integers(2, size=(n, size))
    x = x.astype("float32").astype("float64")
    if not np.ptp(x, axis=0).any():
        return
    weights = no_code_pays_above(x), no_code_pays_above(x, "gaussian", VARIANCE)
    for _ in range(CODES):
        q = rng.dirichlet(np.full(rng.integers(2, 6), 10 ** rng.uniform(-2, 1)), size=n)
        *saved, information = saved_and_paid(x, q)
        for saving, weight in zip(saved, weights, strict=True):
            assert saving <= weight * information * (1 + 1e-6) + 1e-12


@pytest.mark.parametrize("copies", [1, 3, 50])
def test_one_fair_bit_reaches_both_bounds(copies):
    x = np.repeat([[0.0], [1.0]], 100, axis=0).repeat(copies, axis=1)
    bernoulli, _, information = saved_and_paid(x, np.hstack([x[:, :1], 1 - x[:, :1]]))
    assert bernoulli > 0.999 * no_code_pays_above(x) * information
    # Pinsker's inequality is reached by a code that says little
    whispered = 0.5 + 0.05 * (2 * x[:, :1] - 1)
    _, gaussian, information = saved_and_paid(x, np.hstack([whispered, 1 - whispered]))
    assert gaussian > 0.99 * no_code_pays_above(x, "gaussian", VARIANCE) * information


def test_a_mean_over_pixels_beside_a_summed_kl_never_pays(digits):
    """At the weight D, for squared error at D / 4 and unit variance, on whatever images."""
    rng = np.random.default_rng(0)
    for x in (
        digits.x_train[:300],
        data.binarize(digits.x_train[:300]),
        rng.random((300, 6)),
        data.load_shapes().x[:300],
    ):
        size = np.prod(x.shape[1:])
        assert no_code_pays_above(x) <= size
        assert no_code_pays_above(x, "gaussian") <= size / 4


def test_the_embedded_digits_are_decided_at_the_questions_own_weight(digits):
    found = no_code_pays_above(digits.x_train)
    threshold = collapse_threshold(digits.x_train)
    assert threshold < 44.08 < found < 392  # 44.08: a code that pays, found by ascent
    assert no_code_pays_above(digits.x_train, threshold=threshold) == found


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_the_image_where_most_is_saved_is_found(digits, likelihood):
    """On the pixels of the digits that vary, where the bound on these data is the smaller one."""
    x = digits.x_train.reshape(4000, -1).astype("float64")
    x = x[:, x.std(axis=0) > 0]
    m = x.mean(axis=0)
    steepest = collapse_threshold(x, likelihood)
    if likelihood == "bernoulli":
        saved = entropy(m) + (x - m) * np.log((1 - m) / m) - entropy(x)
    else:
        saved = (x - m) ** 2 / (2 * VARIANCE)
        steepest /= 2 * VARIANCE
    expected = _on_these_data(steepest, saved.sum(axis=1).max(), len(x))
    variance = 1.0 if likelihood == "bernoulli" else VARIANCE
    assert no_code_pays_above(x, likelihood, variance) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("smallest", [1e-13, 1e-30])
def test_a_pixel_of_tiny_variance_lifts_both_weights(smallest):
    """Copies of one fair bit of variance 1/4: they add up, each in units of its own variance."""
    variance = np.array([smallest, 0.1, 0.1])
    x = np.repeat([[0.0], [1.0]], 100, axis=0).repeat(3, axis=1)
    expected = (0.25 / variance).sum()
    assert collapse_threshold(x, "gaussian", variance) == pytest.approx(expected)
    assert no_code_pays_above(x, "gaussian", variance) == pytest.approx(expected)


def test_the_certificate_holds_for_every_split_of_the_uniform_weight(digits):
    """S(w) <= weight KL(w || uniform) for w between one image, some images and all."""
    x = digits.x_train.reshape(4000, -1)[:400].astype("float64")
    weight = no_code_pays_above(x)
    rng = np.random.default_rng(0)
    mean = x.mean(axis=0)
    for _ in range(300):
        w = rng.dirichlet(np.full(400, 10 ** rng.uniform(-3, 1)))
        mixed = w @ x
        varies = mean > 0
        p, m = mixed[varies], mean[varies]
        saving = (entropy(m) + (p - m) * np.log((1 - m) / m) - entropy(p)).sum()  # kl(p || m)
        assert saving <= weight * (np.log(400) - (-w[w > 0] @ np.log(w[w > 0])))


def test_more_images_or_steeper_data_never_lower_the_certificate():
    assert _on_these_data(2.0, 100.0, 1000) >= _on_these_data(1.0, 100.0, 1000)
    assert _on_these_data(1.0, 200.0, 1000) >= _on_these_data(1.0, 100.0, 1000)


def test_three_answers():
    said = [collapse_at(beta, 2.0, 5.0) for beta in (1.9, 2.0, 4.9, 5.0)]
    assert "unstable" in said[0] and "no code" in said[3]
    assert "local" in said[1] and "local" in said[2]


@pytest.mark.parametrize(
    ("likelihood", "variance", "said"),
    [
        ("gaussian", "learned", "variance is 'learned'"),
        ("gaussian", -1.0, "not above 0"),
        ("laplace", 1.0, "likelihood is 'laplace'"),
    ],
)
def test_bad_input_is_named(likelihood, variance, said):
    with pytest.raises(ValueError, match=said):
        no_code_pays_above(np.eye(3), likelihood, variance, threshold=1.0)


def test_small_splits_count_too():
    """Where no image saves much more than the steepest code, the best M of the proof is below 7."""
    steepest, most = 1.0, 1.5
    m = np.linspace(2.75, 7, 1000)
    below = steepest * (2 * m - 1) ** 2 / (2 * m * np.log(2 * m) - 2 * m + 1)
    share = (most + 2 * below / m) / (np.log(m) - 1)
    beyond = most / (np.log(0.5) - 0.5 * np.log((1 - 1 / (2 * m)) / (2 * m)))
    wanted = np.max([below, share, beyond], axis=0).min()
    assert _on_these_data(steepest, most, 10**9) == pytest.approx(wanted, rel=1e-2)
