"""Exercises whose answer is a number or a list: the right one passes, each slip gets its hint."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.sparse.linalg import svds
from test_exercises_functions import FUNCTIONS, said

from vaehelpers import exercises
from vaehelpers.data import load_mnist
from vaehelpers.exercises.verdicts import NOT_YET

SMALL = np.random.default_rng(0).random([5, 8, 8])


def check_floor(answer):
    exercises.check_floor(answer, SMALL)


def entropy(p):
    return -p * np.log(p) - (1 - p) * np.log(1 - p)


Z = np.linspace(-8, 8, 321)
INK = 0.05 + 0.9 * np.exp(-0.5 * ((np.arange(8) - (3.5 + 1.8 * Z[:, None])) / 0.9) ** 2)
LOG_LIKELIHOOD = np.log(np.where([0, 0, 0, 0, 1, 1, 1, 0], INK, 1 - INK)).sum(axis=1)


def distortion_and_rate(mean, width):
    """The exercise's own function, written anew: both terms by quadrature."""
    log_ratio = 0.5 * (Z**2 - ((Z - mean) / width) ** 2) - np.log(width)
    q = np.exp(log_ratio - 0.5 * Z**2) * (Z[1] - Z[0]) / np.sqrt(2 * np.pi)
    return -q @ LOG_LIKELIHOOD, q @ log_ratio


def check_width_under_the_mean(answer):
    exercises.check_width_under_the_mean(answer, distortion_and_rate)


FLOOR = entropy(SMALL).sum(axis=(1, 2)).mean()
COSTS = -np.log([0.9, 0.8, 0.6])

PIXELS = load_mnist().x_train.reshape(4000, -1).astype("float64")
BITS = (PIXELS > 0.5).astype("float64")
BITS_THAT_VARY = BITS[:, BITS.std(axis=0) > 0]


def largest_variance(x):
    """The largest eigenvalue of x's covariance, from its singular values."""
    (singular,) = svds(x - x.mean(axis=0), k=1, return_singular_vectors=False)
    return singular**2 / len(x)


GREY_VARIANCE = largest_variance(PIXELS)
MEAN_VARIANCE = PIXELS.var(axis=0).mean()


def kl_on_a_grid(q_mean, q_width, p_width, weight=1):
    z = np.linspace(-12, 12, 200_001)
    log_q, log_p = stats.norm.logpdf(z, q_mean, q_width), stats.norm.logpdf(z, 0, p_width)
    return weight * np.trapezoid(np.exp(log_q) * (log_q - log_p), z)


NARROW = 0.1**0.5  # the width of lesson 08's q
WEIGHTED = kl_on_a_grid(0.3, NARROW, 1, weight=4)
DENSITY = stats.norm.pdf(np.linspace(-9, 9, 9001))

