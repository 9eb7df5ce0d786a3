"""Training all members of a sweep at once, on this machine or in parts on an executor."""

import sys
import warnings
from concurrent.futures import as_completed
from dataclasses import replace

import numpy as np

from vaehelpers.data import check_images
from vaehelpers.sweep.arguments import (
    check_cache,
    check_executor,
    check_list,
    check_settings,
    check_start,
    framework,
)
from vaehelpers.sweep.cache import Cache, key_of
from vaehelpers.sweep.result import SweepResult, join_seeds
from vaehelpers.sweep.storage import digest

MEASURED_AT_ONCE = 4_000_000  # decoded pixels: bounds the memory of the final measurement
COMPILE = sys.platform != "win32"  # Keras's "auto" leaves XLA out on a CPU, where it is worth a factor 1.5
SHUFFLE, TRAINING, MEASURING = 1, 2, 3  # streams of random numbers; 0 is that of the initial weights


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
        likelihood: "bernoulli", "gaussian" or "continuous_bernoulli".
        variance: of the Gaussian.
        learning_rate: of Adam.
        epochs: passes over x.
        batch_size: images in a step; N where that is smaller.
        shuffle_seed: of the order of the images, which all members share.
        validation: images on which the result is measured; `None` measures on x. The result says which.
        start: a `SweepResult` of the same seeds and networks, with one beta or as many as here, whose weights
            training starts from, with a new Adam.
        progress: show a bar with the time left.
        cache: a folder. The result is stored there under a key of everything that matters, and so is the state after
            every epoch: the same call later loads the one or goes on from the other.
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
    unit_interval = likelihood != "gaussian"
    x = check_images(x, unit_interval=unit_interval)
    measured = x
    if validation is not None:
        measured = check_images(validation, unit_interval=unit_interval, image_shape=x.shape[1:], name="validation")
    network = {"hidden": hidden, "latent_dim": latent_dim, "likelihood": likelihood, "variance": variance}
    training = {
        "learning_rate": learning_rate,
        "epochs": epochs,
        "batch_size": batch_size,
        "shuffle_seed": shuffle_seed,
    }
    betas, seeds = check_list(betas, "betas"), check_list(seeds, "seeds")
    settings = {
        **check_settings(network | training),
        "image_shape": list(x.shape[1:]),
        "n_train": len(x),
        "n_measured": len(measured),
        "measured_on": "x" if validation is None else "validation",
        **framework(),
    }
    check_start(start, betas, seeds, settings)
    check_executor(executor)
    settings["start"] = None if start is None else digest(start.weights, {})
    cache = check_cache(cache)
    store = Cache(cache, key_of(settings, betas, seeds, x, measured))
    finished = store.load_result()
    if finished is not None:
        return finished
    if executor is None:
        result = _train(x, betas, seeds, settings, measured, start, progress, store)
    else:
        passed_on = {**network, **training, "validation": validation, "cache": cache}
        parts = _train_in_parts(executor, x, betas, seeds, start, progress, passed_on)
        result = replace(join_seeds(parts), settings=settings)
    diverged = [f"beta {betas[i]:g}, seed {seeds[j]}" for i, j in np.argwhere(~np.isfinite(result.elbo))]
    if diverged:
        warnings.warn(f"not finite, training has diverged: {'; '.join(diverged)}", stacklevel=2)
    store.save_result(result)
    return result


