"""Where a loss stands: in a file that trains, a notebook, a package; what is run, what is said."""

import json
import subprocess
import sys

import pytest

from vaehelpers.__main__ import main

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
FAILS = LOSS + "np.load('digits.npy')\n"
CLASS = f"""{LOSS}
class Criterion:
    def __init__(self, weight=4.0):
        self.weight = weight

    def total(self, recon, x, mu, logvar):
        return {{"loss": ((recon - x) ** 2).sum() + self.weight * kl(mu, logvar).sum()}}
"""
WANTS = CLASS.replace("=4.0", "")
NOT_USED = WANTS.replace("self.weight * ", "")
TERMS = f"""{LOSS}
def more(a, b, c, d, kld_weight):
    return {{"r": ((a - b) ** 2).sum(), "k": kld_weight * kl(c, d).sum()}}
"""
CELLS = [LOSS, "%matplotlib inline\n!pip install x\nloss(1, 2)\n", "raise RuntimeError('training')"]
NOTEBOOK = json.dumps({"cells": [{"cell_type": "code", "source": [cell]} for cell in CELLS]})
SUM = ("--with", "kld_weight=6", "--result", "sum")
IN_ORDER = (*SUM, "--order", "x,x_decoded,z_mean,z_log_var", "--latent-shape", "2,2")
TARGETS = [
    ("a.py", TRAINS, "loss", (), 2, "ModuleNotFoundError"),
    ("b.py", TRAINS, "loss", ("--definitions",), 0, "This loss trains beta = 1 at unit variance"),
    ("c.py", FAILS, "loss", (), 2, "c.py itself raised FileNotFoundError"),
    ("c.py", FAILS, "loss", (), 2, "--definitions"),
    ("d.ipynb", NOTEBOOK, "loss", (), 0, "beta = 1 "),
    ("e.py", "from . import d", "loss", (), 2, "say package.module:NAME"),
    ("f.py", CLASS, "Criterion.total", (), 1, "beta = 2 "),
    ("g.py", CLASS, "Criterion().total", (), 2, ""),
    ("h.py", NOT_USED, "Criterion.total", (), 1, "beta = 0.5 "),
    ("i.py", WANTS, "Criterion.total", (), 2, "make an object of it"),
    ("j.py", TERMS, "more", (), 2, "--with kld_weight=1"),
    ("k.py", TERMS, "more", SUM, 1, "beta = 3 "),
    ("l.py", TERMS, "more", IN_ORDER, 1, "beta = 3 "),
    ("m.py", LOSS, "kl", ("--json",), 2, '{"error": '),
]


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


@pytest.mark.parametrize(("name", "text", "target", "options", "status", "said"), TARGETS)
def test_targets(folder, capsys, name, text, target, options, status, said):
    path = written(folder / name, text)
    found, printed = audited(capsys, f"{path}:{target}", *options)
    assert (found, said in printed) == (status, True), printed
    assert found != 2 or printed.count("\n") == 1
    assert "training" not in printed.splitlines()


def test_a_file_of_a_package_imports_its_neighbours(folder, capsys):
    text = LOSS.replace("WEIGHT = 2.0", "from ..config import WEIGHT")
    files = {"__init__.py": "", "config.py": "WEIGHT = 2.0\n", "losses/__init__.py": ""}
    for name, inside in files.items():
        written(folder / "project" / name, inside)
    path = written(folder / "project" / "losses" / "vae.py", text)
    status, said = audited(capsys, f"{path}:loss")
    assert status == 0 and "beta = 1 " in said


def test_json_holds_all_that_was_found(folder, capsys):
    status, said = audited(capsys, f"{written(folder / 'f.py', LOSS)}:loss", "--json")
    found = json.loads(said)
    assert (status, found["beta"], found["trains_elbo"]) == (0, pytest.approx(1), True)
    assert found["notes"] == ["read as loss(x_decoded, x, z_mean, z_log_var), from its names"]


@pytest.mark.parametrize("text", ["=1", "kld", "a b=1"])
def test_an_argument_that_is_no_pair_is_refused(folder, capsys, text):
    with pytest.raises(SystemExit):
        main(["audit", "x.py:loss", "--with", text])
    assert "write kld_weight=0.00025" in capsys.readouterr().err


def test_the_command_imports_no_framework(folder):
    path = written(folder / "g.py", LOSS)
    code = (
        f"import sys; from vaehelpers.__main__ import main; main(['audit', '{path}:loss']);"
        "foreign = {'tensorflow', 'jax', 'torch', 'keras', 'pandas', 'matplotlib'};"
        "assert not foreign & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
