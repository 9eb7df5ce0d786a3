"""Who trains the same VAEs in `bench.py`: each function returns one that trains all of them once.

All take the same images, betas, seeds, batches and epochs, the network 784-128-2-128-784 and Adam.
"""

import numpy as np

HIDDEN = 128
LATENT = 2
BATCH = 128
RATE = 3e-3
BETAS = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]
SEEDS = [0, 1, 2, 3]
EPOCHS = 2


def sweep(x):
    """`train_sweep`'s training: the stack and its epochs, without what a call does once."""
    from vaehelpers.sweep import stacked
    from vaehelpers.sweep.settings import Plan

    options = {"hidden": HIDDEN, "latent_dim": LATENT, "likelihood": "bernoulli", "variance": 1.0}
    options |= {"learning_rate": RATE, "epochs": EPOCHS, "batch_size": BATCH, "shuffle_seed": 0}
    plan = Plan(x=x, betas=BETAS, seeds=SEEDS, **options)
    stack = stacked.new_stack(plan)

    def train():
        for epoch in range(EPOCHS):
            stacked.train_epoch(stack, plan, epoch)

    return train


def weighted_loss(weights, beta, images, noise):
    """The mean of distortion + beta x rate, of one member: what `jax.grad` differentiates."""
    import jax
    from jax import numpy as jnp

    def dense(h, name):
        return h @ weights[f"{name}_kernel"] + weights[f"{name}_bias"]

    h = jax.nn.relu(dense(images, "hidden"))
    z_mean, z_log_var = dense(h, "z_mean"), dense(h, "z_log_var")
    z = z_mean + jnp.exp(z_log_var / 2) * noise
    logits = dense(jax.nn.relu(dense(z, "code")), "output")
    distortion = jnp.sum(jax.nn.softplus(logits) - images * logits, axis=1)
    rate = jnp.sum(z_mean**2 + jnp.exp(z_log_var) - 1 - z_log_var, axis=1) / 2
    return jnp.mean(distortion + beta * rate)


def adam(state, gradients):
    """Adam's next state: weights, means of gradients and of their squares, steps."""
    import jax
    from jax import numpy as jnp

    weights, means, squares, steps = state
    steps = steps + 1
    means = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, means, gradients)
    squares = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g**2, squares, gradients)
    size = RATE * jnp.sqrt(1 - 0.999**steps) / (1 - 0.9**steps)
    moves = jax.tree.map(lambda m, v: size * m / (jnp.sqrt(v) + 1e-7), means, squares)
    return jax.tree.map(jnp.subtract, weights, moves), means, squares, steps


def handwritten_jax(x):
    """JAX without Keras: `vmap` over betas and seeds, `scan` over the steps of an epoch."""
    import jax

    from vaehelpers.sweep.network import initial_weights

    first = initial_weights(x.shape[1], HIDDEN, LATENT, SEEDS)
    weights = {name: np.concatenate([value[0]] * len(BETAS)) for name, value in first.items()}
    betas = np.repeat(BETAS, len(SEEDS)).astype("float32")
    gradients = jax.vmap(jax.grad(weighted_loss), in_axes=(0, 0, None, 0))

    def step(state, batch):
        return adam(state, gradients(state[0], betas, *batch)), None

    @jax.jit
    def epoch(state, key):
        order, noise = jax.random.split(key)
        batches = jax.random.permutation(order, x).reshape(-1, BATCH, x.shape[1])
        shape = (len(batches), len(betas), BATCH, LATENT)
        return jax.lax.scan(step, state, (batches, jax.random.normal(noise, shape)))[0]

    def train():
        zeros = {name: np.zeros_like(value) for name, value in weights.items()}
        state = (weights, zeros, zeros, 0.0)
        for key in jax.random.split(jax.random.key(0), EPOCHS):
            state = epoch(state, key)
        jax.block_until_ready(state)

    return train


def keras_one_at_a_time(x):
    """A Keras model of the usual kind and its `fit`, one member after the other, compiled once."""
    import keras
    from keras import layers, ops

    from vaehelpers.sweep.network import initial_weights

    image, code = keras.Input(x.shape[1:]), keras.Input((LATENT,))
    h = layers.Dense(HIDDEN, activation="relu")(image)
    encoder = keras.Model(image, [layers.Dense(LATENT)(h), layers.Dense(LATENT)(h)])
    h = layers.Dense(HIDDEN, activation="relu")(code)
    decoder = keras.Model(code, layers.Dense(x.shape[1], activation="sigmoid")(h))

    class VAE(keras.Model):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = encoder, decoder
            self.noise = keras.random.SeedGenerator(0)
            self.beta = self.add_weight(shape=(), name="beta", trainable=False)

        def call(self, images):
            z_mean, z_log_var = self.encoder(images)
            noise = keras.random.normal(ops.shape(z_mean), seed=self.noise)
            return z_mean, z_log_var, self.decoder(z_mean + ops.exp(z_log_var / 2) * noise)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            z_mean, z_log_var, x_decoded = y_pred
            distortion = x.shape[1] * keras.losses.binary_crossentropy(x, x_decoded)
            rate = ops.sum(z_mean**2 + ops.exp(z_log_var) - 1 - z_log_var, axis=1) / 2
            return ops.mean(distortion + self.beta * rate)

    vae = VAE()
    vae.compile(optimizer=keras.optimizers.Adam(RATE))
    vae.build((None, *x.shape[1:]))
    vae.optimizer.build(vae.trainable_variables)
    first = [ops.convert_to_numpy(variable) for variable in vae.optimizer.variables]

    def train():
        for seed in SEEDS:
            member = initial_weights(x.shape[1], HIDDEN, LATENT, [seed])
            names = ("hidden", "z_mean", "z_log_var", "code", "output")
            values = [
                member[f"{name}_{part}"][0, 0] for name in names for part in ("kernel", "bias")
            ]
            for beta in BETAS:
                for variable, value in zip(vae.trainable_variables, values, strict=True):
                    variable.assign(value)
                for variable, value in zip(vae.optimizer.variables, first, strict=True):
                    variable.assign(value)
                vae.beta.assign(beta)
                vae.fit(x, epochs=EPOCHS, batch_size=BATCH, verbose=0)

    return train
