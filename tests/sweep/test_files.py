"""What a sweep writes: results read whole or not at all, a cache that knows its code, states."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from vaehelpers.sweep import SweepResult, stacked, versions
from vaehelpers.sweep import train as train_room
from vaehelpers.sweep.settings import Plan, _checked_list
from vaehelpers.sweep.storage import ABANDONED, digest, read_arrays, write_arrays

# Of the package, what runs in a training and changes no number: it checks, names or reports.
NO_NUMBERS = {"data/likelihoods.py", "data/checks.py", "sweep/settings.py", "sweep/versions.py"}
NO_NUMBERS |= {"runtime.py", "doctor.py"}
MEASURED = ("betas", "seeds", "distortion", "rate", "kl_per_dim")


@pytest.fixture
def saved(small, tmp_path):
    small.save(tmp_path / "a.npz")
    return tmp_path / "a.npz"


def test_a_saved_result_is_read_back_whole(small, saved):
    loaded = SweepResult.load(saved)
    for name in MEASURED:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(small, name))
    assert loaded.settings == small.settings
    for part in ("history", "weights"):
        assert getattr(loaded, part).keys() == getattr(small, part).keys()
        for name, values in getattr(small, part).items():
            np.testing.assert_array_equal(getattr(loaded, part)[name], values)
    assert [path.name for path in saved.parent.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "exchanged", "text"])
def test_a_damaged_file_is_named_and_not_half_read(saved, damage):
    content = bytearray(saved.read_bytes())
    if damage == "truncated":
        content = content[: len(content) // 2]
    elif damage == "flipped":
        content[len(content) // 2] ^= 1
    elif damage == "exchanged":  # an intact archive with another number in it
        with np.load(saved) as file:
            found = dict(file)
        np.savez(saved, **{**found, "rate": found["rate"] + 1})
        content = saved.read_bytes()
    else:
        content = b"not an archive"
    saved.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.npz .*(truncated|altered)"):
        SweepResult.load(saved)


def test_a_failed_write_leaves_the_old_file(saved):
    before = saved.read_bytes()
    with pytest.raises(TypeError):
        write_arrays(saved, {"a": np.zeros(3)}, {"not for JSON": object()})
    assert saved.read_bytes() == before and len(list(saved.parent.iterdir())) == 1


def test_a_file_has_the_rights_of_any_other(saved):
    other = saved.with_name("b")
    other.touch()
    assert saved.stat().st_mode == other.stat().st_mode


def test_another_kind_of_file_is_named(tmp_path):
    write_arrays(tmp_path / "a.npz", {"a": np.zeros(3)}, {"kind": "thing"})
    with pytest.raises(ValueError, match=r"a\.npz holds a thing"):
        SweepResult.load(tmp_path / "a.npz")


def test_a_result_of_an_earlier_version_is_read(small, saved):
    """Its settings lack what later ones say beside it, as the digest of the code."""
    arrays, meta = read_arrays(saved, "sweep's result")
    del meta["settings"]["code"]
    write_arrays(saved, arrays, meta)
    assert SweepResult.load(saved).vae(0, 0).latent_dim is None


@pytest.fixture
def cached(train, tmp_path):
    return lambda **changes: train(cache=tmp_path, **changes)


def test_the_cache_is_used_for_the_same_call_only(cached, bits, tmp_path, monkeypatch):
    first = cached()
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]
    monkeypatch.setattr(train_room, "train_stacked", lambda *_: pytest.fail("trained again"))
    same = {"x": bits.copy(), "betas": (0.5, 2), "seeds": np.array([3, 0, 8])}
    for change in ({}, same):
        np.testing.assert_array_equal(cached(**change).rate, first.rate)
    other = bits.copy()
    other[0, 0, 0] = 1 - other[0, 0, 0]
    numbers = {"latent_dim": 1, "learning_rate": 0.1, "epochs": 4, "batch_size": 8}
    changes = [{name: value} for name, value in numbers.items()]
    changes += [{"shuffle_seed": 1}, {"validation": bits}, {"start": first}, {"x": other}]
    changes += [{"betas": [0.5, 2.1]}, {"seeds": [3, 0, 9]}, {"hidden": 7}, {"hidden": None}]
    changes += [{"likelihood": "gaussian", "variance": variance} for variance in (1.0, 0.5)]
    for change in changes:
        with pytest.raises(pytest.fail.Exception):
            cached(**change)


@pytest.mark.parametrize(
    ("change", "named", "finished"),
    [
        ({"betas": [1.0, 4.0]}, "betas", True),
        ({"seeds": [1, 2, 3]}, "seeds", True),
        ({"x": np.eye(70, 24).reshape(70, 6, 4, 1)}, "x", True),
        ({"validation": np.ones([4, 6, 4, 1])}, "validation, n_measured, measured_on", True),
        ({"learning_rate": 0.1}, "learning_rate", True),
        ({"betas": [1.0, 4.0]}, "betas", False),
    ],
)
def test_a_renamed_file_is_no_other_sweep(cached, tmp_path, epochs, change, named, finished):
    """Neither a result nor a state to go on from, though both are intact and their shapes fit."""

    def file_of(**changes):
        epochs.interrupt_at = None if finished else len(epochs) + 1
        with suppress(KeyboardInterrupt):
            cached(**changes)
        (path,) = tmp_path.iterdir()
        return path

    wanted = file_of()
    wanted.unlink()
    file_of(**change).rename(wanted)
    with pytest.raises(ValueError, match=f"renamed, it holds a sweep of other {named}: delete"):
        cached()
    wanted.write_bytes(wanted.read_bytes()[:-100])
    with pytest.raises(ValueError, match=f"{wanted.name} is truncated"):
        cached()


def test_the_same_sweep_in_several_threads_at_once(small, cached):
    """One that finishes first clears its state away; the others go on, and all return the same."""
    with ThreadPoolExecutor(4) as executor:
        running = [executor.submit(cached) for _ in range(4)]
    for task in running:
        np.testing.assert_allclose(task.result().rate, small.rate, rtol=1e-3)


@pytest.fixture
def read_only():
    """A folder in which even root, as nobody for the while, can make no file."""
    if sys.platform == "win32":
        pytest.skip("the mode of a folder forbids nothing there")
    with tempfile.TemporaryDirectory() as outer:
        os.chmod(outer, 0o755)
        folder = Path(outer, "cache")
        folder.mkdir(mode=0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)


@pytest.mark.parametrize("inner", ["", "of/mine"])
def test_a_read_only_cache_is_named_before_anything_is_trained(train, read_only, epochs, inner):
    with pytest.raises(PermissionError, match=r"cache is .*cache.*: make room, or pass a folder"):
        train(cache=read_only / inner)
    assert epochs == []


def test_a_disk_that_is_full_later_costs_no_training(small, cached, tmp_path):
    """By a limit that the kernel sets: of the size of a file, below a state's and a result's."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, before[1]))
    try:
        with pytest.warns(UserWarning, match=r"\.npz cannot be written \(File too") as found:
            result = cached()
        with pytest.raises(OSError, match=r"b\.npz cannot be written \(File too"):
            small.save(tmp_path / "b.npz")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    # three states and the result
    assert sum("cannot be written" in str(warning.message) for warning in found) == 4
    np.testing.assert_array_equal(result.rate, small.rate)
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
import keras, numpy as np
from vaehelpers.sweep import stacked, train_sweep
stacked.COMPILE = keras.backend.backend() == "jax"
real, written = os.replace, []
def replace(*arguments):
    written.append(arguments)
    if len(written) == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments)
