"""The stored results are the planned ones, and the course says of them what they say."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import results

ROOT = Path(__file__).parents[2]
TABLE = pd.read_csv(results.RESULTS)
EXAMPLES = TABLE[TABLE.experiment == "keras_example"]


def example(beta):
    return EXAMPLES[EXAMPLES.beta == beta]


def test_the_stored_runs_are_planned_ones_each_once_and_in_order():
    planned = [run for task in results.tasks() for run in task]
    stored = results.keys(TABLE)
    assert stored == [run for run in planned if run in set(stored)]
    assert list(TABLE.columns) == results.COLUMNS


def test_what_is_stored_is_stored_for_every_seed():
    groups = TABLE.groupby(["experiment", "likelihood", "beta"]).seed.agg(list)
    assert all(seeds == list(results.SEEDS) for seeds in groups)
    assert set(TABLE.experiment) == {"keras_example", "sweep", "likelihoods"}
    assert set(TABLE.beta[TABLE.experiment == "sweep"]) == set(results.SWEEP_BETAS)
    assert set(TABLE.likelihood[TABLE.experiment == "likelihoods"]) == set(results.LIKELIHOODS)
    assert {1.0, 392.0} <= set(EXAMPLES.beta)


def test_the_numbers_are_finite_and_fit_each_other():
    assert np.isfinite(TABLE[["distortion", "rate", "elbo", "elbo_se"]]).all(axis=None)
    np.testing.assert_allclose(TABLE.elbo, -TABLE.distortion - TABLE.rate, atol=2e-4)
    assert (TABLE.rate >= 0).all() and (TABLE.elbo_se > 0).all() and (TABLE.epochs >= 1).all()
    assert (example(1.0).bound > example(1.0).bound_elbo).all()
    assert (TABLE.variance[TABLE.likelihood == "learned_gaussian"] > 0).all()


def test_a_row_says_when_where_and_with_what():
    assert TABLE.date.str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    assert TABLE.versions.str.contains(r"keras \d.*numpy \d").all()
    assert TABLE.device.str.fullmatch(r"(CPU|GPU).*").all()


def test_the_readme_shows_the_stored_numbers():
    """Each row of its table is mean ± standard error over the seeds."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    row = r"^\| (0\.5|1|392|784) .*?\| (-[\d.]+ ± [\d.]+) \| ([\d.]+) \|$"
    rows = re.findall(row, text, re.M)
    assert {float(beta) for beta, *_ in rows} == set(EXAMPLES.beta)
    for beta, elbo, rate in rows:
        stored = example(float(beta))
        assert f"{stored.elbo.mean():.2f} ± {stored.elbo.sem():.2f}" == elbo
        assert f"{stored.rate.mean():.2f}" == rate
    bound = example(1.0).bound
    said = f"bound with K = 1000 on the first 1,000 test digits is {bound.mean():.2f} ± "
    assert f"{said}{bound.sem():.2f} " in text.replace("\n", " ")


def test_lesson_09_prints_the_stored_means():
    lesson = (ROOT / "notebooks" / "09_comparing_honestly.ipynb").read_text(encoding="utf-8")
    outputs = [o for cell in json.loads(lesson)["cells"] for o in cell.get("outputs", [])]
    printed = "".join("".join(output.get("text", "")) for output in outputs)
    for mean in EXAMPLES.groupby("beta")[["elbo", "rate", "distortion"]].mean().to_numpy().flat:
        assert f"{mean:.2f}" in printed


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Two small experiments whose training is a counter."""
    plan = [[("a", "bernoulli", "grey", 1.0, seed)] for seed in range(3)]
    plan.append([("b", "bernoulli", "grey", beta, 0) for beta in (1.0, 2.0)])
    trained = []

    def train(runs):
        trained.append(runs)
        row = {"elbo": float(len(trained))}
        return [dict(zip(results.KEY, run, strict=True)) | row for run in runs]

    monkeypatch.setattr(results, "RESULTS", tmp_path / "results" / "table.csv")
    monkeypatch.setattr(results, "tasks", lambda: iter(plan))
    monkeypatch.setattr(results, "train", train)
    return plan, trained


def run(*names):
    """The stored table after a call on one thread."""
    results.main(names, ThreadPoolExecutor(1))
    return pd.read_csv(results.RESULTS)


def test_an_interrupted_call_goes_on_where_it_was(fake, monkeypatch):
    plan, trained = fake
    train = results.train

    def interrupted(runs):
        if runs == plan[2]:
            raise KeyboardInterrupt
        return train(runs)

    with monkeypatch.context() as patch:
        patch.setattr(results, "train", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run()
    kept = results.keys(pd.read_csv(results.RESULTS))
    del trained[:]
    assert results.keys(run()) == [key for task in plan for key in task]
    assert trained == [task for task in plan if task[0] not in kept]
    del trained[:]
    run()
    assert trained == []


def test_a_task_that_lacks_a_row_is_trained_whole_and_replaces_its_rows(fake):
    plan, trained = fake
    run().iloc[:-1].to_csv(results.RESULTS, index=False)
    again = run("b")
    assert trained[-1] == plan[-1] and len(trained) == 5
    assert len(again) == 5 and (again.elbo[again.experiment == "b"] == 5).all()
    assert not list(results.RESULTS.parent.glob("*.partial"))


def test_an_unknown_experiment_is_named(fake):
    with pytest.raises(SystemExit, match=r"no experiment is called c: name some of a, b"):
        run("c")


def test_the_images_are_what_the_likelihood_wants(digits, monkeypatch):
    monkeypatch.setattr("vaehelpers.data.load_mnist", lambda source: digits)
    bits, _ = results.images("bernoulli", "likelihoods")
    assert set(np.unique(bits)) == {0, 1}
    spread, _ = results.images("gaussian", "likelihoods")
    assert spread.min() >= 0 and spread.max() <= 1
    # The grey level, spread over its 256th.
    assert (abs(256 * spread - 255 * digits.x_train - 0.5) < 0.5001).all()
    grey, _ = results.images("bernoulli", "sweep")
    np.testing.assert_array_equal(grey, digits.x_train)
