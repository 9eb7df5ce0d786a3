"""A sweep on a Dask cluster of separate processes, one of which is killed on the way."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from distributed import Client

SEEDS = [0, 1, 2, 3]
EPOCHS = 40
OPTIONS = {"betas": [0.5, 2.0], "seeds": SEEDS, "epochs": EPOCHS}

# Loaded by every worker: it writes down each epoch, and makes it last so that a kill hits one.
PRELOAD = """
import os, time
from vaehelpers.sweep import stacked
stacked.COMPILE = False
def dask_setup(worker):
    real = stacked.train_epoch
    def train_epoch(stack, plan, epoch):
        with open(os.environ["EPOCHS_LOG"], "a") as file:
            file.write(f"{os.getpid()} {plan.seeds[0]} {epoch}\\n")
        time.sleep(0.05)
        return real(stack, plan, epoch)
    stacked.train_epoch = train_epoch
"""


def wait_for(condition, what, seconds=90):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"no {what} within {seconds} s"
        time.sleep(0.05)


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers of one thread, without a nanny that would start others."""
    (tmp_path / "preload.py").write_text(PRELOAD)
    log, where = tmp_path / "epochs.log", tmp_path / "scheduler.json"
    log.touch()
    dask = [sys.executable, "-m", "dask"]
    there = ["--scheduler-file", str(where), "--no-dashboard"]
    preload = ["--preload", str(tmp_path / "preload.py")]
    worker = [*dask, "worker", *there, "--no-nanny", "--nthreads", "1", *preload]
    commands = [[*dask, "scheduler", *there, "--port", "0"], worker, worker]
    environment = {**os.environ, "EPOCHS_LOG": str(log)}
    options = {"cwd": tmp_path, "env": environment, "stderr": subprocess.DEVNULL}
    processes = [subprocess.Popen(command, **options) for command in commands]
    try:
        wait_for(where.exists, "scheduler")
        with Client(scheduler_file=str(where)) as client:
            client.wait_for_workers(2, timeout=90)
            yield client, log
    finally:
        for process in processes:
            process.kill()
            process.wait()


def epochs_of(log):
    """What the workers wrote: process, seed and epoch of each line, in the order of time."""
    return [
        tuple(map(int, line.split()))
        for line in log.read_text().splitlines()
        if line.count(" ") == 2
    ]


@pytest.mark.slow
def test_a_killed_worker_loses_nothing(train, cluster, tmp_path):
    client, log = cluster
    executor = client.get_executor()
    with ThreadPoolExecutor(1) as background:
        cached = {**OPTIONS, "cache": tmp_path / "cache"}
        running = background.submit(train, executor=executor, **cached)
        wait_for(lambda: any(line[2] == 5 for line in epochs_of(log)), "fifth epoch")
        victim, seed, _ = next(line for line in epochs_of(log) if line[2] == 5)
        os.kill(victim, signal.SIGKILL)
        result = running.result(timeout=120)

    lines = epochs_of(log)
    assert len({process for process, *_ in lines}) == 2
    before = [epoch for process, s, epoch in lines if s == seed and process == victim]
    after = [epoch for process, s, epoch in lines if s == seed and process != victim]
    assert before == list(range(before[-1] + 1)) and before[-1] < EPOCHS - 1
    assert after[0] in (before[-1], before[-1] + 1)  # at most one epoch is trained again
    assert after == list(range(after[0], EPOCHS))
    straight = train(**OPTIONS)
    for name in ("rate", "distortion", "kl_per_dim"):
        found = getattr(result, name)
        np.testing.assert_allclose(found, getattr(straight, name), rtol=1e-3, atol=1e-6)
    assert result.seeds.tolist() == SEEDS
