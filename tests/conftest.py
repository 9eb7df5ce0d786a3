"""What the unit tests share: no messages at the start, the embedded digits, all of MNIST."""

import os
import sys

import numpy as np
import pytest
from hypothesis import settings

from vaehelpers import data, runtime

runtime.devices()
settings.register_profile("no deadline", deadline=None)  # several processes share the cores
settings.load_profile("no deadline")


class Everywhere:
    """Fixtures of the package's doctests too, which do not lie in this folder."""

    @pytest.fixture(autouse=True)
    def names_of_the_doctests(self, doctest_namespace):
        doctest_namespace["np"] = np

    @pytest.fixture(autouse=True)
    def close_figures(self):
        yield
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close("all")


def pytest_configure(config):
    config.pluginmanager.register(Everywhere())


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
