"""The project's own files agree with each other and hold nothing of one machine."""

import json
import re
import shutil
import subprocess
import tomllib
from itertools import pairwise
from pathlib import Path

import count_words
import pytest
import test_layers

import vaehelpers

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]


COURSE = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["course"]]
LOCKS = {
    "course.lock": COURSE,
    "gpu.lock": [*COURSE, *PROJECT["optional-dependencies"]["gpu"]],
    "dev.lock": [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]],
    "site.lock": [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["site"]],
}


def parts(requirement):
    name, versions = re.fullmatch(r"([\w-]+)(?:\[[\w-]+\])?\s*([^;\s]*).*", requirement).groups()
    return name, versions


def locked(lock):
    """The versions in a lock, by name."""
    text = (ROOT / "locks" / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z][\w.-]*)(?:\[[\w-]+\])?==(\S+)", text, re.M))


def test_environment_yml_agrees_with_pyproject():
    lines = (ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()
    assert lines[:5] == [
        "name: vae-course",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        "  - python >=3.11,<3.14",
    ]
    conda, pip = "\n".join(lines[4:]).split("\n  - pip\n  - pip:\n")
    *pip, package = pip.splitlines()
    assert package == "      - -e .[course]"
    found = [parts(line.strip(" -")) for line in [*conda.splitlines()[1:], *pip]]
    assert len(found) == len(COURSE) and dict(found) == dict(
        parts(requirement) for requirement in COURSE
    )


@pytest.mark.parametrize(("lock", "wanted"), LOCKS.items())
def test_a_lock_holds_versions_and_hashes_and_no_address(lock, wanted):
    text = (ROOT / "locks" / lock).read_text(encoding="utf-8")
    assert "://" not in text and "index-url" not in text and "find-links" not in text
    entries = re.split(r"\n(?=[a-z])", text.strip())
    assert len(entries) > 70 and all(
        "==" in entry and "--hash=sha256:" in entry for entry in entries
    )
    assert {parts(requirement)[0] for requirement in wanted} <= set(locked(lock))
    for python in (
        "3.11",
        "3.12",
        "3.13",
    ):  # where the ceiling is a marker, it lies above all that set-up takes
        assert (
            f"python_full_version < '{python}'"
            not in re.search(r"^tensorflow==.*|$", text, re.M)[0]
        )


def test_set_up_builds_the_package_from_the_locks_alone():
    wanted = {*PYPROJECT["dependency-groups"]["build"], *PYPROJECT["build-system"]["requires"]}
    for lock in ("course.lock", "gpu.lock"):
        assert {parts(requirement)[0] for requirement in wanted} <= set(locked(lock))


def test_the_gpu_lock_adds_cuda_and_changes_no_version():
    plain, gpu = locked("course.lock"), locked("gpu.lock")
    assert plain.items() <= gpu.items()
    assert any(name.startswith("nvidia-cudnn") for name in set(gpu) - set(plain))


@pytest.mark.parametrize(("lock", "own"), [("dev.lock", "jax"), ("site.lock", "playwright")])
def test_a_lock_on_top_moves_no_version_of_the_course(lock, own):
    below, top = locked("course.lock"), locked(lock)
    if own == "playwright":
        below |= locked("dev.lock")
    shared = set(below) & set(top)
    assert len(shared) > 40 and {name: top[name] for name in shared} == {
        name: below[name] for name in shared
    }
    assert own in set(top) - set(below)


def test_the_ceiling_of_tensorflow_is_no_ceiling_of_the_tool():
    assert PROJECT["requires-python"] == ">=3.11"
    extras = PROJECT["optional-dependencies"]
    tensorflow = [
        line for name in ("course", "gpu") for line in extras[name] if line.startswith("tensorflow")
    ]
    assert len(tensorflow) == 2 and all("python_version < '3.14'" in line for line in tensorflow)


def test_one_version_everywhere():
    assert vaehelpers.__version__ == PROJECT["version"]
    assert PROJECT["version"] not in (ROOT / "vaehelpers" / "__init__.py").read_text(
        encoding="utf-8"
    )
    assert f"version: {PROJECT['version']}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {PROJECT['version']}" in (ROOT / "docs" / "changelog.md").read_text(
        encoding="utf-8"
    )


def test_the_map_names_every_room_in_its_order():
    drawn = (
        (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("```")[1].strip().splitlines()
    )
    assert re.findall(r"^    (\S.*)$", vaehelpers.__doc__, re.M) == drawn
    rooms = [line.split()[0] for line in drawn]
    assert rooms == [room for room in test_layers.ROOMS if room != "__main__"]
    assert {*rooms, "__version__"} <= set(dir(vaehelpers))
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


def test_contributing_is_short():
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) <= 40


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
    asked = [
        "node",
        "--input-type=module",
        "-e",
        script,
        *(led for _, led in links),
        "a=bernoulli,all,sum,1",
    ]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True)
    assert json.loads(done.stdout) == ["a=bernoulli,all,sum,1"], done.stdout + done.stderr


def test_the_instructors_minutes_are_the_readme_s():
    guide = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    stated = dict(re.findall(r"^\| (\d\d) \| \[.*?\| (\d+) \|", readme, re.M))
    parts = re.findall(
        r"^\| \d\d:\d\d \| \[(\d\d).*?\| (\d+) \| (\d+) \+ ([\d.]+) \|$", guide, re.M
    )
    assert [lesson for lesson, *_ in parts] == ["00", "01", "04", "06"]
    for lesson, _, counted, _ in parts:
        path = next((ROOT / "notebooks").glob(f"{lesson}_*.ipynb"))
        assert abs(count_words.count(path)["minutes"] - int(counted)) < 1
    alone = sum(int(counted) + float(running) for *_, counted, running in parts)
    planned = sum(int(minutes) for _, minutes, *_ in parts)
    said = f"take one person {alone:.0f} minutes and are planned at {planned}, which leaves {planned - alone:.0f} for"
    assert said in guide
    day = re.findall(r"^\| (\d\d):(\d\d) \|.*?\| (\d*) \|", guide, re.M)
    clock = [60 * int(hour) + int(minute) for hour, minute, _ in day]
    assert [int(minutes) for *_, minutes in day[:-1]] == [
        after - before for before, after in pairwise(clock)
    ]
    for lessons, told in re.findall(r"^\| day \d.*?\| ([\d, ]+) \| (\d+) \|", guide, re.M):
        assert sum(int(stated[lesson]) for lesson in lessons.split(", ")) == int(told)
