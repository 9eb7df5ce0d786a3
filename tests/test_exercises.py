"""The right answer passes, each usual slip gets its own hint, and nothing else passes."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from vaehelpers import exercises
from vaehelpers.data import load_mnist
from vaehelpers.exercises.verdicts import NOT_YET

SMALL = np.random.default_rng(0).random([5, 8, 8])


def check_floor(answer):
    exercises.check_floor(answer, SMALL)


def entropy(p):
    return -p * np.log(p) - (1 - p) * np.log(1 - p)


@functools.cache
def distortion_and_rate(mean, width):
    """The exercise's own function, written anew."""
    z = np.linspace(-10, 10, 1001)
    ink = 0.05 + 0.9 * np.exp(-0.5 * ((np.arange(8) - (3.5 + 1.8 * z[:, None])) / 0.9) ** 2)
    log_likelihood = np.log(np.where([0, 0, 0, 0, 1, 1, 1, 0], ink, 1 - ink)).sum(axis=1)
    q = stats.norm.pdf(z, mean, width)
    return -np.trapezoid(q * log_likelihood, z), np.trapezoid(q * (np.log(q + 1e-300) - stats.norm.logpdf(z)), z)


def check_width_under_the_mean(answer):
    exercises.check_width_under_the_mean(answer, distortion_and_rate)


FLOOR = entropy(SMALL).sum(axis=(1, 2)).mean()
COSTS = -np.log([0.9, 0.8, 0.6])

PIXELS = load_mnist().x_train.reshape(4000, -1).astype("float64")
BITS = (PIXELS > 0.5).astype("float64")
GREY_VARIANCES = np.linalg.eigvalsh(np.cov(PIXELS.T))


def kl_on_a_grid(q_mean, q_width, p_width, weight=1):
    z = np.linspace(-12, 12, 200_001)
    log_q, log_p = stats.norm.logpdf(z, q_mean, q_width), stats.norm.logpdf(z, 0, p_width)
    return weight * np.trapezoid(np.exp(log_q) * (log_q - log_p), z)


NARROW = 0.1**0.5  # the width of lesson 08's q

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
        {0.27: "best width for the sum", 0.38: "q's mean", 0.6241: "variance", 0.85: "density of all", 1.0: "prior's"},
    ),
    (
        exercises.check_effective_beta,
        (1 / 32) * (12288 / 1000) / 2,
        {0.384: "half the squared", 6.144: "latent", 192: "lowers", 0.064: "channels", 12.288: "two", 5.2083: "upside"},
    ),
    (
        exercises.check_weight_for_beta,
        4 * 256 / 3072,
        {4: "named weight", 48: "upside", 4 / 3072: "summed", 0.6667: "halved", 1: "not 32 x 32", 1 / 12: "beta 1"},
    ),
    (
        exercises.check_threshold_of_bits,
        np.linalg.eigvalsh(np.corrcoef(BITS[:, BITS.std(axis=0) > 0].T))[-1],
        {
            31.82: "grey",
            np.linalg.eigvalsh(np.cov(BITS.T))[-1]: "standard deviation",
            1.0: "without any correlation",
            float((BITS.std(axis=0) > 0).sum()): "trace",
        },
    ),
    (
        exercises.check_learned_variance,
        GREY_VARIANCES[-1] / PIXELS.var(axis=0).mean(),
        {
            GREY_VARIANCES[-1]: "for the variance 1",
            GREY_VARIANCES[-1] / PIXELS.var(axis=0).sum(): "total variance",
            GREY_VARIANCES[-1] / PIXELS.var(axis=0)[PIXELS.std(axis=0) > 0].mean(): "never vary",
            PIXELS.var(axis=0).mean() / GREY_VARIANCES[-1]: "upside down",
            GREY_VARIANCES[-1] / PIXELS.var(axis=0).mean() ** 0.5: "standard deviation",
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
        {1e-5: "Adam", 7.84e-3: "batch", 1.28e-3: "pixels", 9.965e-11: "wrong way", 0.03584: "28 x 28"},
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
            1.9539: "s is 1/4",
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
            kl_on_a_grid(0, NARROW, 1, weight=4) - kl_on_a_grid(0, NARROW, 0.25): "narrower prior's variance",
        },
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
    printed, within = [], 0.021 if check is check_width_under_the_mean else 0.006
    monkeypatch.setattr("builtins.print", printed.append)

    @given(st.floats(allow_nan=False, allow_infinity=False) | st.floats(right * 0.5, right * 1.5))
    def tried(value):
        check(value)
        assert (printed[-1] == "✓ right") <= (abs(value - right) <= within * abs(right))

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
            (lambda w: np.log(np.exp(w).mean(0)), "floating-point range"),
            (lambda w: w.max() + np.log(np.mean(np.exp(w - w.max()), axis=0)), "own largest"),
            (lambda w: np.log(np.mean(np.exp(w - w.max(0)), axis=0)), "add back"),
            (lambda w: np.logaddexp.reduce(w, axis=0, keepdims=True) - np.log(len(w)), "[B]"),
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
            (lambda m, v, e: m + np.sqrt(v) * e, "before the root"),
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
            (loss(lambda d, kl: d.mean() / 784 + kl.mean()), "two factors"),
            (loss(lambda d, kl: np.mean(d + (kl + 0.5).sum(1))), "the -1"),
            (loss(lambda d, kl: np.mean(d + 2 * kl.sum(1))), "1/2"),
            (loss(lambda d, kl: d + kl.sum(1)), "take their mean"),
            (loss(lambda d, kl: np.sum(d + kl.sum(1))), "factor 6"),
            (loss(lambda d, kl: -np.mean(d + kl.sum(1))), "that is the ELBO"),
        ],
    ),
]


