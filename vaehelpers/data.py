"""Digits as NumPy arrays, and the check of images that every door of the package uses."""

import hashlib
import os
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vaehelpers.shapes import Shapes as Shapes
from vaehelpers.shapes import load_shapes as load_shapes

SAMPLE_SHA256 = "736b7b1dde925d471ef9ed1491e622d4c7f908249cacc2ee4add81d8179236d4"  # of the file
FULL_SHA256 = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"  # of the four arrays' bytes
ARRAYS = ("x_train", "y_train", "x_test", "y_test")
FULL_SHAPES = ((60000, 28, 28), (60000,), (10000, 28, 28), (10000,))
FLOAT32_MAX = float(np.finfo("float32").max)


class Dataset(NamedTuple):
    """Images `[N, 28, 28, 1]`, float32 in [0, 1], and labels `[N]`, integers from 0 to 9."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def data_folder():
    """The folder of the course's data files: `data/` of the repository, or its copy inside an installed package."""
    here = Path(__file__).parent
    inside = here / "_data"
    return inside if inside.is_dir() else here.parent / "data"


def load_mnist(source="sample"):
    """Load MNIST digits.

    The embedded sample holds 4,000 training and 1,000 test digits, as many of each class, in the order
    0, 1, ..., 9, 0, 1, ... in both parts. "full" is the whole of MNIST: it is read from the folder
    `$VAEHELPERS_DATA`, else from Keras's cache, else downloaded through `keras.datasets`.

    Args:
        source: "sample" or "full".

    Returns:
        A `Dataset`.

    Raises:
        ValueError: for another source, or a file that is truncated or altered (told by its SHA-256).
        FileNotFoundError: where the file is nowhere and cannot be downloaded.

    Example:
        >>> digits = load_mnist()
        >>> digits.x_train.shape, digits.x_test.shape
        ((4000, 28, 28, 1), (1000, 28, 28, 1))
        >>> digits.y_test[:10].tolist()
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    if source == "sample":
        arrays = _read_sample(data_folder() / "mnist_sample.npz")
    elif source == "full":
        arrays = _read_full()
    else:
        raise ValueError(f"source is {source!r}: pass 'sample' (5,000 embedded digits) or 'full' (all 70,000)")
    x_train, y_train, x_test, y_test = arrays
    return Dataset(_as_images(x_train), y_train.astype("int64"), _as_images(x_test), y_test.astype("int64"))


def _as_images(pixels):
    return pixels[..., None].astype("float32") / 255


def _read_sample(path):
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: restore it with `git checkout data`, or install the package again")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SAMPLE_SHA256:
        raise ValueError(
            f"{path} is truncated or altered: its SHA-256 is {found}, not {SAMPLE_SHA256}. "
            "Restore it with `git checkout data`, or rebuild it with `python scripts/build_sample.py`"
        )
    return _read_arrays(path)


def _read_arrays(path):
    try:
        with open(path, "rb") as file:
            arrays = np.load(file, allow_pickle=False)
            return [arrays[name] for name in ARRAYS]
    except Exception as error:  # what a damaged archive raises depends on where it is damaged
        raise ValueError(f"{path} is truncated or altered ({error}): delete it and fetch it again") from error


def _read_full():
    folders = [os.environ.get("VAEHELPERS_DATA"), os.path.join(os.environ.get("KERAS_HOME", "~/.keras"), "datasets")]
    named = [Path(os.path.expanduser(folder)) for folder in folders if folder]
    paths = [path if path.name == "mnist.npz" else path / "mnist.npz" for path in named]
    path = next((path for path in paths if path.is_file()), None)
    arrays = _read_arrays(path) if path else _download()
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    layout = [(array.shape, array.dtype) for array in arrays]
    if layout != [(shape, np.uint8) for shape in FULL_SHAPES] or digest.hexdigest() != FULL_SHA256:
        raise ValueError(
            f"{path or 'the download'} is not MNIST as published: its arrays have shapes {[a.shape for a in arrays]}, "
            f"SHA-256 {digest.hexdigest()}, not {FULL_SHAPES}, {FULL_SHA256}. Delete it and fetch it again"
        )
    return arrays


def _download():
    import keras

    try:
        (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception when its download fails
        raise FileNotFoundError(
            "the whole of MNIST is not on this machine and could not be downloaded: connect to a network once, "
            f"or set VAEHELPERS_DATA to a folder that holds mnist.npz (it is {os.environ.get('VAEHELPERS_DATA')!r})"
        ) from error
    return [x_train, y_train, x_test, y_test]


def load_images(path, key=None):
    """Load images from an `.npz` file or from a folder of PNG or JPEG files.

    Args:
        path: the file or the folder; a folder's images are taken in the order of their names.
        key: the name of the array in the file; by default its only array.

    Returns:
        float32, `[N, H, W, C]` or as the file's array has it. Whole numbers, which are grey levels from 0 to 255, are
        divided by 255; other numbers are left as they are.

    Raises:
        FileNotFoundError: for a path where nothing is.
        ValueError: for a file that is no `.npz`, several arrays without a key, no images, images of several shapes,
            pixels that are not finite.

    Example:
        >>> load_images(data_folder() / "mnist_sample.npz", key="x_test").shape
        (1000, 28, 28)
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"path is {path}, where nothing is: pass an .npz file or a folder of images")
    images = _read_folder(path) if path.is_dir() else _read_npz(path, key)
    divisor = 255 if images.dtype.kind in "iu" else 1
    return check_images(images, unit_interval=False, name=f"{path.name}") / np.float32(divisor)


