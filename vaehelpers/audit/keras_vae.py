"""The audit of a Keras class: one training step at a time, on networks whose outputs are set by hand."""

import warnings

import keras
import numpy as np
from keras import ops

from vaehelpers.audit.effective_beta import audit_oracle
from vaehelpers.audit.oracle import at_probe
from vaehelpers.audit.probes import check_sizes
from vaehelpers.audit.verdict import AuditError


class _Codes(keras.Model):
    """An encoder whose codes are weights of its own, whatever the image."""

    def __init__(self, sizes, with_z):
        super().__init__(name="encoder", dtype="float32")
        shape = (sizes.batch, sizes.latent_dim)
        self.z_mean = self.add_weight(shape=shape, initializer="zeros", name="z_mean")
        self.z_log_var = self.add_weight(shape=shape, initializer="zeros", name="z_log_var")
        self.with_z = with_z
        self.noise = keras.random.SeedGenerator(0)

    def call(self, inputs, training=None):
        z_mean = ops.convert_to_tensor(self.z_mean)
        z_log_var = ops.convert_to_tensor(self.z_log_var)
        noise = keras.random.normal(z_mean.shape, dtype=z_mean.dtype, seed=self.noise)
        z = z_mean + ops.exp(0.5 * z_log_var) * noise
        return (z_mean, z_log_var, z) if self.with_z else (z_mean, z_log_var)


class _Images(keras.Model):
    """A decoder whose images are a weight of its own, whatever the code."""

    def __init__(self, sizes):
        super().__init__(name="decoder", dtype="float32")
        shape = (sizes.batch, *sizes.image_shape)
        self.x_decoded = self.add_weight(shape=shape, initializer="zeros", name="x_decoded")

    def call(self, inputs, training=None):
        return ops.convert_to_tensor(self.x_decoded)


class _Recorder(keras.optimizers.SGD):
    """An optimiser that moves nothing: it keeps each variable's gradient."""

    gradients = None

    def apply(self, gradients, trainable_variables=None):
        pairs = zip(gradients, trainable_variables or self._trainable_variables, strict=True)
        self.gradients = {id(v): ops.convert_to_numpy(g).astype("float64") for g, v in pairs if g is not None}


class KerasOracle:
    """A VAE class as a loss: the step's `loss` for a value, what reaches the optimiser for gradients."""

    framework = "keras"
    rounding = np.finfo("float32").eps

    def __init__(self, vae_class, sizes):
        failures = []
        x = ops.full((sizes.batch, *sizes.image_shape), 0.5, "float32")
        for with_z in (True, False):
            encoder = _Codes(sizes, with_z)
            decoder = _Images(sizes)
            self.variables = [decoder.x_decoded, encoder.z_mean, encoder.z_log_var]
            for self.data in (lambda x: x, lambda x: (x, x)):
                recorder = _Recorder()
                try:
                    self.vae = vae_class(encoder, decoder)
                    self.vae.compile(optimizer=recorder, run_eagerly=True)
                    self._step(x)
                except Exception as error:  # whatever the class raises: its encoder or its data may have another form
                    failures.append(f"{type(error).__name__}: {str(error)[:200]}")
                    continue
                return
        name = getattr(vae_class, "__name__", repr(vae_class))
        raise AuditError(
            f"{name} could not be made as VAE(encoder, decoder) and trained for one step; tried an "
            "encoder that returns (z_mean, z_log_var, z) and one that returns (z_mean, z_log_var):\n  "
            + "\n  ".join(dict.fromkeys(failures))
        )

    def _step(self, x):
        """One training step on images x: the total that it reports; the optimiser keeps the gradients."""
        self.vae.reset_metrics()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = self.data(x)
            logs = self._jax_step(data) if keras.backend.backend() == "jax" else self.vae.train_step(data)
        found = [key for key in ("loss", "total_loss") if key in logs]
        if not found:
            raise AuditError(f"the training step reports {sorted(logs)}: it must report the total as 'loss'")
        return float(ops.convert_to_numpy(logs[found[0]]))

    def _jax_step(self, data):
        vae = self.vae
        vae(data[0] if isinstance(data, tuple) else data)
        vae.optimizer.build(vae.trainable_variables)
        groups = vae.trainable_variables, vae.non_trainable_variables, vae.optimizer.variables, vae.metrics_variables
        logs, state = vae.train_step(tuple([v.value for v in group] for group in groups), data)
        for group, values in zip(groups, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return logs

    def __call__(self, probe):
        for variable, value in zip(self.variables, probe[1:], strict=True):
            variable.assign(value)
        x = ops.convert_to_tensor(probe.x.astype("float32"))
        try:
            return np.asarray(self._step(x), "float64")
        except AuditError:
            raise
        except Exception as error:  # a class may refuse some sizes or codes, as a function may
            raise AuditError(f"the training step raised {at_probe(error, probe)}") from error

    def gradients(self, probe):
        self.vae.optimizer.gradients = None
        self(probe)
        found = self.vae.optimizer.gradients
        if found is None:
            raise AuditError("no gradient reached the optimiser that the model is compiled with: has it its own?")
        return [found.get(id(variable), np.zeros(variable.shape)) for variable in self.variables]


def audit_keras_vae(vae_class, *, image_shape=(28, 28, 1), latent_dim=2, batch_size=8, x_decoded="auto"):
    """Which beta a Keras class trains: `audit_loss` for what its own `train_step` or `compute_loss` minimises.

    The class is made as `vae_class(encoder, decoder)` with networks whose outputs are set by hand; no step trains.

    Args:
        vae_class: the class, or a function `(encoder, decoder) -> model` for one that takes more arguments. The
            encoder returns `(z_mean, z_log_var, z)` or, where that does not fit, `(z_mean, z_log_var)`.
        image_shape, latent_dim, batch_size, x_decoded: as of `audit_loss`.

    Returns:
        A `LossAudit` with framework "keras". Its batch reduction cannot be "none": a step reports one number.

    Raises:
        AuditError: no single beta exists, or none could be told, or the class could not be trained for one step.

    Example:
        >>> from vaehelpers.models import VAE
        >>> audit_keras_vae(VAE, image_shape=(4, 4, 1)).trains_elbo
        True
    """
    if not callable(vae_class) or isinstance(vae_class, keras.Model):
        said = f"an instance of {type(vae_class).__name__}" if isinstance(vae_class, keras.Model) else repr(vae_class)
        raise TypeError(f"vae_class is {said}: pass the class, or a function (encoder, decoder) -> model")
    sizes = check_sizes(image_shape, latent_dim, batch_size)
    return audit_oracle(lambda sizes: KerasOracle(vae_class, sizes), sizes, x_decoded)