def rate_by_loop(eigenvalues, beta, latent_dim, half=0.5):
    largest = sorted(eigenvalues, reverse=True)[:latent_dim]
    return sum(half * np.log(value / beta) for value in largest if value > beta)


def gap_by_loop(information, entropies):
    gaps = []
    for column, entropy_of_factor in zip(information.T, entropies, strict=True):
        first, second = sorted(column, reverse=True)[:2]
        gaps.append((first - second) / entropy_of_factor)
    return np.mean(gaps)


FUNCTIONS += [
    (
        exercises.check_linear_rate,
        rate_by_loop,
        [
            (lambda e, b, j: rate_by_loop(e, b, j, half=1), "factor 1/2"),
            (lambda e, b, j: rate_by_loop(e, b, 99), "J largest"),
            (lambda e, b, j: 0.5 * np.log(np.maximum(e[:j] / b, 1)).sum(), "sort"),
            (lambda e, b, j: 0.5 * np.log(e / b).sum(), "negative"),
            (lambda e, b, j: rate_by_loop(e, b, j) / np.log(2), "bits"),
            (lambda e, b, j: rate_by_loop(e, 1, j), "does not appear"),
            (lambda e, b, j: float(np.sum(np.sort(e)[-j:] > b)), "number of active"),
        ],
    ),
    (
        exercises.check_gap_of_information,
        gap_by_loop,
        [
            (lambda i, h: gap_by_loop(i, np.ones_like(h)), "divided by the entropy"),
            (lambda i, h: np.mean(i.max(axis=0) / h), "second best is to be subtracted"),
            (lambda i, h: gap_by_loop(i, h) * i.shape[1], "not summed"),
            (lambda i, h: np.mean(np.diff(np.sort(i, axis=1)[:, -2:])), "two dimensions of each"),
            (lambda i, h: np.mean(np.ptp(i, axis=0) / h), "not the worst"),
            (lambda i, h: gap_by_loop(i, np.full(len(h), np.mean(h))), "own entropy"),
        ],
    ),
]


def squared_error(x, x_mean):
    return np.float64([np.dot((a - b).ravel(), (a - b).ravel()) / a.size for a, b in zip(x, x_mean, strict=True)])


def vamp(z, means, log_vars, scale=lambda v: np.exp(v / 2), constant=0, join=np.sum, mix=None):
    """Component by component, with SciPy's density."""
    components = zip(means, scale(log_vars), strict=True)
    logs = np.array([join(stats.norm.logpdf(z, m, s) + constant, axis=1) for m, s in components])
    return (mix or mean_of_densities)(logs)


def mean_of_densities(logs):
    return logs.max(0) + np.log(np.mean(np.exp(logs - logs.max(0)), axis=0))


def half_2_pi():
    return 0.5 * np.log(2 * np.pi)


