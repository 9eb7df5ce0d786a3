"""One training step of a Keras model as a loss: the total that it reports, and what reaches its optimiser."""

import warnings

import keras
import numpy as np
from keras import ops

from vaehelpers.audit.calling.oracle import at_probe
from vaehelpers.audit.verdict import AuditError

TOTALS = ("loss", "total_loss", "total", "vae_loss", "objective")


def as_it_is(x, target):
    return x


def with_target(x, target):
    return x, target


class KerasOracle:
    """A compiled model as a loss of what a `Hand` holds; its optimiser is a `Recorder`.

    Args:
        model: it takes part in each step with whatever stands in its networks' places.
        hand: a `Hand` that holds variables of the probes' shapes.
        recorder: the model's optimiser.
        data: `(x, target) -> what train_step takes`.
        integers: whether images `[..., T, C]` are given as the integers `[..., T]` of their largest entry.
        prepare: called before each step.
    """

    framework = "keras"
    takes_classes = False
    rounding = np.finfo("float32").eps

    def __init__(self, model, hand, recorder, data=as_it_is, integers=False, prepare=None):
        self.model = model
        self.recorder = recorder
        self.data = data
        self.integers = integers
        self.prepare = prepare or (lambda: None)
        self.hand = hand
        self.variables = list(hand.variables.values())

    def step(self, x):
        """One training step on images x, an array: the total that it reports."""
        self.prepare()
        self.model.reset_metrics()
        data = self.data(*self._inputs(np.asarray(x)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logs = self._jax_step(data) if keras.backend.backend() == "jax" else self.model.train_step(data)
        found = [key for key in TOTALS if key in logs]
        if not found:
            raise AuditError(f"the training step reports {sorted(logs)}: it must report the total as 'loss'")
        return float(ops.convert_to_numpy(logs[found[0]]))

    def _inputs(self, x):
        decoded = self.variables[0].shape
        if self.integers or (x.dtype.kind in "iu" and x.ndim < len(decoded)):
            x = ops.convert_to_tensor((x if x.ndim < len(decoded) else x.argmax(axis=-1)).astype("int32"))
            return x, x
        x = x.astype("float32")
        target = x.reshape(decoded) if x.size == np.prod(decoded) else x
        return ops.convert_to_tensor(x), ops.convert_to_tensor(target)

    def _jax_step(self, data):
        model = self.model
        model(data[0] if isinstance(data, tuple) else data)
        model.optimizer.build(model.trainable_variables)
        groups = (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        )
        logs, state = model.train_step(tuple([v.value for v in group] for group in groups), data)
        for group, values in zip(groups, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return logs

    def __call__(self, probe):
        for variable, value in zip(self.variables, probe[1:], strict=True):
            if value.size != np.prod(variable.shape):
                raise AuditError(f"the model holds {variable.name} {tuple(variable.shape)}, not {value.shape}")
            variable.assign(value.reshape(variable.shape))
        try:
            return np.asarray(self.step(probe.x), "float64")
        except AuditError:
            raise
        except Exception as error:  # a class may refuse some sizes or codes, as a function may
            raise AuditError(f"the training step raised {at_probe(error, probe)}") from error

    def gradients(self, probe):
        """d loss / d (x_decoded, z_mean, z_log_var) as they reach the optimiser."""
        self.recorder.gradients = None
        self(probe)
        found = self.recorder.gradients
        if found is None:
            raise AuditError("no gradient reached the optimiser that the model is compiled with: has it its own?")
        parts = zip(self.variables, probe[1:], strict=True)
        return [found.get(id(v), np.zeros(v.shape)).reshape(value.shape) for v, value in parts]


def record(model, recorder):
    """Put the recorder in the place of every optimiser of a model, past Keras's own tracking of attributes."""
    held = vars(model)
    for name, value in list(held.items()):
        if isinstance(value, keras.optimizers.Optimizer):
            held[name] = recorder
    held["optimizer"] = recorder


def lacks_reconstruction(oracle):
    """Whether the first step shows that neither `compile` nor `add_loss` gives the model a reconstruction term."""
    model = oracle.model
    if compiles_a_loss(model) or not is_keras_s_step(model):
        return False
    return not np.any((oracle.recorder.gradients or {}).get(id(oracle.variables[0]), 0.0))


def compiles_a_loss(model):
    """Whether a loss was given to Keras's own `compile`."""
    return getattr(model, "_compile_loss", None) is not None


def is_keras_s_step(model):
    """Whether the step and the loss are Keras's own: then the loss comes from `compile` and `add_loss` alone."""
    ours = type(model)
    return ours.train_step is keras.Model.train_step and ours.compute_loss is keras.Model.compute_loss
