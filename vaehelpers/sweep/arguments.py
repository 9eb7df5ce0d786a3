"""What `train_sweep` accepts: each argument checked once, by name, before anything is trained."""

from importlib import metadata
from numbers import Integral, Real

import numpy as np

from vaehelpers.runtime import without_start_up_messages

LIKELIHOODS = ("bernoulli", "gaussian", "continuous_bernoulli")
WHOLE = {"latent_dim": 1, "epochs": 1, "batch_size": 1, "shuffle_seed": 0}
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
        if not isinstance(value, Real) or not 0 < value < np.inf:
            raise ValueError(f"{name} is {value!r}: pass a number above 0")
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
    values = np.asarray(values)
    kinds = "iuf" if name == "betas" else "iu"
    if values.ndim != 1 or len(values) == 0 or values.dtype.kind not in kinds:
        what = "numbers" if name == "betas" else "whole numbers"
        raise ValueError(f"{name} has shape {values.shape} and type {values.dtype}: pass a list of {what}")
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise ValueError(f"{name} holds {values.tolist()}: pass finite numbers of at least 0")
    if len(np.unique(values)) != len(values):
        raise ValueError(f"{name} holds one of {values.tolist()} twice: leave it out, it would train the same again")
    return values.astype("float64" if name == "betas" else "int64")


def check_start(start, betas, seeds, settings):
    """That the weights of `start` fit the sweep that is to begin with them."""
    if start is None:
        return
    if start.seeds.tolist() != seeds.tolist():
        raise ValueError(f"start was trained with the seeds {start.seeds.tolist()}, seeds is {seeds.tolist()}")
    if len(start.betas) not in (1, len(betas)):
        raise ValueError(f"start has {len(start.betas)} betas, betas {len(betas)}: start from one, or from as many")
    for name in MUST_MATCH:
        if start.settings[name] != settings[name]:
            raise ValueError(f"start has {name} {start.settings[name]}, this sweep {settings[name]}: make them equal")


def framework():
    """What computes, as far as it can change a result: Keras's backend and the versions of both."""
    with without_start_up_messages():
        import keras

    backend = keras.backend.backend()
    return {"keras": keras.__version__, "backend": backend, "backend_version": metadata.version(backend)}
