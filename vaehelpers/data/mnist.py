"""MNIST digits: 5,000 embedded, all 70,000 from a folder, Keras's cache or downloaded."""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vaehelpers.data.checks import needs_course

SAMPLE_SHA256 = "736b7b1dde925d471ef9ed1491e622d4c7f908249cacc2ee4add81d8179236d4"  # of the file
# of the four arrays' bytes
FULL_SHA256 = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"
ARRAYS = ("x_train", "y_train", "x_test", "y_test")
FULL_SHAPES = ((60000, 28, 28), (60000,), (10000, 28, 28), (10000,))


class Dataset(NamedTuple):
    """Images `[N, 28, 28, 1]`, float32 in [0, 1], and labels `[N]`, integers from 0 to 9."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def data_folder() -> Path:
    """The folder of the course's data files: the repository's, or the package's copy."""
    package = Path(__file__).parent.parent
    inside = package / "_data"
    return inside if inside.is_dir() else package.parent / "data"


def load_mnist(source: str = "sample") -> Dataset:
    """Load MNIST digits.

    The embedded sample holds 4,000 training and 1,000 test digits, as many of each class, in the
    order 0, 1, ..., 9, 0, 1, ... in both parts. "full" is the whole of MNIST: it is read from the
    folder `$VAEHELPERS_DATA`, else from Keras's cache, else downloaded through `keras.datasets`.

    Args:
        source: "sample" or "full".

    Returns:
        A `Dataset`.

    Raises:
        ValueError: for another source, or a file that is truncated or altered (told by its
            SHA-256).
        FileNotFoundError: where the file is nowhere and cannot be downloaded.
        ImportError: where it would be downloaded and Keras is not installed.

    Example:
        >>> digits = load_mnist()
        >>> digits.x_train.shape, digits.x_test.shape
        ((4000, 28, 28, 1), (1000, 28, 28, 1))
        >>> digits.y_test[:10].tolist()
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    if source == "sample":
        path = data_folder() / "mnist_sample.npz"
        check_file(path, SAMPLE_SHA256, "python scripts/build_sample.py")
        arrays = _read_arrays(path)
    elif source == "full":
        arrays = _read_full()
    else:
        raise ValueError(
            f"source is {source!r}: pass 'sample' (5,000 embedded digits) or 'full' (all 70,000)"
        )
    x_train, y_train, x_test, y_test = arrays
    return Dataset(
        _as_images(x_train), y_train.astype("int64"), _as_images(x_test), y_test.astype("int64")
    )


def _as_images(pixels):
    return pixels[..., None].astype("float32") / 255


def check_file(path: Path, sha256: str, maker: str) -> None:
    """Whether a file of the package is what it was; `maker` is the command that makes it anew.

    Raises:
        FileNotFoundError, ValueError: where it is missing, truncated or altered.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: restore it with `git checkout data`, or install the package again"
        )
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise ValueError(
            f"{path} is truncated or altered: its SHA-256 is {found}, not {sha256}. "
            f"Restore it with `git checkout data`, or rebuild it with `{maker}`"
        )


def _read_arrays(path):
    try:
        with open(path, "rb") as file:  # which np.load leaves open where it is damaged
            arrays = np.load(file, allow_pickle=False)
            return [arrays[name] for name in ARRAYS]
    except Exception as error:  # what a damaged archive raises depends on where it is damaged
        raise ValueError(
            f"{path} is truncated or altered ({error}): delete it and fetch it again"
        ) from error


def _read_full():
    folders = [
        os.environ.get("VAEHELPERS_DATA"),
        os.path.join(os.environ.get("KERAS_HOME", "~/.keras"), "datasets"),
    ]
    named = [Path(os.path.expanduser(folder)) for folder in folders if folder]
    paths = [path if path.name == "mnist.npz" else path / "mnist.npz" for path in named]
    path = next((path for path in paths if path.is_file()), None)
    arrays = _read_arrays(path) if path else _download()
    digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
    layout = [(array.shape, array.dtype) for array in arrays]
    if layout != [(shape, np.uint8) for shape in FULL_SHAPES] or digest != FULL_SHA256:
        raise ValueError(
            f"{path or 'the download'} is not MNIST as published: its arrays have shapes "
            f"{[a.shape for a in arrays]}, SHA-256 {digest}, not {FULL_SHAPES}, "
            f"{FULL_SHA256}. Delete it and fetch it again"
        )
    return arrays


def _download():
    with needs_course("the download of MNIST"):
        import keras
    try:
        (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception when its download fails
        raise FileNotFoundError(
            "the whole of MNIST is not on this machine and could not be downloaded: connect to a "
            "network once, or set VAEHELPERS_DATA to a folder that holds mnist.npz "
            f"(it is {os.environ.get('VAEHELPERS_DATA')!r})"
        ) from error
    return [x_train, y_train, x_test, y_test]
