"""The core without the extra `course`: it measures in NumPy, and says what the rest needs."""

import subprocess
import sys

import pytest

WITHOUT = """
import sys
sys.modules |= dict.fromkeys(["keras", "tensorflow", "jax", "torch", "matplotlib"])
"""
MEASURE = """
import numpy as np
from vaehelpers import diagnostics
from vaehelpers.collapse import LinearGaussian
codes = np.arange(6.0).reshape(3, 2)
diagnostics.mutual_information(codes, 0 * codes)
diagnostics.mutual_information_gap(codes, 0 * codes, np.arange(3)[:, None])
diagnostics.active_units(codes)
diagnostics.bits_per_dim(3.0, 4)
model = LinearGaussian(np.ones([3, 1]), np.zeros(3), 0.5)
diagnostics.importance_weighted_bound(model, np.zeros([2, 3]), 5)
print(sorted(name for name in ('scipy', 'pandas', 'PIL') if name in sys.modules))"""


def run(code):
    return subprocess.run([sys.executable, "-c", WITHOUT + code], capture_output=True, text=True)


def test_diagnostics_measure_with_numpy_alone():
    done = run(MEASURE)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("code", "room", "missing"),
    [
        ("import vaehelpers.losses", "losses", "keras"),
        ("import vaehelpers.models", "models", "keras"),
        ("import vaehelpers.plots", "plots", "matplotlib"),
        ("from vaehelpers import diagnostics; diagnostics.evaluate(None, None)", "losses", "keras"),
        ("from vaehelpers import diagnostics; diagnostics.diagnose(None, None)", "models", "keras"),
    ],
)
def test_what_needs_the_course_says_so_in_one_line(code, room, missing):
    said = run(code).stderr.splitlines()
    assert (
        said[-1]
        == f"ImportError: vaehelpers.{room} needs {missing}: pip install 'vaehelpers[course]'"
    )
    assert not any("During handling" in line for line in said)
