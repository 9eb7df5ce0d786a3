"""Explorers: Python hands over what the networks are, states are checked, scripts stay short."""

import base64
import json
import re
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


def lines_of(path):
    return path.read_text(encoding="utf-8").splitlines()


def test_the_scripts_are_short():
    training = sum(len(lines_of(path)) for path in SCRIPTS if path.name in TRAINS)
    assert training <= MOST_TRAINING_LINES
    assert sum(map(len, map(lines_of, SCRIPTS))) - training <= MOST_LINES
    for path in SCRIPTS:
        assert max(map(len, lines_of(path))) <= MOST_COLUMNS, path
        source = path.read_text(encoding="utf-8")
        for function in re.findall(r"(?ms)^(?:export )?function .*?^}", source):
            assert function.count("\n") <= MOST_LINES_OF_A_FUNCTION, f"{path}: {function[:60]}"


def test_a_script_comes_with_what_it_imports_once_and_in_order():
    files = scripts.needed_by(["beta_explorer.js"])
    assert files[-1] == "beta_explorer.js" and len(set(files)) == len(files)
    assert files.index("network.js") < files.index("decoder.js") < files.index("grid.js")
    module = scripts.widget_module("beta_explorer.js", "mountBetaExplorer")
    assert "import " not in re.sub(r"//.*", "", module) and module.count("export ") == 1
    names = re.findall(r"(?m)^(?:function|const) (\w+)", module)
    assert len(set(names)) == len(names)  # joined files share one scope


MADE = ["beta_explorer", "latent_explorer", "reduction_calculator", "playground"]


@pytest.mark.parametrize("name", MADE)
def test_an_explorer_says_in_a_sentence_what_it_is(name):
    widget = getattr(explorers, name)()
    shown = widget._repr_mimebundle_()
    shown = shown[0] if isinstance(shown, tuple) else shown
    said = repr(widget)
    assert shown["text/plain"] == said and "JupyterLab" in said and len(said) < 150
    assert "application/vnd.jupyter.widget-view+json" in shown


WIDE = np.linspace(-10, 10, 5)
NONSENSE = [
    (explorers.beta_explorer, {"beta": 0}, "beta is 0"),
    (explorers.beta_explorer, {"beta": float("nan")}, "beta is nan"),
    (explorers.latent_explorer, {"z": (0, 6)}, "z is"),
    (explorers.latent_explorer, {"z": 1.0}, "z is 1.0"),
    (explorers.reduction_calculator, {"pixels": "average"}, "'average': pass 'sum' or 'mean'"),
    (explorers.reduction_calculator, {"weight": -1}, "weight is -1"),
    (explorers.reduction_calculator, {"weight": 1e12}, "1e.12: pass a number up to 1e"),
    (explorers.reduction_calculator, {"n_pixels": 784.0}, "n_pixels is 784.0: pass a whole number"),
    (explorers.elbo_explorer, {"z": [0, 1, 2], "log_likelihood": [0, 1]}, "shapes"),
    (explorers.elbo_explorer, {"z": [-10, 1, 10], "log_likelihood": [0] * 3}, "even steps"),
    (explorers.elbo_explorer, {"z": WIDE[::-1], "log_likelihood": 0 * WIDE}, "even steps"),
    (explorers.elbo_explorer, {"z": WIDE / 2, "log_likelihood": 0 * WIDE}, "from -10 or below"),
    (explorers.elbo_explorer, {"z": WIDE, "log_likelihood": np.full(5, np.inf)}, "finite"),
    (explorers.elbo_explorer, {"z": WIDE, "log_likelihood": 0 * WIDE, "width": 0}, "width is 0"),
    (explorers.elbo_explorer, {"z": WIDE, "log_likelihood": 0 * WIDE, "mean": 9}, "mean is 9"),
    (explorers.elbo_explorer, {"z": WIDE, "log_likelihood": WIDE, "mean": None}, "mean is None"),
    (data.load_beta_grid().decode, {"i": True, "z": [[0, 0]]}, "i is True"),
    (data.load_beta_grid().decode, {"i": slice(2), "z": [[0, 0]]}, "i is slice"),
]


@pytest.mark.parametrize(("function", "arguments", "message"), NONSENSE)
def test_what_makes_no_sense_is_named(function, arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        function(**arguments)


def test_what_one_widget_is_given_is_its_own():
    for mount, name in ((explorers.beta_explorer, "betas"), (explorers.playground, "labels")):
        first = mount().data[name][0]
        mount().data[name][0] = -5
        assert mount().data[name][0] == first


def test_the_page_reads_the_numbers_of_the_grid():
    grid, given = data.load_beta_grid(), grid_data()
    assert given["betas"] == grid.betas.tolist()
    assert given["thresholds"]["squared"]["local"] == grid.threshold["gaussian"]
    assert given["thresholds"]["bernoulli"]["noCode"] == 292  # 291.67, rounded up
    codes = np.array(given["codes"]).reshape(len(grid.betas), -1, 2)
    assert np.abs(codes - grid.z_mean[:, : codes.shape[1]].astype("float64")).max() < 1e-3
    assert len(grid_weights()) == 2 * len(grid.betas) * (2 * 128 + 128 + 128 * 784 + 784)
    assert len(json.dumps(given)) < 200_000


def test_the_scripts_in_node(in_node):
    grid = data.load_beta_grid()
    z = np.random.default_rng(0).normal(size=(4, 2)).astype("float32")
    decoded = {i: grid.decode(i, z).ravel().tolist() for i in (0, 3, 11, 15)}
    cases = [{"i": i, "z": z.ravel().tolist(), "pixels": decoded[i]} for i in decoded]
    weights = base64.b64encode(grid_weights()).decode()
    given = {"weights": weights, "count": len(grid.betas), "cases": cases}
    in_node(given, "DECODED", "explorers")


def test_the_page_of_explorers_needs_nothing_else(asks_nothing):
    page = explorers.explorers_page()
    assert asks_nothing(page) and "STYLE" not in page and "SCRIPT" not in page
    script = page.split("<script>")[1].split("</script>")[0]
    names = re.findall(r"(?m)^(?:function|const|let) (\w+)", script)
    assert len(set(names)) == len(names)  # one scope
