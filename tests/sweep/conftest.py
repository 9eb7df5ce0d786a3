"""What the tests of sweeps share: tiny images, a call that trains on them, and its result."""

import keras
import numpy as np
import pytest

from vaehelpers.sweep import stacked, train_sweep


@pytest.fixture(scope="module", autouse=True)
def without_xla():
    """To compile a tiny sweep takes XLA four times what it takes to train it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stacked, "COMPILE", keras.backend.backend() == "jax")
        yield


@pytest.fixture(scope="session")
def bits():
    """70 images `[6, 4, 1]`, every line of them twice."""
    lines = np.random.default_rng(0).integers(2, size=(70, 3, 4, 1))
    return lines.repeat(2, axis=1).astype("float32")


@pytest.fixture(scope="session")
def arguments(bits):
    """Of a sweep that takes a second: two betas, three seeds, three epochs."""
    short = {"hidden": 6, "epochs": 3, "batch_size": 16, "progress": False}
    return {"x": bits, "betas": [0.5, 2.0], "seeds": [3, 0, 8], **short}


@pytest.fixture(scope="session")
def train(arguments):
    """`train_sweep` with these arguments where no others are given."""
    return lambda **changes: train_sweep(**{**arguments, **changes})


@pytest.fixture(scope="module")
def small(train):
    return train()


class Watched(list):
    """The epochs that were trained, and the place at which an interrupt comes instead of one."""

    interrupt_at = None


@pytest.fixture
def epochs(monkeypatch):
    real = stacked.train_epoch
    found = Watched()

    def watched(stack, plan, epoch):
        if len(found) == found.interrupt_at:
            found.interrupt_at = None
            raise KeyboardInterrupt
        found.append(epoch)
        return real(stack, plan, epoch)

    monkeypatch.setattr(stacked, "train_epoch", watched)
    return found