FUNCTIONS += [
    (
        exercises.check_optimal_variance,
        lambda x, m: np.average(squared_error(x, m)),
        [
            (lambda x, m: squared_error(x, m).mean() * x[0].size, "the pixels share v"),
            (lambda x, m: squared_error(x, m).sum(), "the images share v"),
            (lambda x, m: np.sum((x - m) ** 2), "over the images and over the pixels"),
            (squared_error, "for each image"),
            (lambda x, m: np.mean((x - m) ** 2, axis=0), "for each pixel"),
            (lambda x, m: np.mean((x - m) ** 2) / 2, "the logarithm too"),
            (lambda x, m: 2 * np.mean((x - m) ** 2), "the squared error too"),
            (lambda x, m: np.mean((x - m) ** 2) ** 0.5, "standard deviation"),
            (lambda x, m: 1 / np.mean((x - m) ** 2), "upside down"),
            (lambda x, m: np.log(np.mean((x - m) ** 2)), "logarithm of the variance"),
            (lambda x, m: (x - m).std() ** 2, "do not subtract"),
            (lambda x, m: x.var(), "do not appear"),
            (lambda x, m: np.mean(abs(x - m)), "squares its errors"),
        ],
    ),
    (
        exercises.check_vamp_prior,
        vamp,
        [
            (lambda *a: vamp(*a, mix=lambda logs: mean_of_densities(logs) + np.log(len(logs))), "1/K"),
            (lambda *a: vamp(*a, mix=lambda logs: logs.mean(0)), "mean of the logarithms"),
            (lambda *a: vamp(*a, scale=np.exp), "not the standard deviation"),
            (lambda *a: vamp(*a, scale=lambda v: v), "exponentiated"),
            (lambda *a: vamp(*a, constant=half_2_pi()), "missing: 2 pi"),
            (lambda *a: vamp(*a, constant=half_2_pi()) - half_2_pi(), "not once"),
            (
                lambda z, m, v: vamp(z, m, v, mix=lambda logs: mean_of_densities(logs + v.sum(1, keepdims=True) / 2)),
                "divided",
            ),
            (lambda *a: vamp(*a, join=np.mean), "no mean"),
            (lambda *a: vamp(*a, mix=lambda logs: np.log(np.mean(np.exp(logs), axis=0))), "60 standard deviations"),
            (lambda *a: vamp(*a, mix=lambda logs: mean_of_densities(logs.T)), "axis"),
            (lambda *a: vamp(*a)[:, None], "without the axis K"),
            (lambda *a: vamp(*a).mean(), "mean over the batch"),
            (lambda *a: np.exp(vamp(*a)), "take its logarithm"),
        ],
    ),
    (
        exercises.check_paired_difference,
        lambda a, b: np.array([np.mean(a) - np.mean(b), stats.sem(a - b)]),
        [
            (lambda a, b: (np.mean(a - b), (stats.sem(a) ** 2 + stats.sem(b) ** 2) ** 0.5), "image by image"),
            (lambda a, b: (np.mean(a - b), stats.sem(a) - stats.sem(b)), "not subtracted"),
            (lambda a, b: (np.mean(a - b), np.std(a - b, ddof=1)), "one image's spread"),
            (lambda a, b: (np.mean(a - b), np.std(a - b, ddof=1) / len(a)), "not by N"),
            (lambda a, b: (np.mean(a - b), stats.sem(a - b) ** 2), "take the root"),
            (lambda a, b: (np.mean(a - b), stats.sem(a - b, ddof=0)), "ddof=1"),
            (lambda a, b: (np.mean(a - b), 1.96 * stats.sem(a - b)), "95 %"),
            (lambda a, b: (np.mean(b - a), stats.sem(a - b)), "a - b"),
            (lambda a, b: (np.sum(a - b), stats.sem(a - b)), "not the sum"),
            (lambda a, b: (stats.sem(a - b), np.mean(a - b)), "order"),
            (lambda a, b: np.mean(a - b), "a pair"),
        ],
    ),
    (
        exercises.check_error_over_seeds,
        lambda elbo: np.array([np.mean(elbo), stats.sem([np.mean(run) for run in elbo])]),
        [
            (lambda elbo: (elbo.mean(), stats.sem(elbo, axis=None)), "not S x N"),
            (lambda elbo: (elbo.mean(), np.std(elbo.mean(1), ddof=1)), "one run lies"),
            (lambda elbo: (elbo.mean(), stats.sem(elbo.mean(1), ddof=0)), "ddof=1"),
            (lambda elbo: (elbo.mean(), stats.sem(elbo.mean(0))), "over images"),
            (lambda elbo: (elbo.mean(), np.std(elbo.mean(1), ddof=1) / elbo.shape[1] ** 0.5), "not of images"),
            (lambda elbo: (elbo.mean(), np.std(elbo.mean(1), ddof=1) / len(elbo)), "not by S"),
            (lambda elbo: (elbo.mean(), stats.sem(elbo.mean(1)) ** 2), "take the root"),
            (lambda elbo: (stats.sem(elbo.mean(1)), elbo.mean()), "order"),
            (lambda elbo: elbo.mean(), "a pair"),
        ],
    ),
]


@pytest.mark.parametrize(("check", "right", "slips"), FUNCTIONS, ids=lambda case: getattr(case, "__name__", ""))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the slips that leave the floating-point range
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
    assert "written as a number" in said(check, in_one_size(right), capsys)
    assert "ZeroDivisionError" in said(check, lambda *a: 1 / 0, capsys)


def in_one_size(right):
    """A function that is right at its first call only, as one with a size written as a number."""
    calls = []

    def function(*arguments):
        calls.append(1)
        return right(*arguments) + (0 if len(calls) == 1 else 0.1)

    return function