def _train(x, betas, seeds, settings, measured, start, progress, store):
    import keras

    from vaehelpers.sweep.network import StackedVAE, initial_weights, log_likelihood_of

    images = x.reshape(len(x), -1)
    if start is None:
        sizes = (images.shape[1], settings["hidden"], settings["latent_dim"])
        members = [initial_weights(*sizes, seed) for seed in seeds.tolist()]
        weights = {name: np.stack([member[name] for member in members])[None] for name in members[0]}
    else:
        weights = start.weights
    log_likelihood = log_likelihood_of(settings["likelihood"], settings["variance"])
    stack = StackedVAE(
        {name: _for_every_beta(value, len(betas)) for name, value in weights.items()},
        np.repeat(betas, len(seeds)),
        log_likelihood,
    )
    stack.compile(optimizer=keras.optimizers.Adam(settings["learning_rate"]), jit_compile=COMPILE)
    stack.optimizer.build(stack.trainable_variables)
    history = store.restore(stack)
    for epoch in _bar(range(len(history), settings["epochs"]), f"{stack.n_members} VAEs", "epoch", progress):
        history.append(_train_epoch(stack, images, seeds, len(betas), settings, epoch))
        store.keep(stack, history)
    distortion, kl_per_dim = _measure(stack, measured.reshape(len(measured), -1), seeds, len(betas), settings)

    def per_member(values, axis=0):
        return np.reshape(values, (*values.shape[:axis], len(betas), len(seeds), *values.shape[axis + 1 :]))

    history = per_member(np.stack(history, axis=1), axis=2)
    weights = {name: per_member(value) for name, value in stack.member_weights().items()}
    kl_per_dim = per_member(kl_per_dim)
    histories = {"distortion": history[0], "rate": history[1]}
    return SweepResult(
        betas, seeds, per_member(distortion), kl_per_dim.sum(axis=-1), kl_per_dim, histories, weights, settings
    )


def _for_every_beta(value, n_beta):
    """`[1 or n_beta, n_seed, ...]` to `[n_beta * n_seed, ...]`."""
    return np.broadcast_to(value, (n_beta, *value.shape[1:])).reshape(-1, *value.shape[2:])


def _train_epoch(stack, images, seeds, n_beta, settings, epoch):
    """One pass over the shuffled images; each member's mean distortion and rate, `[2, S]`."""
    batch = min(settings["batch_size"], len(images))
    n_batches = len(images) // batch
    order = np.random.default_rng([SHUFFLE, settings["shuffle_seed"], epoch]).permutation(len(images))
    noise = _noise(seeds, [TRAINING, epoch], (n_batches * batch, settings["latent_dim"]))
    for k in range(n_batches):
        rows = slice(k * batch, (k + 1) * batch)
        stack.train_on_batch((images[order[rows]], np.tile(noise[rows], (1, n_beta, 1))))
    return stack.read_totals() / n_batches


def _noise(seeds, stream, shape):
    """Standard normal numbers `[n, n_seed, J]`, each seed its own."""
    draws = [np.random.default_rng([*stream, seed]).standard_normal(shape, "float32") for seed in seeds.tolist()]
    return np.stack(draws, axis=1)


def _measure(stack, images, seeds, n_beta, settings):
    """Mean distortion `[S]` and KL per dimension `[S, J]` over the images, one draw of the code for each."""
    from keras import ops

    noise = _noise(seeds, [MEASURING], (len(images), settings["latent_dim"]))
    size = max(1, MEASURED_AT_ONCE // (stack.n_members * images.shape[1]))
    distortion, kl_per_dim = 0.0, 0.0
    for first in range(0, len(images), size):
        rows = slice(first, first + size)
        terms = stack((images[rows], np.tile(noise[rows], (1, n_beta, 1))))
        one, other = (np.asarray(ops.convert_to_numpy(term), "float64").sum(axis=1) for term in terms)
        distortion, kl_per_dim = distortion + one / len(images), kl_per_dim + other / len(images)
    return distortion, kl_per_dim


def _train_in_parts(executor, x, betas, seeds, start, progress, passed_on):
    """One task for each seed: `train_sweep` itself, with that seed alone. The parts, in the order of the seeds."""
    futures = {}
    for j, seed in enumerate(seeds.tolist()):
        part = start if start is None else start.part(seeds=[j])
        task = executor.submit(_one_part, framework(), x, betas, [seed], start=part, progress=False, **passed_on)
        futures[task] = j
    parts = {}
    try:
        for future in _bar(as_completed(futures), f"{len(betas)} VAEs each", "seed", progress, total=len(futures)):
            parts[futures[future]] = future.result()
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    return [parts[j] for j in range(len(seeds))]


def _one_part(wanted, *arguments, **options):
    if framework() != wanted:
        raise RuntimeError(f"this worker runs {framework()}, the process that sent the task {wanted}: make them alike")
    return train_sweep(*arguments, **options)


def _bar(steps, what, unit, progress, total=None):
    from tqdm import tqdm

    looks = {"file": sys.stdout, "ascii": True, "dynamic_ncols": False}
    return tqdm(steps, desc=what, unit=unit, disable=not progress, total=total, **looks)
