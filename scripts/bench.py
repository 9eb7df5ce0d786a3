"""How fast is a sweep beside its strongest peers, and how near are they to what the machine can do?

`make bench` prints one table: model-images per second of `train_sweep`, of JAX written by hand and
of Keras one model at a time. The share is that of this machine's matrix product, the best of five
of NumPy, float32, 4000 x 4000. Each contestant is a process that is compiled first and then asked
in turn, five times, so that whatever else the machine does meets all of them; the medians count.
Other work on the machine makes all numbers smaller, not all alike. `start` is what the first
training takes beyond a later one: building and compiling.
"""

import json
import os
import subprocess
import sys
import time

import bench_contestants
import numpy as np

from vaehelpers.data import load_mnist
from vaehelpers.runtime import describe_runtime, keep_large_buffers

CONTESTANTS = {  # what a line of the table says: what trains, on which backend
    "sweep on TensorFlow": ("sweep", "tensorflow"),
    "sweep on JAX": ("sweep", "jax"),
    "JAX written by hand": ("handwritten_jax", "jax"),
    "Keras on JAX, one at a time": ("keras_one_at_a_time", "jax"),
    "Keras on TensorFlow, one at a time": ("keras_one_at_a_time", "tensorflow"),
}
REPEATS = 5
IMAGES = 31 * bench_contestants.BATCH  # whole batches
MODELS = len(bench_contestants.BETAS) * len(bench_contestants.SEEDS)
PIXELS = 784
WEIGHTS = bench_contestants.HIDDEN * (2 * PIXELS + 3 * bench_contestants.LATENT)
OPERATIONS = 6 * WEIGHTS  # an image and training step


def seconds(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def work(name):
    """A contestant's process: says how long a first training took, then each that is asked for."""
    keep_large_buffers()
    x = load_mnist().x_train[:IMAGES].reshape(IMAGES, PIXELS)
    start = time.perf_counter()
    train = getattr(bench_contestants, name)(x)
    train()
    print(json.dumps(time.perf_counter() - start), flush=True)
    for _ in sys.stdin:  # a line for each further training
        print(json.dumps(seconds(train)), flush=True)


def start(name, backend):
    return subprocess.Popen(
        [sys.executable, __file__, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "KERAS_BACKEND": backend},
    )


def answer(process):
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"{' '.join(process.args)} ended without an answer: run it alone")
    return json.loads(line)


def ask(process):
    process.stdin.write("once more\n")
    process.stdin.flush()
    return answer(process)


def product_rate(n=4000):
    """Operations per second: the best of five float32 matrix products."""
    a, b = np.random.default_rng(0).standard_normal((2, n, n), "float32")
    return 2 * n**3 / min(seconds(np.matmul, a, b) for _ in range(5))


def measure():
    """Seconds of each contestant's first training and of every further one; the products' rates."""
    processes = {}
    try:
        first = {}
        for name, contestant in CONTESTANTS.items():
            processes[name] = start(*contestant)
            first[name] = answer(processes[name])  # one after the other
        products = []
        further = {name: [] for name in CONTESTANTS}
        for _ in range(REPEATS):
            products.append(product_rate())
            for name, process in processes.items():
                further[name].append(ask(process))
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
    return first, further, products


def main():
    describe_runtime()
    first, further, products = measure()
    product = np.median(products)
    trained = bench_contestants.EPOCHS * IMAGES * MODELS
    print(f"{MODELS} VAEs, {IMAGES:,} images, {bench_contestants.EPOCHS} epochs, {REPEATS} times")
    print(f"Matrix product: {product:.3g} operations/s, a training step's image: {OPERATIONS:,}")
    print(f"{'':36}{'images/s':>10}{'least':>10}{'most':>10}{'share':>8}{'start':>9}")
    for name, times in further.items():
        rates = trained / np.array(times)
        rate = np.median(rates)
        share = rate * OPERATIONS / product
        start_up = first[name] - np.median(times)
        print(
            f"{name:36}{rate:10,.0f}{rates.min():10,.0f}{rates.max():10,.0f}"
            f"{share:8.0%}{start_up:7.1f} s"
        )


if __name__ == "__main__":
    if sys.argv[1:]:
        work(sys.argv[1])
    else:
        main()