os.replace = replace
train_sweep(np.load(sys.argv[1]), [0.5, 2.0], [3, 0, 8], hidden=6, epochs=7, batch_size=16,
            progress=False, cache=sys.argv[2])
"""


@pytest.mark.backend
def test_killed_and_started_again_it_goes_on_from_its_last_epoch(train, bits, tmp_path, epochs):
    """Killed while the state of the fifth epoch is written: four are kept, and the end is the same.

    What it leaves half written is cleared by any sweep that comes an hour later.
    """
    folder = tmp_path / "cache"
    np.save(tmp_path / "x.npy", bits)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "x.npy"), str(folder)]
    assert subprocess.run(command).returncode == -signal.SIGKILL
    (left,) = folder.glob("*.tmp")
    resumed = train(epochs=7, cache=folder)
    assert epochs == [4, 5, 6]
    straight = train(epochs=7)
    for name in ("rate", "distortion", "kl_per_dim"):
        np.testing.assert_allclose(getattr(resumed, name), getattr(straight, name), rtol=1e-5)
    then = resumed.history["distortion"]
    np.testing.assert_allclose(then, straight.history["distortion"], rtol=1e-5)

    living = left.with_name(f"other.npz.{32 * '0'}.tmp")
    notes = left.with_name("notes.tmp")
    for path in (living, notes):
        path.touch()
    earlier = time.time() - ABANDONED
    os.utime(living, (earlier + 60, earlier + 60))
    for path in (left, notes):
        os.utime(path, (earlier - 60, earlier - 60))
    train(epochs=1, betas=[1.0], cache=folder)
    assert set(folder.glob("*.tmp")) == {living, notes}
    assert len(list(folder.glob("*.npz"))) == 2


def test_another_code_is_another_sweep(cached, epochs, monkeypatch):
    """Neither a result nor the state of an interrupted training is taken from another code."""
    epochs.interrupt_at = 1
    with pytest.raises(KeyboardInterrupt):
        cached()
    for code in ("another", "a third"):
        monkeypatch.setattr(versions, "CODE", code)
        assert cached().settings["code"] == code
    assert epochs == [0, 0, 1, 2, 0, 1, 2]


def test_the_code_is_what_computes_without_its_text():
    source = 'def f(x):\n    """Twice."""\n    return 2 * x\n'
    digest = versions.code_digest({"a.py": source})
    same = [
        "def f(x):\n    return 2 * x\n",
        '# Why.\ndef f(x):\n    """Two."""\n\n    return (2 * x)',
    ]
    assert [versions.code_digest({"a.py": text}) for text in same] == [digest, digest]
    other = [source.replace("2 *", "3 *"), source.replace("(x)", "(x, y=0)"), f"{source}C = 1\n"]
    assert len({digest, *(versions.code_digest({"a.py": text}) for text in other)}) == 4
    assert versions.code_digest({"b.py": source}) != digest


def test_every_file_that_computes_in_a_training_is_in_the_code(arguments):
    """What runs is watched, so that a function that moves to another file cannot be forgotten."""
    options = {"latent_dim": 2, "learning_rate": 1e-3, "shuffle_seed": 0, "variance": 0.5}
    options |= {name: arguments[name] for name in ("hidden", "epochs", "batch_size")}
    lists = {name: arguments[name] for name in ("x", "betas", "seeds")}
    plan = Plan(**lists, **options, likelihood="gaussian")
    codes = set()
    sys.setprofile(lambda frame, event, _: codes.add(frame.f_code) if event == "call" else None)
    try:
        stacked.train_stacked(plan, False, None)
    finally:
        sys.setprofile(None)
    package = Path(versions.__file__).parents[1]
    paths = {Path(code.co_filename) for code in codes if code.co_name != "<module>"}
    found = {path.relative_to(package).as_posix() for path in paths if path.is_relative_to(package)}
    assert found - NO_NUMBERS == set(versions.TRAINING)


def test_arrays_of_the_same_bytes_have_digests_of_their_own():
    x = np.arange(6, dtype="float32")
    others = [{"y": x}, {"x": x.reshape(2, 3)}, {"x": x.view("int32")}]
    assert len({digest(arrays, {}) for arrays in [{"x": x}, *others]}) == 4


def test_a_seed_may_be_large():
    assert _checked_list([2**62, 0], "seeds").tolist() == [2**62, 0]
