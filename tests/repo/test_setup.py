"""scripts/setup.sh, run on a copy with a Python whose venv and pip only write down what they were asked to do."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COURSE = "--require-hashes --requirement locks/course.lock"
PACKAGE = "--no-deps --no-build-isolation --editable ."
DEV = "--require-hashes --requirement locks/dev.lock"
SITE = "--require-hashes --requirement locks/site.lock"
# Answers for Python, venv and pip: notes each install in the file `installed`, waits where `slow` is and fails where
# `failing` is. It is copied into the .venv that it "makes", as `python -m venv` would.
PRETENDED = r"""#!/bin/sh
case "$*" in
    '-c '*_base_executable*) echo "3.12 $PRETENDED" ;;
    '-c '*) ;;
    '-m venv .venv') mkdir -p .venv/bin; cp "$PRETENDED" .venv/bin/python ;;
    *' install '*)
        touch started
        while [ -e slow ]; do sleep 0.1; done
        if [ -e failing ]; then cat failing; exit 1; fi
        echo "${*#*quiet install }" >>installed ;;
    *) exit 3 ;;
esac
"""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a shell script for Linux and macOS")


@pytest.fixture
def folder(tmp_path):
    """A folder with what set-up reads, and no GPU."""
    (tmp_path / "scripts").mkdir()
    for name in (
        "scripts/setup.sh",
        "pyproject.toml",
        *(path.name for path in ROOT.glob("locks/*.lock")),
    ):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "bin").mkdir()
    for name, text in (("python", PRETENDED), ("nvidia-smi", "#!/bin/sh\nexit 1\n")):
        (tmp_path / "bin" / name).write_text(text, encoding="utf-8")
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


# A job in the background ignores interrupts, and a shell cannot trap what was ignored when it began. That is set in a
# process of its own: a fork of this one is nothing that JAX, where another test has run it, stands.
HEED_INTERRUPTS = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])"


def start(folder, *arguments):
    """Set-up as a process of its own session, so that a signal reaches all of it as a terminal's does."""
    pretended = str(folder / "bin" / "python")
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen(
        [sys.executable, "-c", HEED_INTERRUPTS, "sh", "scripts/setup.sh", *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHON": pretended, "PRETENDED": pretended},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def set_up(folder, *arguments, status=0):
    """What set-up prints; it leaves no lock and no half-made environment, whether it comes to its end or not."""
    process = start(folder, *arguments)
    out = process.communicate(timeout=60)[0]
    assert process.returncode == status, out
    assert not (folder / ".venv.old").exists()
    return out


def installed(folder):
    path = folder / "installed"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def wait_for(path):
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.1)
    raise TimeoutError(path)


@pytest.mark.parametrize(
    ("first", "second", "installs"),
    [
        ([], ["dev"], [2, 3]),
        (["dev"], [], [3, 3]),
        (["course"], [], [2, 2]),
        (["dev"], ["site"], [3, 4]),
    ],
)
def test_both_orders_install_each_lock_once(folder, first, second, installs):
    found = []
    for arguments in (first, second):
        assert "Done." in set_up(folder, *arguments) or found
        assert set_up(folder, *arguments) == ""  # nothing is left to do
        found.append(len(installed(folder)))
    assert found == installs
    assert installed(folder) == [COURSE, PACKAGE, DEV, SITE][: installs[-1]]


def test_only_what_changed_is_installed_again(folder):
    set_up(folder, "dev")
    for name, again in (
        ("pyproject.toml", [PACKAGE]),
        ("locks/dev.lock", [DEV]),
        ("locks/course.lock", [COURSE, PACKAGE, DEV]),
    ):
        before = len(installed(folder))
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write("# changed\n")
        set_up(folder, "dev")
        assert installed(folder)[before:] == again


def test_a_set_up_that_fails_gives_the_old_environment_back(folder):
    set_up(folder)
    (folder / ".venv" / "mine").touch()
    with (folder / "locks/course.lock").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    (folder / "failing").write_text("ERROR: No space left on device\n", encoding="utf-8")
    out = set_up(folder, status=1)
    assert "No space left" in out and "the disk is full" in out
    assert (folder / ".venv" / "mine").exists() and (folder / "install-failed.log").exists()
    (folder / "failing").unlink()
    assert "Done." in set_up(folder)
    assert not (folder / ".venv" / "mine").exists() and not (folder / "install-failed.log").exists()


def test_an_interrupt_gives_the_old_environment_back_and_unlocks(folder):
    set_up(folder)
    (folder / ".venv" / "mine").touch()
    (folder / "started").unlink()
    with (folder / "locks/course.lock").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    (folder / "slow").touch()
    process = start(folder)
    wait_for(folder / "started")
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert (folder / ".venv" / "mine").exists()
    assert not (folder / ".venv.lock").exists() and not (folder / ".venv.old").exists()


def test_a_second_set_up_waits_for_the_first_and_installs_nothing_again(folder):
    (folder / "slow").touch()
    first = start(folder)
    wait_for(folder / "started")
    second = start(folder, "dev")
    assert second.stdout.readline().startswith("Waiting for another set-up")
    (folder / "slow").unlink()
    assert (
        "Done." in first.communicate(timeout=60)[0] and "Done." in second.communicate(timeout=60)[0]
    )
    assert installed(folder) == [COURSE, PACKAGE, DEV]


def test_a_lock_whose_owner_is_gone_is_told_with_its_cure(folder):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (folder / ".venv.lock").mkdir()
    (folder / ".venv.lock" / "process").write_text(f"{gone.pid}\n", encoding="utf-8")
    out = set_up(folder, status=1)
    assert f"process {gone.pid} locked this folder and is gone" in out and "rm -r .venv.lock" in out
    assert (folder / ".venv.lock").exists() and installed(folder) == []


def test_an_unknown_argument_is_an_error(folder):
    assert "usage: sh scripts/setup.sh [dev|site]" in set_up(folder, "everything", status=1)
    assert not (folder / ".venv").exists()


@pytest.mark.parametrize(("arguments", "upgrades"), [([], 4), (["keep"], 0)])
def test_make_lock_resolves_the_newest_versions(folder, arguments, upgrades):
    """uv keeps the versions of the file that it writes unless it is told to upgrade."""
    shutil.copy(ROOT / "scripts" / "lock.sh", folder / "scripts" / "lock.sh")
    (folder / "bin" / "uv").write_text('#!/bin/sh\necho "$*" >>asked\n', encoding="utf-8")
    (folder / "bin" / "uv").chmod(0o755)
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["sh", "scripts/lock.sh", *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path},
        check=True,
    )
    asked = (folder / "asked").read_text(encoding="utf-8").splitlines()
    assert len(asked) == 5 and sum("--upgrade" in line for line in asked) == upgrades
    assert all("--generate-hashes" in line and "--no-emit-index-url" in line for line in asked)
