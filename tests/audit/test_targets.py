"""Where a loss stands: in a file that trains, a notebook, a package; what is run of it, and what a failure says."""

import json
import subprocess
import sys

import numpy as np
import pytest

from vaehelpers.__main__ import main
from vaehelpers.command.source import TargetError, load_target

LOSS = """
import numpy as np

def kl(m, v):
    return 0.5 * (np.exp(v) + m**2 - 1 - v)

WEIGHT = 2.0

def loss(recon_x, x, mu, logvar):
    return ((recon_x - x) ** 2).sum() + WEIGHT * kl(mu, logvar).sum()
"""
TRAINS = f"""
import argparse
import no_such_package_of_anybody
{LOSS}
parser = argparse.ArgumentParser()
options = parser.parse_args()
data = np.load("digits.npy")
print("training")
"""
CLASS = f"""{LOSS}
class Criterion:
    def __init__(self, weight=4.0):
        self.weight = weight

    def total(self, recon, x, mu, logvar):
        return {{"loss": ((recon - x) ** 2).sum() + self.weight * kl(mu, logvar).sum()}}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "argv", [*sys.argv])
    return tmp_path


def written(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def audited(capsys, target, *options):
    """The exit status, and what was printed, of a small audit."""
    status = main(["audit", str(target), "--image-shape", "4,4,1", *options])
    printed = capsys.readouterr()
    return status, printed.out + printed.err


def test_a_script_that_trains_is_read_and_not_run(folder, capsys):
    script = written(folder / "train.py", TRAINS)
    status, said = audited(capsys, f"{script}:loss")
    assert (status, said.count("\n")) == (2, 1)
    assert "itself raised ModuleNotFoundError" in said or "ModuleNotFoundError" in said
    status, said = audited(capsys, f"{script}:loss", "--definitions")
    assert status == 0 and said.startswith("This loss trains beta = 1 at unit variance")
    assert "training" not in said


def test_a_script_that_fails_is_said_to_fail_itself(folder, capsys):
    script = written(folder / "train.py", LOSS + "np.load('digits.npy')\n")
    status, said = audited(capsys, f"{script}:loss")
    assert (status, said.count("\n")) == (2, 1)
    assert "train.py itself raised FileNotFoundError" in said and "--definitions" in said


def test_what_a_definition_needs_is_taken(folder):
    text = (
        LOSS
        + "\nscale = np.float64(3)\nunused = np.load('nowhere.npy')\n\ndef scaled(*a):\n    return scale * loss(*a)\n"
    )
    assert (
        load_target(f"{written(folder / 'a.py', text)}:scaled", definitions=True)(
            *np.eye(4)[[0, 1, 1, 1]] * [1, 0, 0, 0]
        )
        == 3.0
    )


def test_a_line_that_is_needed_and_fails_is_named(folder):
    text = "import numpy as np\nweight = np.load('nowhere.npy')\n\ndef loss(x, p, m, v):\n    return weight\n"
    with pytest.raises(
        TargetError,
        match=r"line 2 of .*weight = np.load.*which loss needs, raised FileNotFoundError",
    ):
        load_target(f"{written(folder / 'b.py', text)}:loss", definitions=True)


def test_a_notebook_is_a_target(folder, capsys):
    cells = [
        LOSS,
        "%matplotlib inline\n!pip install x\nloss(1, 2)\n",
        "raise RuntimeError('training')",
    ]
    notebook = {"cells": [{"cell_type": "code", "source": cell.splitlines(True)} for cell in cells]}
    status, said = audited(capsys, f"{written(folder / 'vae.ipynb', json.dumps(notebook))}:loss")
    assert status == 0 and "beta = 1 " in said


def test_a_file_of_a_package_imports_its_neighbours(folder, capsys):
    written(folder / "project" / "__init__.py", "")
    written(folder / "project" / "config.py", "WEIGHT = 2.0\n")
    written(folder / "project" / "losses" / "__init__.py", "")
    text = LOSS.replace("WEIGHT = 2.0", "from ..config import WEIGHT")
    status, said = audited(
        capsys, f"{written(folder / 'project' / 'losses' / 'vae.py', text)}:loss"
    )
    assert status == 0 and "beta = 1 " in said


def test_a_relative_import_outside_of_a_package_says_what_to_type(folder, capsys):
    status, said = audited(capsys, f"{written(folder / 'c.py', 'from . import d')}:loss")
    assert status == 2 and "say package.module:NAME" in said


def test_a_method_of_a_class_needs_no_instance(folder, capsys):
    path = written(folder / "d.py", CLASS)
    for options in (["Criterion.total"], ["Criterion().total"]):
        status, said = audited(capsys, f"{path}:{options[0]}")
        assert (status, "beta = 2 " in said) == (
            (1, True) if "()" not in options[0] else (2, False)
        )


def test_a_method_needs_no_arguments_of_its_class_where_it_does_not_use_them(folder, capsys):
    text = CLASS.replace("weight=4.0", "weight").replace("self.weight * ", "")
    status, said = audited(capsys, f"{written(folder / 'h.py', text)}:Criterion.total")
    assert status == 1 and "beta = 0.5 " in said
    status, said = audited(
        capsys, f"{written(folder / 'i.py', CLASS.replace('=4.0', ''))}:Criterion.total"
    )
    assert status == 2 and "no attribute 'weight'" in said and "make an object of it" in said


def test_arguments_results_and_orders_on_the_command_line(folder, capsys):
    text = (
        LOSS
        + "\ndef more(a, b, c, d, kld_weight):\n    return {'r': ((a-b)**2).sum(), 'k': kld_weight*kl(c, d).sum()}\n"
    )
    path = written(folder / "e.py", text)
    status, said = audited(capsys, f"{path}:more")
    assert status == 2 and "--with kld_weight=1" in said
    status, said = audited(capsys, f"{path}:more", "--with", "kld_weight=6", "--result", "sum")
    assert status == 1 and "beta = 3 " in said
    options = [
        "--with",
        "kld_weight=6",
        "--result",
        "sum",
        "--order",
        "x,x_decoded,z_mean,z_log_var",
        "--latent-shape",
        "2,2",
    ]
    status, said = audited(capsys, f"{path}:more", *options)
    assert status == 1 and "beta = 3 " in said


def test_json_holds_all_that_was_found(folder, capsys):
    status, said = audited(capsys, f"{written(folder / 'f.py', LOSS)}:loss", "--json")
    found = json.loads(said)
    assert (status, found["beta"], found["trains_elbo"]) == (0, pytest.approx(1), True)
    assert found["notes"] == ["read as loss(x_decoded, x, z_mean, z_log_var), from its names"]
    status, said = audited(capsys, f"{folder / 'f.py'}:kl", "--json")
    assert status == 2 and "error" in json.loads(said)


@pytest.mark.parametrize("text", ["=1", "kld", "a b=1"])
def test_an_argument_that_is_no_pair_is_refused(folder, capsys, text):
    with pytest.raises(SystemExit):
        main(["audit", "x.py:loss", "--with", text])
    assert "write kld_weight=0.00025" in capsys.readouterr().err


def test_the_command_imports_no_framework(folder):
    path = written(folder / "g.py", LOSS)
    code = (
        f"import sys; from vaehelpers.__main__ import main; main(['audit', {str(path)!r} + ':loss']);"
        "assert not {'tensorflow', 'jax', 'torch', 'keras', 'pandas', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
