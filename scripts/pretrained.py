"""Trains the explorers' networks, data/pretrained/beta_grid.npz: a decoder for each of 16 betas.

They are trained on MNIST's x_train without the embedded sample's 1,000 test digits, which the
explorers show, and measured on x_test. No beta lies between 0.7 and 1.4 times the threshold of
collapse, where training is slow. A second, smaller rate of learning follows the first, because what
is stored is the last step. It needs the whole of MNIST, see data/README.md.

Usage: python scripts/pretrained.py [SEED [FILE]]
"""

import json
import sys
from datetime import date
from hashlib import sha256
from importlib import metadata
from itertools import product
from pathlib import Path

import numpy as np

from vaehelpers import collapse, data, runtime
from vaehelpers.data.beta_grid import DECODER
from vaehelpers.sweep import train_sweep

GRID = Path(__file__).parent.parent / "data" / "pretrained" / "beta_grid.npz"
BELOW = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 16.0)
ABOVE = (100.0, 392.0, 784.0)
PHASES = ((3e-3, 20), (5e-4, 10))  # rate of learning, epochs
LIKELIHOODS = ("bernoulli", "gaussian")  # whose thresholds are stored; the networks are Bernoulli's


def images():
    """x_train without what the explorers show, x_test, and what they show."""
    full, sample = data.load_mnist("full"), data.load_mnist()
    shown = {image.tobytes() for image in sample.x_test}
    kept = np.array([image.tobytes() not in shown for image in full.x_train])
    assert kept.sum() == len(kept) - len(shown)
    return full.x_train[kept], full.x_test, sample.x_test


def train(x_train, x_test, seed, betas):
    sweep = None
    for rate, epochs in PHASES:
        options = {"learning_rate": rate, "epochs": epochs, "validation": x_test}
        sweep = train_sweep(x_train, betas, [seed], start=sweep, **options)
    return sweep


def codes(sweep, x):
    """Means and log variances of q(z|x) of every network, `[n_beta, N, J]` each."""
    pairs = [sweep.vae(i, 0).encode(x) for i in range(len(sweep.betas))]
    return [np.stack([pair[k] for pair in pairs]) for k in range(2)]


def turn(weights, z_mean, z_log_var):
    """Swap or flip latent axes so that a digit stays where it is from beta to beta.

    For a normal prior and a diagonal q no number changes: there are eight such turns of the plane.
    """
    kernel = weights["code_kernel"]
    turns = list(product(([0, 1], [1, 0]), product([1, -1], repeat=2)))
    for i in range(1, len(z_mean)):
        likeness = [np.sum(z_mean[i - 1] * z_mean[i][:, order] * signs) for order, signs in turns]
        order, signs = turns[int(np.argmax(likeness))]
        z_mean[i] = z_mean[i][:, order] * signs
        z_log_var[i] = z_log_var[i][:, order]
        kernel[i] = kernel[i][order] * np.array(signs)[:, None]


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    path = Path(sys.argv[2]) if len(sys.argv) > 2 else GRID
    runtime.set_seed(seed)
    x_train, x_test, shown = images()
    threshold = collapse.collapse_threshold(x_train)
    betas = [*BELOW, 0.7 * threshold, 1.4 * threshold, *ABOVE]
    sweep = train(x_train, x_test, seed, [float(f"{beta:.4g}") for beta in betas])
    decoders = {name: sweep.weights[name][:, 0].copy() for name in DECODER}
    z_mean, z_log_var = codes(sweep, shown)
    turn(decoders, z_mean, z_log_var)
    about = {
        "seed": seed,
        "phases": PHASES,
        "n_train": len(x_train),
        "threshold": {name: collapse.collapse_threshold(x_train, name) for name in LIKELIHOODS},
        "no_code_above": {name: collapse.no_code_pays_above(x_train, name) for name in LIKELIHOODS},
        "date": date.today().isoformat(),
        "device": runtime.devices()[0],
        "versions": {name: metadata.version(name) for name in ("keras", "tensorflow", "numpy")},
    }
    np.savez_compressed(
        path,
        betas=sweep.betas,
        distortion=sweep.distortion[:, 0],
        rate=sweep.rate[:, 0],
        about=json.dumps(about),
        z_mean=z_mean.astype("float16"),
        z_log_var=z_log_var.astype("float16"),
        **{name: weights.astype("float16") for name, weights in decoders.items()},
    )
    content = path.read_bytes()
    print(f"{path}: {len(content) / 1e6:.2f} MB, SHA-256 {sha256(content).hexdigest()}")