# The right answer to each check, and wrong ones with a word of the hint that each must get.
RIGHT = {
    "distortion_from_mean": 164.64,
    "relative_weight": 784,
    "three_pixels": 0.8393,
    "hidden_variance": 0.05,
    "floor": FLOOR,
    "gap": 3.5,
    "width_under_the_mean": 0.79,
    "effective_beta": (1 / 32) * (12288 / 1000) / 2,
    "weight_for_beta": 4 * 256 / 3072,
    "learning_rate": 1.00352,
    "printed_loss": 148.712,
    "threshold_of_bits": largest_variance(BITS_THAT_VARY / BITS_THAT_VARY.std(axis=0)),
    "learned_variance": GREY_VARIANCE / MEAN_VARIANCE,
    "break_even": 13 / 2.9,
    "weight_against_prior": WEIGHTED - kl_on_a_grid(0.3, NARROW, 0.5),
    "beta_of_a_wrong_divisor": 4,
    "free_nats": 392,
}
SLIPS = {
    "distortion_from_mean": {
        0.21: "factor 784",
        0.00026786: "do not divide",
        -164.64: "sign",
        237.53: "bits",
    },
    "relative_weight": {1 / 784: "upside down", 28: "28 x 28", 1: "balance"},
    "three_pixels": {
        0.2798: "factor 3",
        -0.8393: "sign",
        1.2109: "bits",
        0.6162: "white pixel costs",
        0.432: "probability",
        2.2256: "not 0.2",
    },
    "hidden_variance": {
        0.1: "constant",
        10: "upside down",
        20: "1 / (2 variance)",
        0.2236: "standard deviation",
    },
    "floor": {
        FLOOR / 64: "factor 64",
        FLOOR * 5: "factor 5",
        entropy(SMALL.mean(0)).sum(): "ceiling",
        46.396: "28 x 28",
        FLOOR / np.log(2): "bits",
    },
    "gap": {
        -3.5: "sign",
        -104.5: "that is the ELBO",
        104.5: "minus the ELBO",
        2.8: "term is missing",
        -2.8: "and the sign",
        6.3: "to the prior",
        9.1: "both are added",
        5.05: "bits",
    },
    "width_under_the_mean": {
        0.27: "best width for the sum",
        0.38: "q's mean",
        0.6241: "variance",
        0.85: "density of all",
        1.0: "prior's",
        0.72: "a little wider",
        0.93: "a little narrower",
    },
    "effective_beta": {
        0.384: "half the squared",
        6.144: "latent",
        192: "lowers",
        0.064: "channels",
        12.288: "two",
        5.2083: "upside",
    },
    "weight_for_beta": {
        4: "named weight",
        48: "upside",
        4 / 3072: "summed",
        0.6667: "halved",
        1: "not 32 x 32",
        1 / 12: "beta 1",
    },
    "learning_rate": {
        1e-5: "Adam",
        7.84e-3: "batch",
        1.28e-3: "pixels",
        9.965e-11: "wrong way",
        0.03584: "28 x 28",
    },
    "printed_loss": {
        145.026: "printed loss",
        143.183: "half of the sum",
        3031.164: "belongs to the pixels",
        110817.932: "before it prints",
        7.372: "that is the rate",
        -148.712: "sign",
    },
    "threshold_of_bits": {
        31.82: "grey",
        largest_variance(BITS): "standard deviation",
        1.0: "without any correlation",
        BITS_THAT_VARY.shape[1]: "trace",
    },
    "learned_variance": {
        GREY_VARIANCE: "for the variance 1",
        GREY_VARIANCE / PIXELS.var(axis=0).sum(): "total variance",
        GREY_VARIANCE / PIXELS.var(axis=0)[PIXELS.std(axis=0) > 0].mean(): "never vary",
        MEAN_VARIANCE / GREY_VARIANCE: "upside down",
        GREY_VARIANCE / MEAN_VARIANCE**0.5: "standard deviation",
    },
    "break_even": {
        2.9 / 13: "upside",
        -13 / 2.9: "sign",
        13: "divide it",
        178.5 / 2: "differences",
    },
    "weight_against_prior": {
        kl_on_a_grid(0.3, NARROW, 0.5) - WEIGHTED: "larger one",
        3.8188: "bits",
        5.294: "factor 1/2",
        kl_on_a_grid(0.3, 0.1, 1, weight=4) - kl_on_a_grid(0.3, 0.1, 0.5): "not its width",
        1.9539: "c^2 is 1/4",
        -3 * stats.norm.entropy(0, NARROW): "log Z is missing",
        -np.log(np.trapezoid(DENSITY**4, dx=0.002)): "the entropy of q is missing",
        -4.2528: "sign of log Z",
        4.2528: "sign of the entropy",
        2.3793: "4 - 1",
        kl_on_a_grid(0, NARROW, 1) - kl_on_a_grid(0, NARROW, 0.5): "weight 4 is missing",
        kl_on_a_grid(0, NARROW, 1, weight=4): "subtract the one",
        kl_on_a_grid(0, NARROW, 0.5): "subtract it",
        kl_on_a_grid(0, NARROW, 1, weight=4) - kl_on_a_grid(0, NARROW, 2): "upside down",
        kl_on_a_grid(0, NARROW, 1, weight=4)
        - kl_on_a_grid(0, NARROW, 0.25): "narrower prior's variance",
    },
    "beta_of_a_wrong_divisor": {
        1: "both numbers agree",
        0.25: "other way round",
        128: "divided by 32",
        1 / 32: "not averaged",
    },
    "free_nats": {
        0.5: "as it is written",
        0.5 / 784: "later, not sooner",
        784: "one dimension",
        1: "before the floor",
    },
}
HERE = {"floor": check_floor, "width_under_the_mean": check_width_under_the_mean}
NUMBERS = [
    pytest.param(HERE.get(name) or getattr(exercises, f"check_{name}"), right, SLIPS[name], id=name)
    for name, right in RIGHT.items()
]
numbers = pytest.mark.parametrize(("check", "right", "slips"), NUMBERS)
NO_NUMBER = [None, [[1], [1, 2]], np.nan, np.inf, True, np.True_, {}, 10**400, "784", b"784"]


