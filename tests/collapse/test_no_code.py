"""The weight from which no code pays, against codes by brute force, and where it is reached."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaehelpers import data
from vaehelpers.collapse import collapse_at, collapse_threshold, no_code_pays_above
from vaehelpers.collapse.certificate import proved_weight
from vaehelpers.collapse.no_code import rounded_up

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
    assert found == pytest.approx(276.133, abs=0.005)
    assert found < 392
    threshold = collapse_threshold(digits.x_train)
    assert no_code_pays_above(digits.x_train, threshold=threshold) == found
    assert no_code_pays_above(digits.x_train, "gaussian") == pytest.approx(33.966, abs=0.001)


def test_the_whole_of_mnist_is_decided_at_the_questions_own_weight(full_mnist):
    found = no_code_pays_above(full_mnist.x_train)
    assert found == pytest.approx(291.63, abs=0.01)
    assert no_code_pays_above(full_mnist.x_train, "gaussian") == pytest.approx(36.125, abs=0.001)


def ascent(x, w, steps=200):
    """The largest S(w) / KL(w || uniform) that climbing from w finds, and the weights there.

    S is convex, so it is above its tangent: the weights that are best for the tangent at the ratio
    so far, softmax(slopes / ratio), have a ratio that is no smaller.
    """
    mean = x.mean(axis=0)
    best = 0.0
    for _ in range(steps):
        mixed = np.clip(w @ x, 1e-12, 1 - 1e-12)
        slopes = x @ (np.log(mixed / (1 - mixed)) - np.log(mean / (1 - mean)))
        divergence = np.log(len(x)) - entropy_of(w)
        if divergence < 1e-9:
            break
        saving = (entropy(mean) + (mixed - mean) * np.log((1 - mean) / mean)).sum()
        best = max(best, (saving - entropy(mixed).sum()) / divergence)
        w = np.exp((slopes - slopes.max()) / best)
        w /= w.sum()
    return best


def entropy_of(w):
    return -(w[w > 0] * np.log(w[w > 0])).sum()


def test_no_ascent_on_the_digits_climbs_above_the_weight(digits):
    """From the image that saves most, from others, and from groups: the best ends at 44.08."""
    x = digits.x_train.reshape(4000, -1).astype("float64")
    x = x[:, x.std(axis=0) > 0]
    mean = x.mean(axis=0)
    saved = (entropy(mean) + (x - mean) * np.log((1 - mean) / mean) - entropy(x)).sum(axis=1)
    order = saved.argsort()[::-1]
    rng = np.random.default_rng(0)
    found = []
    for group in (order[:1], order[1:2], order[:50], order[:400], rng.permutation(4000)[:20]):
        w = np.full(4000, 0.01 / 4000)
        w[group] += 0.99 / len(group)
        found.append(ascent(x, w, steps=30))
    assert max(found) == pytest.approx(44.08, abs=0.01)
    assert collapse_threshold(x) < max(found) < no_code_pays_above(x)


@settings(max_examples=60)
@given(st.integers(0, 10**9), st.integers(2, 40), st.integers(1, 30))
def test_no_ascent_climbs_above_the_weight(seed, n, size):
    """Images of a few kinds, grey or bits, so that pixels move together; from 5 starts each."""
    rng = np.random.default_rng(seed)
    kinds = rng.random((3, size)) ** rng.integers(1, 6)
    x = kinds[rng.integers(3, size=n)]
    x = x if rng.integers(2) else (rng.random(x.shape) < x).astype("float64")
    x = x[:, np.ptp(x, axis=0) > 0]
    if x.size == 0:
        return
    weight = no_code_pays_above(x)
    for _ in range(5):
        w = rng.dirichlet(np.full(n, 10 ** rng.uniform(-2, 0))) + 1e-12
        assert ascent(x, w / w.sum(), steps=50) <= weight * (1 + 1e-6)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_what_changes_no_question_changes_no_answer(digits, likelihood):
    """The order of images and of pixels, black for white, each image twice, a constant pixel."""
    x = digits.x_train[:300].reshape(300, -1).astype("float64")
    found = no_code_pays_above(x, likelihood)
    rng = np.random.default_rng(0)
    others = [rng.permutation(x), rng.permutation(x, axis=1), 1 - x, np.repeat(x, 2, axis=0)]
    others.append(np.hstack([x, np.full((300, 1), 0.3)]))
    for other in others:
        assert no_code_pays_above(other, likelihood) == pytest.approx(found, rel=1e-4)


def test_a_gaussian_s_weight_has_no_unit():
    x = np.random.default_rng(0).standard_normal((500, 6)) * np.arange(1, 7)
    found = no_code_pays_above(x, "gaussian", 0.5)
    variance = np.full(6, 0.5 * 9)
    assert no_code_pays_above(3 * x + 2, "gaussian", variance) == pytest.approx(found)
    assert found >= collapse_threshold(x, "gaussian", 0.5)


@settings(max_examples=60)
@given(st.integers(0, 10**9), st.integers(2, 300), st.integers(1, 30))
def test_it_is_never_below_the_threshold(seed, n, size):
    rng = np.random.default_rng(seed)
    x = rng.random((n, size)) ** rng.integers(1, 20)
    assert no_code_pays_above(x) >= collapse_threshold(x) * (1 - 1e-9)
    assert no_code_pays_above(x, "gaussian") >= collapse_threshold(x, "gaussian") * (1 - 1e-9)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_what_each_image_saves_is_found(digits, likelihood):
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
    expected = proved_weight(steepest, saved.sum(axis=1))
    variance = 1.0 if likelihood == "bernoulli" else VARIANCE
    assert no_code_pays_above(x, likelihood, variance) == pytest.approx(expected, rel=1e-5)


def test_an_eigenvalue_that_may_be_off_by_a_millionth_is_allowed_for():
    """Three images: no split is needed, and the weight is half the threshold times c(3)."""
    x = np.random.default_rng(0).integers(2, size=(3, 100))
    wanted = collapse_threshold(x, "gaussian") / 2 * 4 / (3 * np.log(3) - 2)
    found = no_code_pays_above(x, "gaussian")
    assert wanted * (1 + 0.9e-6) < found < wanted * (1 + 1.1e-6)


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


def test_three_answers():
    said = [collapse_at(beta, 2.0, 5.0) for beta in (1.9, 2.0, 4.9, 5.0)]
    assert "unstable" in said[0] and "no code" in said[3]
    assert "local" in said[1] and "local" in said[2]


@given(st.floats(1e-3, 1e6), st.integers(3, 6))
def test_a_weight_that_is_written_is_never_below_what_is_proved(weight, digits):
    written = float(f"{rounded_up(weight, digits):g}")
    assert weight * (1 - 1e-9) <= written <= weight * (1 + 10.0 ** (1 - digits) + 1e-9)


@pytest.mark.parametrize(("weight", "digits", "written"), [(276.133, 4, "276.2"), (3, 4, "3")])
def test_a_weight_as_it_is_written(weight, digits, written):
    assert f"{rounded_up(weight, digits):g}" == written


@pytest.mark.parametrize(
    ("likelihood", "variance", "said"),
    [
        ("gaussian", "learned", "variance is 'learned', for which there is no such weight"),
        ("gaussian", -1.0, "not above 0"),
        ("laplace", 1.0, "likelihood is 'laplace'"),
    ],
)
def test_bad_input_is_named(likelihood, variance, said):
    with pytest.raises(ValueError, match=said):
        no_code_pays_above(np.eye(3), likelihood, variance, threshold=1.0)
