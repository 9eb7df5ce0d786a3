"""Model-images per second of `train_sweep`, against the Keras example's loop and this machine's matrix product.

`make bench` runs it, on TensorFlow: five interleaved repeats, of which the medians count. Every other process that
computes meanwhile makes all three numbers smaller, not all alike.
"""

import time

import numpy as np

from vaehelpers.data import load_mnist
from vaehelpers.runtime import describe_runtime, set_seed
from vaehelpers.sweep import train_sweep

HIDDEN = 128
LATENT = 2
BATCH = 128
PIXELS = 784
BETAS = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]
SEEDS = [0, 1, 2, 3]  # 24 models
REPEATS = 5
EPOCHS = 8
OPERATIONS = 6 * (
    PIXELS * HIDDEN + 2 * HIDDEN * LATENT + LATENT * HIDDEN + PIXELS * HIDDEN
)  # an image and step


def example_model():
    """The Keras example's class in our words, around the dense network: its own `train_step` with a gradient tape."""
    import keras
    import tensorflow as tf
    from keras import layers, ops

    image = keras.Input((PIXELS,))
    code = keras.Input((LATENT,))
    noise = keras.random.SeedGenerator(0)
    h = layers.Dense(HIDDEN, activation="relu")(image)
    encoder = keras.Model(image, [layers.Dense(LATENT)(h), layers.Dense(LATENT)(h)])
    h = layers.Dense(HIDDEN, activation="relu")(code)
    decoder = keras.Model(code, layers.Dense(PIXELS, activation="sigmoid")(h))

    class Example(keras.Model):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder, self.noise = encoder, decoder, noise
            self.tracker = keras.metrics.Mean(name="loss")

        def train_step(self, data):
            with tf.GradientTape() as tape:
                z_mean, z_log_var = self.encoder(data)
                eps = keras.random.normal(ops.shape(z_mean), seed=self.noise)
                x_decoded = self.decoder(z_mean + ops.exp(0.5 * z_log_var) * eps)
                distortion = PIXELS * ops.mean(keras.losses.binary_crossentropy(data, x_decoded))
                rate = -0.5 * (1 + z_log_var - ops.square(z_mean) - ops.exp(z_log_var))
                loss = distortion + ops.mean(ops.sum(rate, axis=1))
            weights = self.encoder.trainable_weights + self.decoder.trainable_weights
            self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
            self.tracker.update_state(loss)
            return {"loss": self.tracker.result()}

    model = Example()
    model.compile(optimizer=keras.optimizers.Adam(3e-3))
    return model


def seconds(function, *arguments, **options):
    start = time.perf_counter()
    function(*arguments, **options)
    return time.perf_counter() - start


def example_rate(model, x):
    """(a) One model at a time; compiled before."""
    return EPOCHS * len(x) / seconds(model.fit, x, epochs=EPOCHS, batch_size=BATCH, verbose=0)


def sweep_rate(x):
    """(b) All 24 at once: what further epochs take, so that compiling and measuring do not count."""

    def train(epochs):
        train_sweep(
            x,
            BETAS,
            SEEDS,
            hidden=HIDDEN,
            latent_dim=LATENT,
            batch_size=BATCH,
            epochs=epochs,
            progress=False,
        )

    further = seconds(train, 1 + EPOCHS) - seconds(train, 1)
    return EPOCHS * (len(x) // BATCH) * BATCH * len(BETAS) * len(SEEDS) / further


def product_rate(n=4000):
    """(c) Operations per second: the best of five float32 matrix products."""
    a, b = np.random.default_rng(0).standard_normal((2, n, n), "float32")
    return 2 * n**3 / min(seconds(np.matmul, a, b) for _ in range(5))


def main():
    set_seed(0)
    describe_runtime()
    x = load_mnist().x_train
    model = example_model()
    flat = x.reshape(len(x), -1)
    model.fit(flat, batch_size=BATCH, verbose=0)
    rates = []
    for _ in range(REPEATS):
        rates.append((example_rate(model, flat), sweep_rate(x), product_rate()))
        print(
            "(a) {:,.0f}  (b) {:,.0f} model-images/s  (c) {:.3g} operations/s".format(*rates[-1]),
            flush=True,
        )
    example, sweep, product = np.array(rates).T
    print(f"sweep / example:        {np.median(sweep / example):.2f} (wanted: 3, aim 3.7)")
    print(
        f"sweep / matrix product: {np.median(sweep * OPERATIONS / product):.0%} (wanted: 60 %, aim 80 %)"
    )


if __name__ == "__main__":
    main()
