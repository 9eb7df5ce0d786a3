"""What `train_sweep` accepts: each argument checked once, by name, before anything is trained."""

import os
from importlib import metadata
from numbers import Integral, Real
from pathlib import Path

import numpy as np

from vaehelpers.runtime import without_start_up_messages
from vaehelpers.sweep.result import SweepResult

LIKELIHOODS = ("bernoulli", "gaussian", "continuous_bernoulli")
WHOLE = {"latent_dim": 1, "epochs": 1, "batch_size": 1, "shuffle_seed": 0}
SMALLEST, LARGEST = 1e-30, 1e30  # what float32 can hold with room for a product
MUST_MATCH = ("image_shape", "hidden", "latent_dim")


def check_settings(settings):
    """The same settings as plain Python numbers, or an error that names the one that does not fit."""
    checked = dict(settings)
    for name, smallest in WHOLE.items():
        checked[name] = _whole(settings[name], name, smallest)
    if settings["hidden"] is not None:
        checked["hidden"] = _whole(settings["hidden"], "hidden", 1)
    for name in ("variance", "learning_rate"):
        value = settings[name]
        if isinstance(value, bool) or not isinstance(value, Real) or not SMALLEST <= value <= LARGEST:
            raise ValueError(f"{name} is {value!r}: pass a number from {SMALLEST} to {LARGEST}")
        checked[name] = float(value)
    if settings["likelihood"] not in LIKELIHOODS:
        raise ValueError(f"likelihood is {settings['likelihood']!r}: pass one of {', '.join(LIKELIHOODS)}")
    if settings["likelihood"] != "gaussian" and checked["variance"] != 1.0:
        raise ValueError("variance belongs to the Gaussian: leave it out, or pass likelihood='gaussian'")
    return checked


def _whole(value, name, smallest):
    if isinstance(value, bool) or not isinstance(value, Integral) or value < smallest:
        raise ValueError(f"{name} is {value!r}: pass a whole number of at least {smallest}")
    return int(value)


def check_list(values, name):
    """`betas` as float64 or `seeds` as int64, `[n]`: at least one, each once, none below 0."""
    try:
        values = np.asarray(values)
    except ValueError:  # rows of unequal length
        values = np.empty([0, 0])
    kinds = "iuf" if name == "betas" else "iu"
    if values.ndim != 1 or len(values) == 0 or values.dtype.kind not in kinds:
        what = "numbers" if name == "betas" else "whole numbers"
        raise ValueError(f"{name} has shape {values.shape} and type {values.dtype}: pass a list of {what}")
    largest = LARGEST if name == "betas" else 2**63 - 1
    if not ((values >= 0) & (values <= largest)).all():
        raise ValueError(f"{name} holds {values.tolist()}: pass numbers from 0 to {largest:g}")
    if len(np.unique(values)) != len(values):
        raise ValueError(f"{name} holds one of {values.tolist()} twice: leave it out, it would train the same again")
    return values.astype("float64" if name == "betas" else "int64")


def check_start(start, betas, seeds, settings):
    """That the weights of `start` fit the sweep that is to begin with them."""
    if start is None:
        return
    if not isinstance(start, SweepResult):
        raise TypeError(f"start is a {type(start).__name__}: pass a SweepResult")
    if start.seeds.tolist() != seeds.tolist():
        raise ValueError(f"start was trained with the seeds {start.seeds.tolist()}, seeds is {seeds.tolist()}")
    if len(start.betas) not in (1, len(betas)):
        raise ValueError(f"start has {len(start.betas)} betas, betas {len(betas)}: start from one, or from as many")
    for name in MUST_MATCH:
        if start.settings[name] != settings[name]:
            raise ValueError(f"start has {name} {start.settings[name]}, this sweep {settings[name]}: make them equal")


def check_cache(cache):
    """The folder as an absolute path, which a worker elsewhere reads alike."""
    if cache is None:
        return None
    if not isinstance(cache, (str, os.PathLike)):
        raise TypeError(f"cache is a {type(cache).__name__}: pass the path of a folder")
    folder = Path(cache).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"cache is {folder}, a file: pass a folder")
    return folder


def check_executor(executor):
    """Refuse processes made by fork, in which TensorFlow and JAX hang once they have run in the parent."""
    if executor is not None and not hasattr(executor, "submit"):
        raise TypeError(f"executor is a {type(executor).__name__}: pass a concurrent.futures.Executor")
    context = getattr(executor, "_mp_context", None)
    if context is not None and context.get_start_method() == "fork":
        cure = "ProcessPoolExecutor(mp_context=multiprocessing.get_context('spawn'))"
        raise ValueError(f"executor forks this process, in which TensorFlow and JAX hang: pass {cure}")


def framework():
    """What computes, as far as it can change a result: this package, Keras, its backend and NumPy, by version."""
    with without_start_up_messages():
        import keras

    backend = keras.backend.backend()
    names = ("vaehelpers", "keras", "numpy", backend)
    return {"backend": backend, "versions": {name: metadata.version(name) for name in names}}
