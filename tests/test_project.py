"""The project's own files agree with each other and hold nothing of one machine."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import vaehelpers

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def parts(requirement):
    name, versions = re.fullmatch(r"([\w-]+)(?:\[[\w-]+\])?\s*([^;\s]*).*", requirement).groups()
    return name, versions


def test_environment_yml_agrees_with_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["name"] == "vae-course" and environment["channels"] == ["conda-forge"]
    *conda, pip = environment["dependencies"]
    assert "-e ." in pip["pip"]
    found = dict(parts(line) for line in [*conda, *pip["pip"]] if line not in ("pip", "-e ."))
    wanted = dict(parts(requirement) for requirement in PROJECT["dependencies"])
    assert found == {**wanted, "python": PROJECT["requires-python"]}


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-gpu.lock"])
def test_a_lock_holds_versions_and_hashes_and_no_address(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text and "index-url" not in text and "find-links" not in text
    entries = re.split(r"\n(?=[a-z])", text.strip())
    assert len(entries) > 100 and all("==" in entry and "--hash=sha256:" in entry for entry in entries)
    locked = {entry.split("==")[0].split("[")[0] for entry in entries}
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    assert {parts(requirement)[0] for requirement in wanted} <= locked


def test_the_gpu_lock_adds_cuda_and_changes_no_version():
    plain, gpu = (
        dict(re.findall(r"^([a-z][\w.-]*)(?:\[[\w-]+\])?==(\S+)", (ROOT / lock).read_text(encoding="utf-8"), re.M))
        for lock in ("requirements.lock", "requirements-gpu.lock")
    )
    assert plain.items() <= gpu.items()
    assert any(name.startswith("nvidia-cudnn") for name in set(gpu) - set(plain))


def test_one_version_everywhere():
    assert vaehelpers.__version__ == PROJECT["version"]
    assert f"version: {PROJECT['version']}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_nothing_tracked_is_large_or_names_a_machine():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    for path in (ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()):
        content = path.read_bytes()
        assert len(content) < 2_000_000, path
        assert str(ROOT.parent).encode() + b"/" not in content or str(ROOT.parent) == "/", path


def test_contributing_is_short():
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) <= 40
