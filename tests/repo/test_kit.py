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


def test_the_scripts_name_their_python_and_the_read_me_the_site(tmp_path):
    kit.write_scripts(tmp_path, "windows", "3.12", with_site=True)
    assert b"py -3.12 -m venv .venv || exit /b 1\r\n" in (tmp_path / "install.bat").read_bytes()
    assert "or site/index.html" in (tmp_path / "README.md").read_text(encoding="utf-8")


@pytest.mark.skipif(os.name == "nt", reason="a shell script for Linux and macOS")
@pytest.mark.parametrize(
    ("folder", "python", "said"),
    [(".", "true", "is there already: remove it"), ("new", "false", "Python 3.12 was not found")],
)
def test_a_folder_in_use_and_another_python_are_named(tmp_path, folder, python, said):
    kit.write_scripts(tmp_path, "linux", "3.12", with_site=False)
    command = ["sh", str(tmp_path / "install.sh"), str(tmp_path / folder)]
    here = {**os.environ, "PYTHON": python}
    done = subprocess.run(command, capture_output=True, text=True, env=here)
    assert done.returncode == 1 and said in done.stderr
    assert not (tmp_path / "new").exists()


def without_network(folder, *command, **environment):
    """Run in a network namespace of the loopback alone, over which a kernel talks."""
    shell = ["unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"']
    clean = {name: os.environ[name] for name in ("PATH", "HOME")}
    return subprocess.run(
        [*shell, "sh", *command],
        cwd=folder,
        env={**clean, **environment},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)  # a whole installation, and a lesson
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
    target = tmp_path / "vae course"
    lesson = "notebooks/04_why_28x28.ipynb"  # it shows an explorer
    for said, folder, *command in (
        ("The course will run here.", tmp_path, "sh", str(KIT / "install.sh"), str(target)),
        ("", target, ".venv/bin/jupyter", "execute", lesson),
        ("", target, "sh", "scripts/setup.sh"),  # make lab installs nothing again
    ):
        done = without_network(folder, *command, PYTHON=python)
        assert done.returncode == 0, done.stdout + done.stderr
        assert said in done.stdout
    assert done.stdout == ""
