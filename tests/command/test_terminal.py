"""What a stranger's file may do to the command's output, exit status and screen: nothing."""

import json
import logging
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from vaehelpers.__main__ import main
from vaehelpers.command.terminal import (
    WAITING,
    answers_only,
    printable,
    saying_what_it_does,
)

LOSS = """
import numpy as np

def kl(m, v):
    return 0.5 * (np.exp(v) + m**2 - 1 - v)

def loss(recon_x, x, mu, logvar):
    {}
    return 0.5 * ((recon_x - x) ** 2).sum() + 4 * kl(mu, logvar).sum()
"""
posix = pytest.mark.skipif(os.name != "posix", reason="as Unix ends processes and closes pipes")
PRINTS = {
    "print": "print('Using device: cpu')",
    "descriptor": "import os; os.write(1, b'Using device: cpu')",
    "C": "import ctypes; ctypes.CDLL(None).printf(b'Using device: cpu')",
    "child": "import subprocess; subprocess.run(['echo', 'Using device: cpu'])",
    "first stdout": "import sys; sys.__stdout__.write('Using device: cpu')",
    "log": (
        "import logging as log, sys; log.basicConfig(stream=sys.stdout); "
        "log.warning('Using device: cpu')"
    ),
}
ENDS = {
    "0": "import os; os._exit(0)",
    "1": "import os; os._exit(1)",
    "256": "import os; os._exit(status=256)",
    "posix": "import posix; posix._exit(0)",
    "from": "from os import _exit; _exit(0)",
    "execv": "import os; os.execv('/bin/true', ['true'])",
    "execlp": "import os; os.execlp('true', 'true')",
    "exit": "import sys; sys.exit(0)",
    "quit": "quit()",
    "class": "class End(BaseException): pass\n    raise End('over')",
    "no words": (
        "class End(BaseException):\n        def __str__(self): raise ValueError\n    raise End()"
    ),
    "interrupt": "raise KeyboardInterrupt",
    "generator": "raise GeneratorExit",
}


def command(folder, *arguments, **options):
    """The command in a process of its own."""
    code = "import sys; from vaehelpers.__main__ import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=folder, text=True, **options
    )


def typed(folder, *arguments):
    """Exit status, stdout and stderr of the command."""
    process = command(folder, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=100)
    return process.returncode, out, but_progress(err)


def but_progress(err):
    """What is said beside what a busy machine waits for."""
    return "".join(line for line in err.splitlines(True) if not line.startswith(WAITING))


@posix
@pytest.mark.parametrize("statement", PRINTS.values(), ids=PRINTS)
def test_json_is_json_whatever_the_file_prints(tmp_path, statement):
    text = f"{statement}\n{LOSS.format(statement)}"
    (tmp_path / "mine.py").write_text(text)
    status, out, err = typed(tmp_path, "audit", "mine.py:loss", "--image-shape", "4,4,1", "--json")
    assert (status, json.loads(out)["beta"]) == (1, pytest.approx(4))
    assert "Using device: cpu" in err


@posix
@pytest.mark.parametrize("where", ["imported", "called"])
@pytest.mark.parametrize("statement", ENDS.values(), ids=ENDS)
def test_a_file_that_ends_the_process_gives_no_answer(tmp_path, statement, where):
    text = (
        LOSS.format(statement)
        if where == "called"
        else f"if True:\n    {statement}\n{LOSS.format('pass')}"
    )
    (tmp_path / "mine.py").write_text(text)
    status, out, err = typed(tmp_path, "audit", "mine.py:loss", "--image-shape", "4,4,1", "--json")
    assert status in (2, 130) and err.count("\n") == (1 if status == 130 else 0)
    assert "error" in json.loads(out or '{"error": "interrupted"}')


@posix
def test_children_of_a_file_end_as_they_like(tmp_path):
    fork = "import os\n    if os.fork() == 0: os._exit(0)\n    assert os.wait()[1] == 0"
    (tmp_path / "mine.py").write_text(LOSS.format(fork))
    status, out, err = typed(tmp_path, "audit", "mine.py:loss", "--image-shape", "4,4,1")
    assert (status, err) == (1, "") and "beta = 4" in out


def test_json_says_also_what_could_not_be_loaded(tmp_path, capsys):
    assert main(["audit", f"{tmp_path / 'none.py'}:loss", "--json"]) == 2
    printed = capsys.readouterr()
    assert "no file here" in json.loads(printed.out)["error"] and not printed.err


