"""What tests and the package's doctests share. It imports no framework: notebooks read it too."""

import sys

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def names_of_the_doctests(doctest_namespace):
    doctest_namespace["np"] = np


@pytest.fixture(autouse=True)
def close_figures():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
