"""`make gpu-check`: does the course hold on a GPU, and how much faster is it than on the CPU?

    python scripts/gpu_check.py         on TensorFlow's GPU, else on JAX's; skipped without
    python scripts/gpu_check.py --try   the same path in small on JAX's CPU: does this script work?

The tests marked `backend`; then, on the GPU and with the GPU hidden, a sweep against one model at a
time, and lessons 00 and 06 with all of their claims. docs/gpu.md says what is known.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXACT = {"JAX_DEFAULT_MATMUL_PRECISION": "highest", "NVIDIA_TF32_OVERRIDE": "0"}  # not TF32
HIDDEN = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}  # for TensorFlow, for JAX
TESTS = ["-m", "backend and not slow", "tests"]
TESTS_IN_SMALL = ["-m", "backend and not slow", "tests/losses/test_learned_variance.py"]
LESSONS = {"lesson 00": "00_the_question", "lesson 06": "06_collapse"}
BETAS = [0.5, 1, 2, 4, 8, 16, 32, 64]
SEEDS = range(5)  # 40 models
GOAL = 20  # times as fast as one model at a time


def run(backend, *command, **environment):
    """What a process of this Python says on one backend; it is shown where the process fails."""
    given = {**os.environ, "KERAS_BACKEND": backend, "VAEHELPERS_MEASURED": "shown", **environment}
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=given, capture_output=True, text=True
    )
    if done.returncode != 0:
        print(done.stdout[-2000:], done.stderr[-2000:], sep="")
        return None
    return done.stdout


def backend_with_gpu():
    """The first of TensorFlow and JAX whose devices are GPUs, else `None`; and what each said."""
    devices = "from vaehelpers import runtime; print(*runtime.devices(), sep=', ')"
    said = {}
    for backend in ("tensorflow", "jax"):
        said[backend] = (run(backend, "-c", devices) or "not installed").strip().splitlines()[-1]
        if said[backend].startswith("GPU"):
            return backend, said
    return None, said


def card():
    """Name, memory and driver of the card as NVIDIA's own tool gives them."""
    asked = "--query-gpu=name,memory.total,driver_version"
    try:
        return subprocess.check_output(["nvidia-smi", asked, "--format=csv,noheader"], text=True)
    except (OSError, subprocess.CalledProcessError):
        return "no nvidia-smi"


def tested(backend, *selection, **environment):
    """Seconds of pytest, the slowest test or cell, and the last line; `{}` where one fails."""
    start = time.perf_counter()
    said = run(backend, "-m", "pytest", "-q", "--durations=1", *selection, **environment)
    if said is None:
        return {}
    slowest = re.search(r"([\d.]+)s call", said)
    return {
        "seconds": time.perf_counter() - start,
        "slowest": float(slowest[1]) if slowest else 0.0,
        "said": said.strip().splitlines()[-1],
    }


def swept(backend, digits, epochs, **environment):
    """What `measure_sweep` measures in a process of its own; `{}` where that fails."""
    said = run(backend, __file__, "--sweep", str(digits), str(epochs), **environment)
    return json.loads(said.strip().splitlines()[-1]) if said else {}


def measure_sweep(digits, epochs):
    """Seconds of 40 models at once, and of one alone, times 40, without the epoch that compiles."""
    import keras
    import numpy as np

    from vaehelpers import runtime
    from vaehelpers.data import load_mnist
    from vaehelpers.models import VAE, build_mlp
    from vaehelpers.sweep import train_sweep

    runtime.set_seed(0)
    x = np.resize(load_mnist().x_train, (digits, 28, 28, 1))  # repeated: speed alone is asked

    def sweep(epochs):
        start = time.perf_counter()
        train_sweep(x, BETAS, SEEDS, epochs=epochs, progress=False)
        return time.perf_counter() - start

    vae = VAE(*build_mlp(latent_dim=2, hidden=128))
    vae.compile(keras.optimizers.Adam(3e-3))
    for _ in range(2):
        start = time.perf_counter()
        vae.fit(x, epochs=1, batch_size=128, verbose=0)
        alone = time.perf_counter() - start  # of the second, which compiles nothing
    together = sweep(1 + epochs) - sweep(1)
    one_by_one = len(BETAS) * len(SEEDS) * epochs * alone
    return {
        "seconds": together,
        "one at a time": one_by_one,
        "times as fast": one_by_one / together,
    }


def line_of(part, here, cpu):
    """One part in words: what it took, the ratio to the CPU, and what else it found."""
    if not here:
        return f"{part}: FAILED, see above"
    line = f"{part}: {here['seconds']:.1f} s"
    if cpu:
        ratio = cpu["seconds"] / here["seconds"]
        line += f", on the CPU {cpu['seconds']:.1f} s, {ratio:.1f} times as long"
    for name, value in here.items():
        if name != "seconds":
            line += f"; {name} {value if name == 'said' else format(value, '.1f')}"
    return line


def check(backend, parts, environment=None):
    """Run and print the parts, (function, arguments) by name; the exit status.

    Without an environment they are on the GPU, and all but the tests are compared with the CPU.
    """
    print(run(backend, "-c", "from vaehelpers import runtime; runtime.describe_runtime()"))
    failed = []
    for part, (measure, *arguments) in parts.items():
        here = measure(backend, *arguments, **(environment or (EXACT if part == "tests" else {})))
        compared = environment is None and part != "tests"
        cpu = measure(backend, *arguments, **HIDDEN) if compared else {}
        print(line_of(part, here, cpu), flush=True)
        if not here:
            failed.append(part)
        elif part == "sweep" and compared:
            met = "met" if here["times as fast"] >= GOAL else "MISSED"
            print(f"goal, {GOAL} times as fast as one at a time: {met}")
    print("gpu-check: " + (f"failed: {', '.join(failed)}" if failed else "all parts are well"))
    return 1 if failed else 0


def main(arguments):
    if arguments[:1] == ["--sweep"]:
        print(json.dumps(measure_sweep(*map(int, arguments[1:]))))
        return 0
    if arguments == ["--try"]:
        print("On the CPU, in small: this tries the script and says nothing about a GPU.")
        parts = {"tests": (tested, *TESTS_IN_SMALL), "sweep": (swept, 1000, 2)}
        return check("jax", parts, HIDDEN)
    backend, said = backend_with_gpu()
    if backend is None:
        found = ", ".join(f"{name}: {devices}" for name, devices in said.items())
        print(f"gpu-check: skipped, no GPU is seen here ({found}; {card()})")
        return 0
    print(f"Card: {card()}")
    parts = {"tests": (tested, *TESTS), "sweep": (swept, 60_000, 20)}
    for name, file in LESSONS.items():
        parts[name] = (tested, "--nbval-lax", f"notebooks/{file}.ipynb")
    return check(backend, parts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
