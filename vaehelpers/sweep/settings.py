"""What `train_sweep` accepts: each argument checked once, by name, before anything is trained."""

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vaehelpers.data import check_images
from vaehelpers.data.checks import check_number, check_whole
from vaehelpers.data.likelihoods import LIKELIHOODS, chosen_likelihood
from vaehelpers.sweep.result import SIZES, SweepResult
from vaehelpers.sweep.storage import digest
from vaehelpers.sweep.versions import framework

WHOLE = {"latent_dim": 1, "epochs": 1, "batch_size": 1, "shuffle_seed": 0}
SMALLEST = 1e-30  # what float32 can hold with room for a product
LARGEST = 1e30
LISTS = {  # the kinds that NumPy may read, their name, the largest, and what they are kept as
    "betas": ("iuf", "numbers", LARGEST, "float64"),
    "seeds": ("iu", "whole numbers", 2**63 - 1, "int64"),
}


@dataclass
class Plan:
    """One sweep that is to be trained: the arguments of `train_sweep` of these names, checked.

    Raises:
        TypeError, ValueError: that name the one that does not fit.

    Example:
        >>> options = {"latent_dim": 2, "learning_rate": 3e-3, "batch_size": 128, "shuffle_seed": 0}
        >>> options |= {"hidden": None, "likelihood": "gaussian", "variance": np.float32(0.5)}
        >>> Plan(x=np.eye(4), betas=[1], seeds=[0], epochs=np.int64(5), **options).variance
        0.5
    """

    x: Any
    betas: Any
    seeds: Any
    hidden: int | None
    latent_dim: int
    likelihood: Any
    variance: float
    learning_rate: float
    epochs: int
    batch_size: int
    shuffle_seed: int
    validation: Any = None
    start: SweepResult | None = None

    def __post_init__(self):
        checked = vars(self)
        checked["likelihood"] = _likelihood(self.likelihood)
        if self.hidden is not None:
            checked["hidden"] = check_whole(self.hidden, "hidden")
        for name, smallest in WHOLE.items():
            checked[name] = check_whole(checked[name], name, smallest)
        for name in ("variance", "learning_rate"):
            checked[name] = _float32(checked[name], name)
        if self.likelihood != "gaussian" and self.variance != 1.0:
            raise ValueError(
                "variance belongs to the Gaussian: leave it out, or pass likelihood='gaussian'"
            )
        checked_images = partial(
            check_images, unit_interval=LIKELIHOODS[self.likelihood].unit_interval
        )
        checked["x"] = checked_images(self.x)
        if self.validation is not None:
            checked["validation"] = checked_images(
                self.validation, image_shape=self.x.shape[1:], name="validation"
            )
        for name in LISTS:
            checked[name] = _checked_list(checked[name], name)
        if self.start is not None:
            _check_start(self.start, self)

    @property
    def measured(self):
        """The images on which the result is measured."""
        return self.x if self.validation is None else self.validation

    def options(self):
        """How each member is built and trained: what a task for one seed is given too."""
        names = ("hidden", "likelihood", "variance", "learning_rate", *WHOLE)
        return {name: getattr(self, name) for name in names}

    def stored_settings(self):
        """What a result and the cache's key hold: options, sizes, start, and what computes."""
        return {
            **self.options(),
            "image_shape": list(self.x.shape[1:]),
            "n_train": len(self.x),
            "n_measured": len(self.measured),
            "measured_on": "x" if self.validation is None else "validation",
            "start": None if self.start is None else digest(self.start.weights, {}),
            **framework(),
        }


def _likelihood(likelihood):
    """Its name; of a partial that fixes an argument the name alone would be kept."""
    if isinstance(likelihood, partial) and (likelihood.args or likelihood.keywords):
        raise ValueError(
            f"likelihood is {likelihood!r}: pass its name, and a Gaussian's variance as variance"
        )
    return chosen_likelihood(likelihood).name


def _float32(value, name):
    number = check_number(value, name, least=SMALLEST)
    if number > LARGEST:
        raise ValueError(f"{name} is {value!r}: pass a number of at most {LARGEST}")
    return number


def _checked_list(values, name):
    """`[n]`: at least one, each once, none below 0."""
    try:
        values = np.asarray(values)
    except ValueError:  # rows of unequal length
        values = np.empty([0, 0])
    kinds, what, largest, dtype = LISTS[name]
    if values.ndim != 1 or len(values) == 0 or values.dtype.kind not in kinds:
        raise ValueError(
            f"{name} has shape {values.shape} and type {values.dtype}: pass a list of {what}"
        )
    if not ((values >= 0) & (values <= largest)).all():
        raise ValueError(f"{name} holds {values.tolist()}: pass numbers from 0 to {largest:g}")
    if len(np.unique(values)) != len(values):
        raise ValueError(
            f"{name} holds one of {values.tolist()} twice: leave it out, "
            "it would train the same again"
        )
    return values.astype(dtype)


def _check_start(start, plan):
    """That the weights of `start` fit the sweep that is to begin with them."""
    if not isinstance(start, SweepResult):
        raise TypeError(f"start is a {type(start).__name__}: pass a SweepResult")
    if start.seeds.tolist() != plan.seeds.tolist():
        raise ValueError(
            f"start was trained with the seeds {start.seeds.tolist()}, "
            f"seeds is {plan.seeds.tolist()}"
        )
    n_beta = len(plan.betas)
    if len(start.betas) not in (1, n_beta):
        raise ValueError(
            f"start has {len(start.betas)} betas, betas {n_beta}: start from one, or from as many"
        )
    wanted = plan.stored_settings()
    for name in SIZES:
        if start.settings[name] != wanted[name]:
            raise ValueError(
                f"start has {name} {start.settings[name]}, this sweep {wanted[name]}: "
                "make them equal"
            )


def check_cache(cache):
    """The folder as an absolute path, which a worker elsewhere reads alike."""
    if not isinstance(cache, (str, os.PathLike)):
        raise TypeError(f"cache is a {type(cache).__name__}: pass the path of a folder")
    folder = Path(cache).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"cache is {folder}, a file: pass a folder")
    return folder


def check_executor(executor):
    """Refuse processes made by fork, in which TensorFlow and JAX hang after a use in the parent."""
    if not hasattr(executor, "submit"):
        raise TypeError(
            f"executor is a {type(executor).__name__}: pass a concurrent.futures.Executor"
        )
    context = getattr(executor, "_mp_context", None)
    if context is not None and context.get_start_method() == "fork":
        cure = "ProcessPoolExecutor(mp_context=multiprocessing.get_context('spawn'))"
        raise ValueError(
            f"executor forks this process, in which TensorFlow and JAX hang: pass {cure}"
        )
