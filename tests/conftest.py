"""What the unit tests share: no messages at the start, the embedded digits, all of MNIST."""

import os
import sys

import pytest
from hypothesis import settings

from vaehelpers import data, runtime

collect_ignore_glob = ["*conftest.py"]  # --doctest-modules would read them as one module
runtime.devices()
settings.register_profile("no deadline", deadline=None)  # several processes share the cores
settings.load_profile("no deadline")


@pytest.fixture(scope="session")
def digits():
    return data.load_mnist()


@pytest.fixture(autouse=True, scope="module")
def forget_what_was_compiled():
    """JAX keeps every compiled function: a worker grew by gigabytes over files that share none."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()


@pytest.fixture
def full_mnist():
    folder = os.environ.get("VAEHELPERS_DATA")
    if not folder or not os.path.isfile(os.path.join(folder, "mnist.npz")):
        pytest.skip("VAEHELPERS_DATA names no folder that holds mnist.npz")
    return data.load_mnist("full")
