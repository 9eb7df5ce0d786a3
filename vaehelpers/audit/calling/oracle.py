"""Anybody's loss as a function of NumPy arrays: called in its own framework, in float64 where it can."""

import sys

import numpy as np

from vaehelpers.audit.calling.failures import no_call
from vaehelpers.audit.calling.frameworks import GRADIENTS, SetUpError, framework_of, given_to, load, loaded, to_numpy
from vaehelpers.audit.calling.results import SeveralResults
from vaehelpers.audit.verdict import AuditError


class Oracle:
    """A loss that takes probes and returns float64 NumPy values, with its framework's gradients where it has any.

    Args:
        loss_fn: `(x, x_decoded, z_mean, z_log_var)` to a scalar or `[B]`.
        framework: one of `FRAMEWORKS`, or "auto": that of the first call which succeeds, and of what it returns.
        probe: a `Probe` to try it on.
        said: how it is called, for the error's words.
        device: of PyTorch, where the loss's own parameters are.

    Raises:
        AuditError: where the loss cannot be called.
        SeveralResults: where it returns several values, and which is the total is not known yet.
        SetUpError: where the audit itself cannot make the arrays to call it with.
    """

    takes_classes = False  # of images that are one-hot, instead of the images

    def __init__(self, loss_fn, framework, probe, said="x, x_decoded, z_mean, z_log_var", device=None):
        self.loss_fn = loss_fn
        self.device = device
        auto = framework == "auto"
        if not auto:
            load(framework)
        failures = []
        for name in loaded() if auto else (framework,):
            for dtype in ("float64", "float32"):
                self.framework = name
                self.dtype = dtype
                try:
                    value = self._first_value(probe, auto)
                except (AuditError, SeveralResults):
                    raise
                except Exception as error:  # whatever anybody's loss raises: the next framework or type may do
                    failures.append((self.framework, error))
                    continue
                self.rounding = self._rounding(value)
                if self.framework == "jax":
                    self._compile(probe, value)
                return
        raise no_call(failures, said)

    def _first_value(self, probe, auto):
        """What the loss is at a probe, called in the framework of what it returns."""
        result = self._call(probe)
        if auto and framework_of(result) not in (self.framework, "numpy"):
            self.framework = framework_of(result)
            result = self._call(probe)
        return to_numpy(result)

    def _rounding(self, value):
        """The rounding unit of what came back: a loss may compute in float32 whatever it is given."""
        if value.dtype.itemsize == 2:
            return np.finfo("float16").eps
        narrow = value.astype("float64") == value.astype("float32")
        single = value.dtype.itemsize <= 4 or self.dtype == "float32" or bool(np.all(narrow & (value != 0)))
        return np.finfo("float32" if single else "float64").eps

    def _compile(self, probe, value):
        """Compile a JAX loss, which is many times faster, unless it cannot be or draws its noise outside of JAX."""
        eager = self.loss_fn
        self.loss_fn = sys.modules["jax"].jit(eager)
        try:
            with self._arrays(probe) as arrays:
                same = np.array_equal(to_numpy(eager(*arrays)), value)
            self._call(probe)
        except Exception:  # a loss that leaves JAX's arrays runs all the same, only slower
            same = False
        self.loss_fn = self.loss_fn if same else eager

    def _call(self, probe):
        with self._arrays(probe) as arrays:
            return self.loss_fn(*arrays)

    def _arrays(self, probe):
        return given_to(
            self.framework, [array if array.dtype.kind in "iu" else array.astype(self.dtype) for array in probe]
        )

    def __call__(self, probe):
        try:
            value = to_numpy(self._call(probe)).astype("float64")
        except (AuditError, SetUpError):
            raise
        except Exception as error:  # anybody's loss may refuse some sizes or codes
            raise AuditError(f"loss_fn raised {at_probe(error, probe)}") from error
        if value.shape not in ((), (len(probe.x),)):
            raise AuditError(
                f"loss_fn returned shape {value.shape} for a batch of {len(probe.x)}: return one number per example "
                "or one for the batch, the sum or mean over the other axes taken"
            )
        return value

    def gradients(self, probe):
        """d mean(loss) / d (x_decoded, z_mean, z_log_var) as NumPy arrays; `None` in NumPy, which has none."""
        if self.framework not in GRADIENTS:
            return None
        with self._arrays(probe) as arrays:
            found = GRADIENTS[self.framework](self.loss_fn, *arrays)
            return [to_numpy(gradient).astype("float64") for gradient in found]


def at_probe(error, probe):
    """An error and the probe at which a loss raised it, in words."""
    return (
        f"{type(error).__name__} for images {probe.x.shape}, codes {probe.z_mean.shape} and "
        f"|z_mean| up to {np.abs(probe.z_mean).max():.2g}: {str(error)[:200]}"
    )
