"""What a sweep writes: results read back whole or not at all, a cache that knows its code, states to go on from."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest

from vaehelpers.sweep import SweepResult, cache, stacked, train_sweep, versions
from vaehelpers.sweep.network import StackedVAE, initial_weights
from vaehelpers.sweep.settings import Settings, checked_plan
from vaehelpers.sweep.storage import read_arrays, write_arrays

BETAS = [0.5, 2.0]
SEEDS = [3, 0, 8]
SMALL = {"hidden": 6, "epochs": 3, "batch_size": 16, "progress": False}
# Of the package, what runs in a training and changes no number: it checks, names, stores or reports.
NO_NUMBERS = {
    "data/likelihoods.py",
    "data/checks.py",
    "sweep/cache.py",
    "sweep/settings.py",
    "sweep/versions.py",
}
NO_NUMBERS |= {"runtime.py"}


@pytest.fixture(scope="module", autouse=True)
def without_xla():
    """To compile a tiny sweep takes XLA four times what it takes to train it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stacked, "COMPILE", keras.backend.backend() == "jax")
        yield


@pytest.fixture(scope="module")
def bits():
    return (
        np.random.default_rng(0).integers(2, size=(70, 3, 4, 1)).repeat(2, axis=1).astype("float32")
    )


@pytest.fixture(scope="module")
def small(bits):
    return train_sweep(bits, BETAS, SEEDS, **SMALL)


def test_a_saved_result_is_read_back_whole(small, tmp_path):
    small.save(tmp_path / "a.npz")
    loaded = SweepResult.load(tmp_path / "a.npz")
    for name in ("betas", "seeds", "distortion", "rate", "kl_per_dim"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(small, name))
    assert loaded.settings == small.settings and loaded.history.keys() == small.history.keys()
    for mine, yours in zip(loaded.member(1, 1), small.member(1, 1), strict=True):
        for a, b in zip(mine.get_weights(), yours.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "exchanged", "text"])
def test_a_damaged_file_is_named_and_not_half_read(small, tmp_path, damage):
    path = tmp_path / "a.npz"
    small.save(path)
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        content = content[: len(content) // 2]
    elif damage == "flipped":
        content[len(content) // 2] ^= 1
    elif damage == "exchanged":  # an intact archive with another number in it
        with np.load(path) as file:
            found = dict(file)
        np.savez(path, **{**found, "rate": found["rate"] + 1})
        content = path.read_bytes()
    else:
        content = b"not an archive"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.npz .*(truncated|altered)"):
        SweepResult.load(path)


def test_a_failed_write_leaves_the_old_file(small, tmp_path):
    small.save(tmp_path / "a.npz")
    before = (tmp_path / "a.npz").read_bytes()
    with pytest.raises(TypeError):
        write_arrays(tmp_path / "a.npz", {"a": np.zeros(3)}, {"not for JSON": object()})
    assert (tmp_path / "a.npz").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_a_file_has_the_rights_of_any_other(small, tmp_path):
    (tmp_path / "b").touch()
    small.save(tmp_path / "a.npz")
    assert (tmp_path / "a.npz").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_another_kind_of_file_is_named(small, tmp_path):
    write_arrays(tmp_path / "a.npz", {"a": np.zeros(3)}, {"kind": "thing"})
    with pytest.raises(ValueError, match=r"a\.npz holds a thing"):
        SweepResult.load(tmp_path / "a.npz")


def test_the_cache_is_used_for_the_same_call_only(bits, tmp_path, monkeypatch):
    options = {**SMALL, "cache": tmp_path}
    first = train_sweep(bits, BETAS, SEEDS, **options)
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]
    monkeypatch.setattr(
        "vaehelpers.sweep.train.train_stacked", lambda *_: pytest.fail("trained again")
    )
    np.testing.assert_array_equal(train_sweep(bits, BETAS, SEEDS, **options).rate, first.rate)
    np.testing.assert_array_equal(
        train_sweep(bits.copy(), (0.5, 2), np.array(SEEDS), **options).rate, first.rate
    )
    other = bits.copy()
    other[0, 0, 0] = 1 - other[0, 0, 0]
    changes = [
        {name: value}
        for name, value in {"hidden": 7, "latent_dim": 1, "learning_rate": 0.1}.items()
    ]
    changes += [
        {"epochs": 4},
        {"batch_size": 8},
        {"shuffle_seed": 1},
        {"validation": bits},
        {"start": first},
    ]
    changes += [
        {"likelihood": "gaussian"},
        {"likelihood": "gaussian", "variance": 0.5},
        {"hidden": None},
    ]
    for change in changes:
        with pytest.raises(pytest.fail.Exception):
            train_sweep(bits, BETAS, SEEDS, **{**options, **change})
    for arguments in ((other, BETAS, SEEDS), (bits, [0.5, 2.1], SEEDS), (bits, BETAS, [3, 0, 9])):
        with pytest.raises(pytest.fail.Exception):
            train_sweep(*arguments, **options)


def test_a_damaged_file_in_the_cache_is_named(bits, tmp_path):
    train_sweep(bits, BETAS, SEEDS, cache=tmp_path, **SMALL)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=f"{path.name} is truncated"):
        train_sweep(bits, BETAS, SEEDS, cache=tmp_path, **SMALL)


