"""Exercises whose answer is a number or a list: the right one passes, each usual slip gets its own hint."""

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

# The check, the right answer, and wrong answers with a word of the hint that each must get.
NUMBERS = [
    (
        exercises.check_beta_of_a_wrong_divisor,
        4,
        {
            1: "both numbers agree",
            0.25: "other way round",
            128: "divided by 32",
            1 / 32: "not averaged",
        },
    ),
    (
        exercises.check_free_nats,
        392,
        {
            0.5: "as it is written",
            0.5 / 784: "later, not sooner",
            784: "one dimension",
            1: "before the floor",
        },
    ),
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
        {
            0.2798: "factor 3",
            -0.8393: "sign",
            1.2109: "bits",
            0.6162: "white pixel costs",
            0.432: "probability",
            2.2256: "not 0.2",
        },
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
        {
            -3.5: "sign",
            -104.5: "that is the ELBO",
            104.5: "minus the ELBO",
            2.8: "term is missing",
            -2.8: "and the sign",
            6.3: "to the prior",
            9.1: "both are added",
            5.05: "bits",
        },
    ),
    (
        check_width_under_the_mean,
        0.79,
        {
            0.27: "best width for the sum",
            0.38: "q's mean",
            0.6241: "variance",
            0.85: "density of all",
            1.0: "prior's",
        },
    ),
    (
        exercises.check_effective_beta,
        (1 / 32) * (12288 / 1000) / 2,
        {
            0.384: "half the squared",
            6.144: "latent",
            192: "lowers",
            0.064: "channels",
            12.288: "two",
            5.2083: "upside",
        },
    ),
    (
        exercises.check_weight_for_beta,
        4 * 256 / 3072,
        {
            4: "named weight",
            48: "upside",
            4 / 3072: "summed",
            0.6667: "halved",
            1: "not 32 x 32",
            1 / 12: "beta 1",
        },
    ),
    (
        exercises.check_threshold_of_bits,
        largest_variance(BITS_THAT_VARY / BITS_THAT_VARY.std(axis=0)),
        {
            31.82: "grey",
            largest_variance(BITS): "standard deviation",
            1.0: "without any correlation",
            BITS_THAT_VARY.shape[1]: "trace",
        },
    ),
    (
        exercises.check_learned_variance,
        GREY_VARIANCE / MEAN_VARIANCE,
        {
            GREY_VARIANCE: "for the variance 1",
            GREY_VARIANCE / PIXELS.var(axis=0).sum(): "total variance",
            GREY_VARIANCE / PIXELS.var(axis=0)[PIXELS.std(axis=0) > 0].mean(): "never vary",
            MEAN_VARIANCE / GREY_VARIANCE: "upside down",
            GREY_VARIANCE / MEAN_VARIANCE**0.5: "standard deviation",
        },
    ),
    (
        exercises.check_break_even,
        13 / 2.9,
        {2.9 / 13: "upside", -13 / 2.9: "sign", 13: "divide it", 178.5 / 2: "differences"},
    ),
    (
        exercises.check_learning_rate,
        1.00352,
        {
            1e-5: "Adam",
            7.84e-3: "batch",
            1.28e-3: "pixels",
            9.965e-11: "wrong way",
            0.03584: "28 x 28",
        },
    ),
    (
        exercises.check_printed_loss,
        148.712,
        {
            145.026: "printed loss",
            143.183: "half of the sum",
            3031.164: "belongs to the pixels",
            110817.932: "before it prints",
            7.372: "that is the rate",
            -148.712: "sign",
        },
    ),
    (
        exercises.check_weight_against_prior,
        kl_on_a_grid(0.3, NARROW, 1, weight=4) - kl_on_a_grid(0.3, NARROW, 0.5),
        {
            kl_on_a_grid(0.3, NARROW, 0.5) - kl_on_a_grid(0.3, NARROW, 1, weight=4): "larger one",
            3.8188: "bits",
            5.294: "factor 1/2",
            kl_on_a_grid(0.3, 0.1, 1, weight=4) - kl_on_a_grid(0.3, 0.1, 0.5): "not its width",
            1.9539: "c^2 is 1/4",
            -3 * stats.norm.entropy(0, NARROW): "log Z is missing",
            -np.log(
                np.trapezoid(stats.norm.pdf(np.linspace(-9, 9, 9001)) ** 4, dx=0.002)
            ): "the entropy of q is missing",
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
    ),
]


@pytest.mark.parametrize(
    ("check", "right", "slips"), NUMBERS, ids=lambda case: getattr(case, "__name__", "")
)
def test_a_number_is_right_or_gets_its_own_hint(check, right, slips, capsys):
    assert said(check, right, capsys) == "✓ right"
    assert said(check, round(float(right), 3), capsys) == "✓ right"
    assert said(check, ..., capsys) == NOT_YET
    hints = {wrong: said(check, wrong, capsys) for wrong in slips}
    assert len(set(hints.values())) == len(slips) >= 3
    for wrong, word in slips.items():
        assert word in hints[wrong], wrong


