"""What the terms share: tensors of one floating-point type, checked by their shapes."""

from typing import Any

from keras import ops
from keras.backend import result_type

Tensor = Any  # an array or a tensor of NumPy, TensorFlow or JAX


def sum_per_example(values):
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))


def same_shape(x, other):
    """Whether the shapes are equal; an axis of unknown length, in a compiled step, equals any."""
    pairs = zip(x.shape, other.shape, strict=False)
    return len(x.shape) == len(other.shape) and all(
        a == b or a is None or b is None for a, b in pairs
    )


def parameter(value, x, name):
    """A parameter of x's type: a number, or what broadcasts to x and does not make it larger."""
    value = ops.cast(value, x.dtype)
    pairs = zip(reversed(x.shape), reversed(value.shape), strict=False)
    if len(value.shape) > len(x.shape) or any(
        p not in (1, n, None) and n is not None for n, p in pairs
    ):
        raise ValueError(
            f"{name} has shape {tuple(value.shape)}, which does not broadcast to {tuple(x.shape)}"
        )
    return value


def floats(*arrays):
    """Tensors of the widest type among the arrays and float32: half precision is not for sums."""
    tensors = [ops.convert_to_tensor(array) for array in arrays]
    dtype = result_type(*(tensor.dtype for tensor in tensors), "float32")
    return [ops.cast(tensor, dtype) for tensor in tensors]


def image_pair(x, other, name):
    """Images and what the decoder says of them, of one shape and type."""
    x, other = floats(x, other)
    found = f"x has shape {tuple(x.shape)}"
    if not same_shape(x, other):
        raise ValueError(f"{name} has shape {tuple(other.shape)}, {found}: they must be equal")
    if len(x.shape) < 2:
        raise ValueError(f"{found}: a batch [B, ...] is wanted, add the first axis with x[None]")
    return x, other


def returned(values, name, rank, cure, n=None):
    """What a user's function returned, where it has that rank (and as many entries as n)."""
    shape = getattr(values, "shape", None)
    if shape is None or len(shape) != rank or n not in (None, *shape):
        found = f"a {type(values).__name__}" if shape is None else f"shape {tuple(shape)}"
        images = "" if n is None else f" for {n} images"
        raise ValueError(f"{name} returned {found}{images}: return {cure}")
    return values


def per_example(values, name, n=None):
    """What a likelihood or a prior returned, where it is one number per example (and of n)."""
    return returned(values, name, 1, "one number per example, [B]", n)
