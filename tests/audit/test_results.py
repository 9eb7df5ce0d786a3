"""What a loss returns, nested or no number, and why it could not be called, for people."""

import contextlib
import re
from typing import NamedTuple

import numpy as np
import pytest
from audit_losses import cross_entropy, kl_per_dim

from vaehelpers.audit import AuditError, audit_loss

SMALL = {"image_shape": (6, 5, 1), "latent_dim": 3}


class Terms(NamedTuple):
    reconstruction: object
    kl: object


def bce(x, p):
    return cross_entropy(x, p).sum((1, 2, 3)).mean()


def kl(m, v):
    return kl_per_dim(m, v).sum(1).mean()


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
    def loss(x, p, m, v):
        return pack(bce(x, p) + 2 * kl(m, v), bce(x, p), 2 * kl(m, v))

    trains(2, loss, **SMALL)


@pytest.mark.parametrize(
    ("pack", "said"),
    [
        (lambda r, k: {"loss": (r, k)}, "loss_fn returned 0, 1: return the total loss"),
        (
            lambda r, k: {"terms": {"r": r, "k": k}, "log": {"k": k}},
            "returned terms, log, none of them called a total",
        ),
        (lambda r, k: ((r, k), (r, k)), "returned 0, 1, none of them called a total"),
        (lambda r, k: ((r, k),), "loss_fn returned 0, 1: return the total loss"),
        (lambda r, k: (), r"loss_fn returned \(\): return the total loss"),
        (lambda r, k: [[]], r"loss_fn returned \[\]: return the total loss"),
        (lambda r, k: {}, "loss_fn returned {}: return the total loss"),
        (lambda r, k: (None, None), "returned 0, 1, none of them called a total"),
    ],
)
def test_results_without_one_total_are_refused_in_words(pack, said):
    refused(said, lambda x, p, m, v: pack(bce(x, p), kl(m, v)), **SMALL)


@pytest.mark.parametrize("result", [0, "r", "sum"])
def test_a_part_that_is_asked_for_may_be_nested_too_deep(result):
    refused(
        r"loss_fn returned|result is",
        lambda x, p, m, v: (((bce(x, p), kl(m, v)),), {"k": kl(m, v)}),
        result=result,
        **SMALL,
    )


@pytest.mark.parametrize(
    ("of", "said"),
    [(lambda total: total + 0j, "complex numbers"), (lambda total: total > 0, "True or False")],
)
def test_what_is_no_real_number_is_refused(of, said):
    refused(f"loss_fn returned {said}", lambda x, p, m, v: of(bce(x, p) + kl(m, v)), **SMALL)


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

    refused(
        re.escape(f"in [0, 1] and its outputs in (0.05, 0.95): say image_range={said}"),
        loss,
        **SMALL,
    )
    refused(r"division by zero$", lambda x, x_hat, mu, logvar: 1 / 0, **SMALL)


def test_an_error_s_own_words_ask_for_no_argument():
    def loss(x, x_hat, mu, logvar):
        raise error

    for error in (TypeError("f() missing 1 required positional argument: 'beta'"), KeyError("mse")):
        with pytest.raises(
            AuditError, match=f"could not be called as .*{type(error).__name__}"
        ) as raised:
            audit_loss(loss, **SMALL)
        assert "--with" not in str(raised.value)


def test_an_argument_that_an_order_leaves_out_is_asked_for():
    order = "x,x_decoded,z_mean,z_log_var"
    refused(
        "the loss wants 'beta' as well",
        lambda x, p, m, v, beta: bce(x, p) + beta * kl(m, v),
        order=order,
        **SMALL,
    )


def test_more_than_two_terms_are_not_added_in_silence():
    """Raw and weighted terms side by side, as they are logged: their sum counts one of them twice."""

    def loss(x, p, m, v):
        return bce(x, p), kl(m, v), 4 * kl(m, v)

    refused("none of the 3 values it returns is a VAE's loss by itself", loss, **SMALL)
    trains(5, loss, result="sum", **SMALL)
