"""A KL weight that rises during training."""

import math
from typing import Any

import keras
from keras import ops

from vaehelpers.data.checks import check_number


class KLWarmUp(keras.callbacks.Callback):
    """Raise the model's KL weight from 0 to its final value over the first epochs, step by step.

    `beta = final * min(1, steps done / (n_epochs * steps per epoch))`. The weight is a variable
    attached to the model, which its objective reads; a plain number would be frozen when the step
    is compiled:

        beta = keras.Variable(0.0, trainable=False)
        weighted = lambda d, kl: ops.mean(d) + beta * ops.mean(ops.sum(kl, axis=1))
        vae = VAE(encoder, decoder, objective=weighted)
        vae.beta = beta
        vae.fit(x, epochs=30, callbacks=[KLWarmUp(n_epochs=10)])

    While the weight rises, so may `loss` and `val_loss`: each epoch has another objective. Compare
    epochs by `val_distortion + val_rate`. A run that goes on with `initial_epoch` goes on with its
    weight. With `steps_per_execution` every step has the weight that it has without.

    Args:
        n_epochs: how many epochs the rise takes, above 0.
        final: the weight from then on, at least 0.
        name: the variable's name in the model.

    Raises:
        TypeError: for what is no number.
        ValueError: for numbers outside these ranges; from `fit` for a model without that variable,
            and for a model that is no `VAE` and has several steps an execution.

    Source: Bowman et al. (2016), section 3.1; Sonderby et al. (2016), section 2.3.

    Example:
        >>> warm_up = KLWarmUp(n_epochs=4, final=2.0)
        >>> [warm_up.weight(epoch, 0, n_steps=10) for epoch in (0, 1, 4, 9)]
        [0.0, 0.5, 2.0, 2.0]
    """

    def __init__(self, n_epochs: float, final: float = 1.0, name: str = "beta") -> None:
        super().__init__()
        self.n_epochs = check_number(n_epochs, "n_epochs", above=0)
        self.final = check_number(final, "final", least=0)
        self.name = name
        self._n_steps = math.inf  # an unknown length makes the first epoch flat; then it is counted

    def weight(self, epoch: int, step: int, n_steps: float) -> float:
        """The weight in that step of that epoch, both counted from 0; `n_steps` make an epoch."""
        return float(self.final * min(1.0, (epoch + step / n_steps) / self.n_epochs))

    def on_train_begin(self, logs: Any = None) -> None:
        if not isinstance(self._variable(), keras.Variable):
            cure = (
                f"vae.{self.name} = keras.Variable(0.0, trainable=False), which the objective reads"
            )
            raise ValueError(f"the model has no variable named {self.name!r}: attach one, {cure}")
        at_once = self.model.steps_per_execution
        if at_once > 1 and not hasattr(self.model, "after_step"):
            raise ValueError(
                f"steps_per_execution is {at_once}, and only a VAE can move its weight within an "
                "execution: compile this model with steps_per_execution=1"
            )
        self._n_steps = self.params.get("steps") or self._n_steps
        self._slope: float | None = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch
        self._steps_before = self._steps_taken()
        slope = self.final / (self.n_epochs * self._n_steps)
        if self.model.steps_per_execution > 1 and slope != self._slope:
            # Callbacks come between executions: where these hold several steps, the step moves on.
            variable = self._variable()
            self.model.after_step = lambda: variable.assign(
                ops.minimum(variable + slope, self.final)
            )
            self.model.make_train_function(force=True)
            self._slope = slope

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._assign(batch)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._done = batch + 1
        if self.model.steps_per_execution > 1:
            self._done = self._steps_taken() - self._steps_before  # the last one may be cut short
            self._assign(batch)  # the last step has moved on, to the weight of the next

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if not self.params.get("steps"):
            self._n_steps = self._done

    def _steps_taken(self):
        optimizer = self.model.optimizer
        return int(optimizer.iterations) * (optimizer.gradient_accumulation_steps or 1)

    def _variable(self):
        return getattr(self.model, self.name, None)

    def _assign(self, step):
        last = self._n_steps - 1  # an execution's last step may lie behind the epoch's
        self._variable().assign(self.weight(self._epoch, min(step, last), self._n_steps))