def test_a_cache_that_is_a_file_is_refused(bits, tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(ValueError, match=r"^cache .* folder"):
        train_sweep(bits, BETAS, SEEDS, cache=tmp_path / "a", **SMALL)


def test_state_that_another_process_cleared_away_is_no_error(small, bits, tmp_path, monkeypatch):
    def cleared(*_):
        raise FileNotFoundError

    monkeypatch.setattr(cache, "write_arrays", cleared)
    state = cache.Cache(tmp_path, 32 * "k")
    stack = StackedVAE(
        {n: np.stack([v]) for n, v in initial_weights(5, 3, 2, 0).items()}, [1.0], None
    )
    stack.compile(optimizer="adam")
    with pytest.raises(FileNotFoundError):
        state.keep(stack, [np.zeros([2, 1])])
    small.save(state.finished)
    state.keep(stack, [np.zeros([2, 1])])


def test_the_same_sweep_in_several_threads_at_once(small, bits, tmp_path):
    """One that finishes first clears its files away; the others go on, and all return the same."""
    with ThreadPoolExecutor(4) as executor:
        running = [
            executor.submit(train_sweep, bits, BETAS, SEEDS, cache=tmp_path, **SMALL)
            for _ in range(4)
        ]
    for task in running:
        np.testing.assert_allclose(task.result().rate, small.rate, rtol=1e-3)


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
train_sweep(np.load(sys.argv[1]), [0.5, 2.0], [3, 0, 8], hidden=6, epochs=7, batch_size=16, progress=False,
            cache=sys.argv[2])
"""


@pytest.mark.backend
def test_killed_and_started_again_it_goes_on_from_its_last_epoch(bits, tmp_path, monkeypatch):
    """Killed while the state of the fifth epoch is written: four are kept, and the end is the same."""
    np.save(tmp_path / "x.npy", bits)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "x.npy"), str(tmp_path / "cache")]
    assert subprocess.run(command).returncode == -signal.SIGKILL
    assert any(path.suffix == ".tmp" for path in (tmp_path / "cache").iterdir())
    trained, real = [], stacked._train_epoch
    monkeypatch.setattr(
        stacked,
        "_train_epoch",
        lambda *arguments: trained.append(arguments[-1]) or real(*arguments),
    )
    options = {**SMALL, "epochs": 7}
    resumed = train_sweep(bits, BETAS, SEEDS, cache=tmp_path / "cache", **options)
    assert trained == [4, 5, 6]
    straight = train_sweep(bits, BETAS, SEEDS, **options)
    for name in ("rate", "distortion", "kl_per_dim"):
        np.testing.assert_allclose(getattr(resumed, name), getattr(straight, name), rtol=1e-5)
    np.testing.assert_allclose(
        resumed.history["distortion"], straight.history["distortion"], rtol=1e-5
    )
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_an_interrupt_from_the_keyboard_loses_nothing_either(bits, tmp_path, monkeypatch):
    real = stacked._train_epoch

    def interrupt(*arguments):
        if arguments[-1] == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(stacked, "_train_epoch", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train_sweep(bits, BETAS, SEEDS, cache=tmp_path, **SMALL)
    monkeypatch.setattr(
        stacked,
        "_train_epoch",
        lambda *arguments: pytest.fail() if arguments[-1] < 2 else real(*arguments),
    )
    train_sweep(bits, BETAS, SEEDS, cache=tmp_path, **SMALL)


def test_a_result_of_an_earlier_version_is_read(small, tmp_path):
    """Its settings lack what later ones say beside it, as the digest of the code."""
    small.save(tmp_path / "a.npz")
    arrays, meta = read_arrays(tmp_path / "a.npz", "sweep's result")
    del meta["settings"]["code"]
    write_arrays(tmp_path / "a.npz", arrays, meta)
    loaded = SweepResult.load(tmp_path / "a.npz")
    assert loaded.vae(0, 0).latent_dim is None and loaded.part(seeds=[0]).rate == pytest.approx(
        small.rate[:, :1]
    )


def test_another_code_is_another_sweep(bits, tmp_path, monkeypatch):
    """Neither a finished result nor the state of an interrupted training is taken over from another code."""
    real, trained = stacked._train_epoch, []

    def watched(*arguments):
        trained.append(arguments[-1])
        if len(trained) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(stacked, "_train_epoch", watched)
    with pytest.raises(KeyboardInterrupt):
        train_sweep(bits, BETAS, SEEDS, cache=tmp_path, **SMALL)
    for code in ("another", "a third"):
        monkeypatch.setattr(versions, "CODE", code)
        assert train_sweep(bits, BETAS, SEEDS, cache=tmp_path, **SMALL).settings["code"] == code
    assert trained == [0, 1, 0, 1, 2, 0, 1, 2]


def test_the_code_is_what_computes_without_its_text():
    source = 'def f(x):\n    """Twice."""\n    return 2 * x\n'
    same = [
        "def f(x):\n    return 2 * x\n",
        '# Why.\ndef f(x):\n    """Two."""\n\n    return (2 *\n        x)  # it',
    ]
    other = [
        "def f(x):\n    return 3 * x\n",
        "def f(x, y=0):\n    return 2 * x\n",
        source + "C = 1\n",
    ]
    digest = versions.code_digest({"a.py": source})
    assert [versions.code_digest({"a.py": text}) for text in same] == [digest, digest]
    assert len({digest, *(versions.code_digest({"a.py": text}) for text in other)}) == 4
    assert versions.code_digest({"b.py": source}) != digest


def test_every_file_that_computes_in_a_training_is_in_the_code(bits):
    """What runs is watched, so that a function that moves to another file cannot be forgotten."""
    plan = checked_plan(
        bits, BETAS, SEEDS, Settings(6, 2, "gaussian", 0.5, 1e-3, 1, 64, 0), None, None
    )
    codes = set()
    sys.setprofile(lambda frame, event, _: codes.add(frame.f_code) if event == "call" else None)
    try:
        stacked.train_stacked(plan, False, cache.Cache(None, ""))
    finally:
        sys.setprofile(None)
    package = Path(versions.__file__).parents[1]
    paths = {Path(code.co_filename) for code in codes if code.co_name != "<module>"}
    found = {path.relative_to(package).as_posix() for path in paths if path.is_relative_to(package)}
    assert found - NO_NUMBERS == set(versions.TRAINING)


def test_a_stored_divergence_is_told_again(bits, tmp_path):
    options = {
        **SMALL,
        "learning_rate": 1.0,
        "epochs": 20,
        "likelihood": "gaussian",
        "variance": 1e-20,
    }
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"diverged: beta .*, seed"):
            train_sweep(1e3 * bits, BETAS, SEEDS, cache=tmp_path, **options)
