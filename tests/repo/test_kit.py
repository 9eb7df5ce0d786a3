"""scripts/kit.py: what is put onto the stick for each platform, and that it installs without a network."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from test_project import locked

# isort: split
import kit  # scripts/kit.py, whether or not a folder kit/ lies beside it

ROOT = Path(__file__).parents[2]
KIT = ROOT / "kit"
LOCK, CPU_LOCK = (
    (ROOT / f"requirements{name}.lock").read_text(encoding="utf-8") for name in ("", "-cpu")
)
# Lesson 00 up to its training, then the playground, in a kernel of the environment that the kit made.
CELLS = """
import nbformat
from nbclient import NotebookClient
from vaehelpers import doctor

notebook = nbformat.read("notebooks/00_the_question.ipynb", as_version=4)
sources = [cell.source for cell in notebook.cells]
until = next(i for i, source in enumerate(sources) if source.startswith("vae_with = train("))
explorer = nbformat.v4.new_code_cell("from vaehelpers import explorers as e; e.playground()")
notebook.cells = [*notebook.cells[:until], explorer]
NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": "notebooks"}}).execute()
shown = explorer.outputs[0].data
assert "application/vnd.jupyter.widget-view+json" in shown, shown
print("ran", sum(cell.cell_type == "code" for cell in notebook.cells), "cells")
assert doctor.main() == 0
"""


def listed(platform, version):
    return kit.wanted(LOCK, CPU_LOCK, platform, version)


def names(text):
    return set(re.findall(r"^([a-z][\w.-]*)==", text, re.M))


@pytest.mark.parametrize("platform", kit.SYSTEMS)
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_list_is_the_lock_s_for_one_platform(platform, version):
    text = listed(platform, version)
    entries = re.split(r"\n(?=[a-z])", text.strip())
    assert all("--hash=sha256:" in entry and " ; " not in entry for entry in entries)
    assert names(text) - {"tensorflow-cpu"} <= names(LOCK)
    assert len(names(LOCK) - names(text)) < 10
    assert ("pywinpty" in names(text)) == (platform == "windows")
    assert ("pexpect" in names(text)) == (platform != "windows")
    assert ("appnope" in names(text)) == (platform == "macos")
    assert ("overrides" in names(text)) == (version == "3.11")
    tensorflow = {"tensorflow-cpu"} if platform == "linux" else {"tensorflow"}
    assert names(text) & {"tensorflow", "tensorflow-cpu"} == tensorflow


def test_both_tensorflows_have_one_version():
    assert locked("locks/cpu.lock")["tensorflow-cpu"] == locked("locks/course.lock")["tensorflow"]
    with pytest.raises(SystemExit, match="another version of TensorFlow: make lock"):
        kit.wanted(LOCK, CPU_LOCK.replace("tensorflow-cpu==", "tensorflow-cpu==1"), "linux", "3.12")


def test_scripts_and_checksums(tmp_path):
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "one.whl").write_bytes(b"one")
    kit.write_scripts(tmp_path, "linux", "3.12", with_site=False)
    kit.write_scripts(tmp_path, "windows", "3.12", with_site=True)
    kit.write_checksums(tmp_path)
    assert "py -3.12" in (tmp_path / "install.bat").read_text(encoding="utf-8")
    assert "or site/index.html" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "wheels/one.whl" in (tmp_path / "SHA256SUMS").read_text(encoding="utf-8")
    if shutil.which("sh") and shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=tmp_path, check=True)
        subprocess.run(["sh", "-n", "install.sh"], cwd=tmp_path, check=True)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum")
def test_a_damaged_stick_and_a_folder_in_use_are_named(tmp_path):
    """An interpreter that says yes to everything: the checks come before any installation."""
    kit.write_scripts(tmp_path, "linux", "3.12", with_site=False)
    kit.write_checksums(tmp_path)
    (tmp_path / "README.md").write_text("damaged", encoding="utf-8")

    def said(target):
        command = ["sh", str(tmp_path / "install.sh"), str(target)]
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "PYTHON": "true"}
        )
        assert done.returncode == 1
        return done.stderr

    assert "is there already: remove it" in said(tmp_path)
    assert "this copy of the kit is damaged" in said(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def without_network(folder, *command, **environment):
    """Run in a network namespace that has the loopback alone: a kernel talks to its notebook over it."""
    shell = 'ip link set lo up && exec "$@"'
    clean = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTHON", "PIP_", "VIRTUAL_ENV", "KERAS_"))
    }
    return subprocess.run(
        ["unshare", "--map-root-user", "--net", "sh", "-c", shell, "sh", *command],
        cwd=folder,
        env={**clean, **environment},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_the_kit_installs_without_a_network(tmp_path):
    if not (KIT / "install.sh").is_file() or "Python 3" not in (KIT / "README.md").read_text(
        encoding="utf-8"
    ):
        pytest.skip("there is no kit/ for Linux: make kit")
    if (
        not shutil.which("unshare")
        or not shutil.which("ip")
        or without_network(tmp_path, "true").returncode
    ):
        pytest.skip("no network namespace can be made here")
    readme = (KIT / "README.md").read_text(encoding="utf-8")
    platform, version = re.search(r"stick: (\w+), Python (\S+)\.", readme).groups()
    python = shutil.which(f"python{version}")
    if platform != "linux" or python is None:
        pytest.skip(f"kit/ is for {platform} and Python {version}")
    assert without_network(tmp_path, "getent", "hosts", "pypi.org").returncode != 0
    target = tmp_path / "vae-course"
    start = time.perf_counter()
    done = without_network(tmp_path, "sh", str(KIT / "install.sh"), str(target), PYTHON=python)
    assert done.returncode == 0 and "The course will run here." in done.stdout, (
        done.stdout + done.stderr
    )
    print(f"installed in {time.perf_counter() - start:.0f} s, {kit.megabytes(target):.0f} MB")
    start = time.perf_counter()
    ran = without_network(target, ".venv/bin/python", "-c", CELLS)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    print(ran.stdout.splitlines()[0], f"in {time.perf_counter() - start:.0f} s")
    again = without_network(target, "sh", "scripts/setup.sh", PYTHON=python)
    assert (again.returncode, again.stdout) == (0, ""), (
        again.stdout + again.stderr
    )  # make lab installs nothing again
