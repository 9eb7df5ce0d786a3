"""What all pytest runs share, notebooks included: how many processes, and what each file costs against its budget.

Importing this imports no framework: of a notebook's two processes only the kernel needs one.
"""

import os
import resource
import sys
import time
import tomllib
from collections import Counter

import numpy as np
import psutil
import pytest

GIGABYTES = 2.5  # that a worker may grow to
SLOWEST = 10
SHOWN = 1.0  # CPU seconds of a file, from which on it is listed
STRICT = 2.0  # times its budget: what a file may cost where VAEHELPERS_BUDGETS=strict, as in .ci/run
costs = {}  # CPU seconds of each test


@pytest.fixture(autouse=True)
def names_of_the_doctests(doctest_namespace):
    doctest_namespace["np"] = np


@pytest.fixture(autouse=True)
def close_figures():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def pytest_addoption(parser):
    parser.addoption("--budgets", metavar="TABLE", help="compare each file with that table of tests/budgets.toml")


def pytest_configure(config):
    if config.getoption("nbval"):
        config.option.nbval_sanitize_with = str(config.rootpath / "tests" / "sanitize.cfg")
    else:
        os.environ["MPLBACKEND"] = "Agg"  # not for a notebook's kernel, which would inherit it and show no figure


def pytest_xdist_auto_num_workers(config):
    """As many processes as cores, four at most, and no more than the free memory holds."""
    free = psutil.virtual_memory().available / 1e9
    return max(1, min(os.cpu_count() or 1, 4, int(free / GIGABYTES)))


def cpu_seconds():
    """Of this process and of its children that have ended: a notebook's kernel ends in its last cell's teardown."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in usage)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    item.cpu_at_start = cpu_seconds()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item, call):
    if call.when == "teardown" and hasattr(item, "cpu_at_start"):
        item.user_properties.append(("cpu", cpu_seconds() - item.cpu_at_start))


def pytest_runtest_logreport(report):
    if report.when == "teardown":
        costs[report.nodeid] = dict(report.user_properties).get("cpu", 0.0)


def reference_product():
    """CPU seconds of ten float32 products of 1000 x 1000: in this unit a budget is the same on every machine."""
    a = np.ones([1000, 1000], "float32")
    start = time.process_time()
    for _ in range(10):
        a @ a
    return time.process_time() - start


def spent_by_file():
    spent = Counter()
    for nodeid, seconds in costs.items():
        spent[nodeid.split("::")[0]] += seconds
    return spent


def pytest_sessionfinish(session):
    table = session.config.getoption("budgets")
    if table is None or hasattr(session.config, "workerinput"):
        return
    budgets = tomllib.loads((session.config.rootpath / "tests" / "budgets.toml").read_text(encoding="utf-8"))
    scale = min(reference_product() for _ in range(5)) / budgets["reference_product"]
    allowed = {file: scale * budgets[table].get(file, budgets["any_other_file"]) for file in spent_by_file()}
    over = [file for file, seconds in spent_by_file().items() if seconds > STRICT * allowed[file]]
    session.config.budgets = (allowed, over, scale)
    if over and os.environ.get("VAEHELPERS_BUDGETS") == "strict":
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    if not costs:
        return
    terminalreporter.section("CPU seconds")
    for nodeid in sorted(costs, key=costs.get, reverse=True)[:SLOWEST]:
        terminalreporter.write_line(f"{costs[nodeid]:7.1f}           {nodeid}")
    allowed, over, scale = getattr(config, "budgets", ({}, [], 1.0))
    for file, seconds in spent_by_file().most_common():
        if file in allowed and seconds > SHOWN:
            terminalreporter.write_line(f"{seconds:7.1f} of {allowed[file]:6.0f} {file}")
    if over:
        terminalreporter.write_line(f"over {STRICT:g} times their budget: {', '.join(over)}", red=True)
    terminalreporter.write_line(
        f"{sum(costs.values()):7.1f} in all; budgets are scaled by {scale:.2f} for this machine"
    )
