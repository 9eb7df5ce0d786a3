"""scripts/gpu_check.py as far as it goes without a card: its choice of a backend, its words, its path on the CPU."""

import subprocess
import sys
from pathlib import Path

import gpu_check
import pytest

SCRIPT = Path(gpu_check.__file__)


def test_without_a_gpu_it_is_skipped_by_name(monkeypatch, capsys):
    monkeypatch.setattr(
        gpu_check, "backend_with_gpu", lambda: (None, {"tensorflow": "CPU", "jax": "not installed"})
    )
    assert gpu_check.main([]) == 0
    assert (
        "gpu-check: skipped, no GPU is seen here (tensorflow: CPU, jax: not installed"
        in capsys.readouterr().out
    )


def test_jax_is_taken_where_tensorflow_sees_no_gpu(monkeypatch):
    def run(backend, *arguments):
        return subprocess.CompletedProcess(
            [], 0, {"tensorflow": "CPU\n", "jax": "GPU 0\n"}[backend], ""
        )

    monkeypatch.setattr(gpu_check, "run", run)
    assert gpu_check.backend_with_gpu() == ("jax", {"tensorflow": "CPU", "jax": "GPU 0"})


def test_a_part_in_words():
    line = gpu_check.line_of(
        "lesson 06", {"seconds": 10.0, "slowest cell": 4.0, "claims": "hold"}, {"seconds": 35.0}
    )
    assert (
        line
        == "lesson 06: 10.0 s, on the CPU 35.0 s, 3.5 times as long; slowest cell 4.0, claims: hold"
    )
    assert gpu_check.line_of("sweep", {}, {}) == "sweep: FAILED, see above"


@pytest.mark.parametrize(
    ("here", "right"),
    [
        ({"seconds": 1.0, "said": "4 passed in 1 s"}, True),
        ({"seconds": 1.0, "said": "1 failed, 4 passed in 1 s"}, False),
        ({"seconds": 1.0, "said": "no tests ran"}, False),
        ({"seconds": 1.0, "claims": "ClaimError: a rate"}, False),
        ({"seconds": 1.0, "claims": "hold"}, True),
        ({}, False),
    ],
)
def test_what_counts_as_a_failure(here, right):
    assert gpu_check.well("any", here) == right


def test_a_failed_part_is_the_exit_status(monkeypatch, capsys):
    monkeypatch.setattr(gpu_check, "run", lambda *arguments, **options: None)
    measured = {"seconds": 2.0, "one at a time": 20.0, "times as fast": 10.0}
    monkeypatch.setattr(
        gpu_check, "answer", lambda backend, part, *rest: {} if part == "tests" else measured
    )
    assert gpu_check.check("jax", ["tests", "sweep"], "full") == 1
    out = capsys.readouterr().out
    assert "20 times as fast as one at a time: MISSED" in out and "gpu-check: failed: tests" in out


@pytest.mark.slow
def test_the_whole_path_in_small_on_jax_s_cpu():
    pytest.importorskip("jax")
    done = subprocess.run([sys.executable, str(SCRIPT), "--try"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "jax" in done.stdout and "gpu-check: all parts are well" in done.stdout
    assert "sweep: " in done.stdout and "times as fast" in done.stdout
