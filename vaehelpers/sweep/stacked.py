"""Training the stacked network and measuring its members: with `network` and `losses`, all that decides a number."""

import sys

import numpy as np

from vaehelpers.sweep.result import SweepResult

MEASURED_AT_ONCE = 4_000_000  # decoded pixels: bounds the memory of the final measurement
COMPILE = (
    sys.platform != "win32"
)  # Keras's "auto" leaves XLA out on a CPU, where it is worth a factor 1.5
SHUFFLE, TRAINING, MEASURING = (
    1,
    2,
    3,
)  # streams of random numbers; 0 is that of the initial weights


def train_stacked(plan, progress, store):
    """All members of a `Plan` at once, on this machine, from the state that `store` holds; a `SweepResult`."""
    settings = plan.settings
    n_beta = len(plan.betas)
    stack = new_stack(plan)
    history = store.restore(stack)
    for epoch in bar(
        range(len(history), settings.epochs), f"{stack.n_members} VAEs", "epoch", progress
    ):
        history.append(train_epoch(stack, plan, epoch))
        store.keep(stack, history)
    measured = plan.measured.reshape(len(plan.measured), -1)
    distortion, kl_per_dim = _measure(stack, measured, plan.seeds, n_beta, settings.latent_dim)
    return _result(plan, stack, np.stack(history, axis=1), distortion, kl_per_dim)


def new_stack(plan):
    """The stack with the weights to start from, compiled, and Adam with its state at 0."""
    import keras

    from vaehelpers.sweep.network import StackedVAE, initial_weights, log_likelihood_of

    settings = plan.settings
    if plan.start is None:
        sizes = (plan.x[0].size, settings.hidden, settings.latent_dim)
        members = [initial_weights(*sizes, seed) for seed in plan.seeds.tolist()]
        weights = {
            name: np.stack([member[name] for member in members])[None] for name in members[0]
        }
    else:
        weights = plan.start.weights
    stack = StackedVAE(
        {name: _for_every_beta(value, len(plan.betas)) for name, value in weights.items()},
        np.repeat(plan.betas, len(plan.seeds)),
        log_likelihood_of(settings.likelihood, settings.variance),
    )
    # A number would become a variable of Keras's floatx, and be rounded where that is half precision.
    adam = keras.optimizers.Adam(lambda: settings.learning_rate)
    stack.compile(optimizer=adam, jit_compile=COMPILE)
    stack.optimizer.build(stack.trainable_variables)
    return stack


def _for_every_beta(value, n_beta):
    """`[1 or n_beta, n_seed, ...]` to `[n_beta * n_seed, ...]`."""
    return np.broadcast_to(value, (n_beta, *value.shape[1:])).reshape(-1, *value.shape[2:])


def train_epoch(stack, plan, epoch):
    """One pass over the shuffled images; each member's mean distortion and rate, `[2, S]`."""
    import keras

    settings = plan.settings
    images = plan.x.reshape(len(plan.x), -1)
    n_beta = len(plan.betas)
    batch = min(settings.batch_size, len(images))
    n_batches = len(images) // batch
    order = np.random.default_rng([SHUFFLE, settings.shuffle_seed, epoch]).permutation(len(images))
    noise = _noise(plan.seeds, [TRAINING, epoch], (n_batches * batch, settings.latent_dim))
    steps = (slice(k * batch, (k + 1) * batch) for k in range(n_batches))
    inputs = ((images[order[rows]], np.tile(noise[rows], (1, n_beta, 1))) for rows in steps)
    if (
        keras.backend.backend() == "jax"
    ):  # whose train_on_batch waits for the device and takes all weights off it
        stack.fit(((both,) for both in inputs), steps_per_epoch=n_batches, shuffle=False, verbose=0)
    else:  # TensorFlow's fit takes half as long again
        for both in inputs:
            stack.train_on_batch(both)
    return stack.read_totals() / n_batches


def _noise(seeds, stream, shape):
    """Standard normal numbers `[n, n_seed, J]`, each seed its own."""
    draws = [
        np.random.default_rng([*stream, seed]).standard_normal(shape, "float32")
        for seed in seeds.tolist()
    ]
    return np.stack(draws, axis=1)


def _measure(stack, images, seeds, n_beta, latent_dim):
    """Mean distortion `[S]` and KL per dimension `[S, J]` over the images, one draw of the code for each."""
    from keras import ops

    noise = _noise(seeds, [MEASURING], (len(images), latent_dim))
    size = max(1, MEASURED_AT_ONCE // (stack.n_members * images.shape[1]))
    distortion, kl_per_dim = 0.0, 0.0
    for first in range(0, len(images), size):
        rows = slice(first, first + size)
        terms = stack((images[rows], np.tile(noise[rows], (1, n_beta, 1))))
        one, other = (
            np.asarray(ops.convert_to_numpy(term), "float64").sum(axis=1) for term in terms
        )
        distortion, kl_per_dim = distortion + one / len(images), kl_per_dim + other / len(images)
    return distortion, kl_per_dim


def _result(plan, stack, history, distortion, kl_per_dim):
    """The numbers of all members `[S, ...]` as a result's `[n_beta, n_seed, ...]`; the history is `[2, epochs, S]`."""

    def per_member(values, axis=0):
        sizes = (len(plan.betas), len(plan.seeds))
        return np.reshape(values, (*values.shape[:axis], *sizes, *values.shape[axis + 1 :]))

    kl_per_dim = per_member(kl_per_dim)
    return SweepResult(
        plan.betas,
        plan.seeds,
        per_member(distortion),
        kl_per_dim.sum(axis=-1),
        kl_per_dim,
        history=dict(zip(("distortion", "rate"), per_member(history, axis=2), strict=True)),
        weights={name: per_member(value) for name, value in stack.member_weights().items()},
        settings=plan.stored_settings(),
    )


def bar(steps, what, unit, progress, total=None):
    """A progress bar of plain text with the time left, around the steps."""
    from tqdm import tqdm

    looks = {"file": sys.stdout, "ascii": True, "dynamic_ncols": False}
    return tqdm(steps, desc=what, unit=unit, disable=not progress, total=total, **looks)