SEQUENCES = [
    (
        exercises.check_which_factors_survive,
        [False, False, True, True],
        [[True] * 4, [False, False, False, True], [False, True, True, True], [True, True, False, False]],
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
        [False, True, False, True, True, False],
        [
            [True, True, False, True, True, False],
            [False, False, False, True, True, False],
            [False, True, True, True, True, False],
            [False, True, False, False, True, False],
            [False, True, False, True, False, False],
            [False, True, False, True, True, True],
        ],
    ),
]


@pytest.mark.parametrize(("check", "right", "slips"), SEQUENCES, ids=lambda case: getattr(case, "__name__", ""))
def test_a_list_of_answers_is_right_or_gets_its_own_hint(check, right, slips, capsys):
    assert said(check, right, capsys) == "✓ right"
    assert said(check, tuple(right), capsys) == "✓ right"
    assert said(check, ..., capsys) == NOT_YET
    hints = {said(check, slip, capsys) for slip in slips}
    assert len(hints) == len(slips) >= 3 and all(hint.startswith("✗") for hint in hints)
    as_numpy = {int: np.int64, bool: np.bool_, str: np.str_}
    assert said(check, [as_numpy[type(a)](a) for a in right], capsys) == "✓ right"
    for answer in (None, 1, "1, 5", list(right)[:-1], [*right, right[0]], [None] * len(right)):
        assert said(check, answer, capsys).startswith("✗")


def test_the_fair_comparisons_in_any_order(capsys):
    for answer in (["F", "D", "B"], {"B", "D", "F"}):
        assert said(exercises.check_which_can_be_compared, answer, capsys) == "✓ right"
    for answer in (["BDF"], ["b", "d", "f"], ["B", "D", "F", "F"], ["B", "D", "F", "G"], "BDF"):
        assert "a list of letters" in said(exercises.check_which_can_be_compared, answer, capsys)
    assert "(B)" in said(exercises.check_which_can_be_compared, [], capsys)
    assert "(A)" in said(exercises.check_which_can_be_compared, list("ABCDEF"), capsys)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_prior_that_underflows_is_told_so_whatever_else_is_wrong(capsys):
    def naive(logs, reduce=np.mean):
        return np.log(reduce(np.exp(logs), axis=0))

    for options in ({"scale": np.exp}, {"constant": half_2_pi()}, {"mix": lambda logs: naive(logs, np.sum)}):
        verdict = said(exercises.check_vamp_prior, lambda *a, o=options: vamp(*a, **{"mix": naive, **o}), capsys)
        assert "-inf" in verdict


def cross_entropy(x, p):
    return -(x * np.log(p) + (1 - x) * np.log(1 - p))


def repaired(x, p, m, v, reduce=np.mean):
    rate = 0.5 * (np.exp(v) + m**2 - 1 - v).sum(1)
    return reduce(np.sum(cross_entropy(x, p), axis=(1, 2, 3)) + rate)


REPAIRS = [
    (lambda x, p, m, v: 784 * cross_entropy(x, p).mean() + (np.exp(v) + m**2 - 1 - v).mean() / 2, "2 latent dim"),
    (lambda x, p, m, v: 784 * cross_entropy(x, p).mean() + (np.exp(v) + m**2 - 1 - v).sum(1).mean() / 2, "16, 12, 3"),
    (lambda *probe: repaired(*probe, reduce=np.sum), "take the mean"),
    (lambda *probe: repaired(*probe) / 784, "both terms are multiplied by 0.00128"),
    (lambda x, p, m, v: 0.5 * ((x - p) ** 2).sum() / len(x) + (np.exp(v) + m**2 - 1 - v).sum(1).mean() / 2, "gaussian"),
    (lambda x, p, m, v: cross_entropy(x, p).sum() / len(x), "there is no KL"),
    (lambda *probe: probe[0], "returned shape"),
    (784, "a int"),
]


def test_the_repaired_loss_is_judged_by_the_audit(capsys):
    assert said(exercises.check_repaired_loss, repaired, capsys) == "✓ right"
    assert said(exercises.check_repaired_loss, lambda *probe: repaired(*probe, reduce=lambda x: x), capsys) == "✓ right"
    assert said(exercises.check_repaired_loss, ..., capsys) == NOT_YET
    for answer, word in REPAIRS:
        verdict = said(exercises.check_repaired_loss, answer, capsys)
        assert verdict.startswith("✗") and word in verdict


def test_every_check_is_tested():
    tested = {check.__name__ for check, *_ in [*NUMBERS, *FUNCTIONS, *SEQUENCES]} | {"check_repaired_loss"}
    assert tested == set(exercises.__all__)
