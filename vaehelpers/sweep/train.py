"""Many VAEs by one call: from the cache, on this machine, or in parts on an executor."""

import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, as_completed
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vaehelpers.runtime import keep_large_buffers
from vaehelpers.sweep.cache import Cache
from vaehelpers.sweep.result import SweepResult, join_seeds
from vaehelpers.sweep.settings import Plan, check_cache, check_executor
from vaehelpers.sweep.stacked import bar, train_stacked
from vaehelpers.sweep.storage import make_ready
from vaehelpers.sweep.versions import framework


def train_sweep(
    x: ArrayLike,
    betas: Sequence[float],
    seeds: Sequence[int],
    *,
    hidden: int | None = 128,
    latent_dim: int = 2,
    likelihood: str | Callable[[Any, Any], Any] = "bernoulli",
    variance: float = 1.0,
    learning_rate: float = 3e-3,
    epochs: int,
    batch_size: int = 128,
    shuffle_seed: int = 0,
    validation: ArrayLike | None = None,
    start: SweepResult | None = None,
    progress: bool = True,
    cache: str | os.PathLike | None = None,
    executor: Executor | None = None,
) -> SweepResult:
    """Train a dense VAE for every beta and seed at once, on `mean(distortion + beta * rate)`.

    The networks are those of `models.build_mlp`, trained by Adam. A member's initial weights and
    noise follow from its seed alone: members of one seed differ by beta alone, and no other beta or
    seed in the sweep matters to it. Each epoch leaves out the last images of its shuffled order
    that do not fill a batch.

    Args:
        x: training images `[N, ...]`.
        betas: the weights of the rate, at least 0.
        seeds: whole numbers, each once.
        hidden: the width of both hidden layers; `None` trains linear VAEs.
        latent_dim: the number J of latent dimensions.
        likelihood: "bernoulli", "continuous_bernoulli", "gaussian" or "laplace", or the function
            of `losses`.
        variance: of the Gaussian; a Laplace's scale is 1.
        learning_rate: of Adam.
        epochs: passes over x.
        batch_size: images in a step; N where that is smaller.
        shuffle_seed: of the order of the images, which all members share.
        validation: images on which the result is measured; `None` measures on x. The result says
            which.
        start: a `SweepResult` of the same seeds and networks, with one beta or as many as here,
            whose weights training starts from, with a new Adam.
        progress: show a bar with the time left.
        cache: a folder. The result is stored there under a key of everything that matters, the
            training code too, and so is the state after every epoch: the same call later loads the
            one or goes on from the other.
        executor: any `concurrent.futures.Executor` whose processes are not forks of this one; one
            task for each seed. With `cache` a folder that all workers see, a task that died with
            its worker goes on from its last epoch.

    Returns:
        A `SweepResult`. It equals members trained one by one up to rounding, which training
        amplifies.

    Raises:
        ValueError, TypeError: for images or arguments that do not fit, by name; a file in the cache
            that is damaged or another sweep's.
        OSError: before anything is trained, where the cache takes no file.

    Warns:
        UserWarning: where a member's numbers are not finite (the others are what they are without
            it), or where the cache takes no file any more (training goes on).

    Example:
        >>> x = np.random.default_rng(0).integers(2, size=(64, 2, 2, 1))
        >>> short = {"hidden": 8, "epochs": 1, "progress": False}
        >>> sweep = train_sweep(x, betas=[0.5, 4.0], seeds=[0, 1, 2], **short)
        >>> sweep.rate.shape
        (2, 3)
    """
    plan = Plan(
        x=x,
        betas=betas,
        seeds=seeds,
        hidden=hidden,
        latent_dim=latent_dim,
        likelihood=likelihood,
        variance=variance,
        learning_rate=learning_rate,
        epochs=epochs,
        batch_size=batch_size,
        shuffle_seed=shuffle_seed,
        validation=validation,
        start=start,
    )
    if executor is not None:
        check_executor(executor)
    store = None if cache is None else Cache(check_cache(cache), plan)
    result = store.load_result() if store else None
    if result is None:
        result = _trained(plan, executor, progress, store)
    diverged = [
        f"beta {plan.betas[i]:g}, seed {plan.seeds[j]}"
        for i, j in np.argwhere(~np.isfinite(result.elbo))
    ]
    if diverged:
        warnings.warn(f"not finite, training has diverged: {'; '.join(diverged)}", stacklevel=2)
    return result


def _trained(plan, executor, progress, store):
    framework()  # imports Keras quietly, or says how to install it
    if store:
        make_ready(store.folder)
    keep_large_buffers()
    if executor is None:
        result = train_stacked(plan, progress, store)
    else:
        result = _train_in_parts(plan, executor, progress, store)
    if store:
        store.save_result(result)
    return result


def _train_in_parts(plan, executor, progress, store):
    """One task for each seed: `train_sweep` itself, with that seed alone."""
    options = {
        **plan.options(),
        "validation": plan.validation,
        "cache": store and store.folder,
        "progress": False,
    }
    tasks = []
    for j, seed in enumerate(plan.seeds.tolist()):
        start = None if plan.start is None else plan.start.part(seeds=[j])
        arguments = (framework(), plan.x, plan.betas, [seed])
        tasks.append(executor.submit(_one_part, *arguments, start=start, **options))
    what = f"{len(plan.betas)} VAEs each"
    try:
        for task in bar(as_completed(tasks), what, "seed", progress, total=len(tasks)):
            task.result()  # the first that failed ends the sweep
    finally:
        for task in tasks:
            task.cancel()
    return join_seeds([task.result() for task in tasks], plan.stored_settings())


def _one_part(wanted, *arguments, **options):
    if framework() != wanted:
        raise RuntimeError(
            f"this worker runs {framework()}, the process that sent the task {wanted}: "
            "make them alike"
        )
    return train_sweep(*arguments, **options)