def test_control_characters_do_not_reach_the_screen(tmp_path, capsys):
    assert main(["audit", f"{tmp_path / 'a'}\x1b[2J\n.py:loss"]) == 2
    (tmp_path / "mine.py").write_text(LOSS.format("raise ValueError('\\x1b[2J\\rgone')"))
    assert main(["audit", f"{tmp_path / 'mine.py'}:loss"]) == 2
    assert main(["threshold", f"{tmp_path / 'a'}\x1b[2J\n.npz"]) == 2
    with pytest.raises(SystemExit):  # what a shell makes of *.npz
        main(["threshold", "a.npz", "b\x1b[2J.npz"])
    printed = capsys.readouterr()
    assert not {"\x1b", "\r"} & set(printed.out + printed.err)
    cannot = [line for line in printed.err.splitlines() if line.startswith("Cannot")]
    assert [line.count("\\x1b[2J") for line in cannot] == [2, 1] and "b\\x1b[2J" in printed.err
    assert printed.out.count("\\x1b[2J") == 1


def test_what_is_printable_stays():
    assert printable("β = 4 ± 1 / 漢字\n") == "β = 4 ± 1 / 漢字\n"
    assert printable("\udcff\x00\x9b\u202e") == r"\udcff\x00\x9b\u202e"


@posix
@pytest.mark.parametrize("name", ["audit", "threshold"])
def test_a_closed_pipe_ends_the_command_quietly(tmp_path, name):
    (tmp_path / "mine.py").write_text(LOSS.format("pass"))
    np.savez(tmp_path / "images.npz", np.random.default_rng(0).random((20, 4, 4)))
    target = {"audit": ["mine.py:loss", "--image-shape", "4,4,1"], "threshold": ["images.npz"]}[
        name
    ]
    reads, writes = os.pipe()
    process = command(tmp_path, name, *target, stdout=writes, stderr=subprocess.PIPE)
    os.close(reads)
    os.close(writes)
    assert but_progress(process.communicate(timeout=100)[1]) == ""
    assert process.returncode == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_an_answer_that_cannot_be_written_is_none(tmp_path):
    (tmp_path / "mine.py").write_text(LOSS.format("pass"))
    with open("/dev/full", "w") as full:
        target = ("audit", "mine.py:loss", "--image-shape", "4,4,1")
        process = command(tmp_path, *target, stdout=full, stderr=subprocess.PIPE)
    assert "could not be printed" in process.communicate(timeout=100)[1]
    assert process.returncode == 2


@posix
def test_an_interrupt_says_so_in_one_line(tmp_path):
    (tmp_path / "mine.py").write_text("import sys, time\nprint('here', flush=True)\ntime.sleep(60)")
    process = command(
        tmp_path, "audit", "mine.py:loss", stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stderr.readline() == "here\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=100) == ("", "Interrupted.\n")
    assert process.returncode == 130


def test_what_is_done_is_said_when_it_takes_long(capsys):
    with saying_what_it_does(every=0.2):
        logging.getLogger("vaehelpers.audit.measure").info("the\x1b KL in %d s", 4)
        logging.getLogger("vaehelpers").debug("a detail")
        time.sleep(0.3)
    assert capsys.readouterr() == ("", f"{WAITING} 0 s: the\\x1b KL in 4 s\n")


@pytest.mark.parametrize("options", [{"aloud": False, "every": 0.01}, {"every": 60}])
def test_nothing_is_said_where_it_is_quick_or_not_wanted(capsys, options):
    with saying_what_it_does(**options):
        time.sleep(0.1)
    assert capsys.readouterr() == ("", "")


def test_the_log_of_the_package_is_left_as_it_was(capsys):
    log = logging.getLogger("vaehelpers")
    before = (log.level, log.propagate, [*log.handlers])
    with saying_what_it_does():
        assert log.level == logging.INFO
    assert (log.level, log.propagate, log.handlers) == before


def test_a_slow_loss_and_slow_images_are_no_silence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("vaehelpers.command.terminal.EVERY", 0.05)
    (tmp_path / "mine.py").write_text(LOSS.format("import time; time.sleep(0.02)"))
    target = [f"{tmp_path / 'mine.py'}:loss", "--image-shape", "4,4,1"]
    assert main(["audit", *target]) == 1
    assert capsys.readouterr().err.count(WAITING) > 3
    assert main(["audit", *target, "--json"]) == 1
    assert capsys.readouterr().err == ""

    def slowly(path, key):
        time.sleep(0.12)
        return np.random.default_rng(0).random((20, 4, 4))

    monkeypatch.setattr("vaehelpers.__main__.load_images", slowly)
    assert main(["threshold", "images.npz"]) == 0
    assert f"{WAITING} 0 s: reading 'images.npz'" in capsys.readouterr().err


def test_what_ends_a_process_is_as_before_afterwards():
    before = (os._exit, os.execv, os.execve)
    with answers_only(print, (0, 1)):
        assert os._exit is not before[0]
    assert (os._exit, os.execv, os.execve) == before


def test_the_audit_s_arithmetic_warns_nobody(tmp_path):
    (tmp_path / "mine.py").write_text(LOSS.format("return 1e300 * kl(mu, logvar).sum() ** 30"))
    status, _, err = typed(tmp_path, "audit", "mine.py:loss", "--image-shape", "4,4,1")
    assert status == 2 and "vaehelpers" not in err
