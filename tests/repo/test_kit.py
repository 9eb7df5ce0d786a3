"""scripts/kit.py: what is put onto the stick for each platform; it installs without a network."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from test_project import locked

# isort: split
import kit  # scripts/kit.py, whether or not a folder kit/ lies beside it

ROOT = Path(__file__).parents[2]
KIT = ROOT / "kit"
LOCK, CPU_LOCK = (
    (ROOT / "locks" / f"{name}.lock").read_text(encoding="utf-8") for name in ("course", "cpu")
)
# Lesson 00 up to its training, then the playground, in a kernel of the kit's environment.
CELLS = """
import nbformat
from nbclient import NotebookClient
from vaehelpers import doctor

notebook = nbformat.read("notebooks/00_the_question.ipynb", as_version=4)
sources = [cell.source for cell in notebook.cells]
until = next(i for i, source in enumerate(sources) if source.startswith("vae_with = train("))
explorer = nbformat.v4.new_code_cell("from vaehelpers import explorers as e; e.playground()")
notebook.cells = [*notebook.cells[:until], explorer]
there = {"metadata": {"path": "notebooks"}}
NotebookClient(notebook, kernel_name="python3", resources=there).execute()
shown = explorer.outputs[0].data
assert "application/vnd.jupyter.widget-view+json" in shown, shown
assert doctor.main() == 0
"""


def names(text):
    return set(re.findall(r"^([a-z][\w.-]*)==", text, re.M))


@pytest.mark.parametrize("platform", kit.SYSTEMS)
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_list_is_the_lock_s_for_one_platform(platform, version):
    text = kit.wanted(LOCK, CPU_LOCK, platform, version)
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
    assert locked("cpu")["tensorflow-cpu"] == locked("course")["tensorflow"]


@pytest.fixture
def stick(tmp_path):
    """Scripts and their checksums, without the course."""
    kit.write_scripts(tmp_path, "linux", "3.12", with_site=False)
    kit.write_scripts(tmp_path, "windows", "3.12", with_site=True)
    kit.write_checksums(tmp_path)
    return tmp_path


def test_the_scripts_name_their_python_and_the_read_me_the_site(stick):
    assert b"py -3.12 -m venv .venv || exit /b 1\r\n" in (stick / "install.bat").read_bytes()
    assert "or site/index.html" in (stick / "README.md").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum")
def test_a_damaged_stick_and_a_folder_in_use_are_named(stick):
    """An interpreter that says yes to everything: the checks come before any installation."""
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=stick, check=True)
    (stick / "README.md").write_text("damaged", encoding="utf-8")
    for target, said in ((stick, "is there already: remove it"), (stick / "new", "is damaged")):
        command = ["sh", str(stick / "install.sh"), str(target)]
        here = {**os.environ, "PYTHON": "true"}
        done = subprocess.run(command, capture_output=True, text=True, env=here)
        assert done.returncode == 1 and said in done.stderr
    assert not (stick / "new").exists()


def without_network(folder, *command, **environment):
    """Run in a network namespace of the loopback alone, over which a kernel talks."""
    clean = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTHON", "PIP_", "VIRTUAL_ENV", "KERAS_"))
    }
    shell = ["unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"']
    return subprocess.run(
        [*shell, "sh", *command],
        cwd=folder,
        env={**clean, **environment},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_the_kit_installs_without_a_network(tmp_path):
    readme = (KIT / "README.md").read_text(encoding="utf-8") if KIT.is_dir() else ""
    found = re.search(r"stick: linux, Python (\S+)\.", readme)
    python = found and shutil.which(f"python{found[1]}")
    if not python:
        pytest.skip("there is no kit/ for Linux, or not its Python: make kit")
    if not (shutil.which("unshare") and shutil.which("ip")):
        pytest.skip("no network namespace can be made here")
    if without_network(tmp_path, "true").returncode:
        pytest.skip("no network namespace can be made here")
    assert without_network(tmp_path, "getent", "hosts", "pypi.org").returncode != 0
    target = tmp_path / "vae course"
    done = without_network(tmp_path, "sh", str(KIT / "install.sh"), str(target), PYTHON=python)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The course will run here." in done.stdout
    ran = without_network(target, ".venv/bin/python", "-c", CELLS)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    again = without_network(target, "sh", "scripts/setup.sh", PYTHON=python)
    assert (again.returncode, again.stdout) == (0, ""), again.stdout + again.stderr