@pytest.mark.parametrize(
    ("check", "right", "slips"), NUMBERS, ids=lambda case: getattr(case, "__name__", "")
)
def test_what_is_no_number_does_not_pass(check, right, slips, capsys):
    for answer in (
        None,
        [right],
        np.array([right, right]),
        [[1], [1, 2]],
        np.nan,
        np.inf,
        True,
        np.True_,
        {},
        10**400,
    ):
        assert "one number is wanted" in said(check, answer, capsys)
    for answer in (
        str(right),
        str(right).encode(),
        np.str_(right),
        np.complex128(right),
        lambda: right,
    ):
        assert "one number is wanted" in said(check, answer, capsys)


@pytest.mark.parametrize(
    ("check", "right", "slips"), NUMBERS, ids=lambda case: getattr(case, "__name__", "")
)
def test_no_other_number_passes(check, right, slips, monkeypatch):
    printed, within = [], 0.021 if check is check_width_under_the_mean else 0.006
    monkeypatch.setattr("builtins.print", printed.append)

    @given(st.floats(allow_nan=False, allow_infinity=False) | st.floats(right * 0.5, right * 1.5))
    def tried(value):
        check(value)
        assert (printed[-1] == "✓ right") <= (abs(value - right) <= within * abs(right))

    tried()


CHANGES = [False, True, False, True, True, False]
SEQUENCES = [
    (
        exercises.check_which_factors_survive,
        [False, False, True, True],
        [
            [True] * 4,
            [False, False, False, True],
            [False, True, True, True],
            [True, True, False, False],
        ],
    ),
    (exercises.check_repeated_noise, (1, 5), [(5, 1), (5, 5), (1, 1)]),
    (exercises.check_choices, ["B", "C", "D"], [["A", "C", "D"], ["B", "B", "D"], ["B", "C", "C"]]),
    (
        exercises.check_which_can_be_compared,
        ["B", "D", "F"],
        [list(letters) for letters in ("ABDF", "DF", "BCDF", "BF", "BDEF", "BD")],
    ),
    (
        exercises.check_which_change_the_model,
        CHANGES,
        [[changed != (k == i) for k, changed in enumerate(CHANGES)] for i in range(len(CHANGES))],
    ),
]


@pytest.mark.parametrize(
    ("check", "right", "slips"), SEQUENCES, ids=lambda case: getattr(case, "__name__", "")
)
def test_a_list_of_answers_is_right_or_gets_its_own_hint(check, right, slips, capsys):
    assert said(check, right, capsys) == "✓ right"
    assert said(check, tuple(right), capsys) == "✓ right"
    assert said(check, ..., capsys) == NOT_YET
    hints = {said(check, slip, capsys) for slip in slips}
    assert len(hints) == len(slips) >= 3 and all(hint.startswith("✗") for hint in hints)
    as_numpy = {int: np.int64, bool: np.bool_, str: np.str_}
    assert said(check, [as_numpy[type(a)](a) for a in right], capsys) == "✓ right"
    assert said(check, np.array(right), capsys) == "✓ right"
    for odd in (None, np.zeros(2), 10**400):
        assert said(check, [odd] * len(right), capsys).startswith("✗")
    for answer in (None, 1, "1, 5", list(right)[:-1], [*right, right[0]], np.array(right[0])):
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
    rate = 0.5 * (np.exp(v) + m**2 - 1 - v).sum(1)
    return reduce(np.sum(cross_entropy(x, p), axis=(1, 2, 3)) + rate)


REPAIRS = [
    (
        lambda x, p, m, v: 784 * cross_entropy(x, p).mean() + (np.exp(v) + m**2 - 1 - v).mean() / 2,
        "2 latent dim",
    ),
    (
        lambda x, p, m, v: (
            784 * cross_entropy(x, p).mean() + (np.exp(v) + m**2 - 1 - v).sum(1).mean() / 2
        ),
        "16, 12, 3",
    ),
    (lambda *probe: repaired(*probe, reduce=np.sum), "take the mean"),
    (lambda *probe: repaired(*probe) / 784, "both terms are multiplied by 0.00128"),
    (
        lambda x, p, m, v: (
            0.5 * ((x - p) ** 2).sum() / len(x) + (np.exp(v) + m**2 - 1 - v).sum(1).mean() / 2
        ),
        "gaussian",
    ),
    (lambda x, p, m, v: cross_entropy(x, p).sum() / len(x), "there is no KL"),
    (lambda *probe: probe[0], "returned shape"),
    (784, "a int"),
    (dict, "pass a function"),
]


def test_the_repaired_loss_is_judged_by_the_audit(capsys):
    assert said(exercises.check_repaired_loss, repaired, capsys) == "✓ right"
    assert (
        said(
            exercises.check_repaired_loss,
            lambda *probe: repaired(*probe, reduce=lambda x: x),
            capsys,
        )
        == "✓ right"
    )
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
    for changes in (
        {},
        {"threshold": None, "likelihood": "laplace", "pixels": (-1, 1), "distortion": -900.0},
    ):
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
    assert "without beta, rate nobody" in said(
        exercises.check_bug_report,
        {k: v for k, v in REPORT.items() if k not in ("beta", "rate")},
        capsys,
    )


def test_every_check_is_tested():
    tested = {check.__name__ for check, *_ in [*NUMBERS, *FUNCTIONS, *SEQUENCES]}
    tested |= {"check_repaired_loss", "check_bug_report"}
    assert tested == set(exercises.__all__)
