"""The right answer passes, each usual slip gets its own hint, and nothing else passes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaehelpers import exercises
from vaehelpers.exercises.verdicts import NOT_YET

SMALL = np.random.default_rng(0).random([5, 8, 8])


def check_floor(answer):
    exercises.check_floor(answer, SMALL)


def entropy(p):
    return -p * np.log(p) - (1 - p) * np.log(1 - p)


FLOOR = entropy(SMALL).sum(axis=(1, 2)).mean()
COSTS = -np.log([0.9, 0.8, 0.6])

# The check, the right answer, and wrong answers with a word of the hint that each must get.
NUMBERS = [
    (
        exercises.check_distortion_from_mean,
        164.64,
        {0.21: "factor 784", 0.00026786: "do not divide", -164.64: "sign", 237.53: "bits"},
    ),
    (
        exercises.check_relative_weight,
        784,
        {1 / 784: "upside down", 28: "28 x 28", 392: "ratio", 1: "balance"},
    ),
    (
        exercises.check_three_pixels,
        0.8393,
        {0.2798: "factor 3", -0.8393: "sign", 1.2109: "bits", 0.6162: "white pixel costs", 2.2256: "not 0.2"},
    ),
    (
        exercises.check_hidden_variance,
        0.05,
        {0.1: "constant", 10: "upside down", 20: "1 / (2 variance)", 0.2236: "standard deviation"},
    ),
    (
        check_floor,
        FLOOR,
        {
            FLOOR / 64: "factor 64",
            FLOOR * 5: "factor 5",
            entropy(SMALL.mean(0)).sum(): "ceiling",
            46.25: "28 x 28",
            FLOOR / np.log(2): "bits",
        },
    ),
    (
        exercises.check_gap,
        3.5,
        {-3.5: "sign", -104.5: "that is the ELBO", 104.5: "minus the ELBO", 2.8: "term is missing", 5.05: "bits"},
    ),
    (
        exercises.check_rate,
        0.8181,
        {0.5966: "standard deviation", 1.6363: "1/2", 1.3181: "the -1", -0.5681: "logarithm", 1.1803: "bits"},
    ),
]


def said(check, answer, capsys):
    capsys.readouterr()
    check(answer)
    return capsys.readouterr().out.strip()


@pytest.mark.parametrize(("check", "right", "slips"), NUMBERS, ids=lambda case: getattr(case, "__name__", ""))
def test_a_number_is_right_or_gets_its_own_hint(check, right, slips, capsys):
    assert said(check, right, capsys) == "✓ right"
    assert said(check, round(float(right), 3), capsys) == "✓ right"
    assert said(check, ..., capsys) == NOT_YET
    hints = {said(check, wrong, capsys) for wrong in slips}
    assert len(hints) == len(slips) >= 3
    for wrong, word in slips.items():
        assert word in said(check, wrong, capsys), wrong


@pytest.mark.parametrize(("check", "right", "slips"), NUMBERS, ids=lambda case: getattr(case, "__name__", ""))
def test_what_is_no_number_does_not_pass(check, right, slips, capsys):
    for answer in (None, str(right), [right], np.array([right, right]), np.nan, np.inf, True, lambda: right, {}):
        assert said(check, answer, capsys).startswith("✗")


@pytest.mark.parametrize(("check", "right", "slips"), NUMBERS, ids=lambda case: getattr(case, "__name__", ""))
def test_no_other_number_passes(check, right, slips, monkeypatch):
    printed = []
    monkeypatch.setattr("builtins.print", printed.append)

    @given(st.floats(allow_nan=False, allow_infinity=False) | st.floats(right * 0.5, right * 1.5))
    def tried(value):
        check(value)
        assert (printed[-1] == "✓ right") <= (abs(value - right) <= 0.006 * abs(right))

    tried()


def softplus(x):
    return np.logaddexp(0, x)


def loss(reduce):
    def function(x, logits, mean, log_var):
        distortion = (softplus(logits) - x * logits).sum((1, 2, 3))
        return reduce(distortion, (np.exp(log_var) + mean**2 - 1 - log_var) / 2)

    return function


# The check, a right function that is written in another way than the check's own, and slips with their hints.
FUNCTIONS = [
    (
        exercises.check_importance_weighted_bound,
        lambda w: w.max(0) + np.log(np.mean(np.exp(w - w.max(0)), axis=0)),
        [
            (lambda w: np.log(np.exp(w).mean(0)), "underflows"),
            (lambda w: w.mean(0), "that is the ELBO"),
            (lambda w: w.max(0) + np.log(np.sum(np.exp(w - w.max(0)), axis=0)), "sum / K"),
            (lambda w: np.log(np.exp(w - w.max(1, keepdims=True)).mean(1)) + w.max(1), "axis"),
        ],
    ),
    (
        exercises.check_sampling,
        lambda m, v, e: m + np.sqrt(np.exp(v)) * e,
        [
            (lambda m, v, e: m + np.exp(v) * e, "not the variance"),
            (lambda m, v, e: m + v * e, "logarithm"),
            (lambda m, v, e: np.exp(v / 2) * e, "mean is missing"),
            (lambda m, v, e: m + np.exp(-v / 2) * e, "sign"),
        ],
    ),
    (
        exercises.check_loss,
        lambda x, a, m, v: np.mean(
            -(x * np.log(1 / (1 + np.exp(-a))) + (1 - x) * np.log(1 / (1 + np.exp(a)))).sum((1, 2, 3))
            + 0.5 * (np.exp(v) + m**2 - 1 - v).sum(1)
        ),
        [
            (loss(lambda d, kl: np.mean(d / 784 + kl.sum(1))), "factor 784"),
            (loss(lambda d, kl: d.mean() + kl.mean()), "factor 3"),
            (loss(lambda d, kl: np.mean(d - kl.sum(1))), "sign of the rate"),
            (loss(lambda d, kl: np.mean(d + 2 * kl.sum(1))), "1/2"),
            (loss(lambda d, kl: d + kl.sum(1)), "take their mean"),
            (loss(lambda d, kl: np.sum(d + kl.sum(1))), "factor 6"),
            (loss(lambda d, kl: -np.mean(d + kl.sum(1))), "that is the ELBO"),
        ],
    ),
]


@pytest.mark.parametrize(("check", "right", "slips"), FUNCTIONS, ids=lambda case: getattr(case, "__name__", ""))
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")  # of the slip that underflows
def test_a_function_is_right_or_gets_its_own_hint(check, right, slips, capsys):
    assert said(check, right, capsys) == "✓ right"
    assert said(check, ..., capsys) == NOT_YET
    assert len({said(check, slip, capsys) for slip, _ in slips}) == len(slips) >= 3
    for slip, word in slips:
        assert word in said(check, slip, capsys)


@pytest.mark.parametrize(("check", "right", "slips"), FUNCTIONS, ids=lambda case: getattr(case, "__name__", ""))
def test_what_is_no_such_function_does_not_pass(check, right, slips, capsys):
    for answer in (1.0, "f", lambda: 1, lambda *a: None, lambda *a: "x", lambda *a: np.nan, lambda *a: right(*a) + 0.5):
        assert said(check, answer, capsys).startswith("✗")
    assert "ZeroDivisionError" in said(check, lambda *a: 1 / 0, capsys)


SEQUENCES = [
    (
        exercises.check_which_factors_survive,
        [False, False, True, True],
        [[True] * 4, [False, False, False, True], [False, True, True, True], [True, True, False, False]],
    ),
    (exercises.check_repeated_noise, (1, 5), [(5, 1), (5, 5), (1, 1)]),
]


@pytest.mark.parametrize(("check", "right", "slips"), SEQUENCES, ids=lambda case: getattr(case, "__name__", ""))
def test_a_list_of_answers_is_right_or_gets_its_own_hint(check, right, slips, capsys):
    assert said(check, right, capsys) == "✓ right"
    assert said(check, tuple(right), capsys) == "✓ right"
    assert said(check, ..., capsys) == NOT_YET
    hints = {said(check, slip, capsys) for slip in slips}
    assert len(hints) == len(slips) >= 3 and all(hint.startswith("✗") for hint in hints)
    for answer in (None, 1, "1, 5", list(right)[:-1], [*right, right[0]], [None] * len(right)):
        assert said(check, answer, capsys).startswith("✗")


def test_every_check_is_tested():
    tested = {check.__name__ for check, *_ in [*NUMBERS, *FUNCTIONS, *SEQUENCES]}
    assert tested == set(exercises.__all__)
