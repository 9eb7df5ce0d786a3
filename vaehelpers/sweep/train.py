"""Many VAEs by one call: from the cache, on this machine, or in parts on an executor."""

import warnings
from concurrent.futures import as_completed
from dataclasses import asdict, replace

import numpy as np

from vaehelpers.runtime import keep_large_buffers
from vaehelpers.sweep.cache import Cache, key_of
from vaehelpers.sweep.result import join_seeds
from vaehelpers.sweep.settings import Settings, check_cache, check_executor, checked_plan
from vaehelpers.sweep.stacked import bar, train_stacked
from vaehelpers.sweep.versions import framework


def train_sweep(
    x,
    betas,
    seeds,
    *,
    hidden=128,
    latent_dim=2,
    likelihood="bernoulli",
    variance=1.0,
    learning_rate=3e-3,
    epochs,
    batch_size=128,
    shuffle_seed=0,
    validation=None,
    start=None,
    progress=True,
    cache=None,
    executor=None,
):
    """Train one dense VAE for every beta and every seed, all of them at once, on `mean(distortion + beta * rate)`.

    The networks are those of `networks.build_mlp`, trained by Adam. A member's initial weights and noise follow from
    its seed alone: members of one seed differ by beta alone, and no other beta or seed in the sweep matters to it.
    Each epoch leaves out the last images of its shuffled order that do not fill a batch.

    Args:
        x: training images `[N, ...]`.
        betas: the weights of the rate, at least 0.
        seeds: whole numbers, each once.
        hidden: the width of both hidden layers; `None` trains linear VAEs.
        latent_dim: the number J of latent dimensions.
        likelihood: "bernoulli", "continuous_bernoulli", "gaussian" or "laplace", or the function of `losses`.
        variance: of the Gaussian; a Laplace's scale is 1.
        learning_rate: of Adam.
        epochs: passes over x.
        batch_size: images in a step; N where that is smaller.
        shuffle_seed: of the order of the images, which all members share.
        validation: images on which the result is measured; `None` measures on x. The result says which.
        start: a `SweepResult` of the same seeds and networks, with one beta or as many as here, whose weights
            training starts from, with a new Adam.
        progress: show a bar with the time left.
        cache: a folder. The result is stored there under a key of everything that matters, the training code too, and
            so is the state after every epoch: the same call later loads the one or goes on from the other.
        executor: any `concurrent.futures.Executor` whose processes are not forks of this one; one task for each seed.
            With `cache` a folder that all workers see, a task that died with its worker goes on from its last epoch.

    Returns:
        A `SweepResult`. It equals members trained one by one up to rounding, which training amplifies.

    Raises:
        ValueError, TypeError: for images or arguments that do not fit, by name; a damaged file in the cache.

    Warns:
        UserWarning: where a member's numbers are not finite; the others are what they are without it.

    Example:
        >>> x = np.random.default_rng(0).integers(2, size=(64, 2, 2, 1))
        >>> sweep = train_sweep(x, betas=[0.5, 4.0], seeds=[0, 1, 2], hidden=8, epochs=1, progress=False)
        >>> sweep.rate.shape
        (2, 3)
    """
    settings = Settings(
        hidden, latent_dim, likelihood, variance, learning_rate, epochs, batch_size, shuffle_seed
    )
    plan = checked_plan(x, betas, seeds, settings, validation, start)
    check_executor(executor)
    cache = check_cache(cache)
    store = Cache(cache, key_of(plan))
    result = store.load_result()
    if result is None:
        keep_large_buffers()
        result = (
            train_stacked(plan, progress, store)
            if executor is None
            else _train_in_parts(plan, executor, progress, cache)
        )
        store.save_result(result)
    diverged = [
        f"beta {plan.betas[i]:g}, seed {plan.seeds[j]}"
        for i, j in np.argwhere(~np.isfinite(result.elbo))
    ]
    if diverged:
        warnings.warn(f"not finite, training has diverged: {'; '.join(diverged)}", stacklevel=2)
    return result


def _train_in_parts(plan, executor, progress, cache):
    """One task for each seed: `train_sweep` itself, with that seed alone. The parts are joined in the plan's order."""
    options = {
        **asdict(plan.settings),
        "validation": plan.validation,
        "cache": cache,
        "progress": False,
    }
    futures = {}
    for j, seed in enumerate(plan.seeds.tolist()):
        start = None if plan.start is None else plan.start.part(seeds=[j])
        task = executor.submit(
            _one_part, framework(), plan.x, plan.betas, [seed], start=start, **options
        )
        futures[task] = j
    parts = {}
    try:
        what = f"{len(plan.betas)} VAEs each"
        for future in bar(as_completed(futures), what, "seed", progress, total=len(futures)):
            parts[futures[future]] = future.result()
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    joined = join_seeds([parts[j] for j in sorted(parts)])
    return replace(joined, settings=plan.stored_settings())


def _one_part(wanted, *arguments, **options):
    if framework() != wanted:
        raise RuntimeError(
            f"this worker runs {framework()}, the process that sent the task {wanted}: make them alike"
        )
    return train_sweep(*arguments, **options)
