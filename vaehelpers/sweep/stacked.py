"""Training the stacked network and measuring its members.

With `network` and `losses`, this is all that decides a number.
"""

import sys

import numpy as np

from vaehelpers.sweep.result import SweepResult

MEASURED_AT_ONCE = 4_000_000  # decoded pixels: bounds the memory of the final measurement
# Keras's "auto" leaves XLA out on a CPU, where it is worth a factor 1.5.
COMPILE = sys.platform != "win32"
# Streams of random numbers; 0 is that of the initial weights.
SHUFFLE = 1
TRAINING = 2
MEASURING = 3


def train_stacked(plan, progress, store):
    """All members of a `Plan` at once, from the state that `store` (or `None`) holds."""
    stack = new_stack(plan)
    history = store.restore(stack) if store else []
    epochs = range(len(history), plan.epochs)
    for epoch in bar(epochs, f"{stack.n_members} VAEs", "epoch", progress):
        history.append(train_epoch(stack, plan, epoch))
        if store:
            store.keep(stack, history)
    return _result(plan, stack, history)


def new_stack(plan):
    """The stack with the weights to start from, compiled, and Adam with its state at 0."""
    import keras

    from vaehelpers.sweep.network import StackedVAE, initial_weights, log_likelihood_of

    sizes = (plan.x[0].size, plan.hidden, plan.latent_dim)
    first = plan.start.weights if plan.start else initial_weights(*sizes, plan.seeds.tolist())
    weights = {  # from [1 or n_beta, n_seed, ...] to [S, ...]
        name: np.broadcast_to(value, (len(plan.betas), *value.shape[1:])).reshape(
            -1, *value.shape[2:]
        )
        for name, value in first.items()
    }
    stack = StackedVAE(
        weights,
        np.repeat(plan.betas, len(plan.seeds)),
        log_likelihood_of(plan.likelihood, plan.variance),
    )
    # A number would become a variable of Keras's floatx, and be rounded where that is half.
    adam = keras.optimizers.Adam(lambda: plan.learning_rate)
    stack.compile(optimizer=adam, jit_compile=COMPILE)
    stack.optimizer.build(stack.trainable_variables)
    return stack


def train_epoch(stack, plan, epoch):
    """One pass over the shuffled images; each member's mean distortion and rate, `[2, S]`."""
    import keras

    n_images = len(plan.x)
    batch = min(plan.batch_size, n_images)
    n_batches = n_images // batch
    shuffle = np.random.default_rng([SHUFFLE, plan.shuffle_seed, epoch])
    order = shuffle.permutation(n_images)[: n_batches * batch]
    batches = _batches(plan, plan.x, order, [TRAINING, epoch], batch)
    if keras.backend.backend() == "jax":
        # Its train_on_batch waits for the device and takes all weights off it.
        steps = ((inputs,) for inputs in batches)
        stack.fit(steps, steps_per_epoch=n_batches, shuffle=False, verbose=0)
    else:  # TensorFlow's fit takes half as long again
        for inputs in batches:
            stack.train_on_batch(inputs)
    return stack.read_totals() / n_batches


def _batches(plan, images, order, stream, size):
    """Images `[B, D]` in that order, and noise `[B, S, J]` of each seed's own, for betas alike."""
    shape = (len(order), plan.latent_dim)
    draws = [
        np.random.default_rng([*stream, seed]).standard_normal(shape, "float32")
        for seed in plan.seeds.tolist()
    ]
    noise = np.stack(draws, axis=1)
    flat = images.reshape(len(images), -1)
    for first in range(0, len(order), size):
        rows = slice(first, first + size)
        yield flat[order[rows]], np.tile(noise[rows], (1, len(plan.betas), 1))


def _measure(stack, plan):
    """Mean distortion `[S]` and KL per dimension `[S, J]`, one draw of the code for each image."""
    from keras import ops

    images = plan.measured
    size = max(1, MEASURED_AT_ONCE // (stack.n_members * images[0].size))
    sums = [
        [np.sum(ops.convert_to_numpy(term), axis=1, dtype="float64") for term in stack(inputs)]
        for inputs in _batches(plan, images, np.arange(len(images)), [MEASURING], size)
    ]
    return [sum(parts) / len(images) for parts in zip(*sums, strict=True)]


def _result(plan, stack, history):
    """The numbers of all members `[S, ...]` as a result's `[n_beta, n_seed, ...]`."""
    sizes = (len(plan.betas), len(plan.seeds))
    distortion, kl_per_dim = _measure(stack, plan)
    kl_per_dim = kl_per_dim.reshape(*sizes, -1)
    then = np.stack(history, axis=1).reshape(2, -1, *sizes)
    return SweepResult(
        plan.betas,
        plan.seeds,
        distortion.reshape(sizes),
        kl_per_dim.sum(axis=-1),
        kl_per_dim,
        history={"distortion": then[0], "rate": then[1]},
        weights={
            name: value.reshape(*sizes, *value.shape[1:])
            for name, value in stack.member_weights().items()
        },
        settings=plan.stored_settings(),
    )


def bar(steps, what, unit, progress, total=None):
    """A progress bar of plain text with the time left, around the steps."""
    from tqdm import tqdm

    return tqdm(
        steps,
        desc=what,
        unit=unit,
        disable=not progress,
        total=total,
        file=sys.stdout,
        ascii=True,
        dynamic_ncols=False,
    )
