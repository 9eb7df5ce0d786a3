"""scripts/gpu_check.py without a card: its choice of a backend, its words, its path on the CPU."""

import subprocess
import sys

import gpu_check
import pytest


def test_without_a_gpu_it_is_skipped_by_name(monkeypatch, capsys):
    said = {"tensorflow": "CPU", "jax": "not installed"}
    monkeypatch.setattr(gpu_check, "backend_with_gpu", lambda: (None, said))
    assert gpu_check.main([]) == 0
    skipped = "gpu-check: skipped, no GPU is seen here (tensorflow: CPU, jax: not installed"
    assert skipped in capsys.readouterr().out


def test_jax_is_taken_where_tensorflow_sees_no_gpu(monkeypatch):
    said = {"tensorflow": "CPU\n", "jax": "GPU 0\n"}
    monkeypatch.setattr(gpu_check, "run", lambda backend, *command: said[backend])
    assert gpu_check.backend_with_gpu() == ("jax", {"tensorflow": "CPU", "jax": "GPU 0"})


def test_a_failed_part_is_the_exit_status(monkeypatch, capsys):
    monkeypatch.setattr(gpu_check, "run", lambda *command: "")
    here = {"seconds": 2.0, "one at a time": 20.0, "times as fast": 10.0}
    asked = []

    def measured(backend, **environment):
        asked.append(environment)
        return here | {"seconds": 7.0} if environment else here

    parts = {"tests": (lambda backend, **environment: {},), "sweep": (measured,)}
    assert gpu_check.check("jax", parts) == 1
    assert asked == [{}, gpu_check.HIDDEN]
    assert capsys.readouterr().out.split("\n")[1:-1] == [
        "tests: FAILED, see above",
        "sweep: 2.0 s, on the CPU 7.0 s, 3.5 times as long; one at a time 20.0; times as fast 10.0",
        "goal, 20 times as fast as one at a time: MISSED",
        "gpu-check: failed: tests",
    ]


@pytest.mark.parametrize(("claim", "found"), [("True", "said 1 passed in"), ("False", "FAILED")])
def test_a_test_that_fails_is_a_failure(tmp_path, claim, found):
    (tmp_path / "test_it.py").write_text(f"def test_it():\n    assert {claim}\n")
    here = gpu_check.tested("jax", "-p", "no:cacheprovider", str(tmp_path / "test_it.py"))
    assert found in gpu_check.line_of("tests", here, {})


@pytest.mark.slow
def test_the_whole_path_in_small_on_jax_s_cpu():
    pytest.importorskip("jax")
    command = [sys.executable, gpu_check.__file__, "--try"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "jax" in done.stdout and "gpu-check: all parts are well" in done.stdout
    assert "sweep: " in done.stdout and "times as fast" in done.stdout
