"""The stored results are those that are planned, and what the course says of them is what they say."""

import json
import math
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import results

ROOT = Path(__file__).parents[2]
TABLE = pd.read_csv(results.RESULTS)


def example(beta):
    return TABLE[(TABLE.experiment == "keras_example") & (TABLE.beta == beta)]


def test_the_stored_runs_are_planned_ones_each_once_and_in_order():
    planned = [run for task in results.tasks() for run in task]
    stored = list(TABLE[results.KEY].itertuples(index=False, name=None))
    assert stored == [run for run in planned if run in set(stored)]
    assert list(TABLE.columns) == results.COLUMNS


def test_what_is_stored_is_stored_for_every_seed():
    groups = TABLE.groupby(["experiment", "likelihood", "beta"]).seed.agg(list)
    assert all(seeds == list(results.SEEDS) for seeds in groups)
    assert set(TABLE.experiment) == {"keras_example", "sweep", "likelihoods"}
    assert set(TABLE.beta[TABLE.experiment == "sweep"]) == set(results.SWEEP_BETAS)
    assert set(TABLE.likelihood[TABLE.experiment == "likelihoods"]) == set(results.LIKELIHOODS)
    assert {1.0, 392.0} <= set(TABLE.beta[TABLE.experiment == "keras_example"])


def test_the_numbers_are_finite_and_fit_each_other():
    assert np.isfinite(TABLE[["distortion", "rate", "elbo", "elbo_se"]]).all(axis=None)
    np.testing.assert_allclose(TABLE.elbo, -TABLE.distortion - TABLE.rate, atol=2e-4)
    assert (TABLE.rate >= 0).all() and (TABLE.elbo_se > 0).all() and (TABLE.epochs >= 1).all()
    assert (example(1.0).bound > example(1.0).bound_elbo).all()
    assert (TABLE.variance[TABLE.likelihood == "learned_gaussian"] > 0).all()


def test_a_row_says_when_where_and_with_what():
    assert TABLE.date.str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    assert (
        TABLE.versions.str.contains(r"keras \d.*numpy \d").all()
        and TABLE.device.str.fullmatch(r"(CPU|GPU).*").all()
    )


def test_the_readme_shows_the_stored_numbers():
    """Each row of the README's results table is mean ± standard error over the seeds, from the stored runs."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (0\.5|1|392|784) .*?\| (-[\d.]+) ± ([\d.]+) \| ([\d.]+) \|$", text, re.M
    )
    assert {float(beta) for beta, *_ in rows} == set(
        TABLE.beta[TABLE.experiment == "keras_example"]
    )
    for beta, mean, error, rate in rows:
        stored = example(float(beta))
        assert f"{stored.elbo.mean():.2f} {stored.elbo.sem():.2f}" == f"{mean} {error}"
        assert f"{stored.rate.mean():.2f}" == rate
    (bound,) = re.findall(r"bound with K = 1000 .*?(-[\d.]+) ± ([\d.]+)", text.replace("\n", " "))
    assert f"{example(1.0).bound.mean():.2f} {example(1.0).bound.sem():.2f}" == " ".join(bound)


@pytest.mark.parametrize("column", ["elbo", "rate", "distortion"])
def test_lesson_09_prints_the_stored_means(column):
    notebook = json.loads(
        (ROOT / "notebooks" / "09_comparing_honestly.ipynb").read_text(encoding="utf-8")
    )
    printed = "".join(
        "".join(o.get("text", "")) for cell in notebook["cells"] for o in cell.get("outputs", [])
    )
    for beta in set(TABLE.beta[TABLE.experiment == "keras_example"]):
        assert f"{example(beta)[column].mean():.2f}" in printed


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Two small experiments whose training is a counter, on one thread."""
    plan = [[("a", "bernoulli", "grey", 1.0, seed)] for seed in range(3)]
    plan.append([("b", "bernoulli", "grey", beta, 0) for beta in (1.0, 2.0)])
    trained = []

    def train(runs):
        trained.append(runs)
        return [
            dict(zip(results.KEY, run, strict=True)) | {"elbo": float(len(trained))} for run in runs
        ]

    monkeypatch.setattr(results, "RESULTS", tmp_path / "results" / "table.csv")
    monkeypatch.setattr(results, "tasks", lambda: iter(plan))
    monkeypatch.setattr(results, "train", train)
    return plan, trained


def one_thread():
    return ThreadPoolExecutor(1)


def test_an_interrupted_call_goes_on_where_it_was(fake, monkeypatch):
    plan, trained = fake
    train = results.train

    def interrupted(runs):
        if runs == plan[2]:
            raise KeyboardInterrupt
        return train(runs)

    monkeypatch.setattr(results, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        results.main([], one_thread())
    kept = pd.read_csv(results.RESULTS)
    monkeypatch.setattr(results, "train", train)
    del trained[:]
    results.main([], one_thread())
    assert [run for runs in trained for run in runs] == [
        run
        for task in plan
        for run in task
        if run not in set(kept[results.KEY].itertuples(index=False, name=None))
    ]
    table = pd.read_csv(results.RESULTS)
    assert list(table[results.KEY].itertuples(index=False, name=None)) == [
        run for task in plan for run in task
    ]
    results.main([], one_thread())
    assert (
        len(trained)
        == len(plan) - len(kept[kept.experiment == "a"]) - (kept.experiment == "b").any()
    )


def test_a_task_that_lacks_a_row_is_trained_whole_and_replaces_its_rows(fake):
    _, trained = fake
    results.main([], one_thread())
    table = pd.read_csv(results.RESULTS)
    table.iloc[:-1].to_csv(results.RESULTS, index=False)
    results.main(["b"], one_thread())
    assert trained[-1] == fake[0][-1] and len(trained) == 5
    again = pd.read_csv(results.RESULTS)
    assert len(again) == 5 and (again.elbo[again.experiment == "b"] == 5).all()
    assert not list(results.RESULTS.parent.glob("*.partial"))


def test_an_unknown_experiment_is_named(fake):
    with pytest.raises(SystemExit, match=r"no experiment is called c: name some of a, b"):
        results.main(["c"], one_thread())


def test_the_images_are_what_the_likelihood_wants(digits, monkeypatch):
    monkeypatch.setattr("vaehelpers.data.load_mnist", lambda source: digits)
    bits, _ = results.images("bernoulli", "likelihoods")
    assert set(np.unique(bits)) == {0, 1}
    spread, _ = results.images("gaussian", "likelihoods")
    assert spread.min() >= 0 and spread.max() <= 1
    assert (
        abs(256 * spread - 255 * digits.x_train - 0.5) < 0.5001
    ).all()  # the grey level, spread over its 256th
    grey, _ = results.images("bernoulli", "sweep")
    assert math.isclose(float(grey.mean()), float(digits.x_train.mean()))
