"""`make gpu-check`: does the course hold on a GPU, and how much faster is it there than on the CPU beside it?

    python scripts/gpu_check.py            on TensorFlow's GPU, else on JAX's; skipped by name where neither sees one
    python scripts/gpu_check.py --try      the same path in small on the CPU, on JAX: whether this script works

Four parts, each in a process of its own, first on the GPU, then with the GPU hidden: the tests marked `backend`, a
sweep against one model at a time, and lessons 00 and 06 with all of their claims. docs/gpu.md says what is known.
"""

import json
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXACT = {
    "JAX_DEFAULT_MATMUL_PRECISION": "highest",
    "NVIDIA_TF32_OVERRIDE": "0",
}  # 24 bits in a product, not TF32's 11
HIDDEN = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "JAX_PLATFORMS": "cpu",
}  # no GPU for TensorFlow, none for JAX
BETAS = [0.5, 1, 2, 4, 8, 16, 32, 64]
SEEDS = range(5)  # 40 models
GOAL = 20  # times as fast as one model at a time
SIZES = {"full": {"digits": 60_000, "epochs": 20}, "small": {"digits": 1_000, "epochs": 2}}
LESSONS = {"lesson 00": "00_the_question", "lesson 06": "06_collapse"}
ANSWER = "gpu-check answers: "


def run(backend, *arguments, environment=None, show=False):
    """A process on one backend; its result, and what it wrote."""
    given = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "VAEHELPERS_MEASURED": "shown",
        **(environment or {}),
    }
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=given, capture_output=True, text=True
    )
    if show or done.returncode:
        print(done.stdout[-2000:], done.stderr[-2000:], sep="")
    return done


def backend_with_gpu():
    """The first of TensorFlow and JAX whose devices are GPUs, else `None`; and what each said."""
    said = {}
    for backend in ("tensorflow", "jax"):
        done = run(
            backend, "-c", "from vaehelpers import runtime; print(*runtime.devices(), sep=', ')"
        )
        said[backend] = (
            done.stdout.strip().splitlines()[-1] if done.returncode == 0 else "not installed"
        )
        if said[backend].startswith("GPU"):
            return backend, said
    return None, said


def card():
    """Name, memory and driver of the card as NVIDIA's own tool gives them."""
    try:
        asked = [
            "nvidia-smi",
            "--query-gpu=name,memory.total,driver_version",
            "--format=csv,noheader",
        ]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "no nvidia-smi"


def measure_sweep(size):
    """Seconds of 40 models at once and of one alone, times 40; of all epochs but the first, which compiles."""
    import keras
    import numpy as np

    from vaehelpers import runtime
    from vaehelpers.data import load_mnist
    from vaehelpers.models import VAE, build_mlp
    from vaehelpers.sweep import train_sweep

    digits, epochs = SIZES[size]["digits"], SIZES[size]["epochs"]
    runtime.set_seed(0)
    x = np.resize(
        load_mnist().x_train, (digits, 28, 28, 1)
    )  # the embedded digits, repeated: speed alone is asked

    def seconds(function, *arguments, **options):
        start = time.perf_counter()
        function(*arguments, **options)
        return time.perf_counter() - start

    def sweep(epochs):
        train_sweep(x, BETAS, SEEDS, epochs=epochs, progress=False)

    vae = VAE(*build_mlp(latent_dim=2, hidden=128))
    vae.compile(keras.optimizers.Adam(3e-3))
    vae.fit(x, epochs=1, batch_size=128, verbose=0)
    one = seconds(vae.fit, x, epochs=1, batch_size=128, verbose=0) * epochs
    stacked = (
        (seconds(sweep, 1 + epochs) - seconds(sweep, 1))
        if size == "full"
        else seconds(sweep, epochs)
    )
    models = len(BETAS) * len(SEEDS)
    return {
        "seconds": stacked,
        "one at a time": models * one,
        "times as fast": models * one / stacked,
    }


