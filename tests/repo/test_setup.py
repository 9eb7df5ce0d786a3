"""scripts/setup.sh on a copy, with a Python whose venv and pip only note what they are asked."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COURSE, DEV, SITE = (
    f"--require-hashes --requirement locks/{name}.lock" for name in ("course", "dev", "site")
)
PACKAGE = "--no-build-isolation --editable ."
# Answers for Python, venv and pip: notes each install in the file `installed`, waits while `slow`
# is there and fails where `failing` is. It is copied into the .venv that it "makes".
PRETENDED = r"""#!/bin/sh
case "$*" in
    '-c import fcntl'*) exec "$REAL" "$@" ;;
    '-c '*_base_executable*) echo "${VERSION:-3.12} $PRETENDED" ;;
    '-c '*) ;;
    '-m venv .venv') mkdir -p .venv/bin; cp "$PRETENDED" .venv/bin/python ;;
    *' install '*)
        touch started
        while [ -e slow ]; do sleep 0.1; done
        if [ -e failing ]; then cat failing; exit 1; fi
        echo "${*#*install --no-deps }" >>installed ;;
    *) exit 3 ;;
esac
"""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a shell script for Linux and macOS")


def program(path, text):
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def folder(tmp_path):
    """A folder with what set-up reads, in a path with a space; no GPU, and a uv that fails."""
    folder = tmp_path / "a course"
    shutil.copytree(ROOT / "locks", folder / "locks")
    for name in ("bin", "scripts"):
        (folder / name).mkdir()
    for name in ("scripts/setup.sh", "scripts/lock.sh", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    program(folder / "bin" / "python", PRETENDED)
    for name in ("nvidia-smi", "uv"):
        program(folder / "bin" / name, "#!/bin/sh\nexit 1\n")
    return folder


@pytest.fixture
def changed(folder):
    """A folder with an environment of an older lock, which holds the file `mine`."""
    set_up(folder)
    (folder / ".venv" / "mine").touch()
    (folder / "started").unlink()
    append(folder / "locks" / "course.lock")
    return folder


def append(path):
    with path.open("a", encoding="utf-8") as file:
        file.write("# changed\n")


def start(folder, *arguments, **environment):
    """Set-up in a session of its own, so that a signal reaches all of it as a terminal's does."""
    pretended = str(folder / "bin" / "python")
    given = {"PYTHON": pretended, "PRETENDED": pretended, "REAL": sys.executable, **environment}
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen(
        ["sh", "scripts/setup.sh", *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path, **given},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def start_slowly(folder, *arguments):
    """A set-up that has come to pip, which waits until the file `slow` is gone."""
    (folder / "slow").touch()
    process = start(folder, *arguments)
    end = time.monotonic() + 60
    while not (folder / "started").exists():
        assert time.monotonic() < end, "pip was not started"
        time.sleep(0.1)
    return process


def set_up(folder, *arguments, status=0, **environment):
    """What set-up prints; whether it comes to its end or not, no half-made environment is left."""
    process = start(folder, *arguments, **environment)
    out = process.communicate(timeout=60)[0]
    assert process.returncode == status, out
    assert not (folder / ".venv.old").exists()
    return out


def installed(folder):
    path = folder / "installed"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def test_each_lock_is_installed_once_and_for_nothing_left_nothing_is_said(folder):
    for arguments, there in (
        ([], [COURSE, PACKAGE]),
        (["dev"], [COURSE, PACKAGE, DEV]),
        (["site"], [COURSE, PACKAGE, DEV, SITE]),
    ):
        assert "Done." in set_up(folder, *arguments)
        assert installed(folder) == there
        assert set_up(folder) == set_up(folder, *arguments) == ""


def test_only_what_changed_is_installed_again(folder):
    set_up(folder, "dev")
    for name, again in (
        ("pyproject.toml", [PACKAGE]),
        ("locks/dev.lock", [DEV]),
        ("locks/course.lock", [COURSE, PACKAGE, DEV]),
    ):
        before = len(installed(folder))
        append(folder / name)
        set_up(folder, "dev")
        assert installed(folder)[before:] == again


def test_a_gpu_s_lock_comes_on_top_of_the_course_s(folder):
    program(folder / "bin" / "nvidia-smi", "#!/bin/sh\necho GPU 0\n")
    program(folder / "bin" / "uname", "#!/bin/sh\necho Linux\n")
    program(folder / "bin" / "df", "#!/bin/sh\nprintf '\\n0 0 0 99000000\\n'\n")
    set_up(folder)
    assert installed(folder) == [f"{COURSE} --requirement locks/gpu.lock", PACKAGE]


def test_uv_installs_where_it_can(folder):
    program(folder / "bin" / "uv", '#!/bin/sh\necho "${*#*--no-deps }" >>by-uv\n')
    set_up(folder)
    said = (folder / "by-uv").read_text(encoding="utf-8").splitlines()
    assert [line.removesuffix(" --python .venv/bin/python") for line in said] == [COURSE, PACKAGE]
    assert installed(folder) == []


def test_a_set_up_that_fails_gives_the_old_environment_back(changed):
    (changed / "failing").write_text("ERROR: No space left on device\n", encoding="utf-8")
    out = set_up(changed, status=1)
    assert "No space left" in out and "the disk is full" in out
    assert (changed / ".venv" / "mine").exists() and (changed / "install-failed.log").exists()
    (changed / "failing").unlink()
    assert "Done." in set_up(changed)
    assert not (changed / ".venv" / "mine").exists()
    assert not (changed / "install-failed.log").exists()


def test_an_interrupt_gives_the_old_environment_back(changed):
    process = start_slowly(changed)
    os.killpg(process.pid, signal.SIGTERM)  # SIGINT is ignored where the tests run behind a &
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert (changed / ".venv" / "mine").exists() and not (changed / ".venv.old").exists()


def test_a_set_up_that_fails_after_a_killed_one_gives_the_old_environment_back(changed):
    process = start_slowly(changed)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    (changed / "failing").write_text("no network", encoding="utf-8")
    (changed / "slow").unlink()
    set_up(changed, status=1)
    assert (changed / ".venv" / "mine").exists()


@pytest.mark.parametrize(("killed", "installs"), [(False, []), (True, [COURSE])])
def test_a_second_set_up_waits_for_the_first_s_pip(folder, killed, installs):
    first = start_slowly(folder)
    if killed:
        first.kill()  # the shell alone
    second = start(folder, "dev")
    assert second.stdout.readline().startswith("Waiting for another set-up")
    (folder / "slow").unlink()
    assert ("Done." in first.communicate(timeout=60)[0]) != killed
    assert "Done." in second.communicate(timeout=60)[0]
    assert installed(folder) == [*installs, COURSE, PACKAGE, DEV]


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["everything"], {}, "usage: sh scripts/setup.sh [dev|site]"),
        ([], {"VERSION": "3.9"}, "bin/python is Python 3.9."),
        ([], {"PYTHON": "/no/python3.12"}, "/no/python3.12 is not there."),
        ([], {"PYTHON": 'my "python'}, 'my "python is not there.'),
        ([], {"PYTHON": "false"}, "false does not start as Python."),
    ],
)
def test_what_cannot_be_used_is_named(folder, arguments, environment, said):
    assert said in set_up(folder, *arguments, status=1, **environment)
    assert not (folder / ".venv").exists()


def test_make_hands_a_python_s_name_on_as_it_is(folder):
    shutil.copy(ROOT / "Makefile", folder)
    done = subprocess.run(
        ["make", "setup", 'PYTHON=my "python'], cwd=folder, capture_output=True, text=True
    )
    assert 'my "python is not there.' in done.stderr


@pytest.mark.parametrize(("arguments", "upgrades"), [([], 5), (["keep"], 0)])
def test_a_lock_holds_what_it_adds(folder, arguments, upgrades):
    """uv keeps the versions of the file that it writes unless it is told to upgrade."""
    program(
        folder / "bin" / "uv",
        '#!/bin/sh\necho "$*" >>../asked\nfor out; do :; done\n'
        r"printf 'shared==1 \\\n  --hash=1\n%s==1 \\\n  --hash=2\n' ${out%.lock} >$out",
    )
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    command = ["sh", "scripts/lock.sh", *arguments]
    subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, check=True)
    assert (folder / "asked").read_text(encoding="utf-8").count("--upgrade") == upgrades
    assert (folder / "locks/site.lock").read_text() == "site==1 \\\n  --hash=2\n"
    assert (folder / "locks/course.lock").read_text().startswith("shared==1")
