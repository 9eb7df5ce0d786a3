"""Data whose numbers are known, the VAE that equals the model behind them, a process's memory."""

import subprocess
import sys

import numpy as np
import pytest
from hand_set import exact_vae

from vaehelpers.collapse import LinearGaussian


@pytest.fixture(scope="session")
def exact():
    """A linear-Gaussian model with a strong, a weak and an idle dimension, its data, its VAE."""
    weights = np.linalg.qr(np.random.default_rng(0).normal(size=[6, 3]))[0] * [3.0, 1.0, 0.0]
    model = LinearGaussian(weights, np.full(6, 0.5), 1.0)
    return model, model.sample(2000, seed=1)[0].astype("float32"), exact_vae(model)


@pytest.fixture(scope="session")
def bits():
    """Three copies of one bit, black or white as often: their threshold of collapse is 3."""
    return np.tile([[0.0], [1.0]], [150, 3]).astype("float32")


@pytest.fixture
def peak_gigabytes():
    """The peak memory of a process that runs some code.

    It is read from /proc: what getrusage says of a child starts at its parent's peak.
    """
    if sys.platform != "linux":
        pytest.skip("the peak memory of a process is read from /proc, which is not here")

    def peak(code):
        tell = "print(*(line for line in open('/proc/self/status') if line.startswith('VmHWM')))"
        command = [sys.executable, "-c", f"import sys\n{code}\n{tell}"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return int(done.stdout.split()[-2]) / 1e6

    return peak