def measure_lesson(name):
    """A lesson's cells, all claims checked; seconds of all of it and of its slowest cell. Nothing is stored."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read(ROOT / "notebooks" / f"{LESSONS[name]}.ipynb", as_version=4)
    client = NotebookClient(
        notebook, timeout=1200, resources={"metadata": {"path": ROOT / "notebooks"}}
    )
    cells = []

    def began(cell, **_):
        cells.append((time.perf_counter(), cell))

    client.on_cell_execute = began
    start = time.perf_counter()
    try:
        client.execute()
        broken = ""
    except CellExecutionError as error:
        broken = f"{error.ename}: {error.evalue}"[:300]
    times = [at for at, _ in cells] + [time.perf_counter()]
    slowest = max(after - before for before, after in pairwise(times))
    return {"seconds": times[-1] - start, "slowest cell": slowest, "claims": broken or "hold"}


def measure_tests(size):
    """The tests that can differ between backends; in small, those of one file."""
    files = ["tests"] if size == "full" else ["tests/models/test_likelihoods.py"]
    start = time.perf_counter()
    asked = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--no-header",
        "-m",
        "backend and not slow",
        *files,
    ]
    done = subprocess.run(asked, cwd=ROOT, env=os.environ | EXACT, capture_output=True, text=True)
    last = [
        line
        for line in done.stdout.splitlines()
        if " passed" in line or " failed" in line or " error" in line
    ]
    return {
        "seconds": time.perf_counter() - start,
        "said": last[-1] if last else done.stdout[-300:],
    }


def measure(part, size):
    if part == "tests":
        return measure_tests(size)
    if part == "sweep":
        return measure_sweep(size)
    return measure_lesson(part)


def answer(backend, part, size, environment=None):
    """What one part measures in a process of its own; `{}` where that process failed, which has then been shown."""
    done = run(backend, __file__, "--part", part, size, environment=environment)
    lines = [line for line in done.stdout.splitlines() if line.startswith(ANSWER)]
    return json.loads(lines[-1].removeprefix(ANSWER)) if done.returncode == 0 and lines else {}


def line_of(part, here, cpu):
    """One part in words: what it took, the ratio to the CPU, and what else it found."""
    if not here:
        return f"{part}: FAILED, see above"
    more = ", ".join(
        f"{k} {v:.1f}" if isinstance(v, float) else f"{k}: {v}"
        for k, v in here.items()
        if k != "seconds"
    )
    ratio = (
        f", on the CPU {cpu['seconds']:.1f} s, {cpu['seconds'] / here['seconds']:.1f} times as long"
        if cpu
        else ""
    )
    return f"{part}: {here['seconds']:.1f} s{ratio}; {more}"


def well(part, here):
    """Whether a part came out as it should: a test that failed or a claim that broke is a failure."""
    said = here.get("said", "1 passed")
    return (
        bool(here)
        and here.get("claims", "hold") == "hold"
        and "passed" in said
        and " failed" not in said
    )


def check(backend, parts, size, environment=None):
    """Run and print the parts; the exit status."""
    run(
        backend,
        "-c",
        "from vaehelpers import runtime; runtime.describe_runtime()",
        environment=environment,
        show=True,
    )
    failed = []
    for part in parts:
        here = answer(backend, part, size, environment)
        compared = environment is None and part != "tests"
        print(
            line_of(part, here, answer(backend, part, size, HIDDEN) if compared else {}), flush=True
        )
        failed += [] if well(part, here) else [part]
        if part == "sweep" and size == "full" and here:
            print(
                f"goal, {GOAL} times as fast as one at a time: {'met' if here['times as fast'] >= GOAL else 'MISSED'}"
            )
    print("gpu-check: " + (f"failed: {', '.join(failed)}" if failed else "all parts are well"))
    return 1 if failed else 0


def main(arguments):
    if arguments[:1] == ["--part"]:
        print(ANSWER + json.dumps(measure(*arguments[1:])))
        return 0
    if arguments == ["--try"]:
        print("On the CPU, in small: this tries the script and says nothing about a GPU.")
        return check("jax", ["tests", "sweep"], "small", HIDDEN)
    backend, said = backend_with_gpu()
    if backend is None:
        found = ", ".join(f"{name}: {devices}" for name, devices in said.items())
        print(f"gpu-check: skipped, no GPU is seen here ({found}; {card()})")
        return 0
    print(f"Card: {card()}")
    return check(backend, ["tests", "sweep", *LESSONS], "full")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
