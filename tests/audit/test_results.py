"""What a loss returns, nested or no number, and why it could not be called, for people."""

import contextlib
import re
from typing import NamedTuple

import numpy as np
import pytest
from audit_losses import SMALL, bce, kl, refused, trains

from vaehelpers.audit import AuditError, audit_loss


class Terms(NamedTuple):
    reconstruction: object
    kl: object


def packing(pack):
    """A loss of beta 2 that returns what is made of its total and its two terms."""

    def loss(x, p, m, v):
        r, k = bce(x, p), 2 * kl(m, v)
        return pack(r + k, r, k)

    return loss


@pytest.mark.parametrize(
    "pack",
    [
        lambda total, r, k: (total, (r, k)),  # JAX's has_aux
        lambda total, r, k: [total, [r, k]],
        lambda total, r, k: ({"r": r, "k": k}, total),
        lambda total, r, k: (total, Terms(r, k), "done", True),
        lambda total, r, k: [{"log": {"r": r, "k": k}, "loss": total}],
        lambda total, r, k: {"losses": {"total_loss": total, "k": (k, r)}},
        lambda total, r, k: (r, (r, k), k),
        lambda total, r, k: (total, print),
        lambda total, r, k: {0: total, 1: (r, k)},
        lambda total, r, k: {"loss": {"kl": k, "total": (total,)}},
    ],
)
def test_what_is_nested_is_no_total(pack):
    trains(2, packing(pack), **SMALL)


@pytest.mark.parametrize(
    ("pack", "said"),
    [
        (lambda total, r, k: (r, k), "the sum"),
        (lambda total, r, k: (r, k, None), "the sum"),
        (lambda total, r, k: (total, r, 5 * k), "entry 0"),
    ],
)
def test_the_part_that_is_taken_is_named(pack, said):
    notes = trains(2, packing(pack), **SMALL).notes
    assert f"{said} of what it returns is taken as the total" in notes


def test_two_totals_are_not_guessed_between():
    both = packing(lambda total, r, k: (total, r + 2 * k))
    refused("several ways: beta = 2 with result=0; beta = 4 with result=1", both, **SMALL)
    trains(4, both, result=1, **SMALL)


def test_more_than_two_terms_are_not_added_in_silence():
    """Raw and weighted terms side by side, as they are logged: one of them is counted twice."""
    logged = packing(lambda total, r, k: (r, k / 2, k))
    refused("none of the 3 values it returns is a VAE's loss by itself", logged, **SMALL)
    trains(3, logged, result="sum", **SMALL)


def test_the_sum_of_a_dict_may_be_asked_for():
    trains(2, packing(lambda total, r, k: {"r": r, "k": k}), result="sum", **SMALL)


TERMS = {"recon": 1.0, "kl": 2.0}
NONE_OF = "none of them called a total"
NO_TOTAL = [
    (lambda total, r, k: {"loss": (r, k)}, None, "loss_fn returned 0, 1: return the total loss"),
    (
        lambda total, r, k: {"terms": TERMS, "log": {"k": k}},
        None,
        f"terms, log, {NONE_OF}",
    ),
    (lambda total, r, k: ((r, k), (r, k)), None, f"returned 0, 1, {NONE_OF}"),
    (lambda total, r, k: ((r, k),), None, "loss_fn returned 0, 1: return the total loss"),
    (lambda total, r, k: (), None, r"loss_fn returned \(\): return the total loss"),
    (lambda total, r, k: [[]], None, r"loss_fn returned \[\]: return the total loss"),
    (lambda total, r, k: {}, None, "loss_fn returned {}: return the total loss"),
    (lambda total, r, k: (None, None), None, f"returned 0, 1, {NONE_OF}"),
    (lambda total, r, k: TERMS, None, f"loss_fn returned recon, kl, {NONE_OF}"),
    (lambda total, r, k: TERMS, "elbo", "result is 'elbo', but loss_fn returned recon, kl"),
    (lambda total, r, k: None, None, "loss_fn returned None"),
    (lambda total, r, k: 1.0, "loss", "result is 'loss', but loss_fn returned one float"),
    (lambda total, r, k: (((r, k),), {"k": k}), 0, "loss_fn returned 0, 1: return the total"),
    (lambda total, r, k: (((r, k),), {"k": k}), "r", "result is 'r', but loss_fn returned 0, 1"),
    (lambda total, r, k: (((r, k),), {"k": k}), "sum", "result is 'sum', but loss_fn returned 0"),
    (lambda total, r, k: total + 0j, None, "loss_fn returned complex numbers"),
    (lambda total, r, k: total > 0, None, "loss_fn returned True or False"),
]


@pytest.mark.parametrize(("pack", "result", "said"), NO_TOTAL)
def test_results_without_one_total_are_refused_in_words(pack, result, said):
    refused(said, packing(pack), result=result, **SMALL)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "of", [lambda total: 1e300 * total, lambda total: np.exp(1e3 * total), lambda total: total / 0]
)
def test_a_huge_loss_warns_of_nothing(of):
    with contextlib.suppress(AuditError):
        audit_loss(lambda x, p, m, v: of(bce(x, p) + kl(m, v)), **SMALL)


@pytest.mark.parametrize(
    "said", ["(-1, 1), or --image-range=-1,1", "(0, 255), or --image-range=0,255"]
)
def test_a_loss_that_wants_images_of_another_range_is_told_which_it_gets(said):
    def loss(x, x_hat, mu, logvar):
        if not (x.min() < 0 if "-1" in said else x.max() > 1):
            raise ValueError("images of another range, please")
        return ((x - x_hat) ** 2).sum() + kl(mu, logvar)

    got = re.escape(f"in [0, 1] and its outputs in (0.05, 0.95): say image_range={said}")
    refused(got, loss, **SMALL)
    refused(r"division by zero$", lambda x, x_hat, mu, logvar: 1 / 0, **SMALL)


def test_an_error_s_own_words_ask_for_no_argument():
    def loss(x, x_hat, mu, logvar):
        raise error

    for error in (TypeError("f() missing 1 required positional argument: 'beta'"), KeyError("mse")):
        said = refused(f"could not be called as .*{type(error).__name__}", loss, **SMALL)
        assert "--with" not in said


def test_an_argument_that_an_order_leaves_out_is_asked_for():
    def loss(x, p, m, v, beta):
        return bce(x, p) + beta * kl(m, v)

    refused("the loss wants 'beta' as well", loss, order="x,x_decoded,z_mean,z_log_var", **SMALL)
