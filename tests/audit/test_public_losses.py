"""The audit on losses that were read at their source, and on the field guide's rows, rebuilt."""

import csv
from pathlib import Path

import numpy as np
import pytest
from audit_losses import cross_entropy, holds, kl_per_dim, l1, refused, squares, trains
from public_losses import CASES

FIELD_GUIDE = Path(__file__).parents[2] / "data" / "field_guide.csv"
ROWS = list(csv.DictReader(FIELD_GUIDE.read_text(encoding="utf-8").splitlines()))
RECOMPUTABLE = [row for row in ROWS if row["recomputable"] == "yes"]
PER_PIXEL = {
    "binary cross-entropy": ("bernoulli", cross_entropy),
    "squared error": ("gaussian", lambda x, y: (x - y) ** 2),
    "half squared error": ("gaussian", squares),
    "absolute error": ("laplace", l1),
}
REDUCE = {"sum": np.sum, "mean": np.mean}
LARGE = 10_000  # values of an image from which two must do: no beta here depends on how many


def sizes_of(shape, latent_dim, batch_size=None):
    few = 2 if np.prod(shape) > LARGE else 8
    return {"image_shape": shape, "latent_dim": latent_dim, "batch_size": batch_size or few}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.loss.__name__)
def test_a_loss_read_at_its_source(case):
    sizes = sizes_of(case.image_shape, case.latent_dim, case.batch_size)
    if case.beta is None:
        refused(None, case.loss, **sizes)
    else:
        found = trains(case.beta, case.loss, rel=0.01, **sizes)
        holds(found, likelihood=case.likelihood, x_decoded=case.reads)


def loss_of(row):
    """The loss that a row of the field guide describes."""
    per_pixel, batch = PER_PIXEL[row["reconstruction"]][1], REDUCE[row["batch_reduction"]]
    pixels, latents = REDUCE[row["pixel_reduction"]], REDUCE[row["latent_reduction"]]
    weight, kl_weight = float(row["reconstruction_weight"]), float(row["kl_weight"])

    def loss(x, x_decoded, z_mean, z_log_var):
        reconstruction = batch(pixels(per_pixel(x, x_decoded), axis=tuple(range(1, x.ndim))))
        kl = batch(latents(kl_per_dim(z_mean, z_log_var), axis=1))
        return weight * reconstruction + kl_weight * kl

    return loss


@pytest.mark.parametrize("row", RECOMPUTABLE, ids=lambda row: row["implementation"])
def test_a_row_of_the_field_guide(row):
    shape = tuple(int(n) for n in (row["image_shape"] or "28x28x1").split("x"))
    sizes = sizes_of(shape, int(row["latent_dim"] or 2))
    found = trains(float(row["effective_beta"]), loss_of(row), rel=0.01, **sizes)
    reductions = ("pixel_reduction", "latent_reduction", "batch_reduction")
    holds(found, likelihood=PER_PIXEL[row["reconstruction"]][0], **{n: row[n] for n in reductions})


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
    assert len(reasons) == 22 and all(len(reason) > 8 for reason in reasons)
