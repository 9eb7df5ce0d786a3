"""The proof's three demands: solved anew, against the worst savings that its facts allow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.special import logsumexp, rel_entr

from vaehelpers.collapse import collapse_threshold
from vaehelpers.collapse.certificate import _far, chi2_over_kl, demands, proved_weight


def kl(t, t0):
    return rel_entr(t, t0) + rel_entr(1 - t, 1 - t0)


def pixels_that_vary(digits):
    x = digits.x_train.reshape(4000, -1).astype("float64")
    return x[:, x.std(axis=0) > 0]


def saved_by_bits(x):
    return kl(x, x.mean(axis=0)).sum(axis=1)


def most_by_donsker_varadhan(divergence, saved):
    def at(log_scale):
        scale = np.exp(log_scale)
        return scale * (divergence + logsumexp(saved / scale) - np.log(len(saved)))

    middle = np.log(saved.max())
    return minimize_scalar(at, bounds=(middle - 7, middle + 7), method="bounded").fun


def is_proved(weight, steepest, saved):
    """The same proof from the weight: K where nothing is left, tau below it, every share on a grid.

    For some M. The demands for t are neither divided by t nor replaced by their slope at 0.
    """

    def left(divergence):
        return most_by_donsker_varadhan(divergence, saved) - weight * divergence

    if left(10) > 0:
        return False
    least_kl = brentq(left, 1e-6, 10)
    for split in np.geomspace(max(2, 1.01 * np.exp(least_kl)), 100, 800):
        tau = brentq(lambda t, split: kl(t, t / split) - least_kl, 1e-9, 1, args=(split,))
        m = split / (1 - tau)
        below = steepest * (m - 1) ** 2 / (m * np.log(m) - m + 1)
        t = np.geomspace(1e-7, tau, 2000)
        needed = t * saved.max() - (1 - t) * below * np.log1p(-t / split)
        if below <= weight and np.all(weight * kl(t, t / split) >= needed):
            return True
    return False


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_solved_for_the_weight_the_demands_give_the_same(digits, likelihood):
    x = pixels_that_vary(digits)
    steepest = collapse_threshold(x, likelihood)
    saved = saved_by_bits(x)
    if likelihood == "gaussian":
        steepest /= 2
        saved = ((x - x.mean(axis=0)) ** 2).sum(axis=1) / 2
    found = proved_weight(steepest, saved)
    assert is_proved(1.002 * found, steepest, saved)
    assert not is_proved(0.998 * found, steepest, saved)


CASES = {
    "no image saves much": (1.0, np.full(10_000, 1.5)),
    "all save alike": (1.0, np.full(10_000, 50.0)),
    "one image saves most": (1.0, np.r_[np.ones(9_999), 300.0]),
    "a wide range": (2.0, np.linspace(0, 400, 10_000)),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_no_choice_of_the_split_and_the_share_proves_less(case):
    steepest, saved = case
    far = _far(saved)
    every = [
        max(demands(split, tau, steepest, saved.max(), far))
        for split in np.geomspace(1.5, 1e4, 150)
        for tau in np.linspace(0.02, 0.98, 80)
    ]
    found = proved_weight(steepest, saved)
    assert 0.94 * min(every) < found <= min(every) * (1 + 1e-6)


def worst_ratio(steepest, saved):
    """The largest S / KL of weights with two levels, for the largest convex S that the facts allow.

    S <= steepest chi^2, and S <= saved at each image: so where w is a w_1 + sum of b_i e_i, S may
    be a steepest chi^2(w_1) + sum of b_i saved_i, the smallest of these being convex.
    """
    descending = np.sort(saved)[::-1]
    worst = 0.0
    for count in np.unique(np.geomspace(1, len(saved) / 2, 40).astype(int)):
        q = count / len(saved)
        t = (q + (1 - q) * np.geomspace(1e-4, 1, 100, endpoint=False))[:, None]
        named = t * np.linspace(0, 1, 200)
        chi2 = ((t - named) / (1 - named) - q) ** 2 / (q * (1 - q))
        by_name = named * descending[:count].mean()
        savings = ((1 - named) * steepest * chi2 + by_name).min(axis=1)
        worst = max(worst, (savings / kl(t, q)[:, 0]).max())
    return worst


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_worst_savings_that_the_facts_allow_are_below_it(case):
    assert worst_ratio(*case) < proved_weight(*case)


def test_small_codes_save_twice_the_steepest_and_are_counted():
    """chi^2 is twice KL near the uniform: no weight below 2 steepest can be proved."""
    for steepest, saved in CASES.values():
        assert proved_weight(steepest, saved) > 2 * steepest


@given(st.integers(0, 10**9), st.integers(2, 60))
def test_each_fact_of_the_proof_holds_for_weights_of_any_kind(seed, n):
    rng = np.random.default_rng(seed)
    w = rng.dirichlet(np.full(n, 10 ** rng.uniform(-2, 1))) + 1e-12
    w /= w.sum()
    saved = rng.gamma(10 ** rng.uniform(-1, 1), size=n) + 1e-9
    divergence = rel_entr(w, 1 / n).sum()
    assert w @ saved <= _far(saved)(divergence) * divergence * (1 + 1e-9)
    chi2 = n * (w**2).sum() - 1
    assert chi2 <= chi2_over_kl(n * w.max()) * divergence * (1 + 1e-6) + 1e-12
    split = np.exp(rng.uniform(0.01, 5))
    above = w > split / n
    t = w[above].sum()
    assert above.mean() <= t / split
    if 0 < t < 1:
        assert kl(t, t / split) <= divergence + 1e-12
        rest = np.where(above, 0, w) / (1 - t)
        assert n * rest.max() <= split / (1 - t) * (1 + 1e-9)
        inside = rel_entr(w[above] / t, 1 / above.sum()).sum()
        apart = kl(t, above.mean()) + t * inside
        apart += (1 - t) * (rel_entr(rest, 1 / n).sum() + np.log1p(-above.mean()))
        assert apart == pytest.approx(divergence, abs=1e-9)


def test_the_slopes_at_no_share_decide_for_every_share():
    t = np.linspace(1e-6, 1 - 1e-6, 1001)[:, None]
    split = np.geomspace(1.001, 1e6, 300)
    assert (kl(t, t / split) >= t * (np.log(split) - 1 + 1 / split) - 1e-12).all()
    assert ((t - 1) * np.log1p(-t / split) <= t / split).all()
    assert (np.diff(kl(t, t / split), axis=0) > 0).all()


def test_the_demands_are_these_three():
    """Written out for M = 10, tau = 1/2 and images that all save 7: c(20) and kl(1/2 || 1/20)."""
    near, above, far = demands(10, 0.5, 2.0, 7.0, _far(np.full(5, 7.0)))
    assert near == pytest.approx(2 * 19**2 / (20 * np.log(20) - 19))
    assert above * (np.log(10) - 0.9) == pytest.approx(7 + near / 10)
    assert far == pytest.approx(7 / kl(0.5, 0.05), rel=2e-3)  # l is at least a thousandth of 7


def test_more_to_save_or_steeper_data_never_lower_the_weight():
    saved = np.random.default_rng(0).gamma(3, 30, size=1000)
    found = proved_weight(5.0, saved)
    assert proved_weight(6.0, saved) > found
    assert proved_weight(5.0, saved + 10) > found
    assert proved_weight(5.0, np.r_[saved, 2 * saved.max()]) > found
    assert proved_weight(10.0, 2 * saved) == pytest.approx(2 * found, rel=1e-6)


@pytest.mark.parametrize("n", [2, 3, 10, 10**5])
@pytest.mark.parametrize("most", [1e-3, 1.0, 1e3, 1e6])
def test_extreme_data_have_a_weight(n, most):
    """From few images to many, from images that save next to nothing to one that saves it all."""
    for saved in (np.full(n, most), np.r_[np.zeros(n - 1), most], np.r_[np.ones(n - 1) * most, 0]):
        found = proved_weight(1.0, saved)
        assert np.isfinite(found)
        assert found <= chi2_over_kl(n)
        assert found > min(2, most / np.log(n))
