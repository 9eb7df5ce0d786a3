"""Anybody's loss as a function of NumPy arrays: called in its own framework, in float64 where it can."""

import contextlib
import importlib.util
import sys
import warnings
from typing import NamedTuple

import numpy as np


class AuditError(ValueError):
    """No single beta can be given for a loss; the message says what was found."""


class Probe(NamedTuple):
    """What a loss is called with: images, the decoder's output, and the posterior's parameters."""

    x: np.ndarray
    x_decoded: np.ndarray
    z_mean: np.ndarray
    z_log_var: np.ndarray


def _tensorflow_gradients(loss_fn, x, *inputs):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = tf.reduce_mean(loss_fn(x, *inputs))
    return tape.gradient(loss, inputs, unconnected_gradients="zero")


def _jax_gradients(loss_fn, x, *inputs):
    import jax

    return jax.grad(lambda *inputs: jax.numpy.mean(loss_fn(x, *inputs)), argnums=(0, 1, 2))(*inputs)


def _torch_gradients(loss_fn, x, *inputs):
    import torch

    with torch.inference_mode(False), torch.enable_grad():
        inputs = [tensor.clone().requires_grad_() for tensor in inputs]
        loss = loss_fn(x.clone(), *(tensor.clone() for tensor in inputs)).mean()
    if not loss.requires_grad:
        return [torch.zeros_like(tensor) for tensor in inputs]
    found = torch.autograd.grad(loss, inputs, allow_unused=True)
    return [torch.zeros_like(tensor) if g is None else g for tensor, g in zip(inputs, found, strict=True)]


def _tensors(framework, arrays):
    if framework == "tensorflow":
        return [sys.modules["tensorflow"].constant(array) for array in arrays]
    if framework == "jax":
        return [sys.modules["jax"].numpy.asarray(array) for array in arrays]
    if framework == "torch":
        return [sys.modules["torch"].tensor(array) for array in arrays]
    return arrays


GRADIENTS = {"tensorflow": _tensorflow_gradients, "jax": _jax_gradients, "torch": _torch_gradients}
FRAMEWORKS = ("numpy", *GRADIENTS)


@contextlib.contextmanager
def _quiet(framework):
    """JAX in double precision, and no warnings: a probe outside a wrong KL's domain is the audit's own doing."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(np.errstate(all="ignore"))
        warnings.simplefilter("ignore")
        if framework == "jax":
            stack.enter_context(sys.modules["jax"].enable_x64(True))
        yield


def _to_numpy(result):
    if isinstance(result, (tuple, list, dict, str)) or result is None:
        raise AuditError(
            f"loss_fn returned a {type(result).__name__}: return the total loss alone, a scalar or [B]; "
            "for example wrap it as lambda *terms: my_loss(*terms)[0]"
        )
    if hasattr(result, "detach"):
        result = result.detach().cpu()
        result = (result.double() if result.element_size() == 2 else result).numpy()
    array = np.asarray(result)
    return array if array.dtype.kind in "fiu" else array.astype("float64")


def _framework_of(result):
    module = type(result).__module__.split(".")[0]
    return {"jaxlib": "jax"}.get(module, module if module in GRADIENTS else "numpy")


class Oracle:
    """A loss that takes probes and returns float64 NumPy values, with its framework's gradients where it has any.

    Args:
        loss_fn: `(x, x_decoded, z_mean, z_log_var)` to a scalar or `[B]`.
        framework: one of `FRAMEWORKS`, or "auto": that of the first call which succeeds, and of what it returns.
        probe: a `Probe` to try it on.
    """

    def __init__(self, loss_fn, framework, probe):
        self.loss_fn = loss_fn
        failures = []
        for name in ("numpy", "torch", "tensorflow", "jax") if framework == "auto" else (framework,):
            if not self._loaded(name, framework == "auto"):
                continue
            for dtype in ("float64", "float32"):
                self.framework, self.dtype = name, dtype
                try:
                    result = self._call(probe)
                    if framework == "auto" and _framework_of(result) not in (name, "numpy"):
                        self.framework = _framework_of(result)
                        result = self._call(probe)
                    value = _to_numpy(result)
                except AuditError:
                    raise
                except Exception as error:  # whatever anybody's loss raises: the next framework or type may do
                    failures.append(f"{self.framework} {dtype}: {type(error).__name__}: {str(error)[:200]}")
                    continue
                self.rounding = self._rounding(value)
                if self.framework == "jax":
                    self._compile(probe, value)
                return
        said = "\n  ".join(dict.fromkeys(failures))
        raise AuditError(
            "loss_fn could not be called as loss_fn(x, x_decoded, z_mean, z_log_var), on images with grey pixels (a "
            f"distribution that takes bits only needs validate_args=False):\n  {said}"
        )

    @staticmethod
    def _loaded(name, auto):
        """A loss's framework has been imported with it; one that is asked for by name is imported here."""
        if not auto and importlib.util.find_spec(name) is None:
            raise ValueError(f"framework is {name!r}, which is not installed")
        if not auto:
            importlib.import_module(name)
        return name in sys.modules

    def _rounding(self, value):
        """The rounding unit of what came back: a loss may compute in float32 whatever it is given."""
        if value.dtype.itemsize == 2:
            return np.finfo("float16").eps
        narrow = value.astype("float64") == value.astype("float32")
        single = value.dtype.itemsize <= 4 or self.dtype == "float32" or bool(np.all(narrow & (value != 0)))
        return np.finfo("float32" if single else "float64").eps

    def _compile(self, probe, value):
        """Compile a JAX loss, which is many times faster, unless it cannot be or draws its noise outside of JAX."""
        eager, self.loss_fn = self.loss_fn, sys.modules["jax"].jit(self.loss_fn)
        try:
            with _quiet("jax"):
                same = np.array_equal(_to_numpy(eager(*self._arrays(probe))), value)
            self._call(probe)
        except Exception:  # a loss that leaves JAX's arrays runs all the same, only slower
            same = False
        self.loss_fn = self.loss_fn if same else eager

    def _call(self, probe):
        with _quiet(self.framework):
            return self.loss_fn(*self._arrays(probe))

    def _arrays(self, probe):
        return _tensors(self.framework, [array.astype(self.dtype) for array in probe])

    def __call__(self, probe):
        try:
            value = _to_numpy(self._call(probe)).astype("float64")
        except AuditError:
            raise
        except Exception as error:  # anybody's loss may refuse some sizes or codes
            farthest = np.abs(probe.z_mean).max()
            raise AuditError(
                f"loss_fn raised {type(error).__name__} for images {probe.x.shape}, codes {probe.z_mean.shape} and "
                f"|z_mean| up to {farthest:.2g}: {str(error)[:200]}"
            ) from error
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
        with _quiet(self.framework):
            found = GRADIENTS[self.framework](self.loss_fn, *self._arrays(probe))
            return [_to_numpy(gradient).astype("float64") for gradient in found]
