"""The frameworks in which a loss may be written: their arrays, their gradients, and how NumPy arrays come back."""

import contextlib
import importlib
import importlib.util
import sys
import warnings

import numpy as np


class SetUpError(RuntimeError):
    """A framework's arrays could not be made: the audit or the installation is at fault, and not the loss."""


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


GRADIENTS = {"tensorflow": _tensorflow_gradients, "jax": _jax_gradients, "torch": _torch_gradients}
FRAMEWORKS = ("numpy", *GRADIENTS)
ARRAYS = {
    "numpy": lambda array: array,
    "tensorflow": lambda array: sys.modules["tensorflow"].constant(array),
    "jax": lambda array: sys.modules["jax"].numpy.asarray(array),
    "torch": lambda array: sys.modules["torch"].tensor(array),
}


def load(framework):
    """Import a framework that is asked for by name."""
    if importlib.util.find_spec(framework) is None:
        raise ValueError(f"framework is {framework!r}, which is not installed")
    importlib.import_module(framework)


def loaded():
    """The frameworks that may be a loss's own, which have been imported with it; NumPy, the quickest, first."""
    return [name for name in ("numpy", "torch", "tensorflow", "jax") if sys.modules.get(name) is not None]


def _double_precision():
    """JAX's switch to float64, which stood in `jax.experimental` before JAX 0.8."""
    import jax

    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    from jax.experimental import enable_x64

    return enable_x64(True)


@contextlib.contextmanager
def given_to(framework, arrays, device=None):
    """NumPy arrays as that framework's own, to call a loss with: JAX in double precision, and no warnings meanwhile.

    PyTorch's go to `device`, where the parameters of the loss's own module are.

    A probe outside a wrong KL's domain is the audit's own doing, and no warning is due to the user.

    Raises:
        SetUpError: where the arrays cannot be made. What is raised inside of the block is left as it is.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(np.errstate(all="ignore"))
        warnings.simplefilter("ignore")
        try:
            if framework == "jax":
                stack.enter_context(_double_precision())
            tensors = [ARRAYS[framework](array) for array in arrays]
            tensors = [tensor.to(device) for tensor in tensors] if device is not None else tensors
        except Exception as error:  # whatever a broken installation, or a version that the audit does not know, raises
            said = f"{type(error).__name__}: {str(error)[:200]}"
            raise SetUpError(
                f"the audit could not make arrays of {framework} ({said}): that is a fault of the audit or of this "
                "installation, not of loss_fn"
            ) from error
        yield tensors


def to_numpy(result):
    """What a loss returned, as a NumPy array of numbers."""
    if hasattr(result, "detach"):
        result = result.detach().cpu()
        result = (result.double() if result.element_size() == 2 else result).numpy()
    array = np.asarray(result)
    return array if array.dtype.kind in "fiu" else array.astype("float64")


def exp(tensor):
    """The exponential, in the tensor's own framework."""
    framework = framework_of(tensor)
    if framework == "numpy":
        return np.exp(tensor)
    return tensor.exp() if framework == "torch" else _namespace(framework).exp(tensor)


def reshape(tensor, shape):
    """The same values in another shape, in the tensor's own framework."""
    if framework_of(tensor) == "tensorflow":
        return _namespace("tensorflow").reshape(tensor, shape)
    return tensor.reshape(shape)


def joined(first, second):
    """Two tensors side by side along their last axis."""
    framework = framework_of(first)
    if framework == "torch":
        return sys.modules["torch"].cat([first, second], -1)
    if framework == "tensorflow":
        return _namespace(framework).concat([first, second], -1)
    return (np if framework == "numpy" else _namespace(framework)).concatenate([first, second], -1)


def classes_of(tensor):
    """The whole numbers that a tensor, one-hot along its last axis, stands for."""
    return _namespace("tensorflow").argmax(tensor, -1) if framework_of(tensor) == "tensorflow" else tensor.argmax(-1)


def array_like(tensor, array):
    """A NumPy array as a tensor of the same framework and type."""
    if framework_of(tensor) == "torch":
        return tensor.new_tensor(array)
    if framework_of(tensor) == "tensorflow":
        return _namespace("tensorflow").constant(array, tensor.dtype)
    return array.astype(tensor.dtype)


def _namespace(framework):
    return sys.modules["tensorflow"] if framework == "tensorflow" else sys.modules["jax"].numpy


def framework_of(result):
    """The framework whose array this is; NumPy for anything else."""
    module = type(result).__module__.split(".")[0]
    return {"jaxlib": "jax"}.get(module, module if module in GRADIENTS else "numpy")
