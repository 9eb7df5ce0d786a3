"""A KL weight that rises during training."""

import math

import keras

from vaehelpers.data.checks import check_number


class KLWarmUp(keras.callbacks.Callback):
    """Raise the model's KL weight from 0 to its final value over the first epochs, a little at every step.

    `beta = final * min(1, steps done / (n_epochs * steps per epoch))`. The weight is a variable attached to the model,
    which its objective reads; a plain number would be frozen when the step is compiled:

        beta = keras.Variable(0.0, trainable=False)
        vae = VAE(encoder, decoder, objective=lambda d, kl: ops.mean(d) + beta * ops.mean(ops.sum(kl, axis=1)))
        vae.beta = beta
        vae.fit(x, epochs=30, callbacks=[KLWarmUp(n_epochs=10)])

    While the weight rises, so may `loss` and `val_loss`: each epoch has another objective. Compare epochs by
    `val_distortion + val_rate`. A run that goes on with `initial_epoch` goes on with its weight.

    Args:
        n_epochs: how many epochs the rise takes, above 0.
        final: the weight from then on, at least 0.
        name: the variable's name in the model.

    Raises:
        TypeError: for what is no number.
        ValueError: for numbers outside these ranges; from `fit` for a model without that variable.

    Source: Bowman et al. (2016), section 3.1; Sonderby et al. (2016), section 2.3.

    Example:
        >>> warm_up = KLWarmUp(n_epochs=4, final=2.0)
        >>> [warm_up.weight(epoch, 0, n_steps=10) for epoch in (0, 1, 4, 9)]
        [0.0, 0.5, 2.0, 2.0]
    """

    def __init__(self, n_epochs, final=1.0, name="beta"):
        super().__init__()
        self.n_epochs = check_number(n_epochs, "n_epochs", above=0)
        self.final = check_number(final, "final", least=0)
        self.name = name
        self._epoch = 0
        self._n_steps = None
        self._done = 0

    def weight(self, epoch, step, n_steps):
        """The weight in that step of that epoch, both counted from 0; `n_steps` make an epoch."""
        return float(self.final * min(1.0, (epoch + step / n_steps) / self.n_epochs))

    def on_train_begin(self, logs=None):
        if not isinstance(getattr(self.model, self.name, None), keras.Variable):
            cure = (
                f"vae.{self.name} = keras.Variable(0.0, trainable=False), which the objective reads"
            )
            raise ValueError(f"the model has no variable named {self.name!r}: attach one, {cure}")

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        # The length of a generator is unknown in its first epoch, which is then flat; later it is what was counted.
        n_steps = self.params.get("steps") or self._n_steps or math.inf
        getattr(self.model, self.name).assign(self.weight(self._epoch, batch, n_steps))

    def on_train_batch_end(self, batch, logs=None):
        self._done = batch + 1

    def on_epoch_end(self, epoch, logs=None):
        self._n_steps = self._done
