"""Explorers: what Python hands over is what the networks are, states are checked, the scripts stay short."""

import base64
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from vaehelpers import data, explorers
from vaehelpers.explorers import scripts
from vaehelpers.explorers.explorers import grid_data, grid_weights

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "vaehelpers" / "explorers").glob("*.js"))
TRAINS = {"network.js", "session.js", "playground.js"}  # a VAE in the browser
MOST_LINES, MOST_TRAINING_LINES, MOST_COLUMNS, MOST_LINES_OF_A_FUNCTION = 900, 520, 100, 40
node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")


def lines_of(path):
    return path.read_text(encoding="utf-8").splitlines()


def test_the_scripts_are_short():
    training = sum(len(lines_of(path)) for path in SCRIPTS if path.name in TRAINS)
    assert training <= MOST_TRAINING_LINES
    assert sum(map(len, map(lines_of, SCRIPTS))) - training <= MOST_LINES
    for path in SCRIPTS:
        assert max(map(len, lines_of(path))) <= MOST_COLUMNS, path
        for function in re.findall(
            r"(?ms)^(?:export )?function .*?^}", path.read_text(encoding="utf-8")
        ):
            assert function.count("\n") <= MOST_LINES_OF_A_FUNCTION, f"{path}: {function[:60]}"


def test_a_script_comes_with_what_it_imports_once_and_in_order():
    files = scripts.needed_by(["beta_explorer.js"])
    assert files[-1] == "beta_explorer.js" and len(set(files)) == len(files)
    assert files.index("network.js") < files.index("decoder.js") < files.index("grid.js")
    module = scripts.widget_module("beta_explorer.js", "mountBetaExplorer")
    assert "import " not in re.sub(r"//.*", "", module) and module.count("export ") == 1
    names = re.findall(r"(?m)^(?:function|const) (\w+)", module)
    assert len(set(names)) == len(names)  # joined files share one scope


@pytest.mark.parametrize(
    "name", ["beta_explorer", "latent_explorer", "reduction_calculator", "playground"]
)
def test_an_explorer_says_in_a_sentence_what_it_is(name):
    widget = getattr(explorers, name)()
    shown = widget._repr_mimebundle_()
    shown = shown[0] if isinstance(shown, tuple) else shown
    assert (
        shown["text/plain"] == repr(widget)
        and "JupyterLab" in repr(widget)
        and len(repr(widget)) < 150
    )
    assert "application/vnd.jupyter.widget-view+json" in shown


WIDE = np.linspace(-10, 10, 5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: explorers.beta_explorer(beta=0), "beta is 0"),
        (lambda: explorers.beta_explorer(beta=float("nan")), "beta is nan"),
        (lambda: explorers.latent_explorer(z=(0, 6)), "z is"),
        (lambda: explorers.latent_explorer(z=1.0), "z is 1.0"),
        (
            lambda: explorers.reduction_calculator(pixels="average"),
            "pixels is 'average': pass 'sum' or 'mean'",
        ),
        (lambda: explorers.reduction_calculator(weight=-1), "weight is -1"),
        (
            lambda: explorers.reduction_calculator(weight=1e12),
            "weight is 1e.12: pass a number up to 1e",
        ),
        (
            lambda: explorers.reduction_calculator(n_pixels=784.0),
            "n_pixels is 784.0: pass a whole number",
        ),
        (lambda: explorers.elbo_explorer([0, 1, 2], [0, 1]), "shapes"),
        (lambda: explorers.elbo_explorer([-10, 1, 10], [0, 0, 0]), "even steps"),
        (lambda: explorers.elbo_explorer(WIDE / 2, 0 * WIDE), "from -10 or below"),
        (lambda: explorers.elbo_explorer(WIDE, np.full(5, np.inf)), "finite"),
        (lambda: explorers.elbo_explorer(WIDE, 0 * WIDE, width=0), "width is 0"),
        (lambda: explorers.elbo_explorer(WIDE, 0 * WIDE, mean=9), "mean is 9"),
        (lambda: explorers.elbo_explorer(WIDE, 0 * WIDE, mean=None), "mean is None"),
        (lambda: data.load_beta_grid().decode(True, [[0, 0]]), "i is True"),
        (lambda: data.load_beta_grid().decode(slice(2), [[0, 0]]), "i is slice"),
    ],
)
def test_what_makes_no_sense_is_named(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_what_one_widget_is_given_is_its_own():
    for mount, name in ((explorers.beta_explorer, "betas"), (explorers.playground, "labels")):
        first = mount().data[name][0]
        mount().data[name][0] = -5
        assert mount().data[name][0] == first


def test_the_page_reads_the_numbers_of_the_grid():
    grid, given = data.load_beta_grid(), grid_data()
    assert (
        given["betas"] == grid.betas.tolist()
        and given["thresholds"]["squared"]["local"] == grid.threshold["gaussian"]
    )
    codes = np.array(given["codes"]).reshape(len(grid.betas), -1, 2)
    assert np.abs(codes - grid.z_mean[:, : codes.shape[1]].astype("float64")).max() < 1e-3
    assert len(grid_weights()) == 2 * len(grid.betas) * (2 * 128 + 128 + 128 * 784 + 784)
    assert len(json.dumps(given)) < 200_000


@node
def test_the_scripts_in_node(tmp_path):
    grid = data.load_beta_grid()
    z = np.random.default_rng(0).normal(size=(4, 2)).astype("float32")
    cases = [
        {"i": i, "z": z.ravel().tolist(), "pixels": grid.decode(i, z).ravel().tolist()}
        for i in (0, 3, 11, 15)
    ]
    given = {
        "weights": base64.b64encode(grid_weights()).decode(),
        "count": len(grid.betas),
        "cases": cases,
    }
    file = tmp_path / "decoded.json"
    file.write_text(json.dumps(given), encoding="utf-8")
    test = ROOT / "tests" / "explorers" / "js" / "explorers.test.mjs"
    environment = os.environ | {"DECODED": str(file)}
    done = subprocess.run(["node", "--test", test], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "# skipped 0" in done.stdout


def test_the_page_of_explorers_needs_nothing_else():
    page = explorers.explorers_page()
    assert re.findall(r"https?://[^\s\"'<]+|^import .*|src=|fetch\(", page, re.MULTILINE) == []
    script = page.split("<script>")[1].split("</script>")[0]
    names = re.findall(r"(?m)^(?:function|const|let) (\w+)", script)
    assert len(set(names)) == len(names)  # one scope
    assert "STYLE" not in page and "SCRIPT" not in page
