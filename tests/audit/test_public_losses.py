"""The audit on losses that were read at their source, and on the field guide's rows, rebuilt from their columns."""

import csv
from pathlib import Path

import numpy as np
import pytest
from public_loss_cases import CASES

from vaehelpers.audit import AuditError, audit_loss

FIELD_GUIDE = Path(__file__).parents[2] / "data" / "field_guide.csv"
ROWS = list(csv.DictReader(FIELD_GUIDE.read_text(encoding="utf-8").splitlines()))
RECOMPUTABLE = [row for row in ROWS if row["recomputable"] == "yes"]
PER_PIXEL = {
    "binary cross-entropy": ("bernoulli", lambda x, p: -x * np.log(p) - (1 - x) * np.log(1 - p)),
    "squared error": ("gaussian", lambda x, y: (x - y) ** 2),
    "half squared error": ("gaussian", lambda x, y: 0.5 * (x - y) ** 2),
    "absolute error": ("laplace", lambda x, y: abs(x - y)),
}
REDUCE = {"sum": np.sum, "mean": np.mean}
LARGE = 10_000  # values of an image from which two images must do: no beta here depends on how many they are


def images_of(shape):
    return 2 if np.prod(shape) > LARGE else 8


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.loss.__name__}-{case.commit[:7]}")
def test_a_loss_read_at_its_source(case):
    batch_size = case.batch_size or images_of(case.image_shape)
    sizes = {
        "image_shape": case.image_shape,
        "latent_dim": case.latent_dim,
        "batch_size": batch_size,
    }
    if case.expected is None:
        with pytest.raises(AuditError):
            audit_loss(case.loss, **sizes)
        return
    found = audit_loss(case.loss, **sizes)
    assert found.beta == pytest.approx(case.expected, rel=0.01)
    assert (found.likelihood, found.x_decoded) == (case.likelihood, case.decoded)


def test_enough_losses_were_read_at_their_source():
    judged = [
        (case.loss, case.repository, case.path, case.commit)
        for case in CASES
        if case.expected is not None
    ]
    assert len(judged) == len(set(judged)) == 47


def loss_of(row):
    """The loss that a row of the field guide describes."""
    per_pixel, batch = PER_PIXEL[row["reconstruction"]][1], REDUCE[row["batch_reduction"]]
    weight, kl_weight = float(row["reconstruction_weight"]), float(row["kl_weight"])

    def loss(x, x_decoded, z_mean, z_log_var):
        axes = tuple(range(1, x.ndim))
        reconstruction = batch(REDUCE[row["pixel_reduction"]](per_pixel(x, x_decoded), axis=axes))
        kl = 0.5 * (np.exp(z_log_var) + z_mean**2 - 1 - z_log_var)
        return weight * reconstruction + kl_weight * batch(
            REDUCE[row["latent_reduction"]](kl, axis=1)
        )

    return loss


def image_shape(row):
    return (
        tuple(int(n) for n in row["image_shape"].split("x")) if row["image_shape"] else (28, 28, 1)
    )


@pytest.mark.parametrize("row", RECOMPUTABLE, ids=lambda row: row["implementation"])
def test_a_row_of_the_field_guide(row):
    shape = image_shape(row)
    latent_dim = int(row["latent_dim"] or 2)
    found = audit_loss(
        loss_of(row), image_shape=shape, latent_dim=latent_dim, batch_size=images_of(shape)
    )
    assert found.beta == pytest.approx(float(row["effective_beta"]), rel=0.01)
    assert found.likelihood == PER_PIXEL[row["reconstruction"]][0]
    assert found.latent_reduction == row["latent_reduction"]
    assert found.pixel_reduction == row["pixel_reduction"]
    assert found.batch_reduction == row["batch_reduction"]


def test_the_field_guide_is_clean():
    assert len({row["implementation"] for row in ROWS}) == len(ROWS) == 98
    for row in ROWS:
        assert row["reconstruction"] in {*PER_PIXEL, "other"}
        assert {row["pixel_reduction"], row["latent_reduction"]} <= {"sum", "mean"}
        assert row["confidence"] in {"high", "medium", "low"}
        assert row["recomputable"] == "yes" or row["recomputable"].startswith("no: ")
        assert row["thread_url"] == "" or row["thread_url"].startswith("https://")
        assert len(row["note"]) <= 220
        numbers = ("reconstruction_weight", "kl_weight", "named_beta", "effective_beta")
        assert all(np.isfinite(float(row[name])) for name in numbers if row[name])
        assert row["named_beta"]
        assert (row["path"] and row["version"]) or row["repository"] == "user experiment"


def test_rows_that_cannot_be_recomputed_say_why():
    reasons = [row["recomputable"] for row in ROWS if row["recomputable"] != "yes"]
    assert len(reasons) == 22
    assert all(len(reason) > 8 for reason in reasons)