def _read_npz(path, key):
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path.name} cannot be read as an .npz file: save it with np.savez")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            names = list(arrays)
            if key is None and len(names) != 1:
                raise ValueError(f"{path.name} holds the arrays {', '.join(names)}: say which with key")
            if key is not None and key not in names:
                raise ValueError(f"key is {key!r}, {path.name} holds {', '.join(names)}")
            return arrays[key or names[0]]
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise ValueError(f"{path.name} cannot be read as an .npz file of arrays: {error}") from error


def _read_folder(path):
    from matplotlib.image import imread

    files = sorted(file for file in path.iterdir() if file.suffix.lower() in (".png", ".jpg", ".jpeg"))
    if not files:
        raise ValueError(f"{path} holds no PNG or JPEG files")
    images = [imread(file) for file in files]
    for file, image in zip(files, images, strict=True):
        if image.shape != images[0].shape or image.dtype != images[0].dtype:
            said = f"{file.name} is {image.shape}, {files[0].name} {images[0].shape}"
            raise ValueError(f"{path} holds images of several kinds ({said}): make them alike")
    return np.stack(images)


def binarize(x, seed=None):
    """Turn grey values into bits: thresholded at 1/2, or drawn with the grey value as the probability of a 1.

    Args:
        x: images, grey values in [0, 1], any shape `[N, ...]`.
        seed: `None` thresholds; a whole number draws `x_bit ~ Bernoulli(x)`, as in Salakhutdinov & Murray (2008).

    Returns:
        An array of x's shape, float32, of zeros and ones.

    Raises:
        ValueError, TypeError: as `check_images`.

    Example:
        >>> binarize(np.array([[0.2, 0.9]])).tolist()
        [[0.0, 1.0]]
        >>> draws = binarize(np.full([1, 10_000], 0.3), seed=0)
        >>> bool(0.28 < draws.mean() < 0.32)
        True
    """
    x = check_images(x)
    threshold = 0.5 if seed is None else np.random.default_rng(seed).random(x.shape, dtype="float32")
    return (x > threshold).astype("float32")


def dequantize(x, seed):
    """Spread each of 256 grey levels evenly over its 256th of [0, 1]: `(255 x + u) / 256`, u uniform on [0, 1).

    A density of exact grey levels has no upper limit: the model may put ever more of it on single values. Of these
    images it has one, and minus its logarithm in bits (`diagnostics.bits_per_dim`) bounds that of the levels.

    Args:
        x: images, grey levels 0, 1/255, ..., 1, any shape `[N, ...]`.
        seed: a whole number.

    Returns:
        An array of x's shape, float32, in [0, 1].

    Raises:
        ValueError, TypeError: as `check_images`.

    Source: Theis, van den Oord & Bethge (2016), section 3.1.

    Example:
        >>> spread = dequantize(np.ones([1, 1000]), seed=0)
        >>> bool(255 / 256 <= spread.min() and spread.max() <= 1 and 0.99 < 256 * (spread.max() - spread.min()) < 1)
        True
    """
    x = check_images(x)
    noise = np.random.default_rng(seed).random(x.shape, dtype="float32")
    return np.minimum((255 * x + noise) / 256, np.float32(1))


def check_images(x, *, unit_interval=True, image_shape=None, name="x"):
    """Check a batch of images once, where it enters, and return it as a float32 NumPy array.

    Args:
        x: images `[N, ...]`, anything that NumPy can read.
        unit_interval: whether pixels outside [0, 1] are an error, as they are for a Bernoulli likelihood.
        image_shape: where given, the shape that x must have behind its first axis.
        name: what the error calls the argument.

    Raises:
        TypeError: where x holds no real numbers.
        ValueError: for no batch axis, another image shape, no images, NaN or infinite pixels, pixels outside [0, 1].

    Example:
        >>> check_images(np.zeros([2, 28, 28, 1])).dtype
        dtype('float32')
        >>> check_images(np.full([2, 28, 28, 1], 255, dtype="uint8"))
        Traceback (most recent call last):
        ...
        ValueError: x has pixels from 255 to 255, this likelihood wants them in [0, 1]: divide by 255
    """
    x = np.asarray(x)
    if x.dtype.kind not in "fiub":
        raise TypeError(f"{name} holds {x.dtype}, not real numbers: pass a numeric array of images [N, ...]")
    if x.ndim < 2 or (image_shape is not None and x.shape[1:] != tuple(image_shape)):
        wanted = ", ".join(map(str, image_shape or ["..."]))
        raise ValueError(f"{name} has shape {x.shape}, a batch [N, {wanted}] is wanted{_cure(x.shape, image_shape)}")
    if x.size == 0:
        raise ValueError(f"{name} has shape {x.shape}: it holds no images")
    low, high = float(x.min()), float(x.max())
    if not (abs(low) <= FLOAT32_MAX and abs(high) <= FLOAT32_MAX):
        raise ValueError(f"{name} holds NaN or infinite pixels: replace them or leave those images out")
    if unit_interval and (low < 0 or high > 1):
        found = f"{name} has pixels from {low:.12g} to {high:.12g}"
        raise ValueError(f"{found}, this likelihood wants them in [0, 1]: {_range_cure(low, high)}")
    return x.astype("float32", copy=False)


def _range_cure(low, high):
    if low < -0.01:
        return "map them there ((x + 1) / 2 for [-1, 1]), or use a Gaussian likelihood"
    return "divide by 255" if high > 2 else "if that is rounding, np.clip(x, 0, 1)"


def _cure(shape, image_shape):
    if image_shape is None or shape == tuple(image_shape):
        return ": add the batch axis with x[None]"
    if (*shape[1:], 1) == tuple(image_shape):
        return ": add the channel axis with x[..., None]"
    return ""
