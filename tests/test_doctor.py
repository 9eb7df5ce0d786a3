"""The doctor: each failure is named with its cure, and the file runs alone."""

import ast
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from vaehelpers import doctor
from vaehelpers.__main__ import main

ROOT = Path(__file__).parent.parent


def said(mark):
    return "\n".join(line for found, line in doctor.examine() if found == mark)


def test_the_ranges_are_the_project_s():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["course"]]
    ranges = dict(doctor.re.match(r"([\w-]+)([^ ;]*)", line).groups() for line in wanted)
    assert ranges == doctor.COURSE
    lowest = project["requires-python"].removeprefix(">=")
    assert f">={lowest},<3.14" == doctor.PYTHON and "python_version < '3.14'" in "".join(wanted)


def test_this_computer_is_well():
    assert said(doctor.BAD) == ""


@pytest.mark.parametrize(
    ("version", "range_", "inside"),
    [
        ("2.21.0", ">=2.21,<2.22", True),
        ("2.22.0rc1", ">=2.21,<2.22", False),
        ("2.9", ">=2.21,<2.22", False),
        ("11", ">=11", True),
        ("3.10.1", ">=3.11,<3.14", False),
        ("3.14", ">=3.11,<3.14", False),
        ("3.14.0", ">=3.11,<3.14", False),
        ("3.11", ">=3.11,<3.14", True),
    ],
)
def test_versions(version, range_, inside):
    assert doctor.within(version, range_) == inside


def test_an_old_python(monkeypatch):
    monkeypatch.setattr(doctor.platform, "python_version", lambda: "3.9.2")
    assert "Python 3.9.2: TensorFlow has wheels for >=3.11,<3.14; install 3.12" in said(doctor.BAD)


def test_a_processor_without_avx(monkeypatch):
    monkeypatch.setattr(doctor, "has_avx", lambda: False)
    assert "without AVX: TensorFlow cannot run here; use docs/playground.html" in said(doctor.BAD)


def test_a_full_disk(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: SimpleNamespace(free=1e9))
    monkeypatch.setattr(doctor, "metadata_of", lambda package: None)
    assert "disk: 1.0 GB free, 4 are needed" in said(doctor.BAD)


def test_little_memory(monkeypatch):
    monkeypatch.setattr(doctor, "memory", lambda: 2.0)
    assert "memory: 2.0 GB, 4 are needed" in said(doctor.BAD)


@pytest.mark.parametrize(
    ("package", "version", "words"),
    [
        (
            "tensorflow",
            None,
            "tensorflow is missing: >=2.21,<2.22 is wanted; in the course's folder: make lab",
        ),
        ("keras", "2.15.0", "keras 2.15.0: >=3.15,<4 is wanted"),
        ("jupyterlab_widgets", None, "jupyterlab_widgets is missing, sliders would not show"),
    ],
)
def test_a_package_that_is_missing_or_another(monkeypatch, package, version, words):
    real = doctor.metadata_of
    monkeypatch.setattr(
        doctor, "metadata_of", lambda name: version if name == package else real(name)
    )
    assert words in said(doctor.BAD)


def test_before_the_installation_only_the_computer_is_judged(monkeypatch):
    monkeypatch.setattr(doctor, "metadata_of", lambda package: None)
    assert said(doctor.BAD) == "" and "the course is not installed here yet" in said(doctor.NOTE)


def test_the_file_runs_alone_and_fast(tmp_path):
    shutil.copy(ROOT / "vaehelpers" / "doctor.py", tmp_path)
    start = time.monotonic()
    command = [sys.executable, "-I", "-S", "doctor.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.rstrip().endswith("The course will run here.")
    assert time.monotonic() - start < 15  # a fifth of a second where nothing else runs


def test_an_old_python_reads_the_file():
    """`float | None` would end Python 3.9 before it is told that it is too old."""
    source = (ROOT / "vaehelpers" / "doctor.py").read_text(encoding="utf-8")
    names = ast.parse(source, feature_version=(3, 7)).body[1].names
    assert [name.name for name in names] == ["annotations"]


def test_the_command(monkeypatch, capsys):
    assert main(["doctor"]) == 0
    monkeypatch.setattr(doctor, "has_avx", lambda: False)
    assert main(["doctor"]) == 1
    assert capsys.readouterr().out.endswith("1 of these stand in the way.\n")
