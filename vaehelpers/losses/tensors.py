"""What the terms share: tensors of one floating-point type, checked by their shapes."""

import math

from keras import ops
from keras.backend import result_type

LOG_2PI = math.log(2 * math.pi)


def sum_per_example(values):
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))


def same_shape(x, other):
    """Whether the shapes are equal; an axis of unknown length, as in a compiled step, equals any."""
    pairs = zip(x.shape, other.shape, strict=False)
    return len(x.shape) == len(other.shape) and all(
        a == b or a is None or b is None for a, b in pairs
    )


def check_pair(x, other, name):
    if not same_shape(x, other):
        raise ValueError(
            f"{name} has shape {tuple(other.shape)}, x has {tuple(x.shape)}: they must be equal"
        )
    if len(x.shape) < 2:
        raise ValueError(
            f"x has shape {tuple(x.shape)}: a batch [B, ...] is wanted, add the first axis with x[None]"
        )


def check_broadcast(shape, parameter, name):
    """A parameter may be a number or broadcast to the shape, and must not make it larger."""
    pairs = zip(reversed(shape), reversed(parameter.shape), strict=False)
    if len(parameter.shape) > len(shape) or any(
        p not in (1, n, None) and n is not None for n, p in pairs
    ):
        raise ValueError(
            f"{name} has shape {tuple(parameter.shape)}, which does not broadcast to {tuple(shape)}"
        )


def floats(*arrays):
    """Tensors of one floating-point type, the widest among the arrays and float32: half precision is not for sums."""
    tensors = [ops.convert_to_tensor(array) for array in arrays]
    dtype = result_type(*(tensor.dtype for tensor in tensors), "float32")
    return [ops.cast(tensor, dtype) for tensor in tensors]


def image_pair(x, other, name):
    x, other = floats(x, other)
    check_pair(x, other, name)
    return x, other


def per_example(values, name, n=None):
    """What a likelihood or a prior returned, where it is one number per example, `[B]` (and B is n)."""
    shape = getattr(values, "shape", None)
    if shape is None or len(shape) != 1 or n not in (None, shape[0]):
        found = f"a {type(values).__name__}" if shape is None else f"shape {tuple(shape)}"
        images = "" if n is None else f" for {n} images"
        raise ValueError(f"{name} returned {found}{images}: return one number per example, [B]")
    return values