@numbers
def test_a_number_is_right_or_gets_its_own_hint(check, right, slips, capsys):
    assert said(check, right, capsys) == "✓ right"
    assert said(check, round(float(right), 3), capsys) == "✓ right"
    assert said(check, ..., capsys) == NOT_YET
    hints = {wrong: said(check, wrong, capsys) for wrong in slips}
    assert len(set(hints.values())) == len(slips) >= 3
    assert [wrong for wrong, word in slips.items() if word not in hints[wrong]] == []


@numbers
def test_what_is_no_number_does_not_pass(check, right, slips, capsys):
    near = [[right], np.array([right, right]), str(right), np.complex128(right), lambda: right]
    for answer in (*NO_NUMBER, *near):
        assert "one number is wanted" in said(check, answer, capsys)


@numbers
def test_no_other_number_passes(check, right, slips, monkeypatch):
    printed, within = [], 0.021 if check is check_width_under_the_mean else 0.006
    monkeypatch.setattr("builtins.print", printed.append)

    @given(st.floats(allow_nan=False, allow_infinity=False) | st.floats(right * 0.5, right * 1.5))
    def tried(value):
        check(value)
        assert (printed[-1] == "✓ right") <= (abs(value - right) <= within * abs(right))

    tried()


CHANGES = [False, True, False, True, True, False]
ONE_WRONG = [[changed != (k == i) for k, changed in enumerate(CHANGES)] for i in range(6)]
LIVING = [False, False, True, True]
NOT_LIVING = [[True] * 4, [False] * 3 + [True], [False] + [True] * 3, [True, True, False, False]]
SEQUENCES = [
    (exercises.check_which_factors_survive, LIVING, NOT_LIVING),
    (exercises.check_repeated_noise, (1, 5), [(5, 1), (5, 5), (1, 1)]),
    (exercises.check_choices, list("BCD"), ["ACD", "BBD", "BCC"]),
    (
        exercises.check_which_can_be_compared,
        list("BDF"),
        ["ABDF", "DF", "BCDF", "BF", "BDEF", "BD"],
    ),
    (exercises.check_which_change_the_model, CHANGES, ONE_WRONG),
]


@pytest.mark.parametrize(("check", "right", "slips"), SEQUENCES)
def test_a_list_of_answers_is_right_or_gets_its_own_hint(check, right, slips, capsys):
    as_numpy = [np.array(entry)[()] for entry in right]
    for answer in (right, tuple(right), as_numpy, np.array(right)):
        assert said(check, answer, capsys) == "✓ right"
    assert said(check, ..., capsys) == NOT_YET
    hints = {said(check, list(slip), capsys) for slip in slips}
    assert len(hints) == len(slips) >= 3 and all(hint.startswith("✗") for hint in hints)
    odd = [[entry] * len(right) for entry in (None, np.zeros(2), 10**400)]
    for answer in (*odd, None, 1, "1, 5", right[:-1], [*right, right[0]], np.array(right[0])):
        assert said(check, answer, capsys).startswith("✗")


def test_the_fair_comparisons_in_any_order(capsys):
    for answer in (["F", "D", "B"], {"B", "D", "F"}):
        assert said(exercises.check_which_can_be_compared, answer, capsys) == "✓ right"
    for answer in (["BDF"], ["b", "d", "f"], ["B", "D", "F", "F"], ["B", "D", "F", "G"], "BDF"):
        assert "a list of letters" in said(exercises.check_which_can_be_compared, answer, capsys)
    assert "(B)" in said(exercises.check_which_can_be_compared, [], capsys)
    assert "(A)" in said(exercises.check_which_can_be_compared, list("ABCDEF"), capsys)


