"""Exercises whose answer is a function: the right one passes, each slip gets its own hint."""

from functools import partial

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, xlog1py, xlogy

from vaehelpers import exercises
from vaehelpers.exercises.verdicts import NOT_YET


def said(check, answer, capsys):
    capsys.readouterr()
    check(answer)
    return capsys.readouterr().out.strip()


def loss(reduce):
    """A loss by SciPy's densities, of how it reduces the distortion `[B]` and the KL `[B, J]`."""

    def function(x, logits, mean, log_var):
        p = expit(logits)
        distortion = -(xlogy(x, p) + xlog1py(1 - x, -p)).sum((1, 2, 3))
        return reduce(distortion, (np.exp(log_var) + mean**2 - 1 - log_var) / 2)

    return function


# The check, a right function written in another way than the check's own, slips with their hints.
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
            (lambda w: w.max(0), "the others count"),
            (lambda w: np.exp(w).mean(0), "still to be taken"),
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
        loss(lambda d, kl: np.average(d) + np.average(kl.sum(axis=1))),
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
    return np.float64(
        [np.dot((a - b).ravel(), (a - b).ravel()) / a.size for a, b in zip(x, x_mean, strict=True)]
    )


def mean_of_densities(logs):
    return logs.max(0) + np.log(np.mean(np.exp(logs - logs.max(0)), axis=0))


def sum_of_densities(logs):
    return mean_of_densities(logs) + np.log(len(logs))


def naive(logs, reduce=np.mean):
    return np.log(reduce(np.exp(logs), axis=0))


def vamp(
    z, means, log_vars, scale=np.sqrt, constant=0, join=np.sum, mix=mean_of_densities, widths=1
):
    """Component by component, with SciPy's density; without `widths` it is not divided by them."""
    logs = []
    for m, s in zip(means, scale(np.exp(log_vars)), strict=True):
        log_density = stats.norm.logpdf(z, m, s) + (1 - widths) * np.log(s)
        logs.append(join(log_density + constant, axis=1))
    return mix(np.array(logs))


HALF_2_PI = 0.5 * np.log(2 * np.pi)


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
            (lambda *a: vamp(*a, mix=sum_of_densities), "1/K"),
            (lambda *a: vamp(*a, mix=lambda logs: logs.mean(0)), "mean of the logarithms"),
            (lambda *a: vamp(*a, scale=lambda v: v), "not the standard deviation"),
            (lambda *a: vamp(*a, scale=np.log), "exponentiated"),
            (lambda *a: vamp(*a, constant=HALF_2_PI), "missing: 2 pi"),
            (lambda *a: vamp(*a, constant=HALF_2_PI) - HALF_2_PI, "not once"),
            (lambda *a: vamp(*a, widths=0), "divided"),
            (lambda *a: vamp(*a, join=np.mean), "no mean"),
            (lambda *a: vamp(*a, mix=naive), "60 standard deviations"),
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
            (lambda a, b: (np.mean(a - b), np.hypot(stats.sem(a), stats.sem(b))), "image by image"),
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
            (
                lambda elbo: (elbo.mean(), np.std(elbo.mean(1), ddof=1) / elbo.shape[1] ** 0.5),
                "not of images",
            ),
            (lambda elbo: (elbo.mean(), np.std(elbo.mean(1), ddof=1) / len(elbo)), "not by S"),
            (lambda elbo: (elbo.mean(), stats.sem(elbo.mean(1)) ** 2), "take the root"),
            (lambda elbo: (stats.sem(elbo.mean(1)), elbo.mean()), "order"),
            (lambda elbo: elbo.mean(), "a pair"),
        ],
    ),
]


functions = pytest.mark.parametrize(("check", "right", "slips"), FUNCTIONS)
NO_ANSWERS = [1.0, "f", lambda: 1, lambda *a: None, lambda *a: "x", lambda *a: np.nan]
floating_range = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # which some slips leave


@functions
@floating_range
def test_a_function_is_right_or_gets_its_own_hint(check, right, slips, capsys):
    assert said(check, right, capsys) == "✓ right"
    assert said(check, ..., capsys) == NOT_YET
    hints = [said(check, slip, capsys) for slip, _ in slips]
    assert len(set(hints)) == len(slips) >= 3
    assert [word for hint, (_, word) in zip(hints, slips, strict=True) if word not in hint] == []


def in_one_size(right):
    """A function that is right at its first call only, as one with a size written as a number."""
    calls = []

    def function(*arguments):
        calls.append(1)
        return right(*arguments) + (0 if len(calls) == 1 else 0.1)

    return function


@functions
def test_what_is_no_such_function_does_not_pass(check, right, slips, capsys):
    for answer in (*NO_ANSWERS, lambda *a: right(*a) + 0.5):
        assert said(check, answer, capsys).startswith("✗")
    assert "written as a number" in said(check, in_one_size(right), capsys)
    assert "ZeroDivisionError" in said(check, lambda *a: 1 / 0, capsys)


@floating_range
@pytest.mark.parametrize(
    "options",
    [{"scale": lambda v: v}, {"constant": HALF_2_PI}, {"mix": partial(naive, reduce=np.sum)}],
)
def test_a_prior_that_underflows_is_told_so_whatever_else_is_wrong(options, capsys):
    verdict = said(
        exercises.check_vamp_prior, lambda *a: vamp(*a, **{"mix": naive} | options), capsys
    )
    assert "-inf" in verdict
