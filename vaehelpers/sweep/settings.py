"""What `train_sweep` accepts: each argument checked once, by name, before anything is trained."""

import os
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from vaehelpers.data import check_images
from vaehelpers.data.checks import check_number, check_whole
from vaehelpers.data.likelihoods import LIKELIHOODS, chosen_likelihood
from vaehelpers.sweep.result import SweepResult
from vaehelpers.sweep.storage import digest
from vaehelpers.sweep.versions import framework

WHOLE = {"latent_dim": 1, "epochs": 1, "batch_size": 1, "shuffle_seed": 0}
SMALLEST, LARGEST = 1e-30, 1e30  # what float32 can hold with room for a product
MUST_MATCH = ("image_shape", "hidden", "latent_dim")


@dataclass(frozen=True)
class Settings:
    """How all members are built and trained, as plain Python values; the arguments of `train_sweep` of these names.

    Raises:
        TypeError, ValueError: that name the one that does not fit.

    Example:
        >>> Settings(None, 2, "gaussian", np.float32(0.5), 3e-3, np.int64(5), 128, 0).variance
        0.5
    """

    hidden: int | None
    latent_dim: int
    likelihood: str
    variance: float
    learning_rate: float
    epochs: int
    batch_size: int
    shuffle_seed: int

    def __post_init__(self):
        checked = {"likelihood": _likelihood(self.likelihood)}
        if self.hidden is not None:
            checked["hidden"] = check_whole(self.hidden, "hidden")
        for name, smallest in WHOLE.items():
            checked[name] = check_whole(getattr(self, name), name, smallest)
        for name in ("variance", "learning_rate"):
            checked[name] = _float32(getattr(self, name), name)
        if checked["likelihood"] != "gaussian" and checked["variance"] != 1.0:
            raise ValueError(
                "variance belongs to the Gaussian: leave it out, or pass likelihood='gaussian'"
            )
        vars(self).update(checked)  # the only assignment: from here on it is frozen

    def check_images(self, x, image_shape=None, name="x"):
        """The images as float32, if the likelihood takes their pixels."""
        unit_interval = LIKELIHOODS[self.likelihood].unit_interval
        return check_images(x, unit_interval=unit_interval, image_shape=image_shape, name=name)


@dataclass(frozen=True, eq=False)
class Plan:
    """One sweep that is to be trained: images, betas `[n_beta]`, seeds `[n_seed]` and settings, all of them checked."""

    x: np.ndarray
    betas: np.ndarray
    seeds: np.ndarray
    settings: Settings
    validation: np.ndarray | None
    start: SweepResult | None

    @property
    def measured(self):
        """The images on which the result is measured."""
        return self.x if self.validation is None else self.validation

    def stored_settings(self):
        """The dict that a result and the cache's key hold: settings, sizes, start, and what computes."""
        return {
            **asdict(self.settings),
            "image_shape": list(self.x.shape[1:]),
            "n_train": len(self.x),
            "n_measured": len(self.measured),
            "measured_on": "x" if self.validation is None else "validation",
            "start": None if self.start is None else digest(self.start.weights, {}),
            **framework(),
        }


def checked_plan(x, betas, seeds, settings, validation, start):
    """The `Plan` of these arguments, or an error that names the one that does not fit."""
    x = settings.check_images(x)
    if validation is not None:
        validation = settings.check_images(validation, x.shape[1:], "validation")
    plan = Plan(
        x, check_list(betas, "betas"), check_list(seeds, "seeds"), settings, validation, start
    )
    if start is not None:
        check_start(start, plan)
    return plan


def _likelihood(likelihood):
    """Its name; a partial that fixes an argument is refused, since of a partial the name alone would be kept."""
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


def check_list(values, name):
    """`betas` as float64 or `seeds` as int64, `[n]`: at least one, each once, none below 0."""
    try:
        values = np.asarray(values)
    except ValueError:  # rows of unequal length
        values = np.empty([0, 0])
    kinds = "iuf" if name == "betas" else "iu"
    if values.ndim != 1 or len(values) == 0 or values.dtype.kind not in kinds:
        what = "numbers" if name == "betas" else "whole numbers"
        raise ValueError(
            f"{name} has shape {values.shape} and type {values.dtype}: pass a list of {what}"
        )
    largest = LARGEST if name == "betas" else 2**63 - 1
    if not ((values >= 0) & (values <= largest)).all():
        raise ValueError(f"{name} holds {values.tolist()}: pass numbers from 0 to {largest:g}")
    if len(np.unique(values)) != len(values):
        raise ValueError(
            f"{name} holds one of {values.tolist()} twice: leave it out, it would train the same again"
        )
    return values.astype("float64" if name == "betas" else "int64")


def check_start(start, plan):
    """That the weights of `start` fit the sweep that is to begin with them."""
    if not isinstance(start, SweepResult):
        raise TypeError(f"start is a {type(start).__name__}: pass a SweepResult")
    if start.seeds.tolist() != plan.seeds.tolist():
        raise ValueError(
            f"start was trained with the seeds {start.seeds.tolist()}, seeds is {plan.seeds.tolist()}"
        )
    n_beta = len(plan.betas)
    if len(start.betas) not in (1, n_beta):
        raise ValueError(
            f"start has {len(start.betas)} betas, betas {n_beta}: start from one, or from as many"
        )
    wanted = plan.stored_settings()
    for name in MUST_MATCH:
        if start.settings[name] != wanted[name]:
            raise ValueError(
                f"start has {name} {start.settings[name]}, this sweep {wanted[name]}: make them equal"
            )


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
        raise TypeError(
            f"executor is a {type(executor).__name__}: pass a concurrent.futures.Executor"
        )
    context = getattr(executor, "_mp_context", None)
    if context is not None and context.get_start_method() == "fork":
        cure = "ProcessPoolExecutor(mp_context=multiprocessing.get_context('spawn'))"
        raise ValueError(
            f"executor forks this process, in which TensorFlow and JAX hang: pass {cure}"
        )