def cross_entropy(x, p):
    return -(x * np.log(p) + (1 - x) * np.log(1 - p))


def repaired(x, p, m, v, reduce=np.mean):
    return reduce(np.sum(cross_entropy(x, p), axis=(1, 2, 3)) + kl(m, v).sum(1))


def kl(m, v):
    return (np.exp(v) + m**2 - 1 - v) / 2


REPAIRS = [
    (lambda x, p, m, v: 784 * cross_entropy(x, p).mean() + kl(m, v).mean(), "2 latent dim"),
    (lambda x, p, m, v: 784 * cross_entropy(x, p).mean() + kl(m, v).sum(1).mean(), "16, 12, 3"),
    (lambda *probe: repaired(*probe, reduce=np.sum), "take the mean"),
    (lambda *probe: repaired(*probe) / 784, "both terms are multiplied by 0.00128"),
    (lambda x, p, m, v: (((x - p) ** 2).sum() / 2 + kl(m, v).sum()) / len(x), "gaussian"),
    (lambda x, p, m, v: cross_entropy(x, p).sum() / len(x), "there is no KL"),
    (lambda *probe: probe[0], "returned shape"),
    (784, "a int"),
    (dict, "pass a function"),
]


def test_the_repaired_loss_is_judged_by_the_audit(capsys):
    for right in (repaired, lambda *probe: repaired(*probe, reduce=lambda x: x)):
        assert said(exercises.check_repaired_loss, right, capsys) == "✓ right"
    assert said(exercises.check_repaired_loss, ..., capsys) == NOT_YET
    for answer, word in REPAIRS:
        verdict = said(exercises.check_repaired_loss, answer, capsys)
        assert verdict.startswith("✗") and word in verdict


REPORT = {
    "versions": "keras 3.15.1",
    "pixels": (0.0, 1.0),
    "likelihood": "bernoulli",
    "beta": 1.0,
    "distortion": 172.0,
    "rate": 4.5,
    "active_units": 2,
    "threshold": 31.2,
    "audit": "This loss trains beta = 1.",
}


def test_a_bug_report_that_can_be_answered(capsys):
    assert said(exercises.check_bug_report, ..., capsys) == NOT_YET
    laplace = {"likelihood": "laplace", "pixels": (-1, 1), "threshold": None, "distortion": -900.0}
    unread = {"beta": None, "audit": "which argument is the image, the names do not tell"}
    for changes in ({}, laplace, unread):
        assert said(exercises.check_bug_report, REPORT | changes, capsys) == "✓ right"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"pixels": (1, 1)}, "smallest and the largest"),
        ({"pixels": (-1, 1)}, "case 3"),
        ({"rate": -0.1}, "never negative; has it"),
        ({"rate": "4.5"}, "rate: one number"),
        ({"distortion": -172}, "distortion: a cross-entropy"),
        ({"beta": 0.0}, "weight of 0"),
        ({"active_units": 1.5}, "active_units"),
        ({"threshold": 0}, "threshold"),
        ({"threshold": [31.2, 5.2]}, "threshold"),
        ({"versions": " "}, "versions: words"),
        ({"audit": "fine"}, "what audit_loss prints"),
    ],
)
def test_what_a_bug_report_gets_wrong_is_named(changes, word, capsys):
    verdict = said(exercises.check_bug_report, REPORT | changes, capsys)
    assert verdict.startswith("✗") and word in verdict


def test_a_bug_report_without_its_parts(capsys):
    assert "a dict is wanted" in said(exercises.check_bug_report, "it does not work", capsys)
    parts = {name: REPORT[name] for name in REPORT if name not in ("beta", "rate")}
    assert "without beta, rate nobody" in said(exercises.check_bug_report, parts, capsys)


def test_every_check_is_tested():
    tested = {f"check_{name}" for name in [*RIGHT, "repaired_loss", "bug_report"]}
    tested |= {check.__name__ for check, *_ in FUNCTIONS + SEQUENCES}
    assert tested == set(exercises.__all__)
