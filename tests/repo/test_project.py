"""The project's own files agree with each other and hold nothing of one machine."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import vaehelpers

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
COURSE = [*PROJECT["dependencies"], *EXTRAS["course"]]
BUILD = [*PYPROJECT["dependency-groups"]["build"], *PYPROJECT["build-system"]["requires"]]
LOCKS = {  # what each is for, from the bottom up: it holds what it adds to those below it
    "course": [*COURSE, *BUILD],
    "gpu": EXTRAS["gpu"],
    "dev": EXTRAS["dev"],
    "site": EXTRAS["site"],
    "cpu": ["tensorflow-cpu"],
}
IMPORTED_AS = {"PIL": "pillow", "websocket": "websocket-client"}  # others by their own name


def parts(requirement):
    return re.fullmatch(r"([\w-]+)(?:\[[\w-]+\])?\s*([^;\s]*).*", requirement).groups()


def locked(lock):
    """The versions in a lock, by name."""
    text = (ROOT / "locks" / f"{lock}.lock").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z][\w.-]*)==(\S+)", text, re.M))


def test_environment_yml_agrees_with_pyproject():
    head, conda, pip = re.split(
        r"  - python >=3.11,<3.14\n|  - pip\n  - pip:\n",
        (ROOT / "environment.yml").read_text(encoding="utf-8"),
    )
    assert head == "name: vae-course\nchannels:\n  - conda-forge\ndependencies:\n"
    *pip, package = pip.splitlines()
    assert package == "      - -e .[course]"
    found = [parts(line.strip(" -")) for line in [*conda.splitlines(), *pip]]
    assert sorted(found) == sorted(parts(requirement) for requirement in COURSE)


@pytest.mark.parametrize(("lock", "wanted"), LOCKS.items())
def test_a_lock_holds_versions_and_hashes_and_no_address(lock, wanted):
    text = (ROOT / "locks" / f"{lock}.lock").read_text(encoding="utf-8")
    assert "://" not in text and "index-url" not in text and "find-links" not in text
    entries = re.split(r"\n(?=[a-z])", text.strip())
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
    there = {name for each in LOCKS for name in locked(each)}
    assert {parts(requirement)[0] for requirement in wanted} <= there
    for python in ("3.11", "3.12", "3.13"):  # a ceiling lies above all that set-up takes
        assert f"python_full_version < '{python}'" not in "".join(
            entry for entry in entries if entry.startswith("tensorflow==")
        )


def test_locks_hold_one_version_of_each_package_and_repeat_none():
    entries = []
    for lock in LOCKS:
        text = (ROOT / "locks" / f"{lock}.lock").read_text(encoding="utf-8")
        entries += re.findall(r"^([a-z].*?)==(.*)", text, re.M)
    assert len(entries) == len(set(entries))
    versions = {(name, version.split()[0]) for name, version in entries}
    assert len(versions) == len(dict(versions))


def imports(folder):
    """The first names of all modules that the files of a folder import."""
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(node.module)
    return {name.split(".")[0] for name in found}


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("vaehelpers", ["course"]),
        ("scripts", ["course", "data", "dev", "site"]),
        ("tests", ["course", "dev", "site"]),
        ("docs", ["site"]),
    ],
)
def test_all_that_is_imported_is_declared(folder, extras):
    ours = {path.stem for path in [*ROOT.glob("scripts/*.py"), *ROOT.glob("tests/**/*.py")]}
    others = imports(folder) - ours - {"vaehelpers", *sys.stdlib_module_names}
    wanted = [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]
    if folder == "tests":  # PyTorch has an environment of its own
        wanted += (ROOT / "tests/repo/requirements-torch.txt").read_text().splitlines()
    declared = {parts(line)[0] for line in wanted if re.match(r"\w", line)}
    assert {IMPORTED_AS.get(name, name) for name in others} <= declared


def test_one_version_everywhere():
    version = PROJECT["version"]
    assert vaehelpers.__version__ == version
    assert version not in (ROOT / "vaehelpers" / "__init__.py").read_text(encoding="utf-8")
    assert f"version: {version}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {version}" in (ROOT / "docs" / "changelog.md").read_text(encoding="utf-8")


def test_the_map_is_the_package_s_docstring_and_each_room_is_there():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    drawn = text.split("```")[1].strip().splitlines()
    assert re.findall(r"^    (\S.*)$", vaehelpers.__doc__, re.M) == drawn
    assert {*(line.split()[0] for line in drawn), "__version__"} <= set(dir(vaehelpers))
    assert vaehelpers.collapse.collapse_threshold is not None  # no import of its own
    with pytest.raises(AttributeError, match="'vaehelpers' has no attribute 'lossses'"):
        vaehelpers.lossses  # noqa: B018


def test_nothing_tracked_is_large_or_names_a_machine():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    for path in (ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()):
        content = path.read_bytes()
        assert len(content) < (5_000_000 if "pretrained" in path.parts else 2_000_000), path
        assert str(ROOT.parent).encode() + b"/" not in content or str(ROOT.parent) == "/", path


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_playground_reads_every_address_in_the_instructors_guide():
    text = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
    links = re.findall(r"\[#([^\]]+)\]\(playground\.html#([^)]+)\)", text)
    assert len(links) >= 7 and all(shown == led for shown, led in links)
    script = """
    import { fromText, toText } from "./vaehelpers/explorers/playground.js";
    const read = (text) => toText(fromText("#" + text, { settings: [{}, {}], rate: 0 }));
    console.log(JSON.stringify(process.argv.slice(1).filter((text) => read(text) !== text)));
    """
    asked = [*(led for _, led in links), "a=bernoulli,all,sum,1"]
    command = ["node", "--input-type=module", "-e", script, *asked]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert json.loads(done.stdout) == ["a=bernoulli,all,sum,1"], done.stdout + done.stderr
