"""What enters is checked once, by name: a wrong kind is a TypeError, a wrong value a ValueError."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike

FLOAT32_MAX = float(np.finfo("float32").max)


def check_images(
    x: ArrayLike,
    *,
    unit_interval: bool = True,
    image_shape: Sequence[int] | None = None,
    name: str = "x",
) -> np.ndarray:
    """Check a batch of images once, where it enters, and return it as a float32 NumPy array.

    Args:
        x: images `[N, ...]`, anything that NumPy can read.
        unit_interval: whether pixels outside [0, 1] are an error, as they are for a Bernoulli
            likelihood.
        image_shape: where given, the shape that x must have behind its first axis.
        name: what the error calls the argument.

    Raises:
        TypeError: where x holds no real numbers.
        ValueError: for masked values, no batch axis, another image shape, no images, NaN or
            infinite pixels, pixels outside [0, 1].

    Example:
        >>> check_images(np.zeros([2, 28, 28, 1])).dtype
        dtype('float32')
        >>> check_images(np.full([2, 28, 28, 1], 255, dtype="uint8"))
        Traceback (most recent call last):
        ...
        ValueError: x has pixels from 255 to 255, this likelihood wants them in [0, 1]: divide by
            255
    """
    check_unmasked(x, name)
    x = np.asarray(x)
    if x.dtype.kind not in "fiub":
        raise TypeError(
            f"{name} holds {x.dtype}, not real numbers: pass a numeric array of images [N, ...]"
        )
    if x.ndim < 2 or (image_shape is not None and x.shape[1:] != tuple(image_shape)):
        wanted = ", ".join(map(str, image_shape)) if image_shape else "..."
        cure = _cure(x.shape, image_shape)
        raise ValueError(f"{name} has shape {x.shape}, a batch [N, {wanted}] is wanted{cure}")
    if x.size == 0:
        raise ValueError(f"{name} has shape {x.shape}: it holds no images")
    low, high = float(x.min()), float(x.max())
    if not (abs(low) <= FLOAT32_MAX and abs(high) <= FLOAT32_MAX):
        raise ValueError(
            f"{name} holds NaN or infinite pixels: replace them or leave those images out"
        )
    if unit_interval and (low < 0 or high > 1):
        found = f"{name} has pixels from {low:.12g} to {high:.12g}"
        raise ValueError(f"{found}, this likelihood wants them in [0, 1]: {_range_cure(low, high)}")
    return x.astype("float32", copy=False)


def _range_cure(low, high):
    if low < -0.01:
        return "map them there ((x + 1) / 2 for [-1, 1]), or use a Gaussian likelihood"
    if high > 255:
        return "divide by the largest level, 65535 for 16 bits"
    return "divide by 255" if high > 2 else "if that is rounding, np.clip(x, 0, 1)"


def _cure(shape, image_shape):
    if image_shape is None or shape == tuple(image_shape):
        return ": add the batch axis with x[None]"
    if (*shape[1:], 1) == tuple(image_shape):
        return ": add the channel axis with x[..., None]"
    return ""


def check_unmasked(x: ArrayLike, name: str) -> None:
    """Refuse a masked array, of which all else would take what lies under the mask.

    Example:
        >>> check_unmasked(np.ma.masked_less([0.1, 0.9], 0.5), "x")
        Traceback (most recent call last):
        ...
        ValueError: x has masked values: fill them or leave those rows out
    """
    if np.ma.is_masked(x):
        raise ValueError(f"{name} has masked values: fill them or leave those rows out")


def check_whole(value: int, name: str, smallest: int = 1) -> int:
    """A whole number of at least `smallest`, as an int.

    Example:
        >>> check_whole(2.5, "n_samples")
        Traceback (most recent call last):
        ...
        TypeError: n_samples is 2.5: pass a whole number of at least 1
    """
    wanted = f"{name} is {value!r}: pass a whole number of at least {smallest}"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(wanted)
    if value < smallest:
        raise ValueError(wanted)
    return int(value)


def check_number(
    value: float, name: str, above: float = -math.inf, least: float = -math.inf
) -> float:
    """One finite number, `> above` and `>= least`, as a float.

    Example:
        >>> check_number(0, "variance", above=0)
        Traceback (most recent call last):
        ...
        ValueError: variance is 0: pass a number above 0
    """
    wanted = f"{name} is {value!r}: pass a number"
    if above > -math.inf:
        wanted += f" above {above}"
    elif least > -math.inf:
        wanted += f" of at least {least}"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(wanted)
    if not (math.isfinite(value) and value > above and value >= least):
        raise ValueError(wanted)
    return float(value)


@contextmanager
def needs_course(room: str) -> Iterator[None]:
    """Around a room's imports of what the extra `course` installs: one line says what lacks.

    Example:
        >>> with needs_course("vaehelpers.losses"):
        ...     import keras_that_nobody_installed
        Traceback (most recent call last):
        ...
        ImportError: vaehelpers.losses needs keras_that_nobody_installed: pip install
            'vaehelpers[course]'
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{room} needs {error.name}: pip install 'vaehelpers[course]'", name=error.name
        ) from None
